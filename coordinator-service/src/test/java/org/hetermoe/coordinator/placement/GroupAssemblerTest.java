package org.hetermoe.coordinator.placement;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import org.hetermoe.coordinator.placement.GroupAssembler.Assembly;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;

class GroupAssemblerTest {
  @Test
  void picksWorkersInOrderOfTheirNumbers() {
    Assembly assembly =
        assemble(
            spec("workers.attention=2", "workers.experts=2"),
            List.of(
                expert("expert-10", 10),
                attention("attention-3", 3),
                expert("expert-9", 9),
                attention("attention-0", 0),
                expert("expert-2", 2)));

    assertThat(((Assembly.Group) assembly).members())
        .extracting(member -> member.peer() + "=" + member.worker())
        .containsExactly(
            "attention-0=attention-0",
            "attention-1=attention-3",
            "expert-0=expert-2",
            "expert-1=expert-9");
  }

  @Test
  void takesIdsWithoutNumbers() {
    Assembly assembly =
        assemble(spec(), List.of(expert("b", 1), attention("99999999999", 2), expert("a", 0)));

    assertThat(((Assembly.Group) assembly).members())
        .extracting(Assignment.Member::worker)
        .containsExactly("99999999999", "a");
  }

  @Test
  void saysWhatIsMissing() {
    assertThat(assemble(spec("workers.experts=2"), List.of()))
        .isEqualTo(new Assembly.Missing("1 more attention worker and 2 more expert workers"));
    assertThat(assemble(spec("workers.experts=2"), List.of(attention("a", 0), expert("e", 0))))
        .isEqualTo(new Assembly.Missing("1 more expert worker"));
    assertThat(assemble(spec("channel=memory"), List.of(expert("e", 0))))
        .isEqualTo(new Assembly.Missing("1 more attention worker"));
  }

  @Test
  void takesNoTwoWorkersOfAPartitionWhereActivationsGoThroughTheBroker() {
    List<Heartbeat> free = List.of(attention("a", 0), expert("e-1", 5), expert("e-2", 5));

    assertThat(assemble(spec("channel=kafka", "workers.experts=2"), free))
        .isEqualTo(new Assembly.Missing("1 more expert worker"));
    assertThat(assemble(spec("workers.experts=2"), free)).isInstanceOf(Assembly.Group.class);
  }

  @Test
  void takesWorkersWhoseDevicesComputeInTheTypesOfTheRun() {
    List<DType> newer = List.of(DType.F32, DType.F16, DType.BF16);
    List<DType> older = List.of(DType.F32, DType.F16);
    List<Heartbeat> free =
        List.of(
            worker(WorkerRank.Role.ATTENTION, "a-0", 0, older),
            worker(WorkerRank.Role.ATTENTION, "a-1", 1, newer),
            worker(WorkerRank.Role.EXPERT, "e-0", 0, List.of(DType.F32)),
            worker(WorkerRank.Role.EXPERT, "e-1", 1, older));

    assertThat(
            ((Assembly.Group)
                    assemble(spec("precision.attention=bf16", "precision.experts=fp16"), free))
                .members())
        .extracting(Assignment.Member::worker)
        .containsExactly("a-1", "e-1");
    assertThat(assemble(spec("precision=bf16"), free))
        .isEqualTo(
            new Assembly.Missing(
                "1 more expert worker computing in bf16 (e-0 computes in fp32, e-1 computes in"
                    + " fp32 and fp16)"));
    assertThat(
            assemble(
                spec("channel=memory", "precision.experts=bf16", "precision.attention=fp16"), free))
        .isInstanceOf(Assembly.Group.class);
    assertThat(assemble(spec("precision=bf16", "compute=reference"), free))
        .isInstanceOf(Assembly.Group.class);
  }

  @Test
  void takesAsManyExpertWorkersAsTheRunMayHave() {
    List<Heartbeat> free =
        List.of(attention("a", 0), expert("e-0", 0), expert("e-1", 1), expert("e-2", 2));

    assertThat(members(assemble(spec("workers.experts=1..2"), free)))
        .containsExactly("attention-0=a", "expert-0=e-0", "expert-1=e-1");
    assertThat(members(assemble(spec("workers.experts=2..9"), free))).hasSize(4);
    assertThat(assemble(spec("workers.experts=4..9"), free))
        .isEqualTo(new Assembly.Missing("1 more expert worker"));
  }

  @Test
  void letsAttentionRanksShareAWorkerWhereTheyMay() {
    RunSpec spec = spec("workers.attention=3");
    List<Heartbeat> free = List.of(attention("a-0", 0), attention("a-1", 1), expert("e", 0));

    assertThat(assemble(spec, free)).isEqualTo(new Assembly.Missing("1 more attention worker"));
    assertThat(members(GroupAssembler.assemble(spec, free, true)))
        .containsExactly("attention-0=a-0", "attention-1=a-1", "attention-2=a-0", "expert-0=e");
    assertThat(GroupAssembler.assemble(spec, List.of(expert("e", 0)), true))
        .isEqualTo(new Assembly.Missing("3 more attention workers"));
    assertThat(GroupAssembler.assemble(spec("workers.attention=3", "channel=kafka"), free, true))
        .as("a partition has one reader")
        .isEqualTo(new Assembly.Missing("1 more attention worker"));
  }

  private static Assembly assemble(RunSpec spec, List<Heartbeat> free) {
    return GroupAssembler.assemble(spec, free, false);
  }

  private static List<String> members(Assembly assembly) {
    return ((Assembly.Group) assembly)
        .members().stream().map(member -> member.peer() + "=" + member.worker()).toList();
  }

  private static RunSpec spec(String... overrides) {
    return RunSpecReader.read("", List.of(overrides));
  }

  private static Heartbeat attention(String id, int partition) {
    return worker(WorkerRank.Role.ATTENTION, id, partition);
  }

  private static Heartbeat expert(String id, int partition) {
    return worker(WorkerRank.Role.EXPERT, id, partition);
  }

  private static Heartbeat worker(WorkerRank.Role role, String id, int partition) {
    return worker(role, id, partition, List.of(DType.F32));
  }

  private static Heartbeat worker(
      WorkerRank.Role role, String id, int partition, List<DType> types) {
    return new Heartbeat(
        id,
        UUID.randomUUID(),
        role,
        "127.0.0.1",
        4000,
        partition,
        "",
        "cpu",
        types,
        "test",
        null,
        0,
        0);
  }
}
