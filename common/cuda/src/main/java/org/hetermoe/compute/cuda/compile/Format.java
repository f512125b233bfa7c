package org.hetermoe.compute.cuda.compile;

/** What the compiler emits. */
public enum Format {
  /** Assembly of a virtual architecture, which the driver compiles when it loads the module. */
  PTX("compute_", "nvrtcGetPTXSize", "nvrtcGetPTX"),
  /** Machine code of one architecture, as an ELF file. */
  CUBIN("sm_", "nvrtcGetCUBINSize", "nvrtcGetCUBIN");

  private final String architecturePrefix;
  private final String sizeFunction;
  private final String getFunction;

  Format(String architecturePrefix, String sizeFunction, String getFunction) {
    this.architecturePrefix = architecturePrefix;
    this.sizeFunction = sizeFunction;
    this.getFunction = getFunction;
  }

  String option(Architecture target) {
    return "--gpu-architecture=" + architecturePrefix + target.number();
  }

  String sizeFunction() {
    return sizeFunction;
  }

  String getFunction() {
    return getFunction;
  }
}
