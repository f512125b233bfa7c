package org.hetermoe.cli.stack;

/**
 * Which workers the stack must have.
 *
 * @param attention number of attention services; 0 leaves them as they are
 * @param experts number of expert services; 0 leaves them as they are
 * @param compute device of services that are started
 * @param threads threads of each service that is started
 */
public record WorkerServices(int attention, int experts, String compute, int threads) {}
