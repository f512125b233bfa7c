package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

class CheckpointWriterTest {
  private final MemoryCheckpoints store = new MemoryCheckpoints();
  private final List<MemorySegment> copies = new ArrayList<>();
  private int failingCopy = -1;

  @Test
  void aSnapshotThatCannotBeCopiedIsFreedAndTheNextOneIsStored() throws Exception {
    try (Compute real = Devices.open("reference", 1);
        ParameterSet set =
            new ParameterSet(real, DType.F32, Map.of("a", Shape.of(3, 5), "b", Shape.of(7)));
        CheckpointWriter writer =
            new CheckpointWriter(copying(real), store, UUID.randomUUID(), 1, "expert-0")) {
      failingCopy = 4;
      assertThatThrownBy(() -> writer.write(1, action -> action.accept(set), Optional.empty()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the device is lost");
      assertThat(copies).hasSize(4).noneMatch(copy -> copy.scope().isAlive());

      failingCopy = -1;
      writer.write(2, action -> action.accept(set), Optional.of(new LossScaler.State(8, 0, 0)));
      writer.await();
      assertThat(store.tensors(2)).hasSize(7);
      assertThat(copies).noneMatch(copy -> copy.scope().isAlive());
    }
  }

  @Test
  void aWriterThatIsClosedFreesWhatItIsGivenThen() throws Exception {
    try (Compute real = Devices.open("reference", 1);
        ParameterSet set = new ParameterSet(real, DType.F32, Map.of("a", Shape.of(3, 5)))) {
      CheckpointWriter writer =
          new CheckpointWriter(copying(real), store, UUID.randomUUID(), 1, "expert-0");
      writer.close();
      assertThatThrownBy(() -> writer.write(1, action -> action.accept(set), Optional.empty()))
          .isInstanceOf(java.util.concurrent.RejectedExecutionException.class);
      assertThat(copies).hasSize(3).noneMatch(copy -> copy.scope().isAlive());
    }
  }

  /** A device that remembers where it copied to, and fails at one of its copies. */
  private Compute copying(Compute real) {
    return (Compute)
        Proxy.newProxyInstance(
            CheckpointWriterTest.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (_, method, arguments) -> {
              if (method.getName().equals("read")) {
                copies.add((MemorySegment) arguments[1]);
                if (copies.size() == failingCopy) {
                  throw new IllegalStateException("the device is lost");
                }
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
