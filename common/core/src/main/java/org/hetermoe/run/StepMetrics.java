package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * What one step gave; attention worker 0 reports it over {@link Topics#METRICS}.
 *
 * @param run the run
 * @param attempt the attempt
 * @param step from 1
 * @param loss mean cross entropy per token in nats plus the weighted router losses
 * @param crossEntropy mean cross entropy per token, nats
 * @param balanceLoss load-balancing loss, unweighted
 * @param zLoss router z-loss, unweighted
 * @param gradientNorm global gradient norm before clipping; not finite in a step that was skipped
 * @param learningRate of this step
 * @param tokens tokens of this step, over all attention workers
 * @param seconds duration of the step
 * @param tokensPerSecond tokens over seconds
 * @param attentionBusy share of the step that attention workers computed, mean over them
 * @param expertBusy share of the step that expert workers computed, mean over them
 * @param evaluationLoss mean cross entropy per held-out token after this step; null where none was
 *     taken
 * @param workers what each worker did with the step; null where that was not kept
 * @param expertRows per layer, per expert, the rows that it computed in this step; null where that
 *     was not kept
 * @param lossScale how the loss was scaled; null where it was not
 * @param at end of the step
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StepMetrics(
    UUID run,
    int attempt,
    int step,
    double loss,
    double crossEntropy,
    double balanceLoss,
    double zLoss,
    double gradientNorm,
    double learningRate,
    long tokens,
    double seconds,
    double tokensPerSecond,
    double attentionBusy,
    double expertBusy,
    Double evaluationLoss,
    List<WorkerLoad> workers,
    List<List<Long>> expertRows,
    LossScale lossScale,
    Instant at) {}
