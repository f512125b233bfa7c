package org.hetermoe.nn;

import org.hetermoe.compute.Tensor;

/**
 * A trained weight with its gradient and AdamW's moments; all of one shape.
 *
 * @param name canonical name
 * @param value what layers compute with
 * @param master what AdamW updates, in single precision; the value itself where that is too
 * @param decays whether weight decay applies: to matrices, but neither norms nor embeddings
 */
public record Parameter(
    String name,
    Tensor value,
    Tensor master,
    Tensor gradient,
    Tensor m,
    Tensor v,
    boolean decays) {}
