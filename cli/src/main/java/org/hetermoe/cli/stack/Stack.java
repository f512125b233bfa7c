package org.hetermoe.cli.stack;

import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.hetermoe.group.WorkerRank;

/**
 * The stack in one data directory, as one command line uses it: {@link #up} joins its users and
 * starts what is missing, {@link #close} leaves and, if nobody else uses it, stops what nobody
 * asked to keep. For one thread.
 */
public final class Stack implements AutoCloseable {
  private static final Duration LOCK_TIMEOUT = Duration.ofMinutes(4);
  private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
  private static final Duration STOP_TIMEOUT = Duration.ofSeconds(15);

  /** Stopped in this order, those of one line together; what is named nowhere is a worker. */
  private static final List<String> STOPPED_LAST = List.of("coordinator", "kafka", "postgresql");

  private final DataDirectory data;
  private final StackParts parts;
  private final Consumer<String> progress;
  private StackLock use;
  private boolean alone;

  /**
   * Looks at nothing yet.
   *
   * @param progress takes lines that tell people what happens
   */
  public Stack(Installation installation, DataDirectory data, Consumer<String> progress) {
    this.data = data;
    this.parts = new StackParts(installation, data);
    this.progress = progress;
  }

  /**
   * Starts what is not up. What has been started is stopped by {@link #close} also if this fails.
   *
   * @return the coordinator's address
   * @throws StackException if something cannot be started
   */
  public URI up(WorkerServices workers) throws InterruptedException {
    data.create();
    try (StackLock _ = StackLock.acquire(data.lock(), LOCK_TIMEOUT)) {
      join();
      StackState state = StackState.read(data.state());
      startStores(state);
      int kafka = port(state, "kafka");
      int postgres = port(state, "postgresql");
      Planned coordinator =
          plan(state, "coordinator", last -> parts.coordinator(last, postgres, kafka));
      // Workers need the coordinator's address, not the coordinator: they start side by side.
      List<Planned> services = new ArrayList<>(List.of(coordinator));
      for (WorkerRank peer : peers(workers)) {
        services.add(
            plan(
                state,
                peer.toString(),
                last -> parts.worker(peer, last, kafka, coordinator.port(), workers)));
      }
      ensure(state, services);
      return address(coordinator.port());
    }
  }

  /**
   * Starts anew what has ended since {@link #up} with the same workers; quick where all that runs.
   *
   * @throws StackException if something cannot be started
   */
  public void restore(WorkerServices workers) throws InterruptedException {
    Set<String> ended = new LinkedHashSet<>(STOPPED_LAST);
    peers(workers).forEach(peer -> ended.add(peer.toString()));
    processes().stream().filter(ProcessRecord::alive).forEach(up -> ended.remove(up.name()));
    if (!ended.isEmpty()) {
      progress.accept(String.join(", ", ended) + (ended.size() == 1 ? " has" : " have") + " ended");
      up(workers);
    }
  }

  /** Starts database and broker only. */
  void upStores() throws InterruptedException {
    data.create();
    try (StackLock _ = StackLock.acquire(data.lock(), LOCK_TIMEOUT)) {
      join();
      startStores(StackState.read(data.state()));
    }
  }

  /** Lets what is up stay up when this command line ends. */
  public void keep() throws InterruptedException {
    try (StackLock _ = StackLock.acquire(data.lock(), LOCK_TIMEOUT)) {
      StackState state = StackState.read(data.state());
      for (ProcessRecord process : state.processes()) {
        if (process.alive()) {
          state.put(process.kept());
        }
      }
    }
  }

  /** Stops everything, whoever started it; returns what was stopped. */
  public List<ProcessRecord> down() throws InterruptedException {
    if (!Files.isDirectory(data.root())) {
      return List.of();
    }
    try (StackLock _ = StackLock.acquire(data.lock(), LOCK_TIMEOUT)) {
      return stop(StackState.read(data.state()), process -> true);
    }
  }

  /** What {@code stack.json} remembers, also what has ended. */
  public List<ProcessRecord> processes() {
    return StackState.read(data.state()).processes();
  }

  /** Address of the coordinator, if it runs. */
  public Optional<URI> coordinator() {
    return processes().stream()
        .filter(process -> process.name().equals("coordinator") && process.alive())
        .map(process -> address(process.port()))
        .findFirst();
  }

  /** Whether a process that runs does its service. */
  public boolean ready(ProcessRecord process) {
    return parts.ready(process);
  }

  /** Leaves; the last to leave stops what is not to be kept. */
  @Override
  public void close() {
    if (use == null) {
      return;
    }
    boolean interrupted = Thread.interrupted();
    try (StackLock _ = StackLock.acquire(data.lock(), LOCK_TIMEOUT)) {
      use.close();
      use = null;
      Optional<StackLock> alone = StackLock.tryAcquire(data.use(), false);
      if (alone.isEmpty()) {
        progress.accept("another hetermoe uses the stack: it stays up");
        return;
      }
      alone.get().close();
      stop(StackState.read(data.state()), process -> !process.keep());
    } catch (InterruptedException e) {
      interrupted = true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void join() {
    if (use != null) {
      return;
    }
    Optional<StackLock> nobodyElse = StackLock.tryAcquire(data.use(), false);
    alone = nobodyElse.isPresent();
    nobodyElse.ifPresent(StackLock::close);
    use =
        StackLock.tryAcquire(data.use(), true)
            .orElseThrow(() -> new StackException("cannot join the users of " + data.root()));
  }

  private void startStores(StackState state) throws InterruptedException {
    ensure(
        state,
        List.of(plan(state, "postgresql", parts::postgres), plan(state, "kafka", parts::kafka)));
  }

  /** A process that runs already, or the way to start it; the other is null. */
  private record Planned(ProcessRecord running, ChildSpec spec) {
    int port() {
      return running != null ? running.port() : spec.port();
    }
  }

  private Planned plan(
      StackState state, String name, Function<Optional<ProcessRecord>, ChildSpec> recipe)
      throws InterruptedException {
    Optional<ProcessRecord> last = state.find(name);
    if (last.isPresent() && last.get().alive()) {
      // A service whose jars were replaced under it fails sooner or later. Others' runs go first.
      if (!alone || last.get().build().equals(parts.build(name))) {
        return new Planned(last.get(), null);
      }
      progress.accept(name + " has been built anew: starting it anew");
      ChildProcesses.stop(List.of(last.get()), STOP_TIMEOUT);
    }
    return new Planned(null, recipe.apply(last));
  }

  /** Starts what does not run, side by side, and waits until all are ready. */
  private void ensure(StackState state, List<Planned> planned) throws InterruptedException {
    List<ProcessRecord> processes = new ArrayList<>();
    List<String> starting = new ArrayList<>();
    for (Planned part : planned) {
      if (part.running() == null) {
        ProcessRecord started = ChildProcesses.start(part.spec(), data.root());
        state.put(started);
        starting.add(started.name());
        processes.add(started);
      } else {
        processes.add(part.running());
      }
    }
    if (!starting.isEmpty()) {
      progress.accept("starting " + String.join(", ", starting));
    }
    for (ProcessRecord process : processes) {
      ChildProcesses.awaitReady(process, parts::ready, START_TIMEOUT, data.log(process.name()));
    }
  }

  private List<ProcessRecord> stop(StackState state, Predicate<ProcessRecord> which)
      throws InterruptedException {
    List<ProcessRecord> stopped =
        state.processes().stream().filter(ProcessRecord::alive).filter(which).toList();
    if (!stopped.isEmpty()) {
      progress.accept(
          "stopping " + String.join(", ", stopped.stream().map(ProcessRecord::name).toList()));
    }
    ChildProcesses.stop(
        stopped.stream().filter(process -> !STOPPED_LAST.contains(process.name())).toList(),
        STOP_TIMEOUT);
    for (String name : STOPPED_LAST) {
      ChildProcesses.stop(
          stopped.stream().filter(process -> process.name().equals(name)).toList(), STOP_TIMEOUT);
    }
    boolean postgresStays = state.find("postgresql").filter(ProcessRecord::alive).isPresent();
    if (!postgresStays) {
      stopOrphanedPostmaster();
    }
    return stopped;
  }

  /** A server whose host was killed. */
  private void stopOrphanedPostmaster() throws InterruptedException {
    Optional<Postmaster> orphan = Postmaster.on(data.postgres());
    if (orphan.isPresent()) {
      orphan.get().stop();
    }
  }

  private static List<WorkerRank> peers(WorkerServices workers) {
    List<WorkerRank> peers = new ArrayList<>();
    for (int rank = 0; rank < workers.attention(); rank++) {
      peers.add(WorkerRank.attention(rank));
    }
    for (int rank = 0; rank < workers.experts(); rank++) {
      peers.add(WorkerRank.expert(rank));
    }
    return peers;
  }

  private static int port(StackState state, String name) {
    return state
        .find(name)
        .map(ProcessRecord::port)
        .orElseThrow(() -> new StackException(name + " is not up"));
  }

  private static URI address(int port) {
    return URI.create("http://127.0.0.1:" + port);
  }
}
