package org.hetermoe.device;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/**
 * The kinds of device that are known without being measured, under a runtime: the paper's, unless
 * another is asked for.
 */
public final class Catalogue {
  private final Map<String, DataSheet> sheets;
  private final RuntimeOverheads runtime;

  private Catalogue(Map<String, DataSheet> sheets, RuntimeOverheads runtime) {
    this.runtime = runtime;
    this.sheets = Collections.unmodifiableMap(new LinkedHashMap<>(sheets));
  }

  /** The kinds that come with the system: {@code catalogue.yaml}. */
  public static Catalogue builtIn() {
    try (InputStream in = Catalogue.class.getResourceAsStream("catalogue.yaml")) {
      Objects.requireNonNull(in, "catalogue.yaml is not beside its reader");
      return new Catalogue(
          read(new String(in.readAllBytes(), StandardCharsets.UTF_8)), RuntimeOverheads.PAPER);
    } catch (IOException broken) {
      throw new UncheckedIOException("catalogue.yaml cannot be read", broken);
    }
  }

  /** This catalogue with further kinds; one that it has already is replaced. */
  public Catalogue with(Map<String, DataSheet> more) {
    Map<String, DataSheet> all = new LinkedHashMap<>(sheets);
    all.putAll(more);
    return new Catalogue(all, runtime);
  }

  /** The same kinds of device under another runtime. */
  public Catalogue under(RuntimeOverheads other) {
    return new Catalogue(sheets, other);
  }

  /**
   * This catalogue with the kinds of a file in its format.
   *
   * @throws InvalidFieldException if the file cannot be used
   */
  public Catalogue withFile(Path file) {
    try {
      return with(read(Files.readString(file)));
    } catch (IOException unreadable) {
      InvalidFieldException named =
          new InvalidFieldException("devices", "'" + file + "' cannot be read");
      named.initCause(unreadable);
      throw named;
    }
  }

  /** The names of all kinds. */
  public Set<String> names() {
    return sheets.keySet();
  }

  /**
   * A kind of device, which goes by the name that it was asked for by.
   *
   * @param name or one of its aliases, in any case
   * @throws InvalidFieldException if there is none, or it cannot compute in the precision
   */
  public DeviceProfile device(String name, DType precision) {
    for (Map.Entry<String, DataSheet> entry : sheets.entrySet()) {
      Optional<String> known =
          Stream.concat(Stream.of(entry.getKey()), entry.getValue().aliases().stream())
              .filter(name::equalsIgnoreCase)
              .findFirst();
      if (known.isPresent()) {
        return new CatalogueDevice(known.get(), entry.getValue(), precision, runtime);
      }
    }
    throw new InvalidFieldException(
        "cluster",
        "there is no device '"
            + name
            + "'; known are "
            + String.join(", ", sheets.keySet())
            + "; others can be described in a file");
  }

  private static Map<String, DataSheet> read(String text) {
    Map<String, DataSheet> sheets =
        YamlDocument.parse("devices", text, new TypeReference<Map<String, DataSheet>>() {});
    return sheets == null ? Map.of() : sheets;
  }
}
