package org.hetermoe.data;

import java.io.IOException;
import java.io.InputStream;

/**
 * Documents of text, in an order that follows from their names. Sources are listed when they are
 * opened; a document's content is read when it is asked for.
 */
interface TextSource extends AutoCloseable {
  /** Number of documents. */
  int size();

  /** What a document is called in messages. */
  String name(int document);

  /** The content of a document, UTF-8. */
  InputStream open(int document) throws IOException;

  /**
   * Changes when a document is added, removed or changed; for files that is judged by name, size
   * and time.
   */
  String fingerprint();

  @Override
  void close() throws IOException;
}
