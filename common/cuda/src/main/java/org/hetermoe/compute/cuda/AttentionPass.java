package org.hetermoe.compute.cuda;

/** The kernels of attention, which walk over the scores in three ways. */
enum AttentionPass {
  /** Outputs: a block of queries walks over the keys before them. */
  FORWARD("attention"),
  /** Gradients of queries: as forward. */
  BACKWARD_QUERY("attention_backward_query"),
  /** Gradients of keys and values: a block of keys walks over the queries after them. */
  BACKWARD_KEY("attention_backward_key");

  private final String operation;

  AttentionPass(String operation) {
    this.operation = operation;
  }

  /** The kernel's name without its type. */
  String operation() {
    return operation;
  }
}
