/** Who computes what and when: placement of experts and the zebra schedule. Pure functions. */
package org.hetermoe.plan;
