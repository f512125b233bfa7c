package org.hetermoe.compute.cuda.driver;

/**
 * What a device is.
 *
 * @param ordinal its place in the driver's list, from 0
 * @param uuid as {@code nvidia-smi -L} prints it: {@code GPU-} and five groups of hex digits
 * @param name the maker's name for it
 * @param major compute capability before the dot
 * @param minor compute capability after the dot
 * @param memoryBytes all of its memory
 * @param multiprocessors streaming multiprocessors
 * @param sharedBytesPerBlock shared memory that a block may have when its kernel asks for it
 */
public record DeviceInfo(
    int ordinal,
    String uuid,
    String name,
    int major,
    int minor,
    long memoryBytes,
    int multiprocessors,
    int sharedBytesPerBlock) {

  /** The compute capability with its dot: {@code 8.0}. */
  public String capability() {
    return major + "." + minor;
  }
}
