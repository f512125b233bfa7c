package org.hetermoe.compute.cuda.compile;

/**
 * What a streaming multiprocessor of an architecture offers to blocks, from NVIDIA's table of
 * compute capabilities.
 *
 * @param warps resident at most
 * @param blocks resident at most
 * @param sharedBytes shared memory of all its blocks
 * @param sharedBytesPerBlock the most that a block may ask for
 * @param sharedBytesReserved what the system takes of each block's shared memory beyond that
 */
public record Multiprocessor(
    int warps, int blocks, int sharedBytes, int sharedBytesPerBlock, int sharedBytesReserved) {
  /** Every architecture from sm_70 on has as many, handed to warps in units. */
  private static final int REGISTERS = 64 << 10;

  private static final int REGISTERS_UNIT = 256;
  private static final int WARP = 32;

  /** Of an architecture; of one that is not known yet, those of the last one that is. */
  public static Multiprocessor of(Architecture architecture) {
    return switch (architecture.number()) {
      case 70, 72 -> new Multiprocessor(64, 32, 96 << 10, 96 << 10, 0);
      case 75 -> new Multiprocessor(32, 16, 64 << 10, 64 << 10, 0);
      case 80 -> new Multiprocessor(64, 32, 164 << 10, 163 << 10, 1 << 10);
      case 86 -> new Multiprocessor(48, 16, 100 << 10, 99 << 10, 1 << 10);
      case 87 -> new Multiprocessor(48, 16, 164 << 10, 163 << 10, 1 << 10);
      case 89 -> new Multiprocessor(48, 24, 100 << 10, 99 << 10, 1 << 10);
      case 120, 121 -> new Multiprocessor(48, 24, 100 << 10, 99 << 10, 1 << 10);
      default -> new Multiprocessor(64, 32, 228 << 10, 227 << 10, 1 << 10);
    };
  }

  /**
   * Blocks of a kernel that are resident at once.
   *
   * @param threads of a block
   * @param registers of a thread
   * @param shared bytes of shared memory of a block, static and dynamic
   */
  public int residentBlocks(int threads, int registers, int shared) {
    int warpsOfBlock = (threads + WARP - 1) / WARP;
    int unitsOfWarp = (registers * WARP + REGISTERS_UNIT - 1) / REGISTERS_UNIT;
    int byWarps = warps / warpsOfBlock;
    int byRegisters = REGISTERS / (unitsOfWarp * REGISTERS_UNIT) / warpsOfBlock;
    int bytes = shared + sharedBytesReserved;
    int byShared = bytes == 0 ? blocks : sharedBytes / bytes;
    return Math.min(Math.min(blocks, byWarps), Math.min(byRegisters, byShared));
  }

  /** Warps resident of those that could be, from 0 to 1; the arguments as above. */
  public double occupancy(int threads, int registers, int shared) {
    int warpsOfBlock = (threads + WARP - 1) / WARP;
    return (double) residentBlocks(threads, registers, shared) * warpsOfBlock / warps;
  }
}
