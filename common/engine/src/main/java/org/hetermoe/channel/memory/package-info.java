/** Channels between the members of a group within one process. */
package org.hetermoe.channel.memory;
