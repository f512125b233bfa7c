package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.hetermoe.cluster.Device;

/**
 * A way to cut a cluster into ZP groups that are alike.
 *
 * @param groups how many
 * @param attention attention workers of a group, by kind of the pool
 * @param expert expert workers of a group, by kind of the pool
 * @param microBatches of a group's step (R)
 * @param sequences of a micro-batch
 */
public record Layout(
    int groups, List<Integer> attention, List<Integer> expert, int microBatches, int sequences) {
  public Layout {
    attention = List.copyOf(attention);
    expert = List.copyOf(expert);
  }

  /** M: attention workers of a group. */
  public int attentionWorkers() {
    return attention.stream().mapToInt(Integer::intValue).sum();
  }

  /** N: expert workers of a group. */
  public int expertWorkers() {
    return expert.stream().mapToInt(Integer::intValue).sum();
  }

  /** Sequences of a step, over all groups. */
  public int globalBatch() {
    return groups * microBatches * sequences;
  }

  /** The same with other micro-batches. */
  Layout with(int count, int sequencesOfEach) {
    return new Layout(groups, attention, expert, count, sequencesOfEach);
  }

  /** Devices of a kind in all groups. */
  public int used(int kind) {
    return groups * (attention.get(kind) + expert.get(kind));
  }

  private static String names(DevicePool pool, List<Integer> counts) {
    return IntStream.range(0, counts.size())
        .filter(kind -> counts.get(kind) > 0)
        .mapToObj(kind -> counts.get(kind) + " " + pool.kinds().get(kind).name())
        .collect(Collectors.joining(" + "));
  }

  /** Attention workers of a group by kind: {@code 2 A100 + 1 A40}. */
  public String attentionNames(DevicePool pool) {
    return names(pool, attention);
  }

  /** Expert workers of a group by kind. */
  public String expertNames(DevicePool pool) {
    return names(pool, expert);
  }

  /** Attention workers of the first group. */
  List<Device> attentionDevices(DevicePool pool) {
    List<Device> devices = new ArrayList<>();
    for (int kind = 0; kind < attention.size(); kind++) {
      devices.addAll(pool.kinds().get(kind).devices().subList(0, attention.get(kind)));
    }
    return devices;
  }

  /** Expert workers of the first group. */
  List<Device> expertDevices(DevicePool pool) {
    List<Device> devices = new ArrayList<>();
    for (int kind = 0; kind < expert.size(); kind++) {
      int from = attention.get(kind);
      devices.addAll(pool.kinds().get(kind).devices().subList(from, from + expert.get(kind)));
    }
    return devices;
  }

  /** Price of an hour of all devices that it uses. */
  double pricePerHour(DevicePool pool) {
    return IntStream.range(0, attention.size())
        .mapToDouble(kind -> used(kind) * pool.kinds().get(kind).pricePerHour())
        .sum();
  }

  /** How many devices of all kinds it uses. */
  public int devices() {
    return groups * (attentionWorkers() + expertWorkers());
  }

  /** What the layout leaves idle, by kind; empty if nothing. */
  public String leftOut(DevicePool pool) {
    return names(
        pool,
        IntStream.range(0, attention.size())
            .mapToObj(kind -> pool.kinds().get(kind).count() - used(kind))
            .toList());
  }
}
