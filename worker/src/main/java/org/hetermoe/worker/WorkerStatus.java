package org.hetermoe.worker;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;

/**
 * What a worker process is and does, as REST shows it.
 *
 * @param worker stable id
 * @param instance this process
 * @param role which side of a group it can take
 * @param compute description of its device
 * @param types floating-point types that its device computes in
 * @param softwareVersion version of the worker
 * @param host where peers reach its direct channel
 * @param port where peers reach its direct channel
 * @param partition its partition of its role's activation topic
 * @param state {@code idle, preparing, prepared, training, ending}
 * @param run the run it works on; null while idle
 * @param attempt the attempt; 0 while idle
 * @param step the last step done; 0 while idle
 * @param traffic what has gone through its channels since the process began
 * @param refusedFrames frames refused since the process began, by reason
 */
public record WorkerStatus(
    String worker,
    UUID instance,
    WorkerRank.Role role,
    String compute,
    List<DType> types,
    String softwareVersion,
    String host,
    int port,
    int partition,
    String state,
    UUID run,
    int attempt,
    int step,
    Traffic traffic,
    Map<String, Long> refusedFrames) {}
