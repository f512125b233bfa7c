package org.hetermoe.compute.cuda.compile;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.emulator.EmulatedCuda;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a test where NVRTC is missing, and says so; the emulator brings one along. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresNvrtc.Condition.class)
public @interface RequiresNvrtc {
  /** Looks for NVRTC. */
  final class Condition implements ExecutionCondition {
    /** The directory in which the library was found first, for child processes. */
    static String directory() {
      return Nvrtc.find(Nvrtc.NEWEST_DRIVER)
          .path()
          .orElseThrow()
          .toAbsolutePath()
          .getParent()
          .toString();
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      try {
        if (EmulatedCuda.unavailable().isEmpty()) {
          EmulatedCuda.start(70, 75, 80, 90);
        }
        return ConditionEvaluationResult.enabled(
            Nvrtc.find(Nvrtc.NEWEST_DRIVER) + " from " + directory());
      } catch (ComputeUnavailableException e) {
        return ConditionEvaluationResult.disabled(e.getMessage());
      }
    }
  }
}
