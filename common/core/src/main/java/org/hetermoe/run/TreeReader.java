package org.hetermoe.run;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.hetermoe.model.InvalidFieldException;

/**
 * Reads YAML or JSON into a tree, event by event, so that duplicate keys, aliases and deep nesting
 * are met with the path at which they stand, and refused before they cost anything.
 */
final class TreeReader {
  /** Far more than a run file needs. */
  static final int MAX_CHARACTERS = 1 << 20;

  /** Deeper than any field. */
  private static final int MAX_DEPTH = 16;

  private static final int MAX_DIGITS = 400;

  private static final Pattern PLACE = Pattern.compile("line \\d+, column \\d+");

  private final JsonParser parser;

  private TreeReader(JsonParser parser) {
    this.parser = parser;
  }

  /** Reads a whole document, a map; an empty text is an empty map. */
  static ObjectNode readDocument(String text) {
    if (text.length() > MAX_CHARACTERS) {
      throw tooLarge();
    }
    // JSON is not quite a part of YAML: tabs may indent it, for one.
    boolean json = text.stripLeading().startsWith("{");
    JsonNode tree;
    try {
      tree = read(json ? Json.MAPPER : Json.YAML, "", text);
    } catch (JsonProcessingException malformed) {
      if (json) {
        try {
          // A map in YAML's flow style begins like JSON, too.
          tree = read(Json.YAML, "", text);
        } catch (JsonProcessingException alsoMalformed) {
          malformed.addSuppressed(alsoMalformed);
          throw notReadable("JSON", malformed);
        }
      } else {
        throw notReadable("YAML", malformed);
      }
    }
    if (tree == null) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (!(tree instanceof ObjectNode document)) {
      throw new InvalidFieldException(
          RunSpecReader.WHOLE, "must be a map of fields, is " + RunSchema.shown(tree));
    }
    return document;
  }

  /** Reads the value of one field as it would stand in YAML. */
  static JsonNode readValue(String path, String text) {
    if (text.length() > MAX_CHARACTERS) {
      throw tooLarge();
    }
    try {
      JsonNode value = read(Json.YAML, path, text);
      return value == null ? JsonNodeFactory.instance.nullNode() : value;
    } catch (JsonProcessingException malformed) {
      InvalidFieldException named =
          new InvalidFieldException(path, "is not a value in YAML: " + brief(malformed));
      named.initCause(malformed);
      throw named;
    }
  }

  static InvalidFieldException tooLarge() {
    return new InvalidFieldException(RunSpecReader.WHOLE, "is larger than 1 MiB");
  }

  private static JsonNode read(ObjectMapper mapper, String path, String text)
      throws JsonProcessingException {
    try (JsonParser parser = mapper.createParser(text)) {
      if (parser.nextToken() == null) {
        return null;
      }
      JsonNode tree = new TreeReader(parser).value(path, 0);
      if (parser.nextToken() != null) {
        throw new InvalidFieldException(
            path.isEmpty() ? RunSpecReader.WHOLE : path, "has more than one document");
      }
      return tree;
    } catch (JsonProcessingException malformed) {
      throw malformed;
    } catch (IOException impossible) {
      throw new UncheckedIOException("reading memory failed", impossible);
    }
  }

  private JsonNode value(String path, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new InvalidFieldException(named(path), "is nested too deeply");
    }
    if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
      throw new InvalidFieldException(
          named(path), "is an alias (*" + parser.getText() + "); write the value itself");
    }
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> map(path, depth);
      case START_ARRAY -> list(path, depth);
      case VALUE_STRING -> nodes.textNode(parser.getText());
      case VALUE_NUMBER_INT -> whole(path);
      case VALUE_NUMBER_FLOAT -> fraction(path);
      case VALUE_TRUE -> nodes.booleanNode(true);
      case VALUE_FALSE -> nodes.booleanNode(false);
      case VALUE_NULL -> nodes.nullNode();
      default -> throw new InvalidFieldException(named(path), "has a value of an unknown kind");
    };
  }

  private JsonNode fraction(String path) throws IOException {
    String text = parser.getText();
    // YAML's .inf and .nan are numbers without a digit.
    if (text.chars().noneMatch(Character::isDigit) || text.length() > MAX_DIGITS) {
      throw new InvalidFieldException(
          named(path), "must be a finite number of at most " + MAX_DIGITS + " digits");
    }
    return JsonNodeFactory.instance.numberNode(parser.getDoubleValue());
  }

  private JsonNode whole(String path) throws IOException {
    if (parser.getTextLength() > MAX_DIGITS) {
      throw new InvalidFieldException(named(path), "has too many digits");
    }
    BigInteger value = parser.getBigIntegerValue();
    return value.bitLength() < Long.SIZE
        ? JsonNodeFactory.instance.numberNode(value.longValueExact())
        : JsonNodeFactory.instance.numberNode(value);
  }

  private ObjectNode map(String path, int depth) throws IOException {
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      String inner = path.isEmpty() ? name : path + "." + name;
      parser.nextToken();
      if (map.has(name)) {
        throw new InvalidFieldException(inner, "stands twice; leave one of them");
      }
      map.set(name, value(inner, depth + 1));
    }
    return map;
  }

  private ArrayNode list(String path, int depth) throws IOException {
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      list.add(value(path + "[" + list.size() + "]", depth + 1));
    }
    return list;
  }

  private static String named(String path) {
    return path.isEmpty() ? RunSpecReader.WHOLE : path;
  }

  private static InvalidFieldException notReadable(
      String format, JsonProcessingException malformed) {
    InvalidFieldException named =
        new InvalidFieldException(
            RunSpecReader.WHOLE, "is not " + format + " that can be read: " + brief(malformed));
    named.initCause(malformed);
    return named;
  }

  /**
   * What is wrong and where, in one line. The YAML parser's messages have several: what it was
   * about, what it met, and after each a place and an excerpt, indented.
   */
  private static String brief(JsonProcessingException malformed) {
    String message = malformed.getOriginalMessage();
    String problem =
        message
            .lines()
            .filter(line -> !line.isBlank() && !line.startsWith(" "))
            .collect(Collectors.joining(", "));
    String place =
        malformed.getLocation() == null
            ? "unknown place"
            : "line "
                + malformed.getLocation().getLineNr()
                + ", column "
                + malformed.getLocation().getColumnNr();
    Matcher places = PLACE.matcher(message);
    while (places.find()) {
      place = places.group();
    }
    return problem + " (" + place + ")";
  }
}
