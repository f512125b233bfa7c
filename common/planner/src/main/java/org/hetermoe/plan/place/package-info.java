/**
 * Which worker of a ZP group owns which expert: Algorithm 1 of the paper (§4.2), a search that is
 * never worse, and the bound on what any placement could reach.
 *
 * <p>A search counts in two ways what a placement is worth. An <em>estimate</em> ({@link
 * org.hetermoe.plan.place.StepEstimator}) takes microseconds and compares thousands of placements;
 * a <em>prediction</em> ({@link org.hetermoe.plan.Predictor}, the simulator) is exact for the costs
 * given and decides. Placements on the way are arrays: by layer and expert, the number of the owner
 * in a {@link org.hetermoe.plan.place.WorkerIndex}.
 */
package org.hetermoe.plan.place;
