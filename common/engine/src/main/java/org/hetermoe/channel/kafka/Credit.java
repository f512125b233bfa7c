package org.hetermoe.channel.kafka;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Refusal;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * What a receiver of frames tells their sender: how much of what it has sent has been let in since
 * the channel was opened. A total, so that of several only the last counts, and none must come
 * twice. {@value #BYTES} bytes, little-endian: magic 4, version 2, zeroes 2, run 16, attempt 4,
 * receiver of the frames 4, their sender 4, total 8, CRC32C of all this 4.
 *
 * @param from who receives the frames
 * @param to who sends them
 * @param bytes of frames with their headers
 */
record Credit(RunKey run, WorkerRank from, WorkerRank to, long bytes) {
  static final int BYTES = 48;

  /** Nothing is let in any more, and nobody needs to wait for it. */
  static final long UNLIMITED = Long.MAX_VALUE;

  /** "HMoA". */
  private static final int MAGIC = 0x416f4d48;

  private static final short VERSION = 1;
  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  /** Whether a record is one, sound or not. */
  static boolean is(byte[] value) {
    return value.length >= Integer.BYTES && little(value).getInt(0) == MAGIC;
  }

  byte[] record() {
    byte[] value = new byte[BYTES];
    ByteBuffer out = little(value);
    out.putInt(MAGIC).putShort(VERSION).putShort((short) 0);
    out.putLong(run.run().getMostSignificantBits()).putLong(run.run().getLeastSignificantBits());
    out.putInt(run.attempt()).putInt(from.code()).putInt(to.code()).putLong(bytes);
    out.putInt(FrameHeader.checksum(out.slice(0, CHECKSUM_AT)));
    return value;
  }

  /** Reads what {@link #record} wrote. */
  static Verdict read(byte[] value) {
    if (value.length != BYTES) {
      return new Unsound(Refusal.SIZE_MISMATCH, "credit of " + value.length + " bytes");
    }
    ByteBuffer in = little(value);
    if (in.getShort(4) != VERSION) {
      return new Unsound(Refusal.BAD_VERSION, "credit of version " + in.getShort(4));
    }
    if (in.getInt(CHECKSUM_AT) != FrameHeader.checksum(in.slice(0, CHECKSUM_AT))) {
      return new Unsound(Refusal.BAD_CHECKSUM, "credit does not match its checksum");
    }
    Optional<WorkerRank> from = WorkerRank.ofCode(in.getInt(28));
    if (from.isEmpty()) {
      return new Unsound(Refusal.UNKNOWN_SENDER, "credit of %#x".formatted(in.getInt(28)));
    }
    Optional<WorkerRank> to = WorkerRank.ofCode(in.getInt(32));
    if (to.isEmpty()) {
      return new Unsound(Refusal.WRONG_RECEIVER, "credit for %#x".formatted(in.getInt(32)));
    }
    return new Sound(
        new Credit(
            new RunKey(new UUID(in.getLong(8), in.getLong(16)), in.getInt(24)),
            from.get(),
            to.get(),
            in.getLong(36)));
  }

  private static ByteBuffer little(byte[] value) {
    return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What came of reading one. */
  sealed interface Verdict {}

  /** A sound one. */
  record Sound(Credit credit) implements Verdict {}

  /** An unsound one. */
  record Unsound(Refusal reason, String detail) implements Verdict {}
}
