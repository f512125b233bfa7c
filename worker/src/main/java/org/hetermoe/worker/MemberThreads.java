package org.hetermoe.worker;

import java.io.IOException;
import java.util.List;
import org.hetermoe.run.Assignment;

/** Makes the threads of the members that an assignment gives to this process. */
@FunctionalInterface
interface MemberThreads {
  /**
   * Threads that have not begun; each owns its channel, open already.
   *
   * @param local the members whose process is this one
   * @throws IOException if a channel cannot be opened
   */
  List<MemberThread> make(
      Assignment assignment, List<Assignment.Member> local, MemberThread.Listener listener)
      throws IOException, InterruptedException;
}
