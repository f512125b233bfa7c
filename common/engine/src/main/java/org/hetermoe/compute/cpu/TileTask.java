package org.hetermoe.compute.cpu;

/** One operation, cut into tiles that do not touch each other's outputs. */
@FunctionalInterface
interface TileTask {
  /**
   * Does one tile.
   *
   * @param tile its number
   * @param scratch memory of the executing thread, with undefined contents
   */
  void run(int tile, Scratch scratch);
}
