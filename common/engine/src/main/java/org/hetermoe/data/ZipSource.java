package org.hetermoe.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Entries of a zip file, each a document. */
final class ZipSource implements TextSource {
  private final Path path;
  private final ZipFile zip;
  private final List<? extends ZipEntry> entries;

  /** The entries whose names begin with {@code prefix}, hidden ones and folders left out. */
  ZipSource(Path path, String prefix) throws IOException {
    this.path = path;
    this.zip = new ZipFile(path.toFile());
    this.entries =
        zip.stream()
            .filter(entry -> !entry.isDirectory() && entry.getName().startsWith(prefix))
            .filter(entry -> !entry.getName().startsWith(".") && !entry.getName().contains("/."))
            .sorted(Comparator.comparing(ZipEntry::getName))
            .toList();
  }

  @Override
  public int size() {
    return entries.size();
  }

  @Override
  public String name(int document) {
    return path + "!" + entries.get(document).getName();
  }

  @Override
  public InputStream open(int document) throws IOException {
    return zip.getInputStream(entries.get(document));
  }

  /** A zip file carries a checksum of every entry, so its age does not matter. */
  @Override
  public String fingerprint() {
    StringBuilder state = new StringBuilder("zip\n");
    for (ZipEntry entry : entries) {
      state
          .append(entry.getName())
          .append('\t')
          .append(entry.getSize())
          .append('\t')
          .append(entry.getCrc())
          .append('\n');
    }
    return Digests.sha256(state.toString());
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
