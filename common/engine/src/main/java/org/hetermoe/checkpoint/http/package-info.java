/**
 * Checkpoints by way of the coordinator's REST API, for workers that write and resume and for
 * whoever exports. Thread-safe.
 */
package org.hetermoe.checkpoint.http;
