package org.hetermoe.train.step;

import org.hetermoe.channel.Phase;

/** What sequences go through the model for. */
public enum Mode {
  /** Forward and backward, to train. */
  TRAIN(Phase.DISPATCH, Phase.COMBINE),
  /** Forward alone, to evaluate. */
  EVAL(Phase.EVALUATION_DISPATCH, Phase.EVALUATION_COMBINE);

  private final Phase dispatch;
  private final Phase combine;

  Mode(Phase dispatch, Phase combine) {
    this.dispatch = dispatch;
    this.combine = combine;
  }

  /** Of the frames that carry token rows to experts. */
  public Phase dispatch() {
    return dispatch;
  }

  /** Of the frames that carry expert outputs back. */
  public Phase combine() {
    return combine;
  }
}
