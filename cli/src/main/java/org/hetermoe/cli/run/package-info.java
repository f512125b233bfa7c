/** Commands about runs, and how a coordinator is found and a run followed. */
package org.hetermoe.cli.run;
