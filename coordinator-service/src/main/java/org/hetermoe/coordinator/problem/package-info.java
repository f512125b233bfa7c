/**
 * Errors as RFC 9457 problem details: every answer with a status of 400 and up has one, and none
 * shows a stack trace.
 */
package org.hetermoe.coordinator.problem;
