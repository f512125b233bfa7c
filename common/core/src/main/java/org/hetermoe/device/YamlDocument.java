package org.hetermoe.device;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import org.hetermoe.model.InvalidFieldException;

/** Descriptions of devices and clusters, bound strictly: an unknown field is an error. */
public final class YamlDocument {
  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private YamlDocument() {}

  /**
   * Binds a document.
   *
   * @param field what to call the document where it is wrong as a whole
   * @return null for an empty document
   * @throws InvalidFieldException naming the field that is wrong, in one line
   */
  public static <T> T parse(String field, String text, TypeReference<T> type) {
    try {
      return YAML.readValue(text, type);
    } catch (JsonProcessingException malformed) {
      throw invalid(field, malformed);
    }
  }

  private static InvalidFieldException invalid(String field, JsonProcessingException malformed) {
    for (Throwable cause = malformed; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidFieldException known) {
        return known;
      }
    }
    InvalidFieldException named =
        new InvalidFieldException(
            field, malformed.getOriginalMessage().lines().findFirst().orElse("cannot be read"));
    named.initCause(malformed);
    return named;
  }
}
