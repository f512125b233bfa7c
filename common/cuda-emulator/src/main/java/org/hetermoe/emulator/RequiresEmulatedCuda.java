package org.hetermoe.emulator;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Skips a test, saying why, where {@link EmulatedCuda} cannot be built or has no compiler of
 * kernels.
 */
@Documented
@Inherited
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresEmulatedCuda.Condition.class)
public @interface RequiresEmulatedCuda {

  /** The condition behind the annotation. */
  final class Condition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return EmulatedCuda.unavailable()
          .map(why -> ConditionEvaluationResult.disabled("no emulated GPU: " + why))
          .orElseGet(() -> ConditionEvaluationResult.enabled("emulated GPUs can be had"));
    }
  }
}
