package org.hetermoe.compute.cuda.compile;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A source of kernels, complete with what it includes.
 *
 * @param name the file's name, for messages: {@code attention.cu}
 * @param text CUDA C
 * @param headers name to text of the files that it includes, directly or not
 * @param defines macros that the compiler sets; they make a source special for a type or a size
 */
public record KernelSource(
    String name,
    String text,
    NavigableMap<String, String> headers,
    NavigableMap<String, String> defines) {
  private static final String FOLDER = "/org/hetermoe/compute/cuda/";
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#include\\s+\"([^\"]+)\"", Pattern.MULTILINE);

  /**
   * A source of the device's own, with all that it includes.
   *
   * @param name a file beside the kernels: {@code attention.cu}
   * @throws IllegalArgumentException if it, or a file that it includes, is not there
   */
  public static KernelSource resource(String name) {
    String text = read(name);
    NavigableMap<String, String> headers = new TreeMap<>();
    collect(text, headers);
    return new KernelSource(name, text, headers, new TreeMap<>());
  }

  /** A source in a string, which may include the device's own headers. */
  public static KernelSource text(String name, String text) {
    NavigableMap<String, String> headers = new TreeMap<>();
    collect(text, headers);
    return new KernelSource(name, text, headers, new TreeMap<>());
  }

  /** The same source with one macro more. */
  public KernelSource define(String macro, Object value) {
    NavigableMap<String, String> more = new TreeMap<>(defines);
    more.put(macro, String.valueOf(value));
    return new KernelSource(name, text, headers, more);
  }

  /** Name and macros, for messages: {@code attention.cu (HEAD_DIM=128)}. */
  @Override
  public String toString() {
    return defines.isEmpty()
        ? name
        : defines.entrySet().stream()
            .map(define -> define.getKey() + "=" + define.getValue())
            .collect(Collectors.joining(", ", name + " (", ")"));
  }

  private static void collect(String text, NavigableMap<String, String> headers) {
    Matcher include = INCLUDE.matcher(text);
    while (include.find()) {
      String header = include.group(1);
      if (!headers.containsKey(header)) {
        String body = read(header);
        headers.put(header, body);
        collect(body, headers);
      }
    }
  }

  private static String read(String name) {
    try (InputStream in = KernelSource.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new IllegalArgumentException("there is no kernel source " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the kernel source " + name, e);
    }
  }
}
