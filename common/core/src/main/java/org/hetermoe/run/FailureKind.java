package org.hetermoe.run;

/** What kind of thing went wrong when a worker failed: what to do next depends on it. */
public enum FailureKind {
  /** Another member of the run cannot be reached; the worker itself is well. */
  PEER,

  /** Anything else. */
  OTHER
}
