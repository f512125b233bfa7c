package org.hetermoe.channel.direct;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.FrameHeader;
import org.hetermoe.channel.Inbox;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;

/** A connection that somebody made to this process, and the thread that reads from it. */
final class Inbound implements Runnable {
  private static final int SKIP_BYTES = 64 << 10;

  private final DirectTransport transport;
  private final Refusals refusals;
  private final ByteChannel wire;
  private final String origin;
  private volatile boolean welcome;
  private final ByteBuffer header = ByteBuffer.allocateDirect(FrameHeader.BYTES);

  Inbound(DirectTransport transport, Refusals refusals, ByteChannel wire, String origin) {
    this.transport = transport;
    this.refusals = refusals;
    this.wire = wire;
    this.origin = origin;
  }

  @Override
  public void run() {
    try {
      Guest guest;
      try {
        guest = introduce();
      } finally {
        transport.noStranger();
      }
      switch (guest) {
        case Nobody _ -> {}
        case Member(DirectChannel channel, Handshake handshake) -> serve(channel, handshake);
        case Prober _ -> serveProbe();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      transport.ended(this);
      close();
    }
  }

  /** Hears who it is, and finds whom it wants. */
  private Guest introduce() throws InterruptedException {
    return switch (greet()) {
      case Handshake.Welcome(Handshake handshake) -> introduce(handshake);
      case Handshake.Probing _ -> {
        boolean begun = transport.beginProbe(wire);
        if (!begun) {
          // Nothing is wrong with it, so it is not counted: it will come again.
          answer(Optional.of(Refusal.BUSY));
        }
        yield begun ? new Prober() : new Nobody();
      }
      case Handshake.Rejected(Refusal reason, String detail) -> {
        refuse(reason, "handshake from " + origin + ": " + detail);
        yield new Nobody();
      }
      case null -> new Nobody();
    };
  }

  private Guest introduce(Handshake handshake) throws InterruptedException {
    DirectTransport.Found found = transport.find(handshake.run(), handshake.receiver());
    return switch (found) {
      case DirectTransport.Missing(Refusal reason) -> {
        refuse(reason, "connection from " + origin + ": " + handshake);
        yield new Nobody();
      }
      case DirectTransport.Present(DirectChannel channel) -> {
        Optional<Refusal> refusal = channel.admit(handshake.sender(), this);
        refusal.ifPresent(reason -> refuse(reason, "connection from " + origin + ": " + handshake));
        yield refusal.isPresent() ? new Nobody() : new Member(channel, handshake);
      }
    };
  }

  /** Hears who it is; null if it has not said so. */
  private Handshake.Greeting greet() {
    ScheduledFuture<?> watch = transport.closeAfter(wire, transport.settings().handshakeTimeout());
    ByteBuffer bytes = ByteBuffer.allocate(Handshake.BYTES);
    try {
      if (!Sockets.readFully(wire, bytes)) {
        return null;
      }
    } catch (EOFException e) {
      refusals.refuse(Refusal.TRUNCATED, "handshake from " + origin + ": " + e.getMessage());
      return null;
    } catch (IOException e) {
      if (!transport.isClosed()) {
        refusals.refuse(
            watch.getDelay(TimeUnit.NANOSECONDS) <= 0 ? Refusal.TIMEOUT : Refusal.TRUNCATED,
            "handshake from " + origin);
      }
      return null;
    } finally {
      watch.cancel(false);
    }
    return Handshake.decode(bytes.flip());
  }

  /** Answers, and takes its frames. */
  private void serve(DirectChannel channel, Handshake handshake) throws InterruptedException {
    String reason = "it closed its connection";
    try {
      Sockets.writeFully(wire, Handshake.answer(Optional.empty()));
      welcome = true;
      while (readFrame(channel, handshake)) {
        // Each turn takes one frame.
      }
    } catch (IOException e) {
      reason = Sockets.reason(e);
    } catch (ChannelException e) {
      reason = "this end was closed: " + e.getMessage();
    } finally {
      channel.lost(handshake.sender(), reason);
    }
  }

  /** Answers, and takes orders; nobody misses a probe that ends early. */
  private void serveProbe() {
    ScheduledFuture<?> watch = transport.closeAfter(wire, LinkProbe.TIME_LIMIT);
    try {
      if (answer(Optional.empty())) {
        new LinkProbe(wire).answer();
      }
    } catch (LinkProbe.UnsoundException e) {
      refusals.refuse(Refusal.SIZE_MISMATCH, "probe from " + origin + ": " + e.getMessage());
    } catch (IOException e) {
      transport.debug("probe from " + origin, e);
    } finally {
      watch.cancel(false);
      transport.endProbe(wire);
    }
  }

  private void refuse(Refusal reason, String detail) {
    refusals.refuse(reason, detail);
    answer(Optional.of(reason));
  }

  /** Answers a handshake; whether somebody was left to be told. */
  private boolean answer(Optional<Refusal> refusal) {
    try {
      Sockets.writeFully(wire, Handshake.answer(refusal));
      return true;
    } catch (IOException e) {
      // It has gone already.
      transport.debug("no answer to " + origin, e);
      return false;
    }
  }

  /** Takes one frame; false at the end of the stream. */
  private boolean readFrame(DirectChannel channel, Handshake from)
      throws IOException, InterruptedException {
    if (!Sockets.readFully(wire, header.clear())) {
      return false;
    }
    switch (FrameHeader.read(header.flip(), transport.settings().maxPayloadBytes())) {
      case FrameHeader.Refused refused -> {
        refusals.refuse(refused.reason(), "frame from " + from.sender() + ": " + refused.detail());
        if (!refused.skippable()) {
          throw new IOException("its frames can no longer be told apart: " + refused.detail());
        }
        skip(refused.payloadBytes());
      }
      case FrameHeader.Accepted(FrameHeader sound) -> {
        Optional<Refusal> misdirected =
            sound.misdirected(channel.run(), from.sender(), channel.self());
        if (misdirected.isPresent()) {
          refusals.refuse(misdirected.get(), "frame from " + from.sender() + ": " + sound);
          skip(sound.payloadBytes());
        } else {
          readPayload(channel.inbox(), sound);
        }
      }
    }
    return true;
  }

  private void readPayload(Inbox inbox, FrameHeader sound)
      throws IOException, InterruptedException {
    inbox.reserve(sound.key().sender(), sound.payloadBytes());
    PooledFrame frame = PooledFrame.allocate(transport.buffers(), sound);
    boolean delivered = false;
    try {
      if (sound.payloadBytes() > 0 && !Sockets.readFully(wire, frame.payload())) {
        throw new EOFException("connection ended before the payload");
      }
      if (!frame.intact(sound)) {
        // The frame is lost and the run needs it: better to fail now than to wait for ever.
        refusals.refuse(Refusal.BAD_CHECKSUM, "payload of " + sound);
        throw new IOException("a frame arrived damaged: " + sound.key());
      }
      delivered = true;
      inbox.deliver(frame).ifPresent(reason -> refusals.refuse(reason, "frame " + sound.key()));
    } finally {
      if (!delivered) {
        frame.close();
        inbox.unreserve(sound.key().sender(), sound.payloadBytes());
      }
    }
  }

  private void skip(long bytes) throws IOException {
    ByteBuffer scratch = ByteBuffer.allocateDirect(SKIP_BYTES);
    for (long left = bytes; left > 0; left -= scratch.limit()) {
      scratch.clear().limit((int) Math.min(left, SKIP_BYTES));
      if (!Sockets.readFully(wire, scratch)) {
        throw new EOFException("connection ended within a payload");
      }
    }
  }

  /** Tells the sender that this end is there, whether or not its frames are being read. */
  void beat() {
    if (!welcome) {
      return;
    }
    try {
      Sockets.writeFully(wire, Handshake.keepalive());
    } catch (IOException e) {
      // Whoever reads from it finds out.
      transport.debug("no keepalive to " + origin, e);
    }
  }

  void close() {
    transport.closeQuietly(wire);
  }

  /** Who has come. */
  private sealed interface Guest {}

  /** One that was turned away, or left. */
  private record Nobody() implements Guest {}

  /** A member of a run, with frames for another. */
  private record Member(DirectChannel channel, Handshake handshake) implements Guest {}

  /** One that measures the link. */
  private record Prober() implements Guest {}
}
