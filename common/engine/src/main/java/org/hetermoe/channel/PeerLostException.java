package org.hetermoe.channel;

import org.hetermoe.group.WorkerRank;

/** A peer cannot be reached any more: it has gone, or the network between has. */
public final class PeerLostException extends ChannelException {
  private static final long serialVersionUID = 1L;

  private final transient WorkerRank peer;

  /**
   * With what is known.
   *
   * @param reason ends the message, behind the peer's name
   */
  public PeerLostException(WorkerRank peer, String reason) {
    super("lost its connection to %s: %s".formatted(peer, reason));
    this.peer = peer;
  }

  /** Who cannot be reached. */
  public WorkerRank peer() {
    return peer;
  }
}
