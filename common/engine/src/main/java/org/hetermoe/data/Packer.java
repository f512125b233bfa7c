package org.hetermoe.data;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.hetermoe.model.InvalidFieldException;

/** Turns a source into a file of tokens. For one thread, once. */
final class Packer {
  private static final System.Logger LOG = System.getLogger(Packer.class.getName());

  /** A document is tokenised in pieces of about this size, cut at line ends. */
  private static final int PIECE_BYTES = 1 << 20;

  /** A piece that finds no line end is cut here, between two characters. */
  private static final int LONGEST_PIECE_BYTES = 1 << 21;

  /** A zero byte among the first so many marks a document as no text. */
  private static final int SNIFF_BYTES = 8000;

  private static final long ORDER_OF_DOCUMENTS = 0x646F63756D656E74L;

  private final TextSource source;
  private final Tokenizer tokenizer;
  private final PackedMetadata wanted;
  private final CRC32C checksum = new CRC32C();
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
  private long tokens;

  Packer(TextSource source, Tokenizer tokenizer, PackedMetadata wanted) {
    this.source = source;
    this.tokenizer = tokenizer;
    this.wanted = wanted;
  }

  /** Writes the file and then its metadata; both appear at once and whole. */
  void pack(Path target) throws IOException {
    LOG.log(
        System.Logger.Level.INFO,
        () -> "Packing " + source.size() + " documents of " + wanted.source() + " into " + target);
    Path unfinished = target.resolveSibling(target.getFileName() + ".unfinished");
    int documents = 0;
    try (FileChannel out =
        FileChannel.open(
            unfinished,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      // Documents are shuffled, so that the end of the file, which is held out, is like the rest.
      Permutation order =
          new Permutation(source.size(), Permutation.key(wanted.seed(), ORDER_OF_DOCUMENTS));
      for (int position = 0; position < source.size(); position++) {
        int document = (int) order.at(position);
        if (packDocument(document, out)) {
          documents++;
        }
      }
      flush(out);
      if (tokens == 0) {
        throw new InvalidFieldException(
            "data.source",
            "there is no text in '" + wanted.source() + "', only empty or binary files");
      }
      out.force(true);
    } catch (IOException | RuntimeException failure) {
      Files.deleteIfExists(unfinished);
      throw failure;
    }
    Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    wanted.packed(documents, tokens, checksum.getValue()).write(PackedMetadata.beside(target));
  }

  private boolean packDocument(int document, FileChannel out) throws IOException {
    try (InputStream in = new BufferedInputStream(source.open(document), 1 << 16)) {
      byte[] piece = nextPiece(in);
      if (piece.length == 0) {
        return false;
      }
      if (isBinary(piece)) {
        LOG.log(System.Logger.Level.DEBUG, () -> "No text: " + source.name(document));
        return false;
      }
      if (tokens > 0) {
        write(tokenizer.separator(), out);
      }
      while (piece.length > 0) {
        write(tokenizer.encode(piece), out);
        piece = nextPiece(in);
      }
      return true;
    }
  }

  private static boolean isBinary(byte[] content) {
    for (int i = 0; i < Math.min(content.length, SNIFF_BYTES); i++) {
      if (content[i] == 0) {
        return true;
      }
    }
    return false;
  }

  /** Reads on to the end of a line after {@link #PIECE_BYTES}; empty at the end. */
  private static byte[] nextPiece(InputStream in) throws IOException {
    byte[] bulk = in.readNBytes(PIECE_BYTES);
    if (bulk.length < PIECE_BYTES || bulk[bulk.length - 1] == '\n') {
      return bulk;
    }
    ByteArrayOutputStream piece = new ByteArrayOutputStream(PIECE_BYTES + (1 << 12));
    piece.write(bulk);
    while (true) {
      in.mark(1);
      int next = in.read();
      if (next < 0) {
        return piece.toByteArray();
      }
      boolean startsCharacter = (next & 0xC0) != 0x80;
      if (piece.size() >= LONGEST_PIECE_BYTES && startsCharacter) {
        in.reset();
        return piece.toByteArray();
      }
      piece.write(next);
      if (next == '\n') {
        return piece.toByteArray();
      }
    }
  }

  private void write(int[] ids, FileChannel out) throws IOException {
    int vocabulary = tokenizer.vocabularySize();
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new InvalidFieldException(
            "data.tokenizer",
            "gives token " + id + ", but its vocabulary says there are " + vocabulary);
      }
      if (buffer.remaining() < wanted.tokenBytes()) {
        flush(out);
      }
      if (wanted.tokenBytes() == Character.BYTES) {
        buffer.putChar((char) id);
      } else {
        buffer.putInt(id);
      }
    }
    tokens += ids.length;
  }

  private void flush(FileChannel out) throws IOException {
    buffer.flip();
    checksum.update(buffer.duplicate());
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
    buffer.clear();
  }
}
