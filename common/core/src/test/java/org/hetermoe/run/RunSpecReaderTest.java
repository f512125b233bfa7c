package org.hetermoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RunSpecReaderTest {
  private static final List<String> NO_OVERRIDES = List.of();

  @Test
  void anEmptyFileIsTheDefaults() {
    RunSpec defaults = RunSpecReader.defaults();

    assertThat(RunSpecReader.read("", NO_OVERRIDES)).isEqualTo(defaults);
    assertThat(RunSpecReader.read("# nothing but a remark\n", NO_OVERRIDES)).isEqualTo(defaults);
    assertThat(RunSpecReader.read("{}", NO_OVERRIDES)).isEqualTo(defaults);
    assertThat(defaults.channel()).isEqualTo(ChannelKind.DIRECT);
    assertThat(defaults.model().normEpsilon()).isEqualTo(1e-5);
    assertThat(defaults.workers().expertCounts()).isEmpty();
  }

  @Test
  void whatIsGivenReplacesTheDefaultsAndNothingElse() {
    RunSpec spec =
        RunSpecReader.read(
            """
            name: "2024"
            seed: -9223372036854775808
            channel: kafka
            model:
              hidden: 64
              rope_theta: 5000
            optimizer: {learning_rate: 3e-4, weight_decay: 0}
            workers:
              experts: 3
              expert_counts: [4, 3, 1]
            """,
            NO_OVERRIDES);

    assertThat(spec.name()).isEqualTo("2024");
    assertThat(spec.seed()).isEqualTo(Long.MIN_VALUE);
    assertThat(spec.channel()).isEqualTo(ChannelKind.KAFKA);
    assertThat(spec.model().hidden()).isEqualTo(64);
    assertThat(spec.model().ropeTheta()).isEqualTo(5000.0);
    assertThat(spec.model().layers()).isEqualTo(RunSpecReader.defaults().model().layers());
    assertThat(spec.optimizer().learningRate()).isEqualTo(3e-4);
    assertThat(spec.optimizer().weightDecay()).isZero();
    assertThat(spec.workers().expertCounts()).containsExactly(4, 3, 1);
    assertThat(spec.data()).isEqualTo(RunSpecReader.defaults().data());
  }

  @Test
  void aPrecisionIsOneForBothSidesOrOneForEach() {
    assertThat(RunSpecReader.defaults().precision()).isEqualTo(PrecisionSpec.FP32);
    assertThat(RunSpecReader.read("precision: bf16", NO_OVERRIDES).precision())
        .isEqualTo(new PrecisionSpec(DType.BF16, DType.BF16));
    PrecisionSpec mixed = new PrecisionSpec(DType.BF16, DType.F16);
    for (String override :
        List.of("precision={attention: bf16, experts: fp16}", "precision.experts=fp16")) {
      RunSpec spec = RunSpecReader.read("precision: bf16", List.of(override));
      assertThat(spec.precision()).isEqualTo(mixed);
      assertThat(RunSpecReader.read(RunSpecReader.toYaml(spec), NO_OVERRIDES)).isEqualTo(spec);
    }
    assertThat(GroupPrecision.of(mixed).dispatch()).isEqualTo(DType.F16);
    assertThat(GroupPrecision.of(mixed).scalesLoss()).isTrue();
    assertThat(GroupPrecision.of(mixed).label())
        .isEqualTo("attention bf16, experts fp16, frames fp16");
    assertThat(GroupPrecision.of(new PrecisionSpec(DType.BF16, DType.F32)).combine())
        .isEqualTo(DType.BF16);
    assertThat(GroupPrecision.of(new PrecisionSpec(DType.BF16, DType.BF16)).scalesLoss()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "precision=half        | precision.attention | one of fp32, bf16, fp16, is 'half'",
        "precision.experts=F16 | precision.experts   | one of fp32, bf16, fp16, is 'F16'",
        "precision=16          | precision           | must be text, or a map of attention and exp",
        "precision.expert=bf16 | precision.expert    | did you mean 'precision.experts'?",
        "training.recompute=all| training.recompute  | one of none, attention, full, is 'all'",
        "training.loss_scale.initial=1000 | training.loss_scale.initial | a power of two",
        "training.loss_scale.growth_steps=0 | training.loss_scale.growth_steps | between 1 and"
      })
  void aPrecisionThatIsNoneNamesTheFieldAndTheChoice(
      String override, String field, String problem) {
    assertThatThrownBy(() -> RunSpecReader.read("", List.of(override)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining(field)
        .hasMessageContaining(problem);
  }

  /** A coordinator keeps plans and placements in memory, which such sizes exhaust. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.layers=40000        | model.layers      | must be at most 1024, is 40000",
        "model.experts=40000       | model.experts     | must be at most 4096, is 40000",
        "model.vocabulary=2000000000 | model.vocabulary | must be at most 16777216",
        "model.hidden=2000000000   | model.hidden      | must be at most 262144",
        "model.heads=40000         | model.heads       | must be at most 8192",
        "model.head_dim=40000      | model.head_dim    | must be at most 8192",
        "model.expert_width=2000000000 | model.expert_width | must be at most 4194304",
        "workers.attention=40000   | workers.attention | must be at most 1024, is 40000",
        "workers.experts=40000     | workers.experts   | must be at most 1024, is 40000",
        "data.sequence_length=2000000000 | data.sequence_length | must be at most 16777216",
        "training.batch_sequences=2000000000 | training.batch_sequences | must be at most 1048576",
        "training.evaluate_sequences=2000000000 | training.evaluate_sequences | at most 1048576"
      })
  void aSizeBeyondItsBoundNamesTheFieldAndTheBound(String override, String field, String problem) {
    assertThatThrownBy(() -> RunSpecReader.read("", List.of(override)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining(field)
        .hasMessageContaining(problem);
  }

  @Test
  void sizesThatAreTooLargeTogetherNameWhatToReduce() {
    assertThatThrownBy(
            () -> RunSpecReader.read("model: {layers: 1024, experts: 4096}", NO_OVERRIDES))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessage(
            "model.experts: must be at most 128 with 1024 layers, 131072 experts in all, is 4096:"
                + " use fewer experts or fewer layers");
    assertThatThrownBy(
            () ->
                RunSpecReader.read(
                    "training: {batch_sequences: 100000, micro_batches: 100000}", NO_OVERRIDES))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessage("training.micro_batches: must be at most 1024, is 100000");
    // The largest models that are trained today are far below
    RunSpecReader.read("model: {layers: 96, experts: 512}", NO_OVERRIDES);
  }

  @Test
  void readsJsonAndTrees() throws IOException {
    String json = "{\n\t\"training\": {\"steps\": 20},\n\t\"name\": \"j\\u0020k\"\n}";

    RunSpec spec = RunSpecReader.read(json, NO_OVERRIDES);

    assertThat(spec.training().steps()).isEqualTo(20);
    assertThat(spec.name()).isEqualTo("j k");
    JsonNode tree = Json.MAPPER.readTree(json);
    assertThat(RunSpecReader.read(tree, NO_OVERRIDES)).isEqualTo(spec);
    assertThat(RunSpecReader.read("{training: {steps: 20}, name: j k}", NO_OVERRIDES))
        .isEqualTo(spec);
  }

  @Test
  void overridesWinAndLaterOnesWinOverEarlier() {
    RunSpec spec =
        RunSpecReader.read(
            "training: {steps: 50}\n",
            List.of(
                "training.steps=60",
                "training.steps=70",
                "optimizer.learning_rate=1e-2",
                "name=42",
                "data.source=/tmp/a=b: c.txt",
                "model.tied_embeddings=true",
                "workers={experts: 2, expert_counts: [5, 3]}",
                "workers.attention= 3"));

    assertThat(spec.training().steps()).isEqualTo(70);
    assertThat(spec.optimizer().learningRate()).isEqualTo(0.01);
    assertThat(spec.name()).isEqualTo("42");
    assertThat(spec.data().source()).isEqualTo("/tmp/a=b: c.txt");
    assertThat(spec.model().tiedEmbeddings()).isTrue();
    assertThat(spec.workers()).isEqualTo(new WorkersSpec(3, WorkerRange.of(2), List.of(5, 3)));
  }

  @Test
  void whatItWritesItReadsAgain() {
    RunSpec spec =
        RunSpecReader.read(
            "name: 'yes: [no] \"#\" ü'\n",
            List.of(
                "seed=9007199254740993",
                "model.rope_theta=1e10",
                "optimizer.epsilon=1e-12",
                "workers.expert_counts=[8]",
                "channel=memory"));

    assertThat(RunSpecReader.read(RunSpecReader.toYaml(spec), NO_OVERRIDES)).isEqualTo(spec);
    assertThat(RunSpecReader.read(RunSpecReader.toJson(spec), NO_OVERRIDES)).isEqualTo(spec);
    assertThat(RunSpecReader.toYaml(spec)).contains("batch_sequences:").contains("rope_theta:");
  }

  static List<Arguments> malformed() {
    return List.of(
        bad("modle: {hidden: 3}", "modle", "did you mean 'model'?"),
        bad("model: {hiden: 3}", "model.hiden", "did you mean 'model.hidden'?"),
        bad("model: {topk: 3}", "model.topk", "did you mean 'model.top_k'?"),
        bad("steps: 3", "steps", "did you mean 'training.steps'?"),
        bad("model: {dropout: 0.1}", "model.dropout", "'model' has vocabulary, hidden"),
        bad("nonsense: 1", "nonsense", "there are name, seed"),
        bad("training: {steps: ten}", "training.steps", "must be a whole number, is 'ten'"),
        bad("training: {steps: '10'}", "training.steps", "must be a whole number, is '10'"),
        bad("training: {steps: 10.0}", "training.steps", "must be a whole number, is 10.0"),
        bad("training: {steps: 1.5}", "training.steps", "must be a whole number, is 1.5"),
        bad("training: {steps: 1e3}", "training.steps", "must be a whole number, is 1000.0"),
        bad("training: {steps: true}", "training.steps", "must be a whole number, is true"),
        bad("training: {steps: [10]}", "training.steps", "must be a whole number, is a list"),
        bad("training: {steps: {a: 1}}", "training.steps", "must be a whole number, is a map"),
        bad("training: {steps: }", "training.steps", "has no value"),
        bad("training: {steps: null}", "training.steps", "leave the field out and it is 100"),
        bad("training: {steps: 0}", "training.steps", "must be at least 1"),
        bad("training: {steps: -5}", "training.steps", "must be at least 1, is -5"),
        bad("training: {steps: 3000000000}", "training.steps", "must lie between"),
        bad("seed: 9223372036854775808", "seed", "must fit 64 bits"),
        bad("seed: " + "9".repeat(500), "seed", "too many digits"),
        bad("seed: 1.5", "seed", "must be a whole number"),
        bad("training:", "training", "has no value"),
        bad("training: 5", "training", "must be a map of fields, is 5"),
        bad("training: [1, 2]", "training", "must be a map of fields, is a list"),
        bad("model: {tied_embeddings: 'yes'}", "model.tied_embeddings", "true or false, is 'yes'"),
        bad("model: {tied_embeddings: 1}", "model.tied_embeddings", "true or false, is 1"),
        bad("optimizer: {learning_rate: fast}", "optimizer.learning_rate", "must be a number"),
        bad("optimizer: {learning_rate: '0.1'}", "optimizer.learning_rate", "must be a number"),
        bad("optimizer: {learning_rate: -1}", "optimizer.learning_rate", "greater than 0"),
        bad("optimizer: {learning_rate: .inf}", "optimizer.learning_rate", "finite"),
        bad("optimizer: {learning_rate: .nan}", "optimizer.learning_rate", "finite"),
        bad("optimizer: {learning_rate: 1e999}", "optimizer.learning_rate", "finite"),
        bad("optimizer: {learning_rate: 1.0e+999}", "optimizer.learning_rate", "finite"),
        bad("name: 5", "name", "must be text, is 5; put it in quotes"),
        bad("name: ''", "name", "1 to 200 characters"),
        bad("name: [a]", "name", "must be text, is a list"),
        bad("channel: smoke", "channel", "must be one of memory, direct, kafka, is 'smoke'"),
        bad("channel: DIRECT", "channel", "must be one of memory, direct, kafka"),
        bad("channel: 1", "channel", "must be text"),
        bad("model: {hidden: -64}", "model.hidden", "must be at least 1, is -64"),
        bad("model: {top_k: 9}", "model.top_k", "must not exceed experts (8), is 9"),
        bad("model: {heads: 4, kv_heads: 3}", "model.kv_heads", "must divide heads"),
        bad("model: {vocabulary: 100}", "model.vocabulary", "at least 256"),
        bad("data: {held_out: 1}", "data.held_out", "between 0 and 1"),
        bad("data: {source: ''}", "data.source", "must name"),
        bad("workers: {expert_counts: 4}", "workers.expert_counts", "must be a list"),
        bad("workers: {expert_counts: [8.5]}", "workers.expert_counts[0]", "whole number"),
        bad("workers: {expert_counts: [null]}", "workers.expert_counts[0]", "is nothing"),
        bad("workers: {expert_counts: [4, 4]}", "workers.expert_counts", "1 expert workers"),
        bad("workers: {expert_counts: [7]}", "workers.expert_counts", "add up to model.experts"),
        bad("seed: 1\nseed: 2", "seed", "stands twice"),
        bad("model: {hidden: 1, hidden: 2}", "model.hidden", "stands twice"),
        bad("{\"model\": {\"hidden\": 1, \"hidden\": 2}}", "model.hidden", "stands twice"),
        bad("model: &m {hidden: 64}\ndata: *m", "data", "is an alias (*m)"),
        bad("? {a: b}\n: c", RunSpecReader.WHOLE, "not YAML"),
        bad("model: [", RunSpecReader.WHOLE, "not YAML"),
        bad("model:\n\thidden: 3", RunSpecReader.WHOLE, "line 2"),
        bad("{\"model\": ", RunSpecReader.WHOLE, "not JSON"),
        bad("- name: x", RunSpecReader.WHOLE, "must be a map of fields, is a list"),
        bad("just words", RunSpecReader.WHOLE, "must be a map of fields, is 'just words'"),
        bad("null", RunSpecReader.WHOLE, "must be a map of fields, is nothing"),
        bad("name: a\n---\nname: b", RunSpecReader.WHOLE, "more than one document"),
        bad("{\"name\": \"a\"} {\"name\": \"b\"}", RunSpecReader.WHOLE, "more than one document"),
        bad("\u0000\u0001\u0002", RunSpecReader.WHOLE, "not YAML"),
        bad("# " + "x".repeat(1 << 20), RunSpecReader.WHOLE, "larger than 1 MiB"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("malformed")
  void namesTheFieldAndTheFix(String text, String field, String problem) {
    assertRejected(() -> RunSpecReader.read(text, NO_OVERRIDES), field, problem);
  }

  static List<Arguments> malformedOverrides() {
    return List.of(
        bad("training.step=5", "training.step", "did you mean 'training.steps'?"),
        bad("training.steps.x=5", "training.steps.x", "did you mean 'training.steps'?"),
        bad("steps=5", "steps", "did you mean 'training.steps'?"),
        bad("training.=5", "training.", "did you mean"),
        bad("..=5", "..", "is no field"),
        bad("training.steps", "training.steps", "has the form path=value"),
        bad("=5", "=5", "has the form path=value"),
        bad("", RunSpecReader.WHOLE, "has the form path=value"),
        bad("training.steps=", "training.steps", "has no value"),
        bad("training.steps=ten", "training.steps", "must be a whole number, is 'ten'"),
        bad("training.steps=[", "training.steps", "is not a value in YAML"),
        bad("training.steps=1\n---\n2", "training.steps", "more than one document"),
        bad("training=5", "training", "must be a map"),
        bad("training={steps: x}", "training.steps", "must be a whole number"),
        bad("workers.expert_counts=[1, x]", "workers.expert_counts[1]", "must be a whole number"),
        bad("workers.expert_counts[0]=1", "workers.expert_counts[0]", "is no field"),
        bad("name=", "name", "1 to 200 characters"),
        bad("channel=pigeon", "channel", "must be one of"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("malformedOverrides")
  void namesTheOverridesFieldAndTheFix(String override, String field, String problem) {
    assertRejected(() -> RunSpecReader.read("", List.of(override)), field, problem);
  }

  @Test
  void refusesATreeThatIsNoMap() throws IOException {
    JsonNode list = Json.MAPPER.readTree("[1]");
    assertRejected(
        () -> RunSpecReader.read(list, NO_OVERRIDES), RunSpecReader.WHOLE, "must be a map");
    JsonNode half = Json.MAPPER.readTree("{\"training\": {\"steps\": 0.5}}");
    assertRejected(
        () -> RunSpecReader.read(half, NO_OVERRIDES), "training.steps", "must be a whole number");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{a: ", "- "})
  void refusesDeepNestingCheaply(String nesting) {
    String text = "model: " + nesting.repeat(300_000 / nesting.length());
    long start = System.nanoTime();

    assertThatThrownBy(() -> RunSpecReader.read(text, NO_OVERRIDES))
        .isInstanceOf(InvalidFieldException.class);

    assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
  }

  @Test
  void refusesAnAliasBombCheaply() {
    StringBuilder bomb = new StringBuilder("a: &a [x, x]\n");
    for (char level = 'b'; level < 'z'; level++) {
      char before = (char) (level - 1);
      bomb.append("%s: &%s [*%s, *%s, *%s]\n".formatted(level, level, before, before, before));
    }
    assertRejected(
        () -> RunSpecReader.read(bomb.toString(), NO_OVERRIDES), "b[0]", "is an alias (*a)");
  }

  @Test
  void namesTheFileThatCannotBeRead(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("run.yaml");
    assertRejected(
        () -> RunSpecReader.read(file, NO_OVERRIDES), RunSpecReader.WHOLE, file.toString());
    assertRejected(
        () -> RunSpecReader.read(folder, NO_OVERRIDES), RunSpecReader.WHOLE, folder.toString());
    Files.write(file, new byte[] {'a', ':', ' ', (byte) 0xff});
    assertRejected(() -> RunSpecReader.read(file, NO_OVERRIDES), RunSpecReader.WHOLE, "UTF-8");
    Files.write(file, new byte[(1 << 20) + 1]);
    assertRejected(() -> RunSpecReader.read(file, NO_OVERRIDES), RunSpecReader.WHOLE, "1 MiB");
    Files.writeString(file, "training: {steps: 33}\n");
    assertThat(RunSpecReader.read(file, List.of("seed=8")).training().steps()).isEqualTo(33);
  }

  private static Arguments bad(String text, String field, String problem) {
    return Arguments.of(text, field, problem);
  }

  private static void assertRejected(ThrowingCallable call, String field, String problem) {
    assertThatThrownBy(call)
        .asInstanceOf(type(InvalidFieldException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection.field()).isEqualTo(field);
              assertThat(rejection).hasMessageStartingWith(field + ": ");
              assertThat(rejection).hasMessageContaining(problem);
            });
  }
}
