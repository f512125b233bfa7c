package org.hetermoe.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/** The documents of several sources, one source after the other. */
final class CombinedSource implements TextSource {
  private final List<TextSource> parts;

  CombinedSource(List<? extends TextSource> parts) {
    this.parts = List.copyOf(parts);
  }

  @Override
  public int size() {
    return Math.toIntExact(parts.stream().mapToLong(TextSource::size).sum());
  }

  @Override
  public String name(int document) {
    int within = document;
    for (TextSource part : parts) {
      if (within < part.size()) {
        return part.name(within);
      }
      within -= part.size();
    }
    throw new IndexOutOfBoundsException(document);
  }

  @Override
  public InputStream open(int document) throws IOException {
    int within = document;
    for (TextSource part : parts) {
      if (within < part.size()) {
        return part.open(within);
      }
      within -= part.size();
    }
    throw new IndexOutOfBoundsException(document);
  }

  @Override
  public String fingerprint() {
    StringBuilder all = new StringBuilder("combined\n");
    parts.forEach(part -> all.append(part.fingerprint()).append('\n'));
    return Digests.sha256(all.toString());
  }

  @Override
  public void close() throws IOException {
    for (TextSource part : parts) {
      part.close();
    }
  }
}
