package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Looks, many times while something runs on this thread, where the stack pointer is. */
final class StackWatch {
  /** Between two looks. */
  private static final int MICROSECONDS = 50;

  private final MethodHandle start;
  private final MethodHandle stop;
  private final MethodHandle interruptions;
  private final MethodHandle outside;
  private final MethodHandle stray;

  /**
   * A watch by what stack_watch.c was compiled to.
   *
   * @param library the shared library
   */
  @SuppressWarnings("restricted") // a test
  StackWatch(Path library) {
    SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
    Linker linker = Linker.nativeLinker();
    start =
        linker.downcallHandle(
            symbols.findOrThrow("stack_watch_start"), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    stop =
        linker.downcallHandle(symbols.findOrThrow("stack_watch_stop"), FunctionDescriptor.ofVoid());
    FunctionDescriptor count = FunctionDescriptor.of(JAVA_LONG);
    interruptions = linker.downcallHandle(symbols.findOrThrow("stack_watch_interruptions"), count);
    outside = linker.downcallHandle(symbols.findOrThrow("stack_watch_outside"), count);
    stray =
        linker.downcallHandle(
            symbols.findOrThrow("stack_watch_stray"), FunctionDescriptor.ofVoid());
  }

  /**
   * Compiles stack_watch.c.
   *
   * @param folder where to
   * @return the shared library, or nothing where there is no gcc
   */
  static Optional<Path> compile(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve("stack_watch.c");
    try (InputStream in = StackWatch.class.getResourceAsStream("stack_watch.c")) {
      Files.copy(in, source);
    }
    Path library = folder.resolve("stack_watch.so");
    ProcessBuilder gcc =
        new ProcessBuilder(
            "gcc",
            "-shared",
            "-fPIC",
            "-O2",
            "-pthread",
            "-o",
            library.toString(),
            source.toString());
    Process process;
    try {
      process = gcc.inheritIO().start();
    } catch (IOException e) {
      return Optional.empty();
    }
    if (process.waitFor() != 0) {
      throw new IllegalStateException("gcc does not compile stack_watch.c");
    }
    return Optional.of(library);
  }

  /** Repeats a task until it was looked at so often. */
  Sightings during(String name, Runnable task, long looks) {
    try {
      if ((int) start.invokeExact(MICROSECONDS) != 0) {
        throw new IllegalStateException("the watch does not start");
      }
      do {
        task.run();
      } while ((long) interruptions.invokeExact() < looks);
      stop.invokeExact();
      return new Sightings((long) interruptions.invokeExact(), (long) outside.invokeExact(), name);
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException(e);
    }
  }

  /** Works for a moment with the stack pointer in the heap, as a faulty product does. */
  void stray() {
    try {
      stray.invokeExact();
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException(e);
    }
  }

  /**
   * What a watch saw.
   *
   * @param all how often it looked
   * @param outside how often the stack pointer was not on the thread's stack
   * @param task what ran
   */
  record Sightings(long all, long outside, String task) {
    /** The line that {@link #print} printed. */
    static Sightings parse(String line) {
      String[] parts = line.split(" ", 3);
      return new Sightings(Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2]);
    }

    void print() {
      System.out.print("%d %d %s\n".formatted(all, outside, task));
    }
  }
}
