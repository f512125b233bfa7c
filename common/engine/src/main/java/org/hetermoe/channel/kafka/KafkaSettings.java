package org.hetermoe.channel.kafka;

import java.time.Duration;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Inbox;

/**
 * How a process sends and takes frames by way of a broker.
 *
 * @param maxRecordBytes largest value of a record; must leave room for the broker's own overhead
 * @param unacknowledgedBytes how much may be on its way to the broker before senders wait
 * @param windowBytes how many payload bytes, of all senders together, may be unread at a receiver
 *     before its consumer is held up; and how many bytes, senders having equal shares, the broker
 *     may hold for a receiver before senders wait: less than it keeps of a partition
 * @param maxPayloadBytes larger frames are refused
 * @param closeTimeout how long a closing channel waits for the broker to take what was sent
 */
public record KafkaSettings(
    int maxRecordBytes,
    long unacknowledgedBytes,
    long windowBytes,
    long maxPayloadBytes,
    Duration closeTimeout) {
  /** Fits a broker with its usual limit of 1 MiB per message. */
  public static final int DEFAULT_MAX_RECORD_BYTES = 900 << 10;

  public KafkaSettings {
    if (maxRecordBytes < 2 * (PartHeader.BYTES + FrameHeader.BYTES)) {
      throw new IllegalArgumentException(
          "maxRecordBytes must be at least %d, is %d"
              .formatted(2 * (PartHeader.BYTES + FrameHeader.BYTES), maxRecordBytes));
    }
    if (unacknowledgedBytes < 1 || windowBytes < 1) {
      throw new IllegalArgumentException("windows must be at least 1 byte");
    }
    if (maxPayloadBytes < 1 || maxPayloadBytes > FrameHeader.MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "maxPayloadBytes must lie between 1 and %d, is %d"
              .formatted(FrameHeader.MAX_PAYLOAD_BYTES, maxPayloadBytes));
    }
  }

  /** The usual limits: records of 900 KiB, 32 MiB on their way. */
  public static KafkaSettings usual() {
    return new KafkaSettings(
        DEFAULT_MAX_RECORD_BYTES,
        32L << 20,
        Inbox.DEFAULT_WINDOW_BYTES,
        FrameHeader.MAX_PAYLOAD_BYTES,
        Duration.ofSeconds(10));
  }

  /** With another window. */
  public KafkaSettings withWindowBytes(long bytes) {
    return new KafkaSettings(
        maxRecordBytes, unacknowledgedBytes, bytes, maxPayloadBytes, closeTimeout);
  }

  /** With another limit for what is on its way. */
  public KafkaSettings withUnacknowledgedBytes(long bytes) {
    return new KafkaSettings(maxRecordBytes, bytes, windowBytes, maxPayloadBytes, closeTimeout);
  }

  /** With another limit for records. */
  public KafkaSettings withMaxRecordBytes(int bytes) {
    return new KafkaSettings(
        bytes, unacknowledgedBytes, windowBytes, maxPayloadBytes, closeTimeout);
  }
}
