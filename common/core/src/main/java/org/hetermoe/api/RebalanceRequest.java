package org.hetermoe.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.model.InvalidFieldException;

/**
 * Where experts shall move; a request without body leaves that to the planner. Exactly one of both
 * is given.
 *
 * @param expertCounts experts of every layer that each expert worker gets, by rank; or null
 * @param placement per layer, the owner of each expert; or null
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RebalanceRequest(List<Integer> expertCounts, Placement placement) {
  public RebalanceRequest {
    if ((expertCounts == null) == (placement == null)) {
      throw new InvalidFieldException("body", "must have either expert_counts or placement");
    }
    expertCounts = expertCounts == null ? null : List.copyOf(expertCounts);
  }

  /** By number of experts. */
  public static RebalanceRequest ofCounts(List<Integer> expertCounts) {
    return new RebalanceRequest(expertCounts, null);
  }
}
