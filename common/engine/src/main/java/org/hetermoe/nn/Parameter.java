package org.hetermoe.nn;

import org.hetermoe.compute.Tensor;

/**
 * A trained weight with its gradient and AdamW's moments; all of one shape.
 *
 * @param name canonical name
 * @param decays whether weight decay applies: to matrices, but neither norms nor embeddings
 */
public record Parameter(
    String name, Tensor value, Tensor gradient, Tensor m, Tensor v, boolean decays) {}
