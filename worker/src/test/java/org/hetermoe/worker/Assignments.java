package org.hetermoe.worker;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpec;

/** Assignments for tests: the defaults of the run file. */
final class Assignments {
  private Assignments() {}

  /** All given members in one process, over the given channel. */
  static Assignment of(UUID run, int attempt, String channel, UUID instance, WorkerRank... peers) {
    List<Assignment.Member> members =
        Arrays.stream(peers)
            .map(peer -> new Assignment.Member(peer, "test-0", instance, "127.0.0.1", 1, 0))
            .toList();
    return of(run, attempt, channel, members);
  }

  static Assignment of(UUID run, int attempt, String channel, List<Assignment.Member> members) {
    RunSpec spec = spec(channel);
    Placement placement = Placement.balanced(spec.model().layers(), spec.model().experts(), 1);
    return new Assignment(run, attempt, spec, placement, members, 0);
  }

  private static RunSpec spec(String channel) {
    try (InputStream defaults = RunSpec.class.getResourceAsStream("run-defaults.yaml")) {
      ObjectNode tree = (ObjectNode) Json.YAML.readTree(defaults);
      tree.put("channel", channel);
      tree.put("compute", "reference");
      return Json.YAML.treeToValue(tree, RunSpec.class);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
