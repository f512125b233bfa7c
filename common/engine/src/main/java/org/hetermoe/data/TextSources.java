package org.hetermoe.data;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.zip.ZipException;
import org.hetermoe.model.InvalidFieldException;

/** Opens the text that a run file names. */
final class TextSources {
  private static final String FIELD = "data.source";
  private static final String JDK_FOLDER = "java.base/java/util/";

  private TextSources() {}

  /**
   * Opens a source.
   *
   * @param spec {@code jdk}, or a file, folder, glob, zip or JSON-lines file
   * @throws InvalidFieldException about {@code data.source} if there is nothing of that name or
   *     nothing in it
   * @throws IOException if it cannot be read
   */
  static TextSource open(String spec) throws IOException {
    if (spec.equals("jdk")) {
      return openJdk(Path.of(System.getProperty("java.home"), "lib", "src.zip"));
    }
    TextSource source;
    try {
      Path path = Path.of(spec).toAbsolutePath().normalize();
      if (Files.isDirectory(path)) {
        source = openFiles(path, listFolder(path, file -> true));
      } else if (Files.isRegularFile(path)) {
        source = openFile(path);
      } else if (isGlob(spec)) {
        source = openGlob(path);
      } else {
        throw new InvalidFieldException(FIELD, "there is no file or folder '" + spec + "'");
      }
    } catch (InvalidPathException invalid) {
      throw because(new InvalidFieldException(FIELD, "is no path: '" + spec + "'"), invalid);
    }
    if (source.size() == 0) {
      source.close();
      throw new InvalidFieldException(FIELD, "there is no text in '" + spec + "'");
    }
    return source;
  }

  static TextSource openJdk(Path zip) throws IOException {
    if (!Files.isRegularFile(zip)) {
      throw new InvalidFieldException(
          FIELD,
          "'jdk' needs the sources of the JDK, but there is no "
              + zip
              + "; name a text file or folder, or install a JDK with lib/src.zip");
    }
    TextSource source = openZip(zip, JDK_FOLDER);
    if (source.size() == 0) {
      source.close();
      throw new InvalidFieldException(
          FIELD, "'jdk' needs the sources of the JDK, but " + zip + " has no " + JDK_FOLDER);
    }
    return source;
  }

  private static TextSource openFile(Path path) throws IOException {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".zip")) {
      return openZip(path, "");
    }
    return openFiles(path.getParent(), List.of(path));
  }

  private static TextSource openZip(Path path, String prefix) throws IOException {
    try {
      return new ZipSource(path, prefix);
    } catch (ZipException broken) {
      throw because(
          new InvalidFieldException(
              FIELD, "'" + path + "' is no zip file that can be read: " + broken.getMessage()),
          broken);
    }
  }

  private static TextSource openFiles(Path base, List<Path> files) throws IOException {
    List<Path> plain = new ArrayList<>();
    List<TextSource> parts = new ArrayList<>();
    try {
      for (Path file : files) {
        if (isJsonLines(file)) {
          parts.add(new JsonLinesSource(file));
        } else {
          plain.add(file);
        }
      }
      parts.addFirst(new FileSource(base, plain));
      return new CombinedSource(parts);
    } catch (IOException | RuntimeException failure) {
      new CombinedSource(parts).close();
      throw failure;
    }
  }

  private static boolean isJsonLines(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".jsonl") || name.endsWith(".ndjson");
  }

  private static boolean isGlob(String spec) {
    return spec.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
  }

  private static TextSource openGlob(Path pattern) throws IOException {
    Path base = pattern;
    while (isGlob(base.toString())) {
      base = base.getParent();
    }
    if (!Files.isDirectory(base)) {
      throw new InvalidFieldException(
          FIELD, "there is no folder '" + base + "' for the pattern '" + pattern + "'");
    }
    // "a/**/b" is to find "a/b" as well, as it does in a shell; Java's patterns want a folder.
    String rest = base.relativize(pattern).toString();
    PathMatcher exact = matcher(rest, pattern);
    PathMatcher direct = matcher(rest.replace("**/", ""), pattern);
    Path root = base;
    return openFiles(
        root,
        listFolder(
            root,
            file -> {
              Path relative = root.relativize(file);
              return exact.matches(relative) || (rest.contains("**/") && direct.matches(relative));
            }));
  }

  private static PathMatcher matcher(String glob, Path pattern) {
    try {
      return FileSystems.getDefault().getPathMatcher("glob:" + glob);
    } catch (java.util.regex.PatternSyntaxException malformed) {
      throw because(
          new InvalidFieldException(
              FIELD, "is no pattern: '" + pattern + "': " + malformed.getDescription()),
          malformed);
    }
  }

  /** The files below a folder, hidden ones left out, in the order of their names. */
  private static List<Path> listFolder(Path folder, Predicate<Path> wanted) throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path entered, BasicFileAttributes attributes) {
            return !entered.equals(folder) && isHidden(entered)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (!isHidden(file) && Files.isRegularFile(file) && wanted.test(file)) {
              files.add(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    Collections.sort(files);
    return files;
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }

  private static InvalidFieldException because(InvalidFieldException exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }
}
