/**
 * The run file and what the services say to each other: records, validated where they are built.
 */
package org.hetermoe.run;
