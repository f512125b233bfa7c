package org.hetermoe.simulate;

/** A way to train on a cluster. */
interface TrainingSystem {
  /** Trains one batch of so many sequences. */
  SystemResult train(Scenario scenario, int sequences);

  /** Whether such a batch fits the devices' memory. */
  boolean fits(Scenario scenario, int sequences);
}
