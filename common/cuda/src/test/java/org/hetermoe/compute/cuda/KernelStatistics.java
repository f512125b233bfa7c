package org.hetermoe.compute.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.compute.cuda.compile.Architecture;

/**
 * What ptxas says of a kernel.
 *
 * @param staticShared bytes of shared memory that the kernel declares
 */
record KernelStatistics(
    String kernel,
    Architecture architecture,
    int registers,
    int staticShared,
    int spillStores,
    int spillLoads) {
  private static final Pattern ENTRY =
      Pattern.compile("Compiling entry function '(\\w+)' for 'sm_(\\d+)a?'");
  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final Pattern USED = Pattern.compile("Used (\\d+) registers(.*)");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");

  boolean spills() {
    return spillStores > 0 || spillLoads > 0;
  }

  /** Of all kernels in a log of {@code --ptxas-options=-v}. */
  static List<KernelStatistics> read(String log) {
    List<KernelStatistics> kernels = new ArrayList<>();
    String kernel = null;
    Architecture architecture = null;
    int stores = 0;
    int loads = 0;
    for (String line : log.lines().toList()) {
      Matcher entry = ENTRY.matcher(line);
      Matcher spills = SPILLS.matcher(line);
      Matcher used = USED.matcher(line);
      if (entry.find()) {
        kernel = entry.group(1);
        architecture = Architecture.of(Integer.parseInt(entry.group(2)));
        stores = -1;
      } else if (spills.find()) {
        stores = Integer.parseInt(spills.group(1));
        loads = Integer.parseInt(spills.group(2));
      } else if (used.find()) {
        if (kernel == null || stores < 0) {
          throw new IllegalArgumentException("no kernel, or no word of spills, before: " + line);
        }
        Matcher shared = SHARED.matcher(used.group(2));
        kernels.add(
            new KernelStatistics(
                kernel,
                architecture,
                Integer.parseInt(used.group(1)),
                shared.find() ? Integer.parseInt(shared.group(1)) : 0,
                stores,
                loads));
        kernel = null;
      }
    }
    return kernels;
  }
}
