package org.hetermoe.cli.run;

import java.io.PrintWriter;
import java.net.URI;
import org.hetermoe.cli.StackOptions;
import org.hetermoe.cli.WorkerOptions;
import org.hetermoe.cli.stack.DataDirectory;
import org.hetermoe.cli.stack.Stack;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which coordinator: one that is somewhere already, or the one-machine stack's. */
final class CoordinatorOptions {
  @Mixin private StackOptions stackOptions;
  @Mixin private WorkerOptions workerOptions;

  @Option(
      names = "--coordinator",
      paramLabel = "URL",
      description = "A coordinator that is up already; then nothing is started here.")
  private URI coordinator;

  /** Whether the one-machine stack is meant. */
  boolean local() {
    return coordinator == null;
  }

  DataDirectory dataDirectory() {
    return stackOptions.dataDirectory();
  }

  /** Begins to use a coordinator; what that starts is stopped on closing. */
  Session open(PrintWriter notes) {
    return local()
        ? new Session(stackOptions.stack(notes), null)
        : new Session(null, new CoordinatorClient(coordinator));
  }

  /** A coordinator in use. */
  final class Session implements AutoCloseable {
    private final Stack stack;
    private final CoordinatorClient remote;

    private Session(Stack stack, CoordinatorClient remote) {
      this.stack = stack;
      this.remote = remote;
    }

    /** The coordinator, without regard to workers. */
    CoordinatorClient coordinator() throws InterruptedException {
      return coordinator(0, 0);
    }

    /** The coordinator; on one machine at least so many worker services run beside it. */
    CoordinatorClient coordinator(int attention, int experts) throws InterruptedException {
      return stack == null
          ? remote
          : new CoordinatorClient(stack.up(workerOptions.workers(attention, experts)));
    }

    /** The coordinator if it is up; nothing is started. */
    CoordinatorClient running() {
      return stack == null
          ? remote
          : stack
              .coordinator()
              .map(CoordinatorClient::new)
              .orElseThrow(() -> new CoordinatorException(0, "nothing is up"));
    }

    /** Lets what was started stay up. */
    void keepUp() throws InterruptedException {
      if (stack != null) {
        stack.keep();
      }
    }

    @Override
    public void close() {
      if (stack != null) {
        stack.close();
      }
    }
  }
}
