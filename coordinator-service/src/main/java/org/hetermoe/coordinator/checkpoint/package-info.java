/**
 * Checkpoints: shards that workers write in chunks, shown once all shards of the group are
 * complete, and read back in any range. Content is checked against its CRC on the way in and out.
 */
package org.hetermoe.coordinator.checkpoint;
