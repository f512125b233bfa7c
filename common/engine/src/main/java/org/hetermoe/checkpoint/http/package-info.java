/**
 * Checkpoints by way of the coordinator's REST API, for workers that write and resume and for
 * whoever exports. Plain HTTP/1.1; what fails for now is tried again, what is refused is not.
 * Thread-safe.
 */
package org.hetermoe.checkpoint.http;
