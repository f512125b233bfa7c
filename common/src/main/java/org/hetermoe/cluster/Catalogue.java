package org.hetermoe.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.hetermoe.model.InvalidFieldException;

/** The kinds of device that are known without being measured. */
public final class Catalogue {
  static final ObjectMapper YAML =
      YAMLMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final Map<String, DataSheet> sheets;

  private Catalogue(Map<String, DataSheet> sheets) {
    this.sheets = Collections.unmodifiableMap(new LinkedHashMap<>(sheets));
  }

  /** The kinds that come with the system: {@code catalogue.yaml}. */
  public static Catalogue builtIn() {
    try (InputStream in = Catalogue.class.getResourceAsStream("catalogue.yaml")) {
      Objects.requireNonNull(in, "catalogue.yaml is not beside its reader");
      return new Catalogue(read(new String(in.readAllBytes(), StandardCharsets.UTF_8)));
    } catch (IOException broken) {
      throw new UncheckedIOException("catalogue.yaml cannot be read", broken);
    }
  }

  /** This catalogue with further kinds; one that it has already is replaced. */
  public Catalogue with(Map<String, DataSheet> more) {
    Map<String, DataSheet> all = new LinkedHashMap<>(sheets);
    all.putAll(more);
    return new Catalogue(all);
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
  public DeviceProfile device(String name, Precision precision) {
    for (Map.Entry<String, DataSheet> entry : sheets.entrySet()) {
      Optional<String> known =
          Stream.concat(Stream.of(entry.getKey()), entry.getValue().aliases().stream())
              .filter(name::equalsIgnoreCase)
              .findFirst();
      if (known.isPresent()) {
        return new CatalogueDevice(known.get(), entry.getValue(), precision);
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
    try {
      Map<String, DataSheet> sheets = YAML.readValue(text, new TypeReference<>() {});
      return sheets == null ? Map.of() : sheets;
    } catch (JsonProcessingException malformed) {
      throw invalid("devices", malformed);
    }
  }

  /** What is wrong with a file, in one line. */
  static InvalidFieldException invalid(String field, JsonProcessingException malformed) {
    for (Throwable cause = malformed; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidFieldException known) {
        return known;
      }
    }
    InvalidFieldException named =
        new InvalidFieldException(
            field,
            String.format(
                Locale.ROOT,
                "%s",
                malformed.getOriginalMessage().lines().findFirst().orElse("cannot be read")));
    named.initCause(malformed);
    return named;
  }
}
