package org.hetermoe.cli.stack;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How to start a process of the stack.
 *
 * @param name its name in the stack
 * @param command program and arguments
 * @param environment what is added to this JVM's
 * @param log where its output goes
 * @param port where it listens
 * @param secondPort its other port; 0 where there is none
 * @param build which build it is
 */
record ChildSpec(
    String name,
    List<String> command,
    Map<String, String> environment,
    Path log,
    int port,
    int secondPort,
    String build) {}
