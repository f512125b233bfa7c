package org.hetermoe.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import org.hetermoe.cli.stack.DataDirectory;
import org.hetermoe.cli.stack.Installation;
import org.hetermoe.cli.stack.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Where the one-machine stack keeps its data. */
@Command
public final class StackOptions {
  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description =
          "Where the one-machine stack keeps its data (default: HETERMOE_HOME, or .hetermoe beside"
              + " the hetermoe script).")
  private Path dataDirectory;

  /** For picocli, which sets the fields. */
  public StackOptions() {}

  /** The data directory: option, environment, or beside the script. */
  public DataDirectory dataDirectory() {
    return dataDirectory(System.getenv());
  }

  DataDirectory dataDirectory(Map<String, String> environment) {
    if (dataDirectory != null) {
      return new DataDirectory(dataDirectory);
    }
    String home = environment.get("HETERMOE_HOME");
    return new DataDirectory(
        home != null && !home.isBlank()
            ? Path.of(home)
            : Installation.current().home().resolve(".hetermoe"));
  }

  /** The stack there; it tells people what it does on {@code notes}. */
  public Stack stack(PrintWriter notes) {
    return new Stack(
        Installation.current(),
        dataDirectory(),
        line -> {
          notes.println("hetermoe: " + line);
          notes.flush();
        });
  }
}
