package org.hetermoe.cli.run;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measurements on this machine. */
@Command(
    name = "bench",
    description = "Measures training speed on this machine.",
    mixinStandardHelpOptions = true,
    subcommands = {StepBenchCommand.class, EmulatedBenchCommand.class})
public final class BenchCommand implements Runnable {
  @Spec private CommandSpec command;

  /** For picocli, which sets the fields. */
  public BenchCommand() {}

  @Override
  public void run() {
    throw new ParameterException(command.commandLine(), "say what to measure: step or emulated");
  }
}
