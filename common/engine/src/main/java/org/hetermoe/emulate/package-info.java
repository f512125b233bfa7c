/** Real training at the pace of devices that are not there, to show and test mixed clusters. */
package org.hetermoe.emulate;
