/** How the course of a run is told: to people on the way, to programs as JSON lines. */
package org.hetermoe.cli.report;
