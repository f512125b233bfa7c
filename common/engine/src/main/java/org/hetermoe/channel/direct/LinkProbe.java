package org.hetermoe.channel.direct;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Both ends of a connection that carries no frames but measures a link. The end that asks sends
 * orders of {@value #ORDER_BYTES} bytes (little-endian: so many bytes follow 4, so many bytes are
 * wanted back 4); the other reads what follows and sends back what is wanted, until the connection
 * is closed. What the bytes are does not matter.
 */
final class LinkProbe {
  /** Longest time from a handshake to the end, at either end of the connection. */
  static final Duration TIME_LIMIT = Duration.ofSeconds(3);

  private static final int ORDER_BYTES = 2 * Integer.BYTES;
  private static final int MESSAGE_BYTES = 1 << 20;
  private static final int FIRST_BATCH_BYTES = 64 << 10;
  private static final int LARGEST_BATCH_BYTES = 256 << 20;
  private static final int WARM_UP_ROUNDS = 5;
  private static final int FEWEST_ROUNDS = 5;
  private static final int MOST_ROUNDS = 100;
  private static final long ROUNDS_NANOS = 50_000_000;
  private static final long BATCH_NANOS = 40_000_000;

  private final ByteChannel wire;
  private final ByteBuffer order =
      ByteBuffer.allocateDirect(ORDER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer content = ByteBuffer.allocateDirect(MESSAGE_BYTES);

  LinkProbe(ByteChannel wire) {
    this.wire = wire;
  }

  /** An order that no sound peer gives. */
  static final class UnsoundException extends IOException {
    private static final long serialVersionUID = 1L;

    UnsoundException(int follows, int wanted) {
      super("an order of %d bytes for %d bytes".formatted(follows, wanted));
    }
  }

  /**
   * Measures; takes a few hundred milliseconds, longer only where the link is very slow.
   *
   * @throws IOException if the connection ends before
   */
  MeasuredLink measure() throws IOException {
    long roundTrip = medianRoundTrip();
    return new MeasuredLink(
        roundTrip * 0.5e-9,
        bytesPerSecond(roundTrip, this::batchOut),
        bytesPerSecond(roundTrip, this::batchIn));
  }

  /**
   * Answers until the peer hangs up.
   *
   * @throws UnsoundException if it asks for what cannot be
   */
  void answer() throws IOException {
    while (Sockets.readFully(wire, order.clear())) {
      int follows = order.getInt(0);
      int wanted = order.getInt(Integer.BYTES);
      if (follows < 0 || follows > MESSAGE_BYTES || wanted < 1 || wanted > MESSAGE_BYTES) {
        throw new UnsoundException(follows, wanted);
      }
      read(follows);
      Sockets.writeFully(wire, content.clear().limit(wanted));
    }
  }

  private long medianRoundTrip() throws IOException {
    for (int round = 0; round < WARM_UP_ROUNDS; round++) {
      roundTrip();
    }
    List<Long> rounds = new ArrayList<>();
    long start = System.nanoTime();
    while (rounds.size() < FEWEST_ROUNDS
        || (rounds.size() < MOST_ROUNDS && System.nanoTime() - start < ROUNDS_NANOS)) {
      rounds.add(roundTrip());
    }
    Collections.sort(rounds);
    return rounds.get(rounds.size() / 2);
  }

  private long roundTrip() throws IOException {
    long start = System.nanoTime();
    order(0, 1);
    read(1);
    return System.nanoTime() - start;
  }

  /** Sends or fetches so many bytes, and waits until they are there. */
  @FunctionalInterface
  private interface Batch {
    void transfer(int bytes) throws IOException;
  }

  /**
   * Speed of the first batch that takes long enough to be measured, each twice as large as the one
   * before; the earlier ones also bring the connection up to speed.
   */
  private static double bytesPerSecond(long roundTrip, Batch batch) throws IOException {
    for (int bytes = FIRST_BATCH_BYTES; ; bytes *= 2) {
      long start = System.nanoTime();
      batch.transfer(bytes);
      long nanos = System.nanoTime() - start;
      if (nanos >= BATCH_NANOS + 2 * roundTrip || bytes >= LARGEST_BATCH_BYTES) {
        // The last answer's way is no part of it; a link without end is still measured by half.
        return bytes * 1e9 / Math.max(nanos - roundTrip, (nanos + 1) / 2);
      }
    }
  }

  /** One message after the other, then one answer after the other: these are small and wait. */
  private void batchOut(int bytes) throws IOException {
    for (int left = bytes; left > 0; left -= MESSAGE_BYTES) {
      int message = Math.min(left, MESSAGE_BYTES);
      order(message, 1);
      Sockets.writeFully(wire, content.clear().limit(message));
    }
    for (int left = bytes; left > 0; left -= MESSAGE_BYTES) {
      read(1);
    }
  }

  private void batchIn(int bytes) throws IOException {
    for (int left = bytes; left > 0; left -= MESSAGE_BYTES) {
      order(0, Math.min(left, MESSAGE_BYTES));
    }
    for (int left = bytes; left > 0; left -= MESSAGE_BYTES) {
      read(Math.min(left, MESSAGE_BYTES));
    }
  }

  private void order(int follows, int wanted) throws IOException {
    Sockets.writeFully(wire, order.clear().putInt(follows).putInt(wanted).flip());
  }

  private void read(int bytes) throws IOException {
    if (bytes > 0 && !Sockets.readFully(wire, content.clear().limit(bytes))) {
      throw new EOFException("connection ended before the message");
    }
  }
}
