package org.hetermoe.worker;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** Configuration of a worker process. */
@ConfigMapping(prefix = "hetermoe.worker")
public interface WorkerSettings {
  /** Stable id of the worker, unique in the cluster: {@code attention-0}. */
  String id();

  /**
   * The worker's partition of its role's activation topic, unique among the workers of its role.
   * When absent, the number at the end of the id.
   */
  OptionalInt partition();

  /** The device that computes: {@code cpu}, {@code reference}, {@code auto}. */
  @WithDefault("cpu")
  String compute();

  /** Host threads that the device may use. When absent, all processors. */
  OptionalInt threads();

  /**
   * Device of the catalogue whose pace this worker keeps, as in {@code V100}: it computes for real,
   * and then takes as long as that device would. When absent, it is as fast as it is.
   */
  Optional<String> emulate();

  /** How many times slower than the emulated device, so that real computing fits in. */
  @WithDefault("1")
  double emulateTimeScale();

  /** Where the coordinator's REST API is; checkpoints go there. */
  @WithDefault("http://127.0.0.1:8080")
  URI coordinatorUrl();

  /** Where packed token files are kept. */
  @WithDefault(".hetermoe/data")
  Path dataDirectory();

  /** How many unread bytes may be on their way to one peer before a sender waits. */
  @WithDefault("64M")
  MemorySize window();

  /**
   * How long a worker that is told to end waits for its run to be stopped after the current step,
   * with a checkpoint. Zero: it leaves the run at once, which fails it.
   */
  @WithDefault("0S")
  Duration drainTimeout();

  /** The direct channel. */
  Direct direct();

  /** Where the direct channel listens. */
  interface Direct {
    /** Address to listen on. */
    @WithDefault("127.0.0.1")
    String host();

    /** The address that peers are told. When absent, the one listened on. */
    Optional<String> advertisedHost();

    /** Port to listen on; 0 takes a free one. */
    @WithDefault("0")
    int port();
  }
}
