package org.hetermoe.device;

/** Which way through a layer. */
public enum Pass {
  FORWARD,
  /** Gradients of inputs and weights, without recomputation of the forward. */
  BACKWARD
}
