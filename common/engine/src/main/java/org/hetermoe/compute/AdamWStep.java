package org.hetermoe.compute;

/**
 * The scalars of one AdamW update, as PyTorch defines it: with {@code g = gradientScale *
 * gradient},
 *
 * <pre>
 * p  = p * (1 - learningRate * weightDecay)
 * m  = beta1 * m + (1 - beta1) * g
 * v  = beta2 * v + (1 - beta2) * g * g
 * p  = p - learningRate / biasCorrection1 * m / (sqrt(v / biasCorrection2) + epsilon)
 * </pre>
 *
 * @param gradientScale factor on the gradient: the clipping coefficient
 * @param biasCorrection1 {@code 1 - beta1^t}
 * @param biasCorrection2 {@code 1 - beta2^t}
 */
public record AdamWStep(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double gradientScale,
    double biasCorrection1,
    double biasCorrection2) {}
