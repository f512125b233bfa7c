package org.hetermoe.compute;

/** The end of a copy between host and device that may still be under way. */
public interface Completion {
  /** A copy that is done, or that was not needed. */
  Completion DONE =
      new Completion() {
        @Override
        public boolean isDone() {
          return true;
        }

        @Override
        public void await() {}
      };

  /** Whether the copy is done, without waiting. */
  boolean isDone();

  /** Waits until the copy is done. Called again, returns at once. */
  void await();
}
