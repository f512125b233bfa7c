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
 * The header in front of each record: which part of which frame it is. {@value #BYTES} bytes,
 * little-endian: magic 4, version 2, zeroes 2, run 16, attempt 4, sender 4, receiver 4, sequence 8,
 * part 4, parts 4, frame's bytes 4, part's bytes 4, CRC32C of all this 4. What follows is a slice
 * of the frame, which has checksums of its own.
 *
 * @param sequence number of the frame among those from this sender to this receiver, from 0
 * @param part number of the part, from 0
 * @param frameBytes size of the frame with its header
 * @param partBytes size of all parts but the last
 */
record PartHeader(
    RunKey run,
    WorkerRank sender,
    WorkerRank receiver,
    long sequence,
    int part,
    int frameBytes,
    int partBytes) {
  static final int BYTES = 64;

  /** "HMoP". */
  private static final int MAGIC = 0x506f4d48;

  private static final short VERSION = 1;
  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  static int parts(int frameBytes, int partBytes) {
    return Math.ceilDiv(frameBytes, partBytes);
  }

  int parts() {
    return parts(frameBytes, partBytes);
  }

  /** Where the part begins in the frame. */
  int offset() {
    return part * partBytes;
  }

  /** How much of the frame is in this part. */
  int length() {
    return Math.min(partBytes, frameBytes - offset());
  }

  boolean isLast() {
    return part == parts() - 1;
  }

  /** Header and slice of the frame, as one record. */
  byte[] record(ByteBuffer image) {
    byte[] value = new byte[BYTES + length()];
    ByteBuffer out = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort(VERSION).putShort((short) 0);
    out.putLong(run.run().getMostSignificantBits()).putLong(run.run().getLeastSignificantBits());
    out.putInt(run.attempt()).putInt(sender.code()).putInt(receiver.code()).putLong(sequence);
    out.putInt(part).putInt(parts()).putInt(frameBytes).putInt(partBytes);
    out.putInt(FrameHeader.checksum(out.slice(0, CHECKSUM_AT)));
    image.get(offset(), value, BYTES, length());
    return value;
  }

  static Verdict read(byte[] value) {
    if (value.length < BYTES) {
      return new Unsound(Refusal.TRUNCATED, "record of " + value.length + " bytes");
    }
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != MAGIC) {
      return new Unsound(Refusal.BAD_MAGIC, "record with magic %#010x".formatted(in.getInt(0)));
    }
    if (in.getShort(4) != VERSION) {
      return new Unsound(Refusal.BAD_VERSION, "record of version " + in.getShort(4));
    }
    if (in.getInt(CHECKSUM_AT) != FrameHeader.checksum(in.slice(0, CHECKSUM_AT))) {
      return new Unsound(Refusal.BAD_CHECKSUM, "record's header does not match its checksum");
    }
    Optional<WorkerRank> sender = WorkerRank.ofCode(in.getInt(28));
    if (sender.isEmpty()) {
      return new Unsound(Refusal.UNKNOWN_SENDER, "sender %#x".formatted(in.getInt(28)));
    }
    Optional<WorkerRank> receiver = WorkerRank.ofCode(in.getInt(32));
    if (receiver.isEmpty()) {
      return new Unsound(Refusal.WRONG_RECEIVER, "receiver %#x".formatted(in.getInt(32)));
    }
    int part = in.getInt(44);
    int parts = in.getInt(48);
    int frameBytes = in.getInt(52);
    int partBytes = in.getInt(56);
    if (frameBytes < FrameHeader.BYTES
        || partBytes < FrameHeader.BYTES
        || parts != parts(frameBytes, partBytes)
        || part < 0
        || part >= parts) {
      return new Unsound(
          Refusal.SIZE_MISMATCH,
          "part %d of %d, frame of %d bytes in parts of %d"
              .formatted(part, parts, frameBytes, partBytes));
    }
    PartHeader header =
        new PartHeader(
            new RunKey(new UUID(in.getLong(8), in.getLong(16)), in.getInt(24)),
            sender.get(),
            receiver.get(),
            in.getLong(36),
            part,
            frameBytes,
            partBytes);
    return header.length() == value.length - BYTES
        ? new Sound(header)
        : new Unsound(Refusal.SIZE_MISMATCH, "record of " + value.length + " bytes for " + header);
  }

  /** What came of reading a record. */
  sealed interface Verdict {}

  /** A sound one. */
  record Sound(PartHeader header) implements Verdict {}

  /** An unsound one. */
  record Unsound(Refusal reason, String detail) implements Verdict {}
}
