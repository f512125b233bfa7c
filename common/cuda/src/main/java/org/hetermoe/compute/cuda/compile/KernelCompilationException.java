package org.hetermoe.compute.cuda.compile;

/** A kernel source that the compiler refuses; the message names it and its first error. */
public class KernelCompilationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public KernelCompilationException(String message) {
    super(message);
  }
}
