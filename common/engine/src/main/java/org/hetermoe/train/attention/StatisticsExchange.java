package org.hetermoe.train.attention;

import org.hetermoe.train.step.RouterStatistics;

/** How the attention workers of a group learn each other's router statistics of a micro-batch. */
public interface StatisticsExchange {
  /** Tells the others; called once per micro-batch, after its last layer has routed. */
  void share(int microBatch, RouterStatistics own) throws InterruptedException;

  /** The sum over all attention workers, in the order of ranks; waits for the others'. */
  RouterStatistics group(int microBatch) throws InterruptedException;
}
