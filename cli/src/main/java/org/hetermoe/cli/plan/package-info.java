/** The command that plans how a cluster is best used. */
package org.hetermoe.cli.plan;
