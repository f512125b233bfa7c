package org.hetermoe.channel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * The header in front of every frame that leaves the process: {@value #BYTES} bytes, little-endian.
 *
 * <pre>
 *   0 magic        4   24 attempt        4   52 dimensions  4 x 4
 *   4 version      2   28 step         4   68 table size      4
 *   6 phase        1   32 layer        4   72 payload bytes   8
 *   7 dtype        1   36 micro-batch  4   80 payload CRC32C  4
 *   8 run, upper   8   40 sender       4   84 zeroes         40
 *  16 run, lower   8   44 receiver     4  124 CRC32C of bytes 0 to 123
 *                      48 shape's rank 4
 * </pre>
 *
 * <p>The payload is the table's integers, padded with zeroes to a multiple of {@value #ALIGNMENT}
 * bytes, then the tensor's elements.
 *
 * @param run run and attempt
 * @param key what it is and who sends it
 * @param receiver whom it is for
 * @param dtype element type of the tensor
 * @param shape shape of the tensor, 1 to {@value #MAX_RANK} extents
 * @param tableSize number of integers
 * @param payloadChecksum CRC32C of the payload
 */
public record FrameHeader(
    RunKey run,
    FrameKey key,
    WorkerRank receiver,
    DType dtype,
    Shape shape,
    int tableSize,
    int payloadChecksum) {
  /** Size of a header. */
  public static final int BYTES = 128;

  /** What tables are padded to and tensors begin at a multiple of, in bytes. */
  public static final int ALIGNMENT = 64;

  /** Most extents of a shape. */
  public static final int MAX_RANK = 4;

  /** Largest payload, in bytes, whatever the transport's own limit: 1 GiB. */
  public static final long MAX_PAYLOAD_BYTES = 1L << 30;

  /** "HMoF". */
  static final int MAGIC = 0x466f4d48;

  static final short VERSION = 1;

  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  public FrameHeader {
    if (shape.rank() > MAX_RANK) {
      throw new IllegalArgumentException(
          "a frame's shape has at most " + MAX_RANK + " extents, is " + shape);
    }
    if (tableSize < 0) {
      throw new IllegalArgumentException("negative table size " + tableSize);
    }
    payloadBytes(tableSize, dtype, shape);
  }

  /** Size of the payload in bytes, without the header. */
  public long payloadBytes() {
    return payloadBytes(tableSize, dtype, shape);
  }

  /**
   * Size of a payload in bytes.
   *
   * @throws IllegalArgumentException if it is above {@link #MAX_PAYLOAD_BYTES}
   */
  public static long payloadBytes(int tableSize, DType dtype, Shape shape) {
    long size = size(tableSize, dtype, shape.toArray());
    if (size > MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "a frame with a table of %d and a tensor of %s is above %d bytes"
              .formatted(tableSize, shape, MAX_PAYLOAD_BYTES));
    }
    return size;
  }

  /** Size of a table in bytes, with its padding. */
  static long paddedTableBytes(int tableSize) {
    return ((long) tableSize * Integer.BYTES + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /** Size of a payload in bytes; Long.MAX_VALUE if it does not fit a long. */
  private static long size(int tableSize, DType dtype, int[] dims) {
    long bytes = dtype.bytes();
    boolean overflow = false;
    for (int dim : dims) {
      if (dim == 0) {
        return paddedTableBytes(tableSize);
      }
      overflow |= Math.multiplyHigh(bytes, dim) != 0 || bytes * dim < 0;
      bytes *= dim;
    }
    long total = paddedTableBytes(tableSize) + bytes;
    return overflow || total < 0 ? Long.MAX_VALUE : total;
  }

  /** Writes the header to the first {@value #BYTES} bytes of {@code to}; its position stays. */
  public void write(ByteBuffer to) {
    ByteBuffer out = to.slice(0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort(VERSION).put((byte) key.phase().code()).put(dtypeCode(dtype));
    out.putLong(run.run().getMostSignificantBits()).putLong(run.run().getLeastSignificantBits());
    out.putInt(run.attempt()).putInt(key.step()).putInt(key.layer()).putInt(key.microBatch());
    out.putInt(key.sender().code()).putInt(receiver.code()).putInt(shape.rank());
    for (int axis = 0; axis < MAX_RANK; axis++) {
      out.putInt(axis < shape.rank() ? shape.dim(axis) : 0);
    }
    out.putInt(tableSize).putLong(payloadBytes()).putInt(payloadChecksum);
    while (out.position() < CHECKSUM_AT) {
      out.putInt(0);
    }
    out.putInt(checksum(out.slice(0, CHECKSUM_AT)));
  }

  /**
   * Reads a header from the first {@value #BYTES} bytes of {@code from}; its position stays.
   *
   * @param maxPayloadBytes largest payload to accept
   */
  public static Verdict read(ByteBuffer from, long maxPayloadBytes) {
    ByteBuffer in = from.slice(0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != MAGIC) {
      return outOfStep(Refusal.BAD_MAGIC, "magic %#010x".formatted(in.getInt(0)));
    }
    if (in.getShort(4) != VERSION) {
      return outOfStep(Refusal.BAD_VERSION, "version " + in.getShort(4));
    }
    if (in.getInt(CHECKSUM_AT) != checksum(in.slice(0, CHECKSUM_AT))) {
      return outOfStep(Refusal.BAD_CHECKSUM, "header does not match its checksum");
    }
    int tableSize = in.getInt(68);
    long payloadBytes = in.getLong(72);
    int rank = in.getInt(48);
    if (payloadBytes < 0) {
      return outOfStep(Refusal.SIZE_MISMATCH, "payload of " + payloadBytes + " bytes");
    }
    Optional<Phase> phase = Phase.ofCode(in.get(6));
    if (phase.isEmpty()) {
      return new Refused(Refusal.UNKNOWN_PHASE, "phase " + in.get(6), payloadBytes);
    }
    Optional<DType> dtype = dtypeOf(in.get(7));
    if (dtype.isEmpty()) {
      return new Refused(Refusal.UNKNOWN_DTYPE, "element type " + in.get(7), payloadBytes);
    }
    Optional<WorkerRank> sender = WorkerRank.ofCode(in.getInt(40));
    if (sender.isEmpty()) {
      return new Refused(
          Refusal.UNKNOWN_SENDER, "sender %#x".formatted(in.getInt(40)), payloadBytes);
    }
    Optional<WorkerRank> receiver = WorkerRank.ofCode(in.getInt(44));
    if (receiver.isEmpty()) {
      return new Refused(
          Refusal.WRONG_RECEIVER, "receiver %#x".formatted(in.getInt(44)), payloadBytes);
    }
    if (rank < 1 || rank > MAX_RANK || tableSize < 0) {
      return new Refused(
          Refusal.SIZE_MISMATCH, "rank " + rank + ", table of " + tableSize, payloadBytes);
    }
    int[] dims = new int[rank];
    for (int axis = 0; axis < rank; axis++) {
      dims[axis] = in.getInt(52 + axis * Integer.BYTES);
      if (dims[axis] < 0) {
        return new Refused(Refusal.SIZE_MISMATCH, "extent " + dims[axis], payloadBytes);
      }
    }
    if (size(tableSize, dtype.get(), dims) != payloadBytes) {
      return new Refused(
          Refusal.SIZE_MISMATCH,
          "payload of " + payloadBytes + " bytes is not what table and shape need",
          payloadBytes);
    }
    if (payloadBytes > Math.min(maxPayloadBytes, MAX_PAYLOAD_BYTES)) {
      return new Refused(
          Refusal.TOO_LARGE,
          "payload of " + payloadBytes + " bytes, limit " + maxPayloadBytes,
          payloadBytes);
    }
    return new Accepted(
        new FrameHeader(
            new RunKey(new UUID(in.getLong(8), in.getLong(16)), in.getInt(24)),
            new FrameKey(phase.get(), in.getInt(28), in.getInt(32), in.getInt(36), sender.get()),
            receiver.get(),
            dtype.get(),
            Shape.of(dims),
            tableSize,
            in.getInt(80)));
  }

  /**
   * Whether a frame with this header belongs where it arrived.
   *
   * @return why not; empty if it does
   */
  public Optional<Refusal> misdirected(
      RunKey expectedRun, WorkerRank expectedSender, WorkerRank self) {
    if (!run.run().equals(expectedRun.run())) {
      return Optional.of(Refusal.OTHER_RUN);
    }
    if (run.attempt() != expectedRun.attempt()) {
      return Optional.of(Refusal.OTHER_ATTEMPT);
    }
    if (!receiver.equals(self)) {
      return Optional.of(Refusal.WRONG_RECEIVER);
    }
    if (!key.sender().equals(expectedSender)) {
      return Optional.of(Refusal.UNKNOWN_SENDER);
    }
    return Optional.empty();
  }

  /** CRC32C of the bytes between position and limit, which stay. */
  public static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  private static Refused outOfStep(Refusal reason, String detail) {
    return new Refused(reason, detail, Refused.UNKNOWN);
  }

  private static byte dtypeCode(DType dtype) {
    return switch (dtype) {
      case F32 -> 1;
      case I32 -> 2;
      case F16 -> 3;
      case BF16 -> 4;
    };
  }

  private static Optional<DType> dtypeOf(int code) {
    return switch (code) {
      case 1 -> Optional.of(DType.F32);
      case 2 -> Optional.of(DType.I32);
      case 3 -> Optional.of(DType.F16);
      case 4 -> Optional.of(DType.BF16);
      default -> Optional.empty();
    };
  }

  /** What came of reading a header. */
  public sealed interface Verdict {}

  /** A sound header. */
  public record Accepted(FrameHeader header) implements Verdict {}

  /**
   * An unsound one.
   *
   * @param reason why
   * @param detail what was wrong, for the log
   * @param payloadBytes how many bytes to skip to the next header; {@link #UNKNOWN} if the header
   *     cannot be trusted that far, so that the stream is of no more use
   */
  public record Refused(Refusal reason, String detail, long payloadBytes) implements Verdict {
    /** No length that can be trusted. */
    public static final long UNKNOWN = -1;

    /** Whether the next header can be found. */
    public boolean skippable() {
      return payloadBytes != UNKNOWN;
    }
  }
}
