package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signals change nothing about a training: not those of a profiler, nor a storm of them. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class TrainingSignalsTest {
  private static final int STEPS = 100;

  /** A sample of the thread that trains interrupts it, whichever of the two it becomes. */
  private static final Set<String> SAMPLES =
      Set.of("jdk.ExecutionSample", "jdk.NativeMethodSample");

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"DEFAULT", "AVX2"})
  void signalsDoNotShow(String isa) throws IOException, InterruptedException {
    Path recording = folder.resolve("training.jfr");
    List<String> recorded = train(isa, List.of(sampling(recording)));
    assertThat(samples(recording)).isGreaterThan(20);

    Optional<Path> library = StackWatch.compile(folder);
    List<String> arguments = new ArrayList<>();
    library.ifPresent(path -> arguments.add(path.toString()));
    List<String> plain = train(isa, List.of(), arguments.toArray(String[]::new));
    assertThat(recorded).hasSize(STEPS).isEqualTo(plain.subList(0, STEPS));

    if (library.isPresent()) {
      assertThat(plain.subList(STEPS, 2 * STEPS)).isEqualTo(recorded);
      StackWatch.Sightings seen = StackWatch.Sightings.parse(plain.getLast());
      assertThat(seen.all()).isGreaterThan(1000);
      assertThat(seen.outside()).isZero();
    }
  }

  private List<String> train(String isa, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(String.valueOf(STEPS)));
    all.addAll(List.of(arguments));
    ChildJvm.Ending ending =
        new ChildJvm(folder).run(isa, options, TrainedLosses.class, all.toArray(String[]::new));
    assertThat(ending.status()).as(ending.errors()).isZero();
    return ending.lines();
  }

  private static String sampling(Path recording) {
    return "-XX:StartFlightRecording:settings=profile,filename="
        + recording
        + ",jdk.ExecutionSample#period=10ms,jdk.NativeMethodSample#period=10ms";
  }

  private static long samples(Path recording) throws IOException {
    return RecordingFile.readAllEvents(recording).stream()
        .filter(event -> SAMPLES.contains(event.getEventType().getName()))
        .count();
  }
}
