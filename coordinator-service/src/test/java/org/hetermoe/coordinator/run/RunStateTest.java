package org.hetermoe.coordinator.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RunStateTest {
  /** Every transition there is; whatever is added must be added here, on purpose. */
  private static final Map<String, Set<String>> LEGAL =
      Map.of(
          "submitted", Set.of("submitted", "preparing", "completed", "stopped", "failed"),
          "recovering", Set.of("recovering", "preparing", "completed", "stopped", "failed"),
          "preparing", Set.of("running", "recovering", "stopped", "failed"),
          "running", Set.of("stopping", "completed", "recovering", "stopped", "failed"),
          "stopping", Set.of("stopped", "completed", "failed"),
          "completed", Set.of(),
          "stopped", Set.of("submitted"),
          "failed", Set.of("submitted"));

  @Test
  void offersExactlyTheLegalTransitions() throws ReflectiveOperationException {
    Map<String, Set<String>> offered = new TreeMap<>();
    for (String label : LEGAL.keySet()) {
      RunState state = RunState.of(label, "because");
      Set<String> next = new TreeSet<>();
      for (Method method : transitions(state)) {
        next.add(((RunState) method.invoke(state, "and so")).label());
      }
      offered.put(label, next);
    }
    assertThat(offered).containsExactlyInAnyOrderEntriesOf(LEGAL);
  }

  @Test
  void carriesTheReasonOfATransition() {
    assertThat(new RunState.Running("all are prepared").fail("expert-1 is lost"))
        .isEqualTo(new RunState.Failed("expert-1 is lost"));
    assertThat(RunState.of("failed", "expert-1 is lost"))
        .isEqualTo(new RunState.Failed("expert-1 is lost"));
  }

  @Test
  void refusesStatesThatItDoesNotKnow() {
    assertThatThrownBy(() -> RunState.of("asleep", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("asleep");
  }

  private static List<Method> transitions(RunState state) {
    return Stream.of(state.getClass().getDeclaredMethods(), state.getClass().getMethods())
        .flatMap(Arrays::stream)
        .filter(method -> !Modifier.isStatic(method.getModifiers()))
        .filter(method -> RunState.class.isAssignableFrom(method.getReturnType()))
        .toList();
  }
}
