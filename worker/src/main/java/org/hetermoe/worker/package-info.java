/**
 * What the attention and the expert service share: the part of a worker process in a run, from the
 * coordinator's commands to the trained step, and what it says about itself. Commands and the ends
 * of ranks meet on the command loop's thread; each rank of a run has a thread of its own.
 */
package org.hetermoe.worker;
