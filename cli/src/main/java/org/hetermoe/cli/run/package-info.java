/** Commands about runs, and the client of the coordinator's REST API that they share. */
package org.hetermoe.cli.run;
