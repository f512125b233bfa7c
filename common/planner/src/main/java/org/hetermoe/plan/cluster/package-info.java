/** How a whole cluster is best cut into ZP groups: roles, M:N, number of groups, micro-batches. */
package org.hetermoe.plan.cluster;
