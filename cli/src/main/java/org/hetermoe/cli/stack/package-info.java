/**
 * The one-machine stack: PostgreSQL, Kafka, coordinator and workers, each a process of its own on
 * loopback, with their data in one directory.
 *
 * <p>Several command lines may use one stack at once: a file lock orders their changes to it, and
 * the last one to leave stops what nobody asked to keep. Processes outlive the command line that
 * started them, whatever becomes of it, and are found again by process id and start time.
 */
package org.hetermoe.cli.stack;
