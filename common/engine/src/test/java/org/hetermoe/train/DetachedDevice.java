package org.hetermoe.train;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.hetermoe.compute.Completion;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * A device whose memory is not the host's, for tests of what may be assumed of one: tensors for
 * transfers are apart from their buffers, and a download is in the buffer only once its completion
 * was awaited; before that there is noise. It computes as the processor's device does.
 */
final class DetachedDevice {
  private static final byte NOISE = (byte) 0xff;

  private DetachedDevice() {}

  /** A device; closed by whoever opened it. */
  static Compute open() {
    Compute real = Devices.open("cpu", 1);
    return (Compute)
        Proxy.newProxyInstance(
            DetachedDevice.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "transferTensor" ->
                      real.allocate((DType) arguments[1], (Shape) arguments[2]);
                  case "download" ->
                      new Download(real, (Tensor) arguments[0], (MemorySegment) arguments[1]);
                  default -> {
                    try {
                      yield method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                      throw e.getCause();
                    }
                  }
                });
  }

  /** Takes the elements when it is called for, and delivers them when it is waited for. */
  private static final class Download implements Completion {
    private final MemorySegment target;
    private final MemorySegment taken;
    private boolean done;

    Download(Compute real, Tensor source, MemorySegment target) {
      this.target = target;
      this.taken =
          Arena.ofAuto().allocate(Math.max(1, source.bytes()), 64).asSlice(0, source.bytes());
      real.read(source, taken);
      target.fill(NOISE);
    }

    @Override
    public boolean isDone() {
      return done;
    }

    @Override
    public void await() {
      if (!done) {
        target.copyFrom(taken);
        done = true;
      }
    }
  }
}
