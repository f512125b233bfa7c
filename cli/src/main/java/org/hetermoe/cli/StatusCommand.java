package org.hetermoe.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.cli.stack.ProcessRecord;
import org.hetermoe.cli.stack.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "status",
    description = "Shows the processes of the one-machine stack.",
    mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private StackOptions stackOptions;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (Stack stack = stackOptions.stack(spec.commandLine().getErr())) {
      List<ProcessRecord> alive = stack.processes().stream().filter(ProcessRecord::alive).toList();
      if (alive.isEmpty()) {
        out.println("nothing is up (data: " + stackOptions.dataDirectory().root() + ")");
        return 0;
      }
      out.printf("%-14s %-9s %8s %6s  %s%n", "process", "state", "pid", "port", "log");
      for (ProcessRecord process : alive) {
        out.printf(
            "%-14s %-9s %8d %6d  %s%n",
            process.name(),
            stack.ready(process) ? "ready" : "not ready",
            process.pid(),
            process.port(),
            stackOptions.dataDirectory().log(process.name()));
      }
      stack.coordinator().ifPresent(address -> out.println("coordinator: " + address));
      return 0;
    }
  }
}
