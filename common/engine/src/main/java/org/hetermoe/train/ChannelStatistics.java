package org.hetermoe.train;

import java.util.HashMap;
import java.util.Map;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.GroupPlan;

/** Router statistics over a channel: everybody tells everybody. */
final class ChannelStatistics implements StatisticsExchange {
  private final GroupLink link;
  private final GroupPlan plan;
  private final Map<Integer, RouterStatistics> own = new HashMap<>();
  private final Map<Integer, RouterStatistics> groups = new HashMap<>();

  ChannelStatistics(GroupLink link, GroupPlan plan) {
    this.link = link;
    this.plan = plan;
  }

  @Override
  public void share(int microBatch, RouterStatistics statistics) throws InterruptedException {
    own.put(microBatch, statistics);
    int size = RouterStatistics.tableSize(plan.model().experts());
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      if (rank != link.self().rank()) {
        link.sendTable(
            WorkerRank.attention(rank),
            Phase.ROUTER_STATISTICS,
            0,
            microBatch,
            size,
            statistics::write);
      }
    }
  }

  @Override
  public RouterStatistics group(int microBatch) throws InterruptedException {
    int experts = plan.model().experts();
    RouterStatistics sum = new RouterStatistics(experts);
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      if (rank == link.self().rank()) {
        sum.add(own.remove(microBatch));
      } else {
        try (Frame frame =
            link.receive(Phase.ROUTER_STATISTICS, 0, microBatch, WorkerRank.attention(rank))) {
          sum.add(RouterStatistics.read(frame.table(), experts));
        }
      }
    }
    groups.put(microBatch, sum);
    return sum;
  }

  /** What {@link #group} gave for a micro-batch, and forgets it. */
  RouterStatistics takeGroup(int microBatch) {
    return groups.remove(microBatch);
  }
}
