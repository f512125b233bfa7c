package org.hetermoe.emulator;

import java.io.IOException;
import java.util.Optional;

/**
 * Prints the directory of the emulator's libraries, building them if need be: for scripts that
 * start a process on emulated devices, as {@link EmulatedCuda#libraries} tells.
 */
public final class PrintLibraries {
  private PrintLibraries() {}

  /** Takes no arguments; exit code 2, with the reason, where they cannot be had. */
  public static void main(String[] arguments) throws IOException {
    Optional<String> why = EmulatedCuda.unavailable();
    if (why.isPresent()) {
      System.err.println("no emulated GPU: " + why.get());
      System.exit(2);
    }
    System.out.println(NativeBuild.libraries());
  }
}
