package org.hetermoe.coordinator.metrics;

import jakarta.transaction.Transactional;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.PlanView;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.planning.Decision;
import org.hetermoe.coordinator.planning.GroupDevices;
import org.hetermoe.coordinator.planning.PlanRepository;
import org.hetermoe.coordinator.planning.RunPlans;
import org.hetermoe.coordinator.planning.StepWindow;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.Run;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.coordinator.worker.Roster;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.StepMetrics;

/** What was planned for a run, and what became of it. */
@Path("/api/v1/runs/{id}/plan")
@Tag(name = "runs")
@Produces(MediaType.APPLICATION_JSON)
public class PlanResource {
  private static final int STEPS = 1_000;

  private final RunRepository runs;
  private final PlanRepository plans;
  private final StepHistory history;
  private final RunPlans runPlans;
  private final AssignmentRepository assignments;
  private final Roster roster;

  PlanResource(
      RunRepository runs,
      PlanRepository plans,
      StepHistory history,
      RunPlans runPlans,
      AssignmentRepository assignments,
      Roster roster) {
    this.runPlans = runPlans;
    this.assignments = assignments;
    this.roster = roster;
    this.runs = runs;
    this.plans = plans;
    this.history = history;
  }

  /** The plan of the present or last attempt, beside what was measured since it holds. */
  @GET
  @Operation(summary = "Who computes what, what that promised, and what was measured")
  @Transactional
  public PlanView show(@PathParam("id") String id) {
    Run run = runs.get(runs.resolve(id));
    List<RunPlan> stored = plans.of(run.id(), run.attempt());
    List<RunPlan> all = stored.stream().filter(plan -> plan.fromStep() != null).toList();
    // Of plans that nobody followed, the earlier ones were given up.
    RunPlan pending =
        run.running() && !stored.isEmpty() && stored.getLast().fromStep() == null
            ? stored.getLast()
            : null;
    if (all.isEmpty()) {
      throw ProblemException.notFound("Run " + run.id() + " has no plan yet");
    }
    RunPlan plan = all.getLast();
    List<StepMetrics> steps = history.since(run.id(), run.attempt(), plan.fromStep(), STEPS);
    return new PlanView(
        plan,
        pending,
        MeasuredSteps.of(steps, plan.predictedStepSeconds(), foreseeable(run, plan, steps)),
        all.subList(0, all.size() - 1));
  }

  /**
   * What the plan would have promised under the loads that steps show; null if it cannot be told.
   */
  private Double foreseeable(Run run, RunPlan plan, List<StepMetrics> steps) {
    GroupDevices devices =
        runPlans.devices(
            run.attemptSpec(),
            assignments.members(run.id(), run.attempt()).stream()
                .map(AssignedWorker::member)
                .toList(),
            RunPlans.described(roster.live()));
    return new StepWindow(steps)
        .loads()
        .flatMap(
            loads ->
                runPlans
                    .planner(run.attemptSpec(), devices)
                    .given(plan.placement(), "in hindsight", loads)
                    .promise())
        .map(Decision.Promise::stepSeconds)
        .orElse(null);
  }
}
