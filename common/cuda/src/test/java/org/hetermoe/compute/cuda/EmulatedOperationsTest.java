package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

class EmulatedOperationsTest {

  /** Not a test of its own: the tests that are counted. */
  static class Counted {
    @ParameterizedTest
    @CsvSource({"70,true", "70,true", "80,true", "90,true"})
    void passes(int capability, boolean raceChecked, TestReporter reporter) {
      EmulatedOperations.publish(reporter, description(capability), raceChecked);
    }

    @ParameterizedTest
    @CsvSource({"75", "80"})
    void fails(int capability, TestReporter reporter) {
      EmulatedOperations.publish(reporter, description(capability), true);
      fail("after it was published");
    }

    @Test
    void comparesNothing() {}
  }

  static class Unchecked {
    @Test
    void passes(TestReporter reporter) {
      EmulatedOperations.publish(reporter, description(75), false);
    }
  }

  static class Nothing {
    @Test
    void comparesNothing() {}
  }

  private static String description(int capability) {
    return "cuda:0 (Emulated GPU sm_%d (no hardware), 4 GiB)".formatted(capability);
  }

  private static List<String> linesOf(Class<?>... classes) {
    List<String> lines = new ArrayList<>();
    LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request();
    for (Class<?> each : classes) {
      request.selectors(selectClass(each));
    }
    LauncherConfig alone =
        LauncherConfig.builder().enableTestExecutionListenerAutoRegistration(false).build();
    LauncherFactory.create(alone)
        .execute(request.forExecution().listeners(new EmulatedOperations(lines::add)).build());
    return lines;
  }

  @Test
  void whatSucceededIsCounted() {
    assertThat(linesOf(Counted.class))
        .containsExactly(
            "Emulated GPUs: sm_70 2, sm_80 1, sm_90 1 operations against reference,"
                + " race check on");
    assertThat(linesOf(Counted.class, Unchecked.class))
        .containsExactly(
            "Emulated GPUs: sm_70 2, sm_75 1, sm_80 1, sm_90 1 operations against reference,"
                + " race check off for 1");
  }

  @Test
  void whereNothingRanNothingIsSaid() {
    assertThat(linesOf(Nothing.class)).isEmpty();
  }

  @Test
  void otherDevicesAreNotCounted() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmulatedOperations.publish((TestReporter) null, "cpu (8 cores)", true))
        .withMessage("not an emulated device: cpu (8 cores)");
  }
}
