/**
 * The {@code hetermoe} command: what people type becomes calls to the coordinator and to the
 * one-machine stack. Standard output carries results, standard error what people read on the way.
 */
package org.hetermoe.cli;
