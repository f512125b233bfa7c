package org.hetermoe.channel.direct;

import java.time.Duration;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Inbox;

/**
 * How a process takes part in direct traffic.
 *
 * @param bindHost address the server socket is bound to
 * @param port its port; 0 takes a free one
 * @param advertisedHost the name or address that peers reach this process by
 * @param windowBytes how many payload bytes a sender may have unread at a receiver, and as many
 *     again queued at its own end
 * @param maxPayloadBytes larger frames are refused
 * @param connectTimeout how long to try to reach a peer; a connection for a run that has not been
 *     opened here yet is kept waiting half as long
 * @param handshakeTimeout how long a connection may take to say who it is
 * @param closeTimeout how long a closing channel waits for what was sent to go out
 * @param keepaliveInterval how often members of a run tell each other that they are there; one that
 *     is silent for {@value #SILENT_INTERVALS} of them is lost
 * @param socketBufferBytes size of the sockets' send and receive buffers; 0 leaves it to the system
 */
public record DirectSettings(
    String bindHost,
    int port,
    String advertisedHost,
    long windowBytes,
    long maxPayloadBytes,
    Duration connectTimeout,
    Duration handshakeTimeout,
    Duration closeTimeout,
    Duration keepaliveInterval,
    int socketBufferBytes) {
  /** How many intervals a peer may be silent: with the usual one, it is noticed within 10 s. */
  public static final int SILENT_INTERVALS = 8;

  public DirectSettings {
    if (port < 0 || port > 0xffff) {
      throw new IllegalArgumentException("port must lie between 0 and 65535, is " + port);
    }
    if (windowBytes < 1) {
      throw new IllegalArgumentException("windowBytes must be at least 1, is " + windowBytes);
    }
    if (maxPayloadBytes < 1 || maxPayloadBytes > FrameHeader.MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "maxPayloadBytes must lie between 1 and %d, is %d"
              .formatted(FrameHeader.MAX_PAYLOAD_BYTES, maxPayloadBytes));
    }
    if (!keepaliveInterval.isPositive()) {
      throw new IllegalArgumentException(
          "keepaliveInterval must be positive, is " + keepaliveInterval);
    }
    if (socketBufferBytes < 0) {
      throw new IllegalArgumentException(
          "socketBufferBytes must not be negative, is " + socketBufferBytes);
    }
  }

  /** The usual limits and times. */
  public static DirectSettings on(String bindHost, int port, String advertisedHost) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        Inbox.DEFAULT_WINDOW_BYTES,
        FrameHeader.MAX_PAYLOAD_BYTES,
        Duration.ofSeconds(30),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofSeconds(1),
        0);
  }

  /** On a free port of this machine alone. */
  public static DirectSettings loopback() {
    return on("127.0.0.1", 0, "127.0.0.1");
  }

  /** With another window. */
  public DirectSettings withWindowBytes(long bytes) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        bytes,
        maxPayloadBytes,
        connectTimeout,
        handshakeTimeout,
        closeTimeout,
        keepaliveInterval,
        socketBufferBytes);
  }

  /** With another limit for frames. */
  public DirectSettings withMaxPayloadBytes(long bytes) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        windowBytes,
        bytes,
        connectTimeout,
        handshakeTimeout,
        closeTimeout,
        keepaliveInterval,
        socketBufferBytes);
  }

  /** With other times to connect, to shake hands and to close. */
  public DirectSettings withTimeouts(Duration connect, Duration handshake, Duration close) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        windowBytes,
        maxPayloadBytes,
        connect,
        handshake,
        close,
        keepaliveInterval,
        socketBufferBytes);
  }

  /** With another interval of keepalives. */
  public DirectSettings withKeepaliveInterval(Duration interval) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        windowBytes,
        maxPayloadBytes,
        connectTimeout,
        handshakeTimeout,
        closeTimeout,
        interval,
        socketBufferBytes);
  }

  /** With other socket buffers. */
  public DirectSettings withSocketBufferBytes(int bytes) {
    return new DirectSettings(
        bindHost,
        port,
        advertisedHost,
        windowBytes,
        maxPayloadBytes,
        connectTimeout,
        handshakeTimeout,
        closeTimeout,
        keepaliveInterval,
        bytes);
  }
}
