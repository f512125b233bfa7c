/**
 * The coordinator's REST API as both of its sides see it: the records that go over the wire, the
 * problems that come back, and the client that the command line and the workers share.
 */
package org.hetermoe.api;
