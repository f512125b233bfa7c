package org.hetermoe.cli.stack;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Main class of the process that hosts the embedded PostgreSQL: unpacks it, creates the database
 * cluster at first use, starts the server, and stops it when it is asked to end itself. If this
 * process is killed, the server lives on, and the next host on the same directory adopts it.
 */
final class PostgresHost {
  static final String USER = "postgres";
  static final String DATABASE = "hetermoe";

  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration WATCH = Duration.ofSeconds(1);

  private final DataDirectory data;
  private final int port;

  private PostgresHost(DataDirectory data, int port) {
    this.data = data;
    this.port = port;
  }

  /** Arguments: data directory of the stack, port. */
  public static void main(String[] arguments) throws Exception {
    new PostgresHost(new DataDirectory(Path.of(arguments[0])), Integer.parseInt(arguments[1]))
        .run();
  }

  private void run() throws IOException, SQLException, InterruptedException {
    refuseRootWithoutUserNamespaces();
    // Where the library unpacks binaries and looks for what it left behind; by default a place in
    // the temporary directory that all users of the machine share.
    System.setProperty("ot.epg.working-dir", data.postgresBinaries().toString());
    if (!Files.exists(data.postgres())) {
      createCluster();
    }
    Postmaster.clearRemains(data.postgres());
    try (EmbeddedPostgres server = start(data.postgres())) {
      createDatabase(server);
      new ReadyFile(data.ready("postgresql")).write();
      watch();
    }
  }

  /**
   * Creates the cluster aside and moves it in place whole, so that a half-made one is never used.
   */
  private void createCluster() throws IOException, InterruptedException {
    Path fresh = data.postgres().resolveSibling("postgresql.new");
    Optional<Postmaster> left = Postmaster.on(fresh);
    if (left.isPresent()) {
      left.get().stop();
    }
    deleteTree(fresh);
    start(fresh).close();
    if (Postmaster.on(fresh).isPresent()) {
      throw new StackException("PostgreSQL does not stop after its first start");
    }
    Files.move(fresh, data.postgres());
  }

  private EmbeddedPostgres start(Path directory) throws IOException {
    String password = data.password();
    return EmbeddedPostgres.builder()
        .setDataDirectory(directory)
        .setCleanDataDirectory(false)
        .setPort(port)
        .setPGStartupWait(START_TIMEOUT)
        // These are options of initdb, whatever the method is called: a password over TCP.
        .setLocaleConfig("auth-host", "scram-sha-256")
        .setLocaleConfig("pwfile", data.passwordFile().toString())
        .setLocaleConfig("locale", "C")
        .setConnectConfig("password", password)
        .setServerConfig("listen_addresses", "127.0.0.1")
        .setServerConfig("unix_socket_directories", "")
        // The library is made for tests and trades durability for speed; here are people's runs.
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("max_connections", "60")
        .setServerConfig("shared_buffers", "64MB")
        .start();
  }

  private static void createDatabase(EmbeddedPostgres server) throws SQLException {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      boolean exists;
      try (ResultSet found =
          statement.executeQuery("select 1 from pg_database where datname = '" + DATABASE + "'")) {
        exists = found.next();
      }
      if (!exists) {
        statement.execute("create database " + DATABASE);
      }
    }
  }

  /** Returns when the server is gone, so that this process ends too and is seen to have. */
  private void watch() throws InterruptedException {
    while (Postmaster.on(data.postgres()).isPresent()) {
      Thread.sleep(WATCH);
    }
    System.err.println("PostgreSQL has ended");
  }

  /** PostgreSQL refuses to run as root; a user namespace makes it believe it does not. */
  private static void refuseRootWithoutUserNamespaces() throws IOException, InterruptedException {
    if (!run(List.of("sh", "-c", "test \"$(id -u)\" = 0"))) {
      return;
    }
    if (!run(List.of("sh", "-c", "test \"$(unshare -U id -u)\" != 0 && unshare -U id -un"))) {
      throw new StackException(
          "PostgreSQL does not run as root, and this machine forbids the user namespace that would"
              + " hide it (unshare -U fails). Run hetermoe as an ordinary user, or allow user"
              + " namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone;"
              + " in a container its seccomp profile.");
    }
  }

  private static boolean run(List<String> command) throws IOException, InterruptedException {
    return new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  private static void deleteTree(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    List<Path> entries;
    try (Stream<Path> walk = Files.walk(tree)) {
      entries = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path entry : entries) {
      Files.delete(entry);
    }
  }
}
