/**
 * The control plane: takes runs over REST, gives them workers, follows them over the broker, and
 * keeps their history and checkpoints in PostgreSQL. One process; it is never on the hot path of a
 * step and may be away for a while.
 */
package org.hetermoe.coordinator;
