package org.hetermoe.cli.stack;

import java.util.List;
import org.hetermoe.group.WorkerRank;

/**
 * Which workers the stack must have.
 *
 * @param attention number of attention services; 0 leaves them as they are
 * @param experts number of expert services; 0 leaves them as they are
 * @param attentionDevices of attention services that are started: each takes the next, in turn
 * @param expertDevices of expert services that are started
 * @param threads threads of each service that is started
 */
public record WorkerServices(
    int attention,
    int experts,
    List<String> attentionDevices,
    List<String> expertDevices,
    int threads) {
  public WorkerServices {
    attentionDevices = List.copyOf(attentionDevices);
    expertDevices = List.copyOf(expertDevices);
    if (attentionDevices.isEmpty() || expertDevices.isEmpty()) {
      throw new IllegalArgumentException("each role needs a device");
    }
  }

  /** The device of a worker that is started. */
  String device(WorkerRank worker) {
    List<String> devices =
        switch (worker.role()) {
          case ATTENTION -> attentionDevices;
          case EXPERT -> expertDevices;
        };
    return devices.get(worker.rank() % devices.size());
  }
}
