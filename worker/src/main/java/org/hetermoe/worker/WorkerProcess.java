package org.hetermoe.worker;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.http.HttpServer;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.tensor.DType;
import org.jboss.logging.Logger;

/**
 * The life of the process: opens what ranks of all runs share, says every second that it lives, and
 * leaves its run before it ends, stopped where there is time for that.
 */
@ApplicationScoped
class WorkerProcess {
  private static final Logger LOG = Logger.getLogger(WorkerProcess.class);

  /** To listen on, not to be reached at; the direct channel says under which name the host is. */
  private static final Set<String> ANY_ADDRESS = Set.of("0.0.0.0", "::");

  private final WorkerSettings settings;
  private final WorkerIdentity identity;
  private final CommandLoop commands;
  private final GracefulShutdown shutdown;
  private final KafkaReports reports;
  private final RunChannels channels;
  private final ActivationTopic activations;
  private final Refusals refusals;
  private final ProfileReporter profiles;
  private final LinkReporter links;
  private final EmulationListeners emulation;
  private final HttpServer http;
  private final String httpHost;
  private final ScheduledExecutorService pulse =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("heartbeat").daemon().factory());

  private volatile String compute = "";
  private volatile List<DType> types = List.of();
  private volatile boolean reachable;

  WorkerProcess(
      WorkerSettings settings,
      WorkerIdentity identity,
      CommandLoop commands,
      GracefulShutdown shutdown,
      KafkaReports reports,
      RunChannels channels,
      ActivationTopic activations,
      Refusals refusals,
      ProfileReporter profiles,
      LinkReporter links,
      EmulationListeners emulation,
      HttpServer http,
      @ConfigProperty(name = "quarkus.http.host") String httpHost) {
    this.settings = settings;
    this.identity = identity;
    this.commands = commands;
    this.shutdown = shutdown;
    this.reports = reports;
    this.channels = channels;
    this.activations = activations;
    this.refusals = refusals;
    this.profiles = profiles;
    this.links = links;
    this.emulation = emulation;
    this.http = http;
    this.httpHost = httpHost;
  }

  void start(@Observes StartupEvent event) {
    // A device that cannot start must show now, not in the first run.
    try (Compute device = Devices.open(settings.compute(), RankThreadFactory.threads(settings))) {
      compute = described(device);
      types =
          Arrays.stream(DType.values())
              .filter(type -> type.floating() && device.refusal(type).isEmpty())
              .toList();
    }
    LOG.infof(
        "%s, instance %s, partition %d, direct channel at %s, %s",
        identity.worker(), identity.instance(), identity.partition(), channels.endpoint(), compute);
    reports.onChange(this::beatNow);
    ScheduledFuture<?> _ =
        pulse.scheduleAtFixedRate(this::beat, 0, Heartbeat.INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
    profiles.start(compute, types);
    links.start();
  }

  void stop(@Observes ShutdownEvent event) {
    shutdown.drain();
    profiles.close();
    links.close();
    commands.close();
    pulse.shutdownNow();
    channels.close();
  }

  /** The device as the coordinator knows it, whose profile holds for all of the same name. */
  private String described(Compute device) {
    return settings
        .emulate()
        .map(
            name ->
                "%s, emulated %s times slower by %s"
                    .formatted(
                        emulation.device(name).name(),
                        settings.emulateTimeScale(),
                        device.description()))
        .orElseGet(() -> device.description() + " on " + HostProcessor.name());
  }

  WorkerStatus status() {
    Heartbeat now = heartbeat();
    Map<String, Long> refused = new TreeMap<>();
    for (Map.Entry<Refusal, Long> count : refusals.counts().entrySet()) {
      if (count.getValue() > 0) {
        refused.put(count.getKey().label(), count.getValue());
      }
    }
    return new WorkerStatus(
        now.worker(),
        now.instance(),
        now.role(),
        now.compute(),
        now.types(),
        now.softwareVersion(),
        now.host(),
        now.port(),
        now.partition(),
        commands.label(),
        now.run(),
        now.attempt(),
        now.step(),
        commands.traffic(),
        refused);
  }

  private void beatNow() {
    try {
      pulse.execute(this::beat);
    } catch (RejectedExecutionException e) {
      LOG.debugf(e, "the process is ending");
    }
  }

  private void beat() {
    try {
      if (reachable()) {
        reports.heartbeat(heartbeat());
      }
    } catch (RuntimeException e) {
      LOG.errorf(e, "heartbeat failed");
    }
  }

  /** Whether the coordinator may know of this process: everything it would be asked on works. */
  private boolean reachable() {
    if (!reachable) {
      reachable = http.getPort() > 0 && activations.ready();
    }
    // A worker that no peer can connect to must not be chosen for a run: better lost than in the
    // way.
    return reachable && channels.listening();
  }

  private Heartbeat heartbeat() {
    Optional<AttemptSession> session = commands.current();
    DirectEndpoint endpoint = channels.endpoint();
    return new Heartbeat(
        identity.worker(),
        identity.instance(),
        identity.role(),
        endpoint.host(),
        endpoint.port(),
        identity.partition(),
        "http://"
            + (ANY_ADDRESS.contains(httpHost) ? endpoint.host() : httpHost)
            + ":"
            + http.getPort(),
        compute,
        types,
        identity.softwareVersion(),
        session.<UUID>map(current -> current.key().run()).orElse(null),
        session.map(current -> current.key().attempt()).orElse(0),
        session.map(AttemptSession::step).orElse(0));
  }
}
