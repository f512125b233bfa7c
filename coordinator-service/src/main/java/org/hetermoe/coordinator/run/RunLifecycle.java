package org.hetermoe.coordinator.run;

import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.hetermoe.coordinator.CoordinatorConfig;
import org.hetermoe.coordinator.broker.CommandOutbox;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.placement.GroupAssembler;
import org.hetermoe.coordinator.placement.RunMember;
import org.hetermoe.coordinator.planning.Decision;
import org.hetermoe.coordinator.planning.GroupDevices;
import org.hetermoe.coordinator.planning.PlanRepository;
import org.hetermoe.coordinator.planning.RunPlanner;
import org.hetermoe.coordinator.planning.RunPlans;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.RunSpec;
import org.jboss.logging.Logger;

/**
 * All that changes the state of a run. Each method is one transaction that holds the run's lock,
 * and may be called twice with the same message: what does not fit the state or the attempt does
 * nothing. Commands that follow are left in the {@link CommandOutbox}.
 */
@ApplicationScoped
public class RunLifecycle {
  private static final Logger LOG = Logger.getLogger(RunLifecycle.class);

  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final RunPlans plans;
  private final PlanRepository storedPlans;
  private final CommandOutbox outbox;
  private final Roster roster;
  private final Event<AttemptBegins> attempts;
  private final MeterRegistry meters;
  private final Duration prepareTimeout;
  private final Duration profilePatience;
  private final String softwareVersion;

  RunLifecycle(
      RunRepository runs,
      AssignmentRepository assignments,
      RunPlans plans,
      PlanRepository storedPlans,
      CommandOutbox outbox,
      Roster roster,
      Event<AttemptBegins> attempts,
      MeterRegistry meters,
      CoordinatorConfig config,
      @ConfigProperty(name = "quarkus.application.version") String softwareVersion) {
    this.runs = runs;
    this.assignments = assignments;
    this.plans = plans;
    this.storedPlans = storedPlans;
    this.outbox = outbox;
    this.roster = roster;
    this.attempts = attempts;
    this.meters = meters;
    this.prepareTimeout = config.prepareTimeout();
    this.profilePatience = config.planning().profilePatience();
    this.softwareVersion = softwareVersion;
  }

  /** Queues a new run. */
  @Transactional
  UUID submit(RunSpec spec) {
    Run run =
        new Run(
            UUID.randomUUID(),
            spec,
            new RunState.Submitted("waiting for its turn"),
            softwareVersion,
            now());
    runs.add(run);
    return run.id();
  }

  /**
   * Ends a run early; one that is already being stopped stays as it is.
   *
   * @throws ProblemException with status 409 if it has ended
   */
  @Transactional
  void stop(UUID id) {
    Run run = locked(id);
    switch (run.state()) {
      case RunState.Submitted waiting -> change(run, waiting.stop("stopped before it began"));
      case RunState.Preparing preparing -> {
        change(run, preparing.stop("stopped before its first step"));
        abort(run, members(run), "the run was stopped");
      }
      case RunState.Running running -> {
        change(run, running.stop("stops after the current step, as requested"));
        UUID leader = members(run).getFirst().instance();
        outbox.add(new Command.Stop(leader, run.id(), run.attempt()));
      }
      case RunState.Stopping stopping ->
          LOG.debugf("Run %s is already being stopped: %s", run.id(), stopping.reason());
      case RunState.Ended ended ->
          throw ProblemException.conflict(
              "Run "
                  + run.id()
                  + " has ended: it is "
                  + ended.label()
                  + " ("
                  + ended.reason()
                  + ")");
    }
  }

  /**
   * Queues an ended run again, to go on from its newest complete checkpoint, or anew where it has
   * none.
   *
   * @throws ProblemException with status 409 if it has not ended or has done all steps
   */
  @Transactional
  void resume(UUID id) {
    Run run = locked(id);
    switch (run.state()) {
      case RunState.Resumable ended -> {
        int from = run.checkpointStep() == null ? 0 : run.checkpointStep();
        change(
            run,
            ended.resume(
                from == 0
                    ? "to begin anew, because it has no complete checkpoint"
                    : "to go on after step " + from));
      }
      case RunState.Completed done ->
          throw ProblemException.conflict("Run " + run.id() + " is completed: " + done.reason());
      case RunState.Submitted waiting ->
          throw ProblemException.conflict("Run " + run.id() + " is queued: " + waiting.reason());
      case RunState.Active active ->
          throw ProblemException.conflict(
              "Run " + run.id() + " is active: it is " + active.label());
    }
  }

  /** What became of an attempt to give workers to a queued run. */
  enum Placed {
    /** It has them, or is not queued any more. */
    SETTLED,
    /** It waits for workers that are there but busy; later runs must not take them. */
    NEXT_IN_LINE,
    /** It waits for workers that are not there; later runs may pass. */
    OUT_OF_REACH
  }

  /**
   * Gives a queued run its workers, if there are enough that are free.
   *
   * @param behind the run that it has to wait for; null where there is none
   */
  @Transactional
  Placed place(UUID id, UUID behind) {
    Run run = runs.lockWithCheckpoints(id).orElse(null);
    if (run == null || !(run.state() instanceof RunState.Submitted waiting)) {
      return Placed.SETTLED;
    }
    if (behind != null) {
      waitFor(run, waiting, "run " + behind + ", which is before it in the queue");
      return Placed.NEXT_IN_LINE;
    }
    List<Heartbeat> live = roster.live();
    Set<String> busy = runs.busyWorkers();
    List<Heartbeat> free =
        live.stream()
            .filter(worker -> worker.run() == null && !busy.contains(worker.worker()))
            .toList();
    return switch (GroupAssembler.assemble(run.spec(), free)) {
      case GroupAssembler.Outcome.Group group -> {
        GroupDevices devices = plans.devices(run.spec(), group.members(), RunPlans.described(live));
        if (!devices.unknown().isEmpty() && mayStillCome(devices)) {
          waitFor(run, waiting, "the profile of " + String.join(", ", devices.unknown()));
          yield Placed.NEXT_IN_LINE;
        }
        begin(run, waiting, devices);
        yield Placed.SETTLED;
      }
      case GroupAssembler.Outcome.Missing missing -> {
        waitFor(run, waiting, missing.need());
        yield GroupAssembler.assemble(run.spec(), live) instanceof GroupAssembler.Outcome.Group
            ? Placed.NEXT_IN_LINE
            : Placed.OUT_OF_REACH;
      }
    };
  }

  private void waitFor(Run run, RunState.Submitted waiting, String what) {
    RunState.Submitted next = waiting.waitFor("waiting for " + what);
    if (!next.equals(waiting)) {
      run.become(next, now());
    }
  }

  /** Whether a worker came so recently that it may still be taking its profile. */
  private boolean mayStillCome(GroupDevices devices) {
    return devices.members().stream()
        .filter(member -> !devices.profiles().containsKey(member.peer()))
        .anyMatch(member -> roster.freeFor(member.worker()).compareTo(profilePatience) < 0);
  }

  private void begin(Run run, RunState.Submitted waiting, GroupDevices devices) {
    List<Assignment.Member> members = devices.members();
    int from = run.checkpointStep() == null ? 0 : run.checkpointStep();
    attempts.fire(new AttemptBegins(run, from));
    run.beginAttempt(from);
    RunPlanner planner = plans.planner(run.spec(), devices);
    Decision decision = planner.decide(planner.balanced());
    Assignment assignment =
        new Assignment(run.id(), run.attempt(), run.spec(), decision.placement(), members, from);
    assignments.add(assignment, now());
    storedPlans.add(
        plans.record(run.id(), run.attempt(), 0, from, now(), run.spec(), devices, decision));
    change(run, waiting.prepare(preparation(members, from)));
    for (UUID instance : distinct(members, Assignment.Member::instance)) {
      outbox.add(new Command.Prepare(instance, assignment));
    }
  }

  private static String preparation(List<Assignment.Member> members, int from) {
    int workers = distinct(members, Assignment.Member::worker).size();
    return workers
        + (workers == 1 ? " worker prepares" : " workers prepare")
        + (from == 0 ? "" : " to go on after step " + from);
  }

  /** A worker can start; once all can, they are told to. */
  @Transactional
  void prepared(org.hetermoe.run.Event.Prepared event) {
    Optional<Run> found = attempt(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Preparing preparing)) {
      return;
    }
    Run run = found.get();
    List<RunMember> members = members(run);
    members.stream()
        .filter(member -> member.worker().equals(event.worker()))
        .forEach(member -> member.notePrepared(now()));
    if (members.stream().allMatch(RunMember::prepared)) {
      change(run, preparing.start("all workers are prepared"));
      for (UUID instance : distinct(members, RunMember::instance)) {
        outbox.add(new Command.Start(instance, run.id(), run.attempt()));
      }
    }
  }

  /** Experts have moved. */
  @Transactional
  void moved(org.hetermoe.run.Event.Moved event) {
    attempt(event)
        .ifPresent(
            run -> {
              assignments.move(run.id(), run.attempt(), event.placement());
              storedPlans.followed(
                  run.id(), run.attempt(), event.placement(), event.step(), event.seconds());
            });
  }

  /** A worker has done its part; once all have, the run has ended. */
  @Transactional
  void finished(org.hetermoe.run.Event.Finished event) {
    Optional<Run> found = attempt(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Active active)) {
      return;
    }
    Run run = found.get();
    List<RunMember> members = members(run);
    members.stream()
        .filter(member -> member.worker().equals(event.worker()))
        .forEach(member -> member.noteFinished(event, now()));
    if (!members.stream().allMatch(RunMember::finished)) {
      return;
    }
    boolean early = members.stream().anyMatch(RunMember::finishedEarly);
    int steps = members.stream().mapToInt(RunMember::finishedSteps).max().orElseThrow();
    String all = "all " + run.steps() + " steps are done";
    String some = "ended after step " + steps + " of " + run.steps();
    switch (active) {
      case RunState.Running running ->
          change(run, early ? running.end(some) : running.complete(all));
      case RunState.Stopping stopping ->
          change(run, early ? stopping.end(some + ", as requested") : stopping.complete(all));
      case RunState.Preparing preparing -> {
        change(run, preparing.fail("its workers ended before they were told to start"));
        abort(run, members, "the run has failed");
      }
    }
  }

  /** A worker cannot go on, so the run has failed. */
  @Transactional
  void failed(org.hetermoe.run.Event.Failed event) {
    Optional<Run> found = attempt(event);
    if (found.isEmpty() || !(found.get().state() instanceof RunState.Active active)) {
      return;
    }
    Run run = found.get();
    List<RunMember> members = members(run);
    String who =
        members.stream()
            .filter(member -> member.worker().equals(event.worker()))
            .findFirst()
            .map(RunLifecycle::named)
            .orElse("worker " + event.worker());
    String reason = who + " failed: " + event.reason();
    change(run, active.fail(reason));
    abort(
        run,
        members.stream().filter(member -> !member.worker().equals(event.worker())).toList(),
        reason);
  }

  /** Fails a run whose workers are lost or take too long to prepare. */
  @Transactional
  void watch(UUID id) {
    Run run = runs.lock(id).orElse(null);
    if (run == null || !(run.state() instanceof RunState.Active active)) {
      return;
    }
    List<RunMember> members = members(run);
    String problem =
        members.stream()
            .filter(member -> !member.finished())
            .flatMap(member -> loss(run, member).stream())
            .findFirst()
            .or(() -> slowPreparation(run, members))
            .orElse(null);
    if (problem != null) {
      change(run, active.fail(problem));
      // A process that only seemed lost must leave the run as well.
      abort(run, members, problem);
    }
  }

  private Optional<String> loss(Run run, RunMember member) {
    return switch (roster.presence(
        member.worker(), member.instance(), new RunKey(run.id(), run.attempt()))) {
      case PRESENT -> Optional.empty();
      case SILENT ->
          Optional.of(
              named(member)
                  + " lost: no heartbeat for "
                  + Heartbeat.LOST_AFTER_MILLIS / 1_000
                  + " s");
      case REPLACED -> Optional.of(named(member) + " lost: another process took its place");
      case ELSEWHERE ->
          // While it prepares, its first heartbeat with the run may be some time off.
          run.state() instanceof RunState.Preparing || recent(run.stateSince())
              ? Optional.empty()
              : Optional.of(named(member) + " lost: it no longer works on the run");
    };
  }

  private Optional<String> slowPreparation(Run run, List<RunMember> members) {
    if (!(run.state() instanceof RunState.Preparing)
        || run.stateSince().plus(prepareTimeout).isAfter(Instant.now())) {
      return Optional.empty();
    }
    return members.stream()
        .filter(member -> !member.prepared())
        .findFirst()
        .map(
            member ->
                named(member) + " was not prepared within " + prepareTimeout.toSeconds() + " s");
  }

  private static boolean recent(Instant since) {
    return since.plusMillis(Heartbeat.LOST_AFTER_MILLIS).isAfter(Instant.now());
  }

  private Run locked(UUID id) {
    return runs.lock(id).orElseThrow(() -> ProblemException.notFound("There is no run " + id));
  }

  /** The run of an event, locked, if the event is of its present attempt. */
  private Optional<Run> attempt(org.hetermoe.run.Event event) {
    Optional<Run> run = runs.lock(event.run()).filter(r -> r.attempt() == event.attempt());
    if (run.isEmpty()) {
      LOG.infof("Ignored an event of an attempt that is over or unknown: %s", event);
    }
    return run;
  }

  private List<RunMember> members(Run run) {
    return assignments.members(run.id(), run.attempt());
  }

  private void abort(Run run, List<RunMember> members, String reason) {
    for (UUID instance : distinct(members, RunMember::instance)) {
      outbox.add(new Command.Abort(instance, run.id(), run.attempt(), reason));
    }
  }

  private void change(Run run, RunState next) {
    LOG.infof(
        "Run %s (%s): %s -> %s: %s",
        run.id(), run.name(), run.state().label(), next.label(), next.reason());
    runs.change(run, next, now());
    meters.counter("hetermoe.run.transitions", "to", next.label()).increment();
  }

  private static <T, K> Set<K> distinct(List<T> members, Function<T, K> property) {
    return members.stream().map(property).collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private static String named(RunMember member) {
    WorkerRank.Role role = member.peer().role();
    return role.name().toLowerCase(Locale.ROOT) + " worker " + member.worker();
  }

  /** As exact as the database keeps it. */
  private static Instant now() {
    return Instant.now().truncatedTo(ChronoUnit.MICROS);
  }
}
