package org.hetermoe.cli.simulate;

import java.util.List;

/**
 * A set-up of the paper's evaluation (§6.1) with the models that are simulated on it: those that
 * the paper names with it, and otherwise one whose experts both all GPUs and the expert GPUs share
 * evenly.
 *
 * @param name as in the paper
 * @param attention kind that attends
 * @param attentionCount how many
 * @param expert kind that computes experts
 * @param expertCount how many
 * @param gbps of each network card
 * @param models simulated on it
 */
record PaperSetup(
    String name,
    String attention,
    int attentionCount,
    String expert,
    int expertCount,
    double gbps,
    List<String> models) {
  static final List<Integer> LENGTHS =
      List.of(4096, 8192, 12_288, 16_384, 20_480, 24_576, 28_672, 32_768);

  static final List<PaperSetup> ALL =
      List.of(
          new PaperSetup("O1", "A40", 6, "V100", 6, 100, List.of("mixtral-w1", "mixtral-d1")),
          new PaperSetup("O2", "A40", 4, "V100", 8, 100, List.of("mixtral-w2")),
          new PaperSetup("O3", "A40", 6, "V100", 3, 100, List.of("mixtral-d2")),
          new PaperSetup("C1", "L40S", 2, "T4", 6, 200, List.of("mixtral-d1")),
          new PaperSetup("C2", "L40S", 2, "T4", 8, 200, List.of("mixtral-d3")));

  String cluster() {
    return attention + ":" + attentionCount + "," + expert + ":" + expertCount;
  }
}
