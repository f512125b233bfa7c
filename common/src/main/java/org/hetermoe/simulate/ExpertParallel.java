package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.hetermoe.cluster.Device;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.Split;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.plan.ZebraSchedule;
import org.hetermoe.simulate.GroupGraph.Exchange;

/**
 * Expert parallelism, optimised: every device has the attention of its share of the batch and its
 * share of the experts. A layer's exchange is cut into parts that overlap with the experts, within
 * the layer. Recomputation of a layer repeats its exchange.
 */
final class ExpertParallel implements TrainingSystem {
  /** Parts in which a layer's exchange overlaps with its experts. */
  static final int PARTS = 2;

  private final SystemKind system;

  ExpertParallel(SystemKind system) {
    this.system = system;
  }

  @Override
  public Outcome train(Scenario scenario, int sequences) {
    return system == SystemKind.EP ? together(scenario, sequences) : apart(scenario, sequences);
  }

  @Override
  public boolean fits(Scenario scenario, int sequences) {
    return system == SystemKind.EP_IDEAL
        || Memory.shortage(Memory.rows(crew(scenario, scenario.devices(), sequences))).isEmpty();
  }

  private Outcome together(Scenario scenario, int sequences) {
    Crew crew = crew(scenario, scenario.devices(), sequences);
    Optional<String> shortage = Memory.shortage(Memory.rows(crew));
    if (shortage.isPresent()) {
      return new Outcome.Impossible(system, shortage.get());
    }
    Simulation step = simulate(scenario, scenario.devices(), sequences);
    return new Outcome.Trained(
        system,
        (double) sequences * scenario.length() / step.stepSeconds(),
        step.stepSeconds(),
        1,
        List.of(),
        0,
        List.of(step));
  }

  /** Each kind trains its share of the batch; memory is no limit to what is ideal. */
  private Outcome apart(Scenario scenario, int sequences) {
    double tokensPerSecond = 0;
    double longest = 0;
    List<Simulation> steps = new ArrayList<>();
    for (List<Device> kind : scenario.byKind().values()) {
      if (!kind.getFirst().profile().attention()) {
        continue;
      }
      int share = Math.max(1, sequences / scenario.devices().size()) * kind.size();
      Simulation step = simulate(scenario, kind, share);
      tokensPerSecond += (double) share * scenario.length() / step.stepSeconds();
      longest = Math.max(longest, step.stepSeconds());
      steps.add(step);
    }
    return new Outcome.Trained(system, tokensPerSecond, longest, 1, List.of(), 0, steps);
  }

  private static Simulation simulate(Scenario scenario, List<Device> devices, int sequences) {
    GroupCosts costs = costs(scenario, devices, sequences);
    Crew crew = new Crew(inParts(costs), spread(costs), true);
    Exchange exchange = new Exchange(true, scenario.checkpointing() ? 2 : 1);
    Execution execution =
        Simulator.execute(inParts(costs), crew, new ZebraSchedule(costs.layers(), PARTS), exchange);
    // What is kept is kept of the whole batch, not of a part.
    return Simulation.of(execution, Memory.rows(new Crew(costs, spread(costs), true)));
  }

  private static Crew crew(Scenario scenario, List<Device> devices, int sequences) {
    GroupCosts costs = costs(scenario, devices, sequences);
    return new Crew(costs, spread(costs), true);
  }

  private static GroupCosts costs(Scenario scenario, List<Device> devices, int sequences) {
    return CostModel.alike(scenario.step(sequences, 1), devices);
  }

  /** Experts in order over all workers; counts differ by at most one. */
  private static Placement spread(GroupCosts costs) {
    List<Peer> layer = new ArrayList<>();
    for (int worker = 0; worker < costs.attention().size(); worker++) {
      int count = Split.of(costs.experts(), costs.attention().size(), worker).count();
      layer.addAll(Collections.nCopies(count, Peer.attention(worker)));
    }
    return new Placement(Collections.nCopies(costs.layers(), layer));
  }

  private static GroupCosts inParts(GroupCosts costs) {
    return new GroupCosts(
        costs.layers(),
        costs.experts(),
        PARTS,
        costs.topK(),
        costs.rowBytes(),
        costs.attention().stream().map(ExpertParallel::part).toList(),
        List.of(),
        costs.loads());
  }

  private static WorkerCosts part(WorkerCosts whole) {
    return new WorkerCosts(
        whole.device(),
        part(whole.attention()),
        part(whole.embedding()),
        part(whole.head()),
        whole.experts(),
        whole.reduceSeconds(),
        whole.optimizerSeconds(),
        whole.expertOptimizerSeconds(),
        whole.tokens() / PARTS,
        whole.link(),
        whole.memoryBytes(),
        whole.residentBytes(),
        whole.expertBytes());
  }

  private static Passes part(Passes whole) {
    return new Passes(whole.forward() / PARTS, whole.backward() / PARTS);
  }
}
