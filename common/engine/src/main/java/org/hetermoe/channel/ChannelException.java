package org.hetermoe.channel;

/** The channel cannot carry a frame: a lost connection, an abort, a peer that is not there. */
public class ChannelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChannelException(String message) {
    super(message);
  }

  public ChannelException(String message, Throwable cause) {
    super(message, cause);
  }
}
