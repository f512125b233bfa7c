package org.hetermoe.compute;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.hetermoe.tensor.DType;

/**
 * What the types of {@link Compute} mean, put plainly: a device that computes in F32 alone, on
 * operands that it takes from 16 bits and puts back there, rounded once.
 */
final class RoundedTwin {
  private static final List<String> NO_ARITHMETIC =
      List.of("allocate", "zeros", "fill", "copy", "convert", "write", "read", "close");

  private RoundedTwin() {}

  /** The twin of a device, which stays the caller's. */
  static Compute of(Compute real) {
    return (Compute)
        Proxy.newProxyInstance(
            RoundedTwin.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (proxy, method, arguments) -> {
              try {
                if (NO_ARITHMETIC.contains(method.getName())) {
                  return method.invoke(real, arguments);
                }
                IdentityHashMap<Tensor, Tensor> singles = new IdentityHashMap<>();
                Object[] inSingle = new Object[arguments.length];
                for (int i = 0; i < arguments.length; i++) {
                  inSingle[i] = single(real, arguments[i], singles);
                }
                Object result = method.invoke(real, inSingle);
                singles.forEach(
                    (stored, exact) -> {
                      real.convert(exact, stored);
                      exact.close();
                    });
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static Object single(
      Compute real, Object argument, IdentityHashMap<Tensor, Tensor> singles) {
    if (argument instanceof List<?> list) {
      List<Object> all = new ArrayList<>();
      list.forEach(each -> all.add(single(real, each, singles)));
      return all;
    }
    if (!(argument instanceof Tensor tensor)
        || tensor.dtype() == DType.F32
        || tensor.dtype() == DType.I32) {
      return argument;
    }
    return singles.computeIfAbsent(
        tensor,
        stored -> {
          Tensor exact = real.allocate(DType.F32, stored.shape());
          real.convert(stored, exact);
          return exact;
        });
  }
}
