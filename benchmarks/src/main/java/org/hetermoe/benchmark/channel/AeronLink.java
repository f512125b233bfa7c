package org.hetermoe.benchmark.channel;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.FragmentHandler;
import io.aeron.logbuffer.FrameDescriptor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.CloseHelper;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

/** Aeron with its media driver in the process; fragments go straight to the message's memory. */
final class AeronLink implements Link {
  private static final int STREAM = 1;
  private static final int TERM_BYTES = 64 << 20;

  private final MediaDriver driver;
  private final Aeron aeron;
  private final ExclusivePublication publication;
  private final Subscription subscription;
  private final IdleStrategy idle = new BackoffIdleStrategy();
  private final UnsafeBuffer out = new UnsafeBuffer(ByteBuffer.allocateDirect(MAX_BYTES + 8));
  private final UnsafeBuffer in = new UnsafeBuffer(ByteBuffer.allocateDirect(MAX_BYTES + 8));
  private int filled;
  private boolean complete;

  private AeronLink(MediaDriver driver, String directory, String sendTo, String receiveAt) {
    this.driver = driver;
    this.aeron = Aeron.connect(new Aeron.Context().aeronDirectoryName(directory));
    this.subscription = aeron.addSubscription(receiveAt, STREAM);
    this.publication = aeron.addExclusivePublication(sendTo, STREAM);
  }

  static AeronLink udp(int ownPort, int otherPort) {
    String directory = directory(ownPort);
    MediaDriver driver = MediaDriver.launch(driverContext(directory));
    String format = "aeron:udp?endpoint=127.0.0.1:%d|term-length=64m|mtu=65472|rcv-wnd=4m";
    return new AeronLink(driver, directory, format.formatted(otherPort), format.formatted(ownPort));
  }

  static AeronLink ipc(boolean first, int ownPort, int otherPort) throws InterruptedException {
    String directory = directory(first ? ownPort : otherPort);
    MediaDriver driver = null;
    if (first) {
      driver = MediaDriver.launch(driverContext(directory));
    } else {
      while (!Files.exists(Path.of(directory, "cnc.dat"))) {
        Thread.sleep(10);
      }
    }
    String format = "aeron:ipc?alias=%d|term-length=64m|session-id=%d";
    int own = first ? 1 : 2;
    int other = first ? 2 : 1;
    return new AeronLink(
        driver, directory, format.formatted(own, own), format.formatted(other, other));
  }

  private static String directory(int port) {
    return "/dev/shm/hetermoe-bench-aeron-" + port;
  }

  private static MediaDriver.Context driverContext(String directory) {
    return new MediaDriver.Context()
        .aeronDirectoryName(directory)
        .threadingMode(ThreadingMode.SHARED)
        .sharedIdleStrategy(new BackoffIdleStrategy())
        .termBufferSparseFile(true)
        .ipcTermBufferLength(TERM_BYTES)
        .publicationTermBufferLength(TERM_BYTES)
        .socketSndbufLength(4 << 20)
        .socketRcvbufLength(4 << 20)
        .initialWindowLength(4 << 20)
        .dirDeleteOnStart(true)
        .dirDeleteOnShutdown(true);
  }

  @Override
  public void send(int kind, int bytes) {
    out.putInt(0, kind);
    idle.reset();
    long result = publication.offer(out, 0, bytes + 8);
    while (result < 0) {
      if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
        throw new IllegalStateException("publication ended: " + result);
      }
      idle.idle();
      result = publication.offer(out, 0, bytes + 8);
    }
  }

  @Override
  public int receive() {
    FragmentHandler handler =
        (buffer, offset, length, header) -> {
          buffer.getBytes(offset, in, filled, length);
          filled += length;
          complete = (header.flags() & FrameDescriptor.END_FRAG_FLAG) != 0;
        };
    filled = 0;
    complete = false;
    idle.reset();
    while (!complete) {
      // One fragment at a time, so that the next message is not begun.
      idle.idle(subscription.poll(handler, 1));
    }
    return in.getInt(0);
  }

  @Override
  public void close() {
    CloseHelper.closeAll(publication, subscription, aeron, driver);
  }
}
