package org.hetermoe.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.Tokenizer;
import org.hetermoe.data.Tokenizers;
import org.hetermoe.generate.Generator.Sampling;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.SeededWeights;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GeneratorTest {
  private static final int WINDOW = 8;

  private final ModelConfig model =
      new ModelConfig(256, 16, 2, 2, 1, 8, 4, 2, 16, 1e4, 1e-5, true, 0.01, 0, 0.2);
  private Compute compute;
  private Tokenizer tokenizer;
  private Generator generator;

  @BeforeEach
  void open() throws Exception {
    compute = Devices.open("cpu", 1);
    tokenizer = Tokenizers.open("bytes");
    generator = new Generator(model, WINDOW, compute, new SeededWeights(model, 3), tokenizer);
  }

  @AfterEach
  void close() {
    generator.close();
    tokenizer.close();
    compute.close();
  }

  @Test
  void theSameSeedWritesTheSameText() throws Exception {
    String once = generator.generate("ab", new Sampling(20, 1, 7), text -> {});

    assertThat(generator.generate("ab", new Sampling(20, 1, 7), text -> {})).isEqualTo(once);
    assertThat(generator.generate("ab", new Sampling(20, 1, 8), text -> {})).isNotEqualTo(once);
  }

  @Test
  void temperatureZeroTakesTheLikeliestTokenWhateverTheSeed() throws Exception {
    assertThat(generator.generate("ab", new Sampling(20, 0, 7), text -> {}))
        .isEqualTo(generator.generate("ab", new Sampling(20, 0, 8), text -> {}));
  }

  @Test
  void aLongPromptFallsOutOfSightExceptForItsEnd() throws Exception {
    String end = "12345678";

    assertThat(generator.generate("far away" + end, new Sampling(5, 0, 1), text -> {}))
        .isEqualTo(generator.generate("quite different" + end, new Sampling(5, 0, 1), text -> {}));
  }

  @Test
  void tellsItsProgressTokenByToken() throws Exception {
    List<String> progress = new ArrayList<>();

    String text = generator.generate("ab", new Sampling(4, 0, 1), progress::add);

    assertThat(progress).hasSize(4);
    assertThat(progress.getLast()).isEqualTo(text);
  }

  @Test
  void refusesWhatCannotBeMeant() {
    assertThatThrownBy(() -> new Sampling(0, 1, 1)).isInstanceOf(InvalidFieldException.class);
    assertThatThrownBy(() -> new Sampling(1, Double.NaN, 1)).hasMessageContaining("--temperature");
    assertThatThrownBy(() -> generator.generate("", new Sampling(1, 0, 1), text -> {}))
        .hasMessageContaining("--prompt");
  }
}
