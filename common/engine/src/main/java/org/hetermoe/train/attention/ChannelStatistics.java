package org.hetermoe.train.attention;

import java.util.HashMap;
import java.util.Map;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.RouterStatistics;

/** Router statistics over a channel: everybody tells everybody. */
final class ChannelStatistics implements StatisticsExchange {
  private final RankChannel channel;
  private final GroupPlan plan;
  private final Map<Integer, RouterStatistics> own = new HashMap<>();
  private final Map<Integer, RouterStatistics> groups = new HashMap<>();

  ChannelStatistics(RankChannel channel, GroupPlan plan) {
    this.channel = channel;
    this.plan = plan;
  }

  @Override
  public void share(int microBatch, RouterStatistics statistics) throws InterruptedException {
    own.put(microBatch, statistics);
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      if (rank != channel.self().rank()) {
        channel.send(
            WorkerRank.attention(rank),
            Phase.ROUTER_STATISTICS,
            subject(microBatch),
            RouterStatistics.CODEC,
            statistics);
      }
    }
  }

  @Override
  public RouterStatistics group(int microBatch) throws InterruptedException {
    int experts = plan.model().experts();
    RouterStatistics sum = new RouterStatistics(experts);
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      if (rank == channel.self().rank()) {
        sum.add(own.remove(microBatch));
      } else {
        sum.add(
            channel.receive(
                WorkerRank.attention(rank),
                Phase.ROUTER_STATISTICS,
                subject(microBatch),
                RouterStatistics.CODEC));
      }
    }
    groups.put(microBatch, sum);
    return sum;
  }

  /** Of all layers. */
  private static Subject subject(int microBatch) {
    return new Subject.MicroBatch(0, microBatch);
  }

  /** What {@link #group} gave for a micro-batch, and forgets it. */
  RouterStatistics takeGroup(int microBatch) {
    return groups.remove(microBatch);
  }
}
