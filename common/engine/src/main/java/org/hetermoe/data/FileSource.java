package org.hetermoe.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files, each a document. */
final class FileSource implements TextSource {
  private final List<Path> files;
  private final String fingerprint;

  /**
   * The given files.
   *
   * @param base their names in the fingerprint are relative to it
   * @param files in the order of their names
   */
  FileSource(Path base, List<Path> files) throws IOException {
    this.files = List.copyOf(files);
    StringBuilder state = new StringBuilder();
    for (Path file : files) {
      state
          .append(base.relativize(file))
          .append('\t')
          .append(Files.size(file))
          .append('\t')
          .append(Files.getLastModifiedTime(file).toInstant())
          .append('\n');
    }
    this.fingerprint = Digests.sha256("files\n" + state);
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public String name(int document) {
    return files.get(document).toString();
  }

  @Override
  public InputStream open(int document) throws IOException {
    return Files.newInputStream(files.get(document));
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public void close() {
    // Files are opened one at a time.
  }
}
