package org.hetermoe.coordinator.rebalance;

import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.coordinator.broker.CommandOutbox;
import org.hetermoe.coordinator.metrics.StepHistory;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.planning.Decision;
import org.hetermoe.coordinator.planning.GroupDevices;
import org.hetermoe.coordinator.planning.PlanRepository;
import org.hetermoe.coordinator.planning.RunPlanner;
import org.hetermoe.coordinator.planning.RunPlans;
import org.hetermoe.coordinator.planning.StepWindow;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.GroupCommands;
import org.hetermoe.coordinator.run.Run;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.Median;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.PlanningSpec;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;
import org.jboss.logging.Logger;

/**
 * Decides moves of experts. Planning takes up to seconds, so it goes by what it has read, and holds
 * the run's lock only to store what it has decided.
 */
@ApplicationScoped
class Rebalancer {
  private static final Logger LOG = Logger.getLogger(Rebalancer.class);

  /** How long workers may take to report a move, at least. */
  private static final Duration MOVE_PATIENCE = Duration.ofSeconds(60);

  /** And how many of the run's steps. */
  private static final int MOVE_STEPS = 20;

  private final RunRepository runs;
  private final AssignmentRepository assignments;
  private final RunPlans plans;
  private final PlanRepository storedPlans;
  private final StepHistory history;
  private final Roster roster;
  private final GroupCommands commands;
  private final CommandOutbox outbox;

  Rebalancer(
      RunRepository runs,
      AssignmentRepository assignments,
      RunPlans plans,
      PlanRepository storedPlans,
      StepHistory history,
      Roster roster,
      GroupCommands commands,
      CommandOutbox outbox) {
    this.runs = runs;
    this.assignments = assignments;
    this.plans = plans;
    this.storedPlans = storedPlans;
    this.history = history;
    this.roster = roster;
    this.commands = commands;
    this.outbox = outbox;
  }

  /** A running run as it is now. */
  private record Situation(
      Run run,
      List<AssignedWorker> members,
      GroupDevices devices,
      Placement placement,
      List<RunPlan> plans,
      StepWindow window,
      RunPlanner planner,
      ExpertLoads loads) {
    RunSpec spec() {
      return run.attemptSpec();
    }

    RunKey attempt() {
      return new RunKey(run.id(), run.attempt());
    }

    boolean pending() {
      return plans.stream().anyMatch(plan -> awaited(plan, window));
    }

    int stepsLeft() {
      return run.steps() - run.stepsDone();
    }
  }

  /**
   * Whether workers are still expected to follow a plan. Where nobody has said for long that they
   * do, the order or the report was lost; then another may be given, which says where all experts
   * are to be, wherever they are now.
   *
   * @param window steps since the last move
   */
  private static boolean awaited(RunPlan plan, StepWindow window) {
    return plan.fromStep() == null && plan.at().plus(patience(window)).isAfter(Instant.now());
  }

  /** A move happens between two steps, so the time that it may take is counted in steps. */
  private static Duration patience(StepWindow window) {
    double step =
        window.steps().isEmpty()
            ? 0
            : Median.of(window.steps().stream().mapToDouble(StepMetrics::seconds));
    Duration steps = Duration.ofMillis(Math.round(1e3 * MOVE_STEPS * step));
    return steps.compareTo(MOVE_PATIENCE) > 0 ? steps : MOVE_PATIENCE;
  }

  /**
   * Moves experts because somebody asks for it.
   *
   * @param asked where they are to go; empty lets the planner decide
   * @return the plan that the workers will follow, or follow already
   * @throws ProblemException with status 409 if the run does not run
   * @throws org.hetermoe.model.InvalidFieldException if the placement does not fit the run
   */
  RunPlan request(UUID id, Optional<Placement> asked) {
    Situation now =
        QuarkusTransaction.requiringNew()
            .call(() -> look(id))
            .orElseThrow(
                () ->
                    ProblemException.conflict(
                        "Run " + id + " is not running, so nothing can move"));
    if (asked.isPresent()) {
      GroupPlan.of(now.spec(), asked.get());
      return order(now, now.planner.given(asked.get(), "as requested", now.loads));
    }
    if (!now.planner.informed()) {
      throw ProblemException.conflict(
          "There is no profile of " + String.join(", ", now.devices.unknown()));
    }
    PlannerKind kind = now.spec().planning().planner();
    Decision next = now.planner.plan(kind == PlannerKind.NONE ? PlannerKind.BEST : kind, now.loads);
    return order(now, because(next, "requested" + basis(now)));
  }

  /** Moves experts of an attempt if that pays. */
  void consider(RunKey attempt) {
    Situation now =
        QuarkusTransaction.requiringNew()
            .call(() -> look(attempt.run()))
            .filter(situation -> situation.attempt().equals(attempt))
            .orElse(null);
    if (now == null || now.pending() || now.window.steps().isEmpty() || !now.planner.informed()) {
      return;
    }
    PlanningSpec planning = now.spec().planning();
    Decision stay = now.planner.given(now.placement, "as it is", now.loads);
    Decision next = now.planner.plan(planning.planner(), now.loads);
    if (next.planner() == PlannerKind.NONE) {
      return; // nobody plans this run, or no plan fits: what is there stays
    }
    RebalancePolicy.Prospect prospect =
        new RebalancePolicy.Prospect(
            stay.promise().orElseThrow().stepSeconds(),
            next.promise().orElseThrow().stepSeconds(),
            moveSeconds(now, next.placement()),
            now.stepsLeft());
    boolean pays = new RebalancePolicy(planning.rebalanceThreshold()).pays(prospect);
    LOG.infof(
        "Run %s, %s: %s: %s",
        attempt.run(), now.window.label(), pays ? "moving pays" : "stays", prospect.summary());
    if (pays) {
      order(
          now,
          because(
              next,
              String.format(
                  Locale.ROOT,
                  "moving saves %.0f%%%s: %s",
                  100 * prospect.gain(),
                  basis(now),
                  prospect.summary())));
    }
  }

  /** What planning needs of a run; empty if it does not run. */
  private Optional<Situation> look(UUID id) {
    Run run = runs.get(id);
    if (!run.running()) {
      return Optional.empty();
    }
    List<AssignedWorker> members = assignments.members(run.id(), run.attempt());
    GroupDevices devices =
        plans.devices(
            run.attemptSpec(),
            members.stream().map(AssignedWorker::member).toList(),
            RunPlans.described(roster.live()));
    Placement placement = assignments.placement(run.id(), run.attempt()).orElseThrow();
    List<RunPlan> earlier = storedPlans.of(run.id(), run.attempt());
    int since =
        earlier.stream()
            .filter(plan -> plan.fromStep() != null)
            .mapToInt(RunPlan::fromStep)
            .max()
            .orElse(0);
    StepWindow window =
        new StepWindow(
            history.since(
                run.id(), run.attempt(), since, run.attemptSpec().planning().rebalanceEvery()));
    RunPlanner planner = plans.planner(run.attemptSpec(), devices);
    ExpertLoads loads = window.loads().orElseGet(planner::balanced);
    return Optional.of(
        new Situation(
            run,
            members,
            devices,
            placement,
            earlier,
            window,
            planner.measured(placement, loads, window.spent()),
            loads));
  }

  private double moveSeconds(Situation now, Placement next) {
    ModelShape model = ModelShape.of(now.spec().name(), now.spec().model());
    return MoveCost.seconds(now.placement, next, model.expertParameters(), now.devices.links());
  }

  private static String basis(Situation now) {
    return now.window.steps().isEmpty() ? "" : ", by the loads of " + now.window.label();
  }

  private static Decision because(Decision decision, String reason) {
    return new Decision(
        decision.placement(),
        decision.planner(),
        reason + "; " + decision.why(),
        decision.promise());
  }

  /**
   * Stores a plan and has the workers follow it; gives the present one if nothing moves.
   *
   * @throws ProblemException with status 409 if the run has changed meanwhile
   */
  private RunPlan order(Situation then, Decision next) {
    RunPlan plan = QuarkusTransaction.requiringNew().call(() -> store(then, next));
    outbox.send();
    return plan;
  }

  private RunPlan store(Situation then, Decision next) {
    UUID id = then.run.id();
    Run run =
        runs.lock(id).filter(r -> r.running() && r.attempt() == then.run.attempt()).orElse(null);
    if (run == null || run.stepsDone() >= run.steps()) {
      throw ProblemException.conflict("Run " + id + " is about to end, so nothing can move");
    }
    List<RunPlan> stored = storedPlans.of(id, run.attempt());
    Placement present = assignments.placement(id, run.attempt()).orElseThrow();
    if (stored.stream().anyMatch(plan -> awaited(plan, then.window))
        || !present.equals(then.placement)) {
      throw ProblemException.conflict(
          "Experts of run " + id + " are about to move already; ask again after the next step");
    }
    if (next.placement().equals(present)
        && !stored.isEmpty()
        && stored.getLast().fromStep() != null) {
      return stored.getLast();
    }
    int number = stored.stream().mapToInt(RunPlan::number).max().orElse(-1) + 1;
    RunPlan plan =
        plans.record(
            id,
            run.attempt(),
            number,
            null,
            Instant.now().truncatedTo(ChronoUnit.MICROS),
            run.attemptSpec(),
            then.devices,
            next);
    storedPlans.add(plan);
    commands.rebalance(run, then.members, next.placement());
    LOG.infof(
        "Run %s: %d experts are to move: %s",
        id, MoveCost.experts(present, next.placement()), next.why());
    return plan;
  }
}
