package org.hetermoe.coordinator;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.hibernate.orm.JsonFormat;
import io.quarkus.hibernate.orm.PersistenceUnitExtension;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.hetermoe.run.Json;
import org.hibernate.type.descriptor.WrapperOptions;
import org.hibernate.type.descriptor.java.JavaType;
import org.hibernate.type.format.FormatMapper;
import org.hibernate.type.format.jackson.JacksonJsonFormatMapper;

/** One way to write JSON: {@link Json}'s, over REST and in the database alike. */
@ApplicationScoped
class JsonSettings {
  @Produces
  @Singleton
  ObjectMapper rest() {
    return Json.MAPPER;
  }

  /** JSON columns. */
  @JsonFormat
  @PersistenceUnitExtension
  @Singleton
  static class Columns implements FormatMapper {
    private final JacksonJsonFormatMapper mapper = new JacksonJsonFormatMapper(Json.MAPPER);

    @Override
    public <T> T fromString(CharSequence text, JavaType<T> type, WrapperOptions options) {
      return mapper.fromString(text, type, options);
    }

    @Override
    public <T> String toString(T value, JavaType<T> type, WrapperOptions options) {
      return mapper.toString(value, type, options);
    }
  }
}
