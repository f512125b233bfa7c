package org.hetermoe.worker;

import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.Message;

/** Keeps what is sent; a broker that is away takes the first messages and loses them. */
final class ScriptedEmitter implements Emitter<byte[]> {
  private final List<byte[]> sent = new CopyOnWriteArrayList<>();
  private final AtomicInteger toLose;

  ScriptedEmitter(int toLose) {
    this.toLose = new AtomicInteger(toLose);
  }

  /** Reports of which all profiles and links go by way of {@code emitter}. */
  static KafkaReports reports(ScriptedEmitter emitter) {
    ScriptedEmitter other = new ScriptedEmitter(0);
    return new KafkaReports(other, other, other, emitter, emitter);
  }

  /** All that was sent, the lost ones too. */
  List<byte[]> sent() {
    return sent;
  }

  @Override
  public CompletionStage<Void> send(byte[] payload) {
    throw new UnsupportedOperationException("messages alone are confirmed");
  }

  @Override
  public <M extends Message<? extends byte[]>> void send(M message) {
    sent.add(message.getPayload());
    CompletionStage<Void> settled =
        toLose.getAndDecrement() > 0
            ? message.nack(new IllegalStateException("the broker is away"))
            : message.ack();
    settled.exceptionally(
        problem -> {
          throw new CompletionException(problem);
        });
  }

  @Override
  public void complete() {}

  @Override
  public void error(Exception e) {}

  @Override
  public boolean isCancelled() {
    return false;
  }

  @Override
  public boolean hasRequests() {
    return true;
  }
}
