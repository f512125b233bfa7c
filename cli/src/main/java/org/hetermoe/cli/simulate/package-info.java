/** Commands that simulate: systems on a mixed cluster, and the paper's evaluation. */
package org.hetermoe.cli.simulate;
