package org.hetermoe.channel.direct;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Refusal;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * The first words on a connection. The sender says what the connection is for, which run it is, who
 * it is and whom it wants ({@value #BYTES} bytes, little-endian: magic 4, version 2, purpose 2, run
 * 16, attempt 4, sender 4, receiver 4, CRC32C 4); the receiver answers with {@value #ANSWER_BYTES}
 * bytes: magic 4, a {@link Refusal}'s code or 0, zeroes 3. The purpose is {@value #FRAMES}, frames
 * of the run, or {@value #PROBE}, a {@link LinkProbe}, which is of no run: the rest is zeroes.
 * Where frames follow, the receiver goes on answering: a byte at a time, for as long as it is
 * there.
 */
record Handshake(RunKey run, WorkerRank sender, WorkerRank receiver) {
  static final int BYTES = 40;
  static final int ANSWER_BYTES = 8;

  /** "HMoC". */
  private static final int MAGIC = 0x436f4d48;

  private static final short VERSION = 3;

  private static final short FRAMES = 1;
  private static final short PROBE = 2;
  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  ByteBuffer encode() {
    ByteBuffer out = begun(FRAMES);
    out.putLong(run.run().getMostSignificantBits()).putLong(run.run().getLeastSignificantBits());
    out.putInt(run.attempt()).putInt(sender.code()).putInt(receiver.code());
    return sealed(out);
  }

  /** What a {@link LinkProbe} says first. */
  static ByteBuffer encodeProbe() {
    return sealed(begun(PROBE));
  }

  private static ByteBuffer begun(short purpose) {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return out.putInt(MAGIC).putShort(VERSION).putShort(purpose);
  }

  private static ByteBuffer sealed(ByteBuffer out) {
    return out.putInt(CHECKSUM_AT, FrameHeader.checksum(out.slice(0, CHECKSUM_AT))).clear();
  }

  /** Reads what {@link #encode} or {@link #encodeProbe} wrote. */
  static Greeting decode(ByteBuffer bytes) {
    ByteBuffer in = bytes.slice(0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != MAGIC) {
      return new Rejected(Refusal.BAD_MAGIC, "magic %#010x".formatted(in.getInt(0)));
    }
    if (in.getShort(4) != VERSION) {
      return new Rejected(Refusal.BAD_VERSION, "version " + in.getShort(4));
    }
    if (in.getInt(CHECKSUM_AT) != FrameHeader.checksum(in.slice(0, CHECKSUM_AT))) {
      return new Rejected(Refusal.BAD_CHECKSUM, "handshake does not match its checksum");
    }
    short purpose = in.getShort(6);
    if (purpose == PROBE) {
      return new Probing();
    }
    if (purpose != FRAMES) {
      return new Rejected(Refusal.BAD_VERSION, "purpose " + purpose);
    }
    Optional<WorkerRank> sender = WorkerRank.ofCode(in.getInt(28));
    if (sender.isEmpty()) {
      return new Rejected(Refusal.UNKNOWN_SENDER, "sender %#x".formatted(in.getInt(28)));
    }
    Optional<WorkerRank> receiver = WorkerRank.ofCode(in.getInt(32));
    if (receiver.isEmpty()) {
      return new Rejected(Refusal.WRONG_RECEIVER, "receiver %#x".formatted(in.getInt(32)));
    }
    RunKey run = new RunKey(new UUID(in.getLong(8), in.getLong(16)), in.getInt(24));
    return new Welcome(new Handshake(run, sender.get(), receiver.get()));
  }

  static ByteBuffer answer(Optional<Refusal> refusal) {
    ByteBuffer out = ByteBuffer.allocate(ANSWER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return out.putInt(0, MAGIC).put(4, refusal.map(r -> (byte) r.code()).orElse((byte) 0));
  }

  /** What the receiver of frames says again and again; its value means nothing. */
  static ByteBuffer keepalive() {
    return ByteBuffer.allocate(1);
  }

  /** Whether an answer says that the other end is busy. */
  static boolean busy(ByteBuffer answer) {
    ByteBuffer in = answer.slice(0, ANSWER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return in.getInt(0) == MAGIC && in.get(4) == Refusal.BUSY.code();
  }

  /** What an answer says, in words; empty if it is yes. */
  static Optional<String> objection(ByteBuffer answer) {
    ByteBuffer in = answer.slice(0, ANSWER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != MAGIC) {
      return Optional.of("what answers there is not HeterMoE");
    }
    int code = in.get(4);
    return code == 0
        ? Optional.empty()
        : Optional.of(
            "refused: " + Refusal.ofCode(code).map(Refusal::label).orElse("reason " + code));
  }

  /** What came of reading a handshake. */
  sealed interface Greeting {}

  /** A sound one. */
  record Welcome(Handshake handshake) implements Greeting {}

  /** Somebody wants to measure the link. */
  record Probing() implements Greeting {}

  /** An unsound one. */
  record Rejected(Refusal reason, String detail) implements Greeting {}
}
