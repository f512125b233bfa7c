/** The shards of a checkpoint: their format, manifest and checksums. */
package org.hetermoe.checkpoint;
