package org.hetermoe.cli.run;

import java.io.PrintWriter;
import java.net.URI;
import java.time.Duration;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RetryPolicy;
import org.hetermoe.cli.CommandFailedException;
import org.hetermoe.cli.StackOptions;
import org.hetermoe.cli.WorkerOptions;
import org.hetermoe.cli.stack.DataDirectory;
import org.hetermoe.cli.stack.Stack;
import org.hetermoe.cli.stack.WorkerServices;
import org.hetermoe.model.InvalidFieldException;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which coordinator: one that is somewhere already, or the one-machine stack's. */
final class CoordinatorOptions {
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(30);

  /** People wait: less long than services do. */
  private static final RetryPolicy RETRY =
      new RetryPolicy(Duration.ofSeconds(30), Duration.ofMillis(500), Duration.ofMillis(500));

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
        : new Session(null, connect(coordinator));
  }

  private static CoordinatorClient connect(URI url) {
    try {
      return new CoordinatorClient(
          ClientSettings.of(url).withRequestTimeout(REQUEST_TIMEOUT).withRetry(RETRY));
    } catch (InvalidFieldException e) {
      throw e.renamed("--coordinator");
    }
  }

  /** A coordinator in use. */
  final class Session implements AutoCloseable {
    private final Stack stack;
    private CoordinatorClient client;
    private WorkerServices services;

    private Session(Stack stack, CoordinatorClient client) {
      this.stack = stack;
      this.client = client;
    }

    /** The coordinator, without regard to workers. */
    CoordinatorClient coordinator() throws InterruptedException {
      return coordinator(0, 0);
    }

    /** The coordinator; on one machine at least so many worker services run beside it. */
    CoordinatorClient coordinator(int attention, int experts) throws InterruptedException {
      if (stack == null) {
        return client;
      }
      services = workerOptions.workers(attention, experts);
      return at(stack.up(services));
    }

    /** Starts anew what has ended of all that was started here. */
    void restore() throws InterruptedException {
      if (services != null) {
        stack.restore(services);
      }
    }

    /** The coordinator if it is up; nothing is started. */
    CoordinatorClient running() {
      return stack == null
          ? client
          : stack
              .coordinator()
              .map(this::at)
              .orElseThrow(() -> new CommandFailedException("nothing is up"));
    }

    /** Lets what was started stay up. */
    void keepUp() throws InterruptedException {
      if (stack != null) {
        stack.keep();
      }
    }

    @Override
    public void close() {
      if (client != null) {
        client.close();
      }
      if (stack != null) {
        stack.close();
      }
    }

    private CoordinatorClient at(URI url) {
      if (client == null || !client.url().equals(url)) {
        if (client != null) {
          client.close();
        }
        client = connect(url);
      }
      return client;
    }
  }
}
