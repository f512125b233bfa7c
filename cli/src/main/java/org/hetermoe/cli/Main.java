package org.hetermoe.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.hetermoe.api.ApiException;
import org.hetermoe.cli.check.ParityCommand;
import org.hetermoe.cli.check.ProfileCommand;
import org.hetermoe.cli.doctor.DoctorCommand;
import org.hetermoe.cli.plan.PlanCommand;
import org.hetermoe.cli.run.BenchCommand;
import org.hetermoe.cli.run.ExportCommand;
import org.hetermoe.cli.run.GenerateCommand;
import org.hetermoe.cli.run.RebalanceCommand;
import org.hetermoe.cli.run.ResumeCommand;
import org.hetermoe.cli.run.RunsCommand;
import org.hetermoe.cli.run.StopCommand;
import org.hetermoe.cli.run.TrainCommand;
import org.hetermoe.cli.simulate.ReproduceCommand;
import org.hetermoe.cli.simulate.SimulateCommand;
import org.hetermoe.cli.stack.StackException;
import org.hetermoe.model.InvalidFieldException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The command and its sub-commands. Exit codes: 0 done, 1 it failed, 2 the command line, the run
 * file or what they ask for cannot be used, 130 interrupted.
 */
@Command(
    name = "hetermoe",
    description = "Trains Mixture-of-Experts language models on clusters of mixed GPU generations.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {
      TrainCommand.class,
      ResumeCommand.class,
      RunsCommand.class,
      StopCommand.class,
      RebalanceCommand.class,
      ExportCommand.class,
      GenerateCommand.class,
      ParityCommand.class,
      ProfileCommand.class,
      BenchCommand.class,
      PlanCommand.class,
      SimulateCommand.class,
      ReproduceCommand.class,
      UpCommand.class,
      DownCommand.class,
      StatusCommand.class,
      DoctorCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Main implements Runnable {
  static final int FAILED = 1;
  static final int USAGE_ERROR = 2;

  @Spec private CommandSpec spec;

  Main() {}

  /** Runs a command and ends the JVM with its exit code. */
  public static void main(String[] arguments) {
    // What libraries have to say in passing is not for people who wait for a command.
    Logger.getLogger("").setLevel(Level.WARNING);
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setParameterExceptionHandler(Main::complain)
        .setExecutionExceptionHandler(Main::explain);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }

  private static int complain(ParameterException problem, String[] arguments) {
    CommandLine command = problem.getCommandLine();
    say(command, firstLine(problem.getMessage()) + " (see hetermoe " + path(command) + "--help)");
    return USAGE_ERROR;
  }

  private static int explain(
      Exception problem, CommandLine command, CommandLine.ParseResult parsed) {
    return switch (problem) {
      case InvalidFieldException invalid -> {
        say(command, invalid.getMessage());
        yield USAGE_ERROR;
      }
      case UsageException usage -> {
        say(command, usage.getMessage());
        yield USAGE_ERROR;
      }
      case StackException known -> {
        say(command, known.getMessage());
        yield FAILED;
      }
      case CommandFailedException known -> {
        say(command, known.getMessage());
        yield FAILED;
      }
      case ApiException known -> {
        say(command, known.getMessage());
        yield known.refused() ? USAGE_ERROR : FAILED;
      }
      case InterruptedException interrupted -> {
        say(command, "interrupted");
        yield 130;
      }
      default -> {
        say(command, unexpected(problem));
        yield FAILED;
      }
    };
  }

  private static void say(CommandLine command, String message) {
    command.getErr().println("hetermoe: " + message);
    command.getErr().flush();
  }

  /** One line for people; the whole story goes to a file. */
  private static String unexpected(Exception problem) {
    StringWriter trace = new StringWriter();
    problem.printStackTrace(new PrintWriter(trace));
    String line = firstLine(problem.toString());
    try {
      Path log = Files.createTempFile("hetermoe-error-", ".log");
      Files.writeString(log, Instant.now() + "\n" + trace);
      return line + " (details: " + log + ")";
    } catch (IOException e) {
      return line + " (details cannot be written: " + e.getMessage() + ")\n" + trace;
    }
  }

  private static String path(CommandLine command) {
    return command.getParent() == null ? "" : command.getCommandName() + " ";
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse(text);
  }

  /** The version that the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"hetermoe " + (version == null ? "(not packaged)" : version)};
    }
  }
}
