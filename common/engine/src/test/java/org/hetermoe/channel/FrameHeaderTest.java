package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

class FrameHeaderTest {
  private static final long LIMIT = FrameHeader.MAX_PAYLOAD_BYTES;

  private final Random random = new Random(5);

  @Test
  void everyHeaderComesBackAsItWas() {
    for (int i = 0; i < 1000; i++) {
      FrameHeader header = anyHeader();
      assertThat(FrameHeader.read(written(header), LIMIT))
          .isEqualTo(new FrameHeader.Accepted(header));
    }
  }

  @Test
  void theLayoutIsTheOneOfVersionTwo() {
    FrameHeader header =
        new FrameHeader(
            new RunKey(new UUID(0x0102030405060708L, 0x1112131415161718L), 3),
            new FrameKey(
                Phase.EXPERT_STATE, 4, new Subject.ExpertPiece(5, 6, 12), WorkerRank.expert(7)),
            WorkerRank.attention(8),
            DType.F32,
            Shape.of(9, 10),
            11,
            0x0a0b0c0d);
    ByteBuffer bytes = written(header).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(new byte[] {bytes.get(0), bytes.get(1), bytes.get(2), bytes.get(3)})
        .isEqualTo(new byte[] {'H', 'M', 'o', 'F'});
    assertThat(bytes.getShort(4)).isEqualTo((short) 2);
    assertThat(bytes.get(6)).isEqualTo((byte) 10);
    assertThat(bytes.get(7)).isEqualTo((byte) 1);
    assertThat(bytes.getLong(8)).isEqualTo(0x0102030405060708L);
    int[] numbers = new int[14];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = bytes.getInt(24 + 4 * i);
    }
    assertThat(numbers)
        .containsExactly(3, 4, 5, 6, 12, 0x20007, 0x10008, 2, 9, 10, 0, 0, 11, 0x0a0b0c0d);
    assertThat(bytes.getLong(80)).isEqualTo(64 + 360);
  }

  @Test
  void aKeyIsAboutWhatItsPhaseIsAbout() {
    assertThatThrownBy(
            () -> new FrameKey(Phase.REDUCE, 1, Subject.Whole.WHOLE, WorkerRank.attention(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("REDUCE is about a Piece");
  }

  @Test
  void noFlippedBitIsAccepted() {
    ByteBuffer sound = written(anyHeader());
    for (int bit = 0; bit < FrameHeader.BYTES * 8; bit++) {
      ByteBuffer flipped = copy(sound);
      flipped.put(bit / 8, (byte) (flipped.get(bit / 8) ^ 1 << bit % 8));
      assertThat(FrameHeader.read(flipped, LIMIT))
          .as("bit %d", bit)
          .isInstanceOf(FrameHeader.Refused.class);
    }
  }

  @Test
  void noNoiseIsAcceptedNorDoesItThrow() {
    byte[] noise = new byte[FrameHeader.BYTES];
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(noise);
      assertThat(FrameHeader.read(ByteBuffer.wrap(noise), LIMIT))
          .isInstanceOf(FrameHeader.Refused.class);
    }
  }

  /** The checksum is right, what it covers is not: a sender with a defect, or with bad intent. */
  @Test
  void headersThatLieWithARightChecksumAreRefusedOrMeanWhatTheySay() {
    int accepted = 0;
    for (int i = 0; i < 20_000; i++) {
      ByteBuffer bytes = written(anyHeader()).order(ByteOrder.LITTLE_ENDIAN);
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        int at = 4 + random.nextInt(84);
        bytes.put(at, (byte) random.nextInt());
      }
      resign(bytes);
      if (FrameHeader.read(bytes, LIMIT) instanceof FrameHeader.Accepted(FrameHeader header)) {
        accepted++;
        assertThat(header.payloadBytes()).isEqualTo(bytes.getLong(80)).isLessThanOrEqualTo(LIMIT);
        assertThat(written(header)).isEqualTo(unused(bytes));
      }
    }
    assertThat(accepted).isPositive();
  }

  @Test
  void eachLieHasItsReason() {
    assertThat(reason(0, 0x12345678)).isEqualTo(Refusal.BAD_MAGIC);
    assertThat(reason(4, 0x01010003)).isEqualTo(Refusal.BAD_VERSION);
    assertThat(reason(4, 0x01630002)).isEqualTo(Refusal.UNKNOWN_PHASE);
    assertThat(reason(4, 0x63010002)).isEqualTo(Refusal.UNKNOWN_DTYPE);
    assertThat(reason(44, 0x00030000)).isEqualTo(Refusal.UNKNOWN_SENDER);
    assertThat(reason(48, 0x0001ffff)).isEqualTo(Refusal.WRONG_RECEIVER);
    assertThat(reason(52, 0)).isEqualTo(Refusal.SIZE_MISMATCH);
    assertThat(reason(52, 5)).isEqualTo(Refusal.SIZE_MISMATCH);
    assertThat(reason(56, -1)).isEqualTo(Refusal.SIZE_MISMATCH);
    assertThat(reason(56, 3)).isEqualTo(Refusal.SIZE_MISMATCH);
    assertThat(reason(72, -4)).isEqualTo(Refusal.SIZE_MISMATCH);
    assertThat(reason(84, -1)).isEqualTo(Refusal.SIZE_MISMATCH);
  }

  @Test
  void aFrameAboveTheLimitIsRefusedAndCanBeSkipped() {
    FrameHeader header = header(0, Shape.of(10, 10));
    assertThat(FrameHeader.read(written(header), 400)).isInstanceOf(FrameHeader.Accepted.class);
    assertThat(FrameHeader.read(written(header), 399))
        .isInstanceOfSatisfying(
            FrameHeader.Refused.class,
            refused -> {
              assertThat(refused.reason()).isEqualTo(Refusal.TOO_LARGE);
              assertThat(refused.payloadBytes()).isEqualTo(400);
              assertThat(refused.skippable()).isTrue();
            });
  }

  @Test
  void aFrameTooLargeToTravelCannotBeMade() {
    assertThatThrownBy(() -> header(0, Shape.of(1 << 20, 1 << 10)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> header(0, Shape.of(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> header(0, Shape.of(1, 1, 1, 1, 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Refusal reason(int at, int value) {
    ByteBuffer bytes = written(header(1, Shape.of(2, 3))).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(at, value);
    resign(bytes);
    return ((FrameHeader.Refused) FrameHeader.read(bytes, LIMIT)).reason();
  }

  private static void resign(ByteBuffer bytes) {
    bytes.putInt(124, FrameHeader.checksum(bytes.slice(0, 124)));
  }

  /** The same header as this version writes it: numbers that mean nothing are zero. */
  private static ByteBuffer unused(ByteBuffer bytes) {
    ByteBuffer cleared = copy(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int axis = bytes.getInt(52); axis < FrameHeader.MAX_RANK; axis++) {
      cleared.putInt(56 + 4 * axis, 0);
    }
    Phase phase = Phase.ofCode(bytes.get(6)).orElseThrow();
    int[] subject =
        Subject.of(phase, bytes.getInt(32), bytes.getInt(36), bytes.getInt(40)).numbers();
    for (int i = 0; i < subject.length; i++) {
      cleared.putInt(32 + 4 * i, subject[i]);
    }
    resign(cleared);
    return cleared;
  }

  private static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocate(FrameHeader.BYTES).put(0, bytes, 0, FrameHeader.BYTES);
  }

  private static ByteBuffer written(FrameHeader header) {
    ByteBuffer bytes = ByteBuffer.allocate(FrameHeader.BYTES);
    header.write(bytes);
    return bytes;
  }

  private static FrameHeader header(int tableSize, Shape shape) {
    return new FrameHeader(
        new RunKey(new UUID(1, 2), 1),
        new FrameKey(Phase.DISPATCH, 1, new Subject.MicroBatch(0, 0), WorkerRank.attention(0)),
        WorkerRank.expert(0),
        DType.F32,
        shape,
        tableSize,
        0);
  }

  private FrameHeader anyHeader() {
    int[] dims = random.ints(1 + random.nextInt(4), 0, 30).toArray();
    Phase phase = any(List.of(Phase.values()));
    Subject subject = Subject.of(phase, random.nextInt(), random.nextInt(), random.nextInt());
    return new FrameHeader(
        new RunKey(new UUID(random.nextLong(), random.nextLong()), random.nextInt()),
        new FrameKey(phase, random.nextInt(), subject, anyPeer()),
        anyPeer(),
        any(List.of(DType.values())),
        Shape.of(dims),
        random.nextInt(100),
        random.nextInt());
  }

  private WorkerRank anyPeer() {
    return new WorkerRank(any(List.of(WorkerRank.Role.values())), random.nextInt(0x8000));
  }

  private <T> T any(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }
}
