package org.hetermoe.cli.plan;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.hetermoe.cli.simulate.ModelOption;
import org.hetermoe.cli.simulate.ScenarioOptions;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.ClusterPlanner;
import org.hetermoe.plan.cluster.DevicePool;
import org.hetermoe.plan.cluster.TrainingJob;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Plans how a cluster is best used to train a model. */
@Command(
    name = "plan",
    description = {
      "Plans how to train a model on a cluster of mixed devices.",
      "Searches how to cut the cluster into groups, the role of each device, the number of",
      "micro-batches and the placement of experts, and says why. The best plan is the one with the",
      "most tokens per second, or per unit of currency where the cluster file has prices."
    },
    mixinStandardHelpOptions = true)
public final class PlanCommand implements Callable<Integer> {
  private static final int SEQUENCES_PER_DEVICE = 8;

  @Spec private CommandSpec command;
  @Mixin private ScenarioOptions scenario;

  @Parameters(
      index = "0",
      paramLabel = "CLUSTER",
      description = "A cluster file, or kinds with counts: A40:6,V100:6.")
  private String cluster;

  @Parameters(
      index = "1",
      paramLabel = "MODEL",
      description = "A model file, or the name of a known model: mixtral-d1.")
  private String model;

  @Option(
      names = "--global-batch",
      description =
          "Sequences of a step, over all groups (default: as many as memory holds, at most 8 a device).")
  private Integer globalBatch;

  @Option(
      names = "--planner",
      defaultValue = "best",
      description = "Who places experts: best, paper or none (default: ${DEFAULT-VALUE}).")
  private String planner;

  @Option(
      names = "--top",
      defaultValue = "5",
      description = "Layouts to show (default: ${DEFAULT-VALUE}).")
  private int top;

  @Option(
      names = "--what-if",
      description =
          "Also plan what services cannot run yet: hot experts with several owners (--imbalance).")
  private boolean whatIf;

  @Option(names = "--json", description = "Print one JSON object, with the placement.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public PlanCommand() {}

  /**
   * What is asked, resolved.
   *
   * @param pool the devices
   * @param task what they are to train
   */
  record Request(DevicePool pool, TrainingJob task) {}

  @Override
  public Integer call() throws IOException {
    Request request = request();
    long start = System.nanoTime();
    ClusterPlan plan =
        ClusterPlanner.plan(request.pool(), request.task(), new Simulator(), Math.max(1, top));
    double seconds = (System.nanoTime() - start) / 1e9;
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(
          Json.MAPPER.writeValueAsString(
              ClusterPlanReport.of(request.pool(), request, plan, seconds)));
    } else {
      ClusterPlanTable.print(out, request, plan, seconds);
    }
    out.flush();
    return 0;
  }

  private Request request() throws IOException {
    ClusterSpec spec = ClusterSpec.parse(cluster);
    ModelShape shape = ModelOption.read(model);
    DType computing = scenario.precision();
    PlannerKind kind = PlannerKind.of(planner);
    Catalogue known = scenario.catalogue();
    List<Device> all = spec.all(known, computing);
    long priced = spec.devices().stream().filter(each -> each.pricePerHour() > 0).count();
    if (priced > 0 && priced < spec.devices().size()) {
      throw new InvalidFieldException(
          "devices.price_per_hour", "must be given for every kind or for none");
    }
    Map<String, Double> prices = new LinkedHashMap<>();
    for (int index = 0; index < spec.devices().size(); index++) {
      Device device = spec.devicesOf(index, known, computing).getFirst();
      prices.put(device.profile().name(), spec.devices().get(index).pricePerHour());
    }
    TrainingJob task =
        new TrainingJob(
            shape,
            scenario.length(),
            globalBatch == null ? SEQUENCES_PER_DEVICE * all.size() : globalBatch,
            globalBatch == null,
            scenario.training(),
            kind,
            scenario.loads(shape),
            whatIf);
    return new Request(DevicePool.of(all, prices), task);
  }
}
