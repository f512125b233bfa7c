package org.hetermoe.plan;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;

/**
 * The order in which kinds of device become attention workers: by comparative advantage, the kind
 * first that gives up the least expert work for the attention of a sequence. Whatever number of
 * devices attends, those that come first in this order are the ones.
 */
public final class RoleOrder {
  private final ModelShape model;
  private final int length;
  private final Training training;

  /** The order for a model at a length of sequence. */
  public RoleOrder(ModelShape model, int length, Training training) {
    this.model = model;
    this.length = length;
    this.training = training;
  }

  /** Numbers of the kinds, those that attend first before the others, without who cannot attend. */
  public List<Integer> attending(List<DeviceProfile> kinds) {
    return IntStream.range(0, kinds.size())
        .filter(kind -> kinds.get(kind).attention())
        .boxed()
        .sorted(Comparator.comparingDouble(kind -> givenUp(kinds.get(kind))))
        .toList();
  }

  /** Experts that a device could compute, all tokens going to one, while it attends a sequence. */
  private double givenUp(DeviceProfile profile) {
    double rows = (double) length * model.topK();
    double attention =
        training.attentionForwards() * profile.attentionSeconds(model, 1, length, Pass.FORWARD)
            + profile.attentionSeconds(model, 1, length, Pass.BACKWARD);
    double experts =
        training.expertForwards() * profile.expertSeconds(model, rows, Pass.FORWARD)
            + profile.expertSeconds(model, rows, Pass.BACKWARD);
    return attention / experts;
  }
}
