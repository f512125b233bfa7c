package org.hetermoe.worker;

import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Topics;

/**
 * Who this process is.
 *
 * @param worker stable id, which outlives the process
 * @param instance this process alone
 * @param role the side of a group it can take
 * @param partition its partition of its role's activation topic
 * @param softwareVersion what it runs
 */
public record WorkerIdentity(
    String worker, UUID instance, WorkerRank.Role role, int partition, String softwareVersion) {
  private static final Pattern TRAILING_NUMBER = Pattern.compile("(\\d{1,9})$");

  public WorkerIdentity {
    if (worker.isBlank()) {
      throw new InvalidFieldException("hetermoe.worker.id", "must not be empty");
    }
    if (partition < 0 || partition >= Topics.ACTIVATION_PARTITIONS) {
      throw new InvalidFieldException(
          "hetermoe.worker.partition",
          "must lie between 0 and "
              + (Topics.ACTIVATION_PARTITIONS - 1)
              + ", is "
              + partition
              + "; set it where the worker's id ends in another number");
    }
  }

  static WorkerIdentity of(WorkerSettings settings, WorkerRank.Role role, String softwareVersion) {
    String id = settings.id().strip();
    int partition =
        settings.partition().isPresent() ? settings.partition().getAsInt() : trailingNumber(id);
    return new WorkerIdentity(id, UUID.randomUUID(), role, partition, softwareVersion);
  }

  /** The topic that carries activations to workers of this role. */
  String activationTopic() {
    return activationTopic(role);
  }

  static String activationTopic(WorkerRank.Role role) {
    return switch (role) {
      case ATTENTION -> Topics.ATTENTION_ACTIVATIONS;
      case EXPERT -> Topics.EXPERT_ACTIVATIONS;
    };
  }

  private static int trailingNumber(String id) {
    Matcher matcher = TRAILING_NUMBER.matcher(id);
    if (!matcher.find()) {
      throw new InvalidFieldException(
          "hetermoe.worker.partition",
          "must be set, since the worker's id '" + id + "' does not end in a number");
    }
    return Integer.parseInt(matcher.group(1));
  }
}
