package org.hetermoe.cli.plan;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.hetermoe.cli.simulate.ModelOption;
import org.hetermoe.cli.simulate.ScenarioOptions;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.ClusterPlanner;
import org.hetermoe.plan.cluster.DevicePool;
import org.hetermoe.plan.cluster.PlannedLayout;
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
      "Searches groups, roles, micro-batches and placement of experts for the most tokens per",
      "second, or per unit of currency where the cluster file has prices, and says why."
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
          Json.MAPPER.writeValueAsString(PlanReport.of(request.pool(), request, plan, seconds)));
    } else {
      print(out, request, plan, seconds);
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
            Training.paper(computing),
            kind,
            scenario.loads(shape),
            whatIf);
    return new Request(DevicePool.of(all, prices), task);
  }

  private static void print(PrintWriter out, Request request, ClusterPlan plan, double seconds) {
    TrainingJob task = request.task();
    boolean priced = request.pool().priced();
    out.printf(
        Locale.ROOT,
        "%s, sequences of %d, global batch %s%d, planner %s%n%n",
        task.model().name(),
        task.length(),
        task.fitted() ? "of at most " : "",
        task.globalBatch(),
        task.planner().label());
    out.printf(
        "%6s  %-24s  %-28s  %3s  %6s  %10s  %s%6s  %s%n",
        "groups",
        "attention",
        "experts",
        "R",
        "batch",
        "tokens/s",
        priced ? "  tokens/cur.  " : "",
        "bound",
        "limit");
    for (PlannedLayout one : plan.layouts()) {
      out.printf(
          Locale.ROOT,
          "%6d  %-24s  %-28s  %3d  %6d  %10.0f  %s%5.1f%%  %s%n",
          one.layout().groups(),
          one.layout().attentionNames(request.pool()),
          one.layout().expertNames(request.pool()),
          one.layout().microBatches(),
          one.layout().globalBatch(),
          one.tokensPerSecond(),
          priced ? String.format(Locale.ROOT, "%12.0f  ", one.tokensPerCurrency()) : "",
          100 * one.placed().boundFraction(),
          one.limit().label());
      out.printf("        %s%n", one.why());
    }
    PlannedLayout best = plan.best();
    out.printf(
        "%nexperts moved to attention workers, per layer: %s%n", best.placed().movedPerLayer());
    out.printf("placement: %s%n", best.placed().why());
    out.printf(
        Locale.ROOT,
        "%d of %d devices in use, %.1f %% of the bound of the whole cluster, %.0f tokens/s%n",
        best.layout().devices(),
        request.pool().devices(),
        100 * plan.boundFraction(),
        plan.boundTokensPerSecond());
    out.printf(
        Locale.ROOT,
        "%d layouts: %d do not fit memory, %d cannot beat it by their bound, %d promised less than those looked at%n",
        plan.considered(),
        plan.tooLittleMemory(),
        plan.pruned(),
        plan.notLookedAt());
    out.printf(Locale.ROOT, "planned in %.2f s%n", seconds);
  }
}
