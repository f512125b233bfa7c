/**
 * Embedding, attention, norms, gate, head and loss of a run, as a service: a worker of that role.
 */
package org.hetermoe.attention;
