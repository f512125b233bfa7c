package org.hetermoe.train;

/**
 * The numbers of one step.
 *
 * @param loss cross entropy plus weighted router losses
 * @param crossEntropy mean over predicted tokens, nats
 * @param balanceLoss mean over tokens, unweighted
 * @param zLoss mean over tokens, unweighted
 * @param gradientNorm global, before clipping
 * @param attentionBusy share of the step that attention workers computed, mean over them
 * @param expertBusy share of the step that expert workers computed, mean over them
 */
public record StepResult(
    double loss,
    double crossEntropy,
    double balanceLoss,
    double zLoss,
    double gradientNorm,
    double attentionBusy,
    double expertBusy) {}
