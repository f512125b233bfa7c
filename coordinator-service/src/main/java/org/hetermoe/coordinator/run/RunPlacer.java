package org.hetermoe.coordinator.run;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.transaction.Transactional;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.placement.GroupAssembler;
import org.hetermoe.coordinator.placement.GroupAssembler.Assembly;
import org.hetermoe.coordinator.planning.Decision;
import org.hetermoe.coordinator.planning.GroupDevices;
import org.hetermoe.coordinator.planning.LoadHistory;
import org.hetermoe.coordinator.planning.PlanRepository;
import org.hetermoe.coordinator.planning.RunPlanner;
import org.hetermoe.coordinator.planning.RunPlans;
import org.hetermoe.coordinator.planning.StepWindow;
import org.hetermoe.coordinator.run.PlansInProgress.PlanInProgress;
import org.hetermoe.coordinator.run.PlansInProgress.Progress;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.RunSpec;

/**
 * Gives queued runs their workers: forms a group of those that are free, has it planned, and begins
 * an attempt once the plan is there and nothing has changed.
 */
@ApplicationScoped
class RunPlacer {
  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final RunPlans plans;
  private final PlanRepository storedPlans;
  private final RunTransitions transitions;
  private final GroupCommands commands;
  private final Roster roster;
  private final Event<AttemptStarting> attempts;
  private final PlansInProgress planning;
  private final LoadHistory history;
  private final Duration profilePatience;
  private final Duration workerPatience;

  RunPlacer(
      RunRepository runs,
      AssignmentRepository assignments,
      RunPlans plans,
      PlanRepository storedPlans,
      RunTransitions transitions,
      GroupCommands commands,
      Roster roster,
      Event<AttemptStarting> attempts,
      PlansInProgress planning,
      LoadHistory history,
      CoordinatorConfig config) {
    this.runs = runs;
    this.assignments = assignments;
    this.plans = plans;
    this.storedPlans = storedPlans;
    this.transitions = transitions;
    this.commands = commands;
    this.roster = roster;
    this.attempts = attempts;
    this.planning = planning;
    this.history = history;
    this.profilePatience = config.planning().profilePatience();
    this.workerPatience = config.recovery().workerPatience();
  }

  /** What became of a queued run. */
  enum Placed {
    /** It has its workers or is planned for them, or is not queued any more. */
    SETTLED,
    /** It waits for workers that are there but busy; later runs must not take them. */
    NEXT_IN_LINE,
    /** It waits for workers that are not there; later runs may pass. */
    OUT_OF_REACH
  }

  /**
   * Brings a queued run one step further, if there are enough workers that are free: to a plan that
   * is being made for them, and from that to an attempt.
   *
   * @param behind the run that it has to wait for; null where there is none
   */
  @Transactional
  Placed place(UUID id, UUID behind) {
    Run run = runs.lockWithCheckpoints(id).orElse(null);
    if (run == null || !(run.state() instanceof RunState.Waiting waiting)) {
      planning.forget(id);
      return Placed.SETTLED;
    }
    if (run.allDone()) {
      planning.forget(id);
      run.noteAllDone();
      transitions.change(run, waiting.complete("all " + run.steps() + " steps are done"));
      return Placed.SETTLED;
    }
    if (run.retryAt() != null && run.retryAt().isAfter(RunTransitions.now())) {
      return Placed.NEXT_IN_LINE;
    }
    // A worker that was lost is only given up after a while: whoever lives has been heard since.
    List<Heartbeat> live =
        waiting instanceof RunState.Recovering
            ? roster.heardSince(run.stateSince())
            : roster.live();
    Optional<PlanInProgress> begun = planning.of(id);
    if (begun.isPresent() && begun.get().fits(run) && stillFree(begun.get().devices(), live)) {
      follow(run, waiting, begun.get());
      return Placed.SETTLED;
    }
    planning.forget(id);
    if (behind != null) {
      waitFor(run, waiting, "run " + behind + ", which is before it in the queue");
      return Placed.NEXT_IN_LINE;
    }
    return seek(run, waiting, live);
  }

  /** Finds a group and has it planned. */
  private Placed seek(Run run, RunState.Waiting waiting, List<Heartbeat> live) {
    boolean patient = run.stateSince().plus(workerPatience).isAfter(RunTransitions.now());
    boolean sharing = waiting instanceof RunState.Recovering && !patient;
    Set<String> planned = planning.workers();
    List<Heartbeat> free =
        free(live).stream().filter(worker -> !planned.contains(worker.worker())).toList();
    return switch (GroupAssembler.assemble(run.spec(), free, sharing)) {
      case Assembly.Group group -> {
        if (patient && group.experts() < run.spec().workers().experts().most()) {
          waitFor(
              run,
              waiting,
              "more expert workers: it may have %s and %d are free"
                  .formatted(run.spec().workers().experts(), group.experts()));
          yield Placed.NEXT_IN_LINE;
        }
        RunSpec spec = run.spec().withExpertWorkers(group.experts());
        GroupDevices devices = plans.devices(spec, group.members(), RunPlans.described(live));
        if (!devices.unknown().isEmpty() && mayStillCome(devices)) {
          waitFor(run, waiting, "the profile of " + String.join(", ", devices.unknown()));
          yield Placed.NEXT_IN_LINE;
        }
        List<String> unmeasured = devices.links().unknown();
        if (unmeasured.stream().anyMatch(this::isFresh)) {
          waitFor(run, waiting, "the links of " + String.join(", ", unmeasured));
          yield Placed.NEXT_IN_LINE;
        }
        plan(run, spec, devices);
        waitFor(run, waiting, "its plan");
        yield Placed.SETTLED;
      }
      case Assembly.Missing missing -> {
        waitFor(run, waiting, missing.need());
        yield GroupAssembler.assemble(run.spec(), live, false) instanceof Assembly.Group
            ? Placed.NEXT_IN_LINE
            : Placed.OUT_OF_REACH;
      }
    };
  }

  /** Begins to plan, by what the steps before the checkpoint have shown where it has one. */
  private void plan(Run run, RunSpec spec, GroupDevices devices) {
    StepWindow window =
        run.resumeStep() == 0
            ? new StepWindow(List.of())
            : history.upTo(run.id(), run.resumeStep(), spec.planning().rebalanceEvery());
    planning.begin(
        run,
        devices,
        () -> {
          RunPlanner planner = plans.planner(spec, devices);
          return window
              .loads()
              .map(loads -> planner.decide(loads).by(window))
              .orElseGet(() -> planner.decide(planner.balanced()));
        });
  }

  /** Goes by a plan that was begun. */
  private void follow(Run run, RunState.Waiting waiting, PlanInProgress plan) {
    switch (planning.progress(plan)) {
      case Progress.UnderWay _ -> waitFor(run, waiting, "its plan");
      case Progress.Made made -> {
        planning.forget(run.id());
        begin(run, waiting, plan.devices(), made.decision());
      }
      case Progress.Failed failed -> {
        planning.forget(run.id());
        transitions.change(run, waiting.fail(failed.reason()));
      }
    }
  }

  /** Whether all processes that a plan is for live and work on nothing. */
  private boolean stillFree(GroupDevices devices, List<Heartbeat> live) {
    Set<UUID> free = free(live).stream().map(Heartbeat::instance).collect(Collectors.toSet());
    return devices.members().stream().allMatch(member -> free.contains(member.instance()));
  }

  /** Workers that neither say that they work on a run nor are assigned to one. */
  private List<Heartbeat> free(List<Heartbeat> live) {
    Set<String> busy = runs.busyWorkers();
    return live.stream()
        .filter(worker -> worker.run() == null && !busy.contains(worker.worker()))
        .toList();
  }

  private static void waitFor(Run run, RunState.Waiting waiting, String what) {
    RunState.Waiting next = waiting.waitFor("waiting for " + what);
    if (!next.equals(waiting)) {
      run.become(next, RunTransitions.now());
    }
  }

  /** Whether a worker came so recently that it may still be taking its profile. */
  private boolean mayStillCome(GroupDevices devices) {
    return devices.members().stream()
        .filter(member -> !devices.profiles().containsKey(member.peer()))
        .anyMatch(member -> isFresh(member.worker()));
  }

  private boolean isFresh(String worker) {
    return roster.freeFor(worker).compareTo(profilePatience) < 0;
  }

  private void begin(Run run, RunState.Waiting waiting, GroupDevices devices, Decision decision) {
    int from = run.resumeStep();
    attempts.fire(new AttemptStarting(run, from));
    run.beginAttempt(from, devices.experts());
    RunSpec spec = run.attemptSpec();
    Assignment assignment =
        new Assignment(
            run.id(), run.attempt(), spec, decision.placement(), devices.members(), from);
    assignments.add(assignment, RunTransitions.now());
    storedPlans.add(
        plans.record(
            run.id(), run.attempt(), 0, from, RunTransitions.now(), spec, devices, decision));
    transitions.change(run, waiting.prepare(preparation(assignment)));
    commands.prepare(assignment);
  }

  private static String preparation(Assignment assignment) {
    long workers = assignment.members().stream().map(Assignment.Member::worker).distinct().count();
    int from = assignment.resumeFromStep();
    return workers
        + (workers == 1 ? " worker prepares" : " workers prepare")
        + (from == 0 ? "" : " to go on after step " + from);
  }
}
