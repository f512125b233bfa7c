/**
 * What coordinator and broker have to do with each other: topics, the way from a decision to a
 * command that is sent, the way from bytes to a message. Consumers run on worker threads, one
 * message or batch at a time.
 */
package org.hetermoe.coordinator.broker;
