package org.hetermoe.compute.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.hetermoe.compute.host.HostMemory;

/**
 * Runs the tiles of one operation at a time on the calling thread and {@code threads - 1} threads
 * of its own. Threads claim tiles from a counter, so a thread that is held up delays one tile only.
 * Idle threads look out for work for some microseconds and then sleep: other processes share the
 * cores.
 */
final class TileRunner implements AutoCloseable {
  /** How long to look out for work, or for the last tiles of others, before sleeping. */
  private static final long SPIN_NANOS = 20_000;

  private final Scratch callerScratch;
  private final List<PoolThread> pool = new ArrayList<>();
  private volatile Job current;
  private volatile boolean closed;

  TileRunner(int threads, HostMemory memory) {
    callerScratch = new Scratch(memory);
    for (int i = 1; i < threads; i++) {
      PoolThread member = new PoolThread(new Scratch(memory));
      member.thread = Thread.ofPlatform().daemon().name("hetermoe-cpu-" + i).unstarted(member);
      pool.add(member);
    }
    pool.forEach(member -> member.thread.start());
  }

  /** Runs tiles {@code 0} to {@code tiles - 1} and returns when all are done. */
  void run(int tiles, TileTask task) {
    if (tiles <= 1 || pool.isEmpty()) {
      for (int tile = 0; tile < tiles; tile++) {
        task.run(tile, callerScratch);
      }
      return;
    }
    Job job = new Job(tiles, task, Thread.currentThread());
    current = job;
    for (PoolThread member : pool) {
      member.wake();
    }
    job.work(callerScratch);
    job.await();
    current = null;
    switch (job.failure) {
      case null -> {}
      case RuntimeException failure -> throw failure;
      case Error failure -> throw failure;
      case Throwable failure -> throw new IllegalStateException(failure);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (PoolThread member : pool) {
      LockSupport.unpark(member.thread);
    }
    boolean interrupted = false;
    for (PoolThread member : pool) {
      while (member.thread.isAlive()) {
        try {
          member.thread.join();
        } catch (InterruptedException e) {
          interrupted = true; // closing must not leave a thread inside freed memory
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** One operation under way. A thread that comes late finds no tile left and does no harm. */
  private static final class Job {
    private final int tiles;
    private final TileTask task;
    private final Thread caller;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private volatile boolean callerSleeps;
    private volatile Throwable failure;

    Job(int tiles, TileTask task, Thread caller) {
      this.tiles = tiles;
      this.task = task;
      this.caller = caller;
    }

    void work(Scratch scratch) {
      for (int tile = next.getAndIncrement(); tile < tiles; tile = next.getAndIncrement()) {
        try {
          task.run(tile, scratch);
        } catch (RuntimeException | Error e) {
          failure = e; // thrown again by the caller of the operation
        }
        if (done.incrementAndGet() == tiles && callerSleeps) {
          LockSupport.unpark(caller);
        }
      }
    }

    void await() {
      long start = System.nanoTime();
      while (done.get() < tiles) {
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          callerSleeps = true;
          if (done.get() < tiles) {
            LockSupport.park(this);
          }
        }
      }
    }
  }

  private final class PoolThread implements Runnable {
    private final Scratch scratch;
    private Thread thread;
    private volatile boolean sleeps;

    PoolThread(Scratch scratch) {
      this.scratch = scratch;
    }

    void wake() {
      if (sleeps) {
        LockSupport.unpark(thread);
      }
    }

    @Override
    public void run() {
      Job last = null;
      while (!closed) {
        Job job = await(last);
        if (job != null) {
          job.work(scratch);
          last = job;
        }
      }
    }

    /** The next job, or null if woken without one. */
    private Job await(Job last) {
      long start = System.nanoTime();
      do {
        Job job = current;
        if (job != null && job != last) {
          return job;
        }
        Thread.onSpinWait();
      } while (System.nanoTime() - start < SPIN_NANOS);
      sleeps = true;
      Job job = current;
      if ((job == null || job == last) && !closed) {
        LockSupport.park(this);
      }
      sleeps = false;
      return null;
    }
  }
}
