package org.hetermoe.coordinator.broker;

import java.util.UUID;

/**
 * A command will never reach its worker, so the attempt that it is of cannot go on; told in the
 * transaction that removes the command.
 *
 * @param reason what was refused and why, for people
 */
public record CommandRefused(UUID run, int attempt, String reason) {}
