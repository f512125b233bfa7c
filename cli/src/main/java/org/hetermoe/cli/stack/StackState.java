package org.hetermoe.cli.stack;

import com.fasterxml.jackson.core.JacksonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.hetermoe.run.Json;

/**
 * What {@code stack.json} holds: the processes of the stack, also those that have ended since, for
 * their ports. Every change is on disk when the call returns, so that nothing is forgotten if this
 * JVM is killed. Safe for several threads; several JVMs take turns by {@link StackLock}.
 */
final class StackState {
  private final Path file;
  private final Map<String, ProcessRecord> processes = new TreeMap<>();

  private record Content(List<ProcessRecord> processes) {}

  private StackState(Path file, Collection<ProcessRecord> processes) {
    this.file = file;
    processes.forEach(process -> this.processes.put(process.name(), process));
  }

  /**
   * Reads the file; an absent one holds nothing.
   *
   * @throws StackException if it cannot be understood
   */
  static StackState read(Path file) {
    try {
      Content content = Json.MAPPER.readValue(Files.readString(file), Content.class);
      return new StackState(file, content.processes());
    } catch (NoSuchFileException e) {
      return new StackState(file, List.of());
    } catch (JacksonException | NullPointerException e) {
      throw new StackException(
          file
              + " is damaged; stop the processes it names, if any, and delete it ("
              + String.valueOf(e.getMessage()).lines().findFirst().orElse("")
              + ")",
          e);
    } catch (IOException e) {
      throw new StackException("cannot read " + file + ": " + e, e);
    }
  }

  synchronized List<ProcessRecord> processes() {
    return List.copyOf(processes.values());
  }

  synchronized Optional<ProcessRecord> find(String name) {
    return Optional.ofNullable(processes.get(name));
  }

  synchronized void put(ProcessRecord process) {
    processes.put(process.name(), process);
    write();
  }

  private void write() {
    try {
      Path fresh = file.resolveSibling(file.getFileName() + ".new");
      Files.writeString(
          fresh,
          Json.MAPPER
              .writerWithDefaultPrettyPrinter()
              .writeValueAsString(new Content(List.copyOf(processes.values()))));
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new StackException("cannot write " + file + ": " + e, e);
    }
  }
}
