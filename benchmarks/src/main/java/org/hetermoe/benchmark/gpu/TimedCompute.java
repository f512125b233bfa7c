package org.hetermoe.benchmark.gpu;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.hetermoe.compute.Compute;

/** A device that waits after each operation and counts the time by the operation's name. */
final class TimedCompute {
  /** What allocates or asks, and starts nothing on the device. */
  private static final Set<String> NO_OPERATION =
      Set.of(
          "allocate",
          "close",
          "description",
          "mark",
          "memory",
          "memoryBytes",
          "refusal",
          "synchronize",
          "transferTensor");

  private final Compute device;
  private final Map<String, Long> nanos = new HashMap<>();

  TimedCompute(Compute device) {
    this.device = device;
  }

  /** The device, whose operations are timed. */
  Compute compute() {
    return (Compute)
        Proxy.newProxyInstance(
            Compute.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (_, method, arguments) -> timed(method, arguments));
  }

  private Object timed(Method method, Object[] arguments) throws Throwable {
    if (NO_OPERATION.contains(method.getName())) {
      return invoke(method, arguments);
    }
    device.synchronize();
    long begin = System.nanoTime();
    Object result = invoke(method, arguments);
    device.synchronize();
    nanos.merge(method.getName(), System.nanoTime() - begin, Long::sum);
    return result;
  }

  private Object invoke(Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(device, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Forgets what was counted. */
  void reset() {
    nanos.clear();
  }

  /** Seconds of all operations. */
  double totalSeconds() {
    return nanos.values().stream().mapToLong(Long::longValue).sum() * 1e-9;
  }

  /** Calls {@code action} with each operation and its seconds, most first. */
  void forEach(BiConsumer<String, Double> action) {
    nanos.entrySet().stream()
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .forEach(entry -> action.accept(entry.getKey(), entry.getValue() * 1e-9));
  }
}
