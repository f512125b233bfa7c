package org.hetermoe.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hetermoe.model.InvalidFieldException;

/**
 * A field of the run file: what it is called and what may stand in it, taken from the records that
 * it is bound to. Checks trees before they are bound, because only a tree still knows its paths.
 * Immutable.
 */
final class RunSchema {
  /** The run file as a whole. */
  static final RunSchema ROOT = new RunSchema("", Kind.SECTION, fieldsOf("", RunSpec.class));

  private static final int SHOWN_CHARACTERS = 60;

  private enum Kind {
    SECTION("must be a map of fields"),
    TEXT("must be text"),
    INT("must be a whole number"),
    LONG("must be a whole number"),
    NUMBER("must be a number"),
    FLAG("must be true or false"),
    RANGE("must be a whole number or a range as in 1..4"),
    COUNTS("must be a list of whole numbers, as in [4, 4]");

    private final String rule;

    Kind(String rule) {
      this.rule = rule;
    }
  }

  private final String path;
  private final Kind kind;
  private final Map<String, RunSchema> fields;

  /** Whether one text may stand for the whole section: it is then in every field of it. */
  private final boolean uniform;

  private RunSchema(String path, Kind kind, Map<String, RunSchema> fields) {
    this(path, kind, fields, false);
  }

  private RunSchema(String path, Kind kind, Map<String, RunSchema> fields, boolean uniform) {
    this.path = path;
    this.kind = kind;
    this.fields = fields;
    this.uniform = uniform;
  }

  private static Map<String, RunSchema> fieldsOf(String path, Class<?> section) {
    PropertyNamingStrategies.SnakeCaseStrategy naming =
        new PropertyNamingStrategies.SnakeCaseStrategy();
    Map<String, RunSchema> fields = new LinkedHashMap<>();
    for (RecordComponent component : section.getRecordComponents()) {
      String name = naming.translate(component.getName());
      String inner = path.isEmpty() ? name : path + "." + name;
      Class<?> type = component.getType();
      fields.put(
          name,
          type.isRecord() && type != WorkerRange.class
              ? new RunSchema(
                  inner, Kind.SECTION, fieldsOf(inner, type), type == PrecisionSpec.class)
              : new RunSchema(inner, kindOf(type), Map.of()));
    }
    return fields;
  }

  private static Kind kindOf(Class<?> type) {
    if (type == String.class || type.isEnum()) {
      return Kind.TEXT;
    } else if (type == int.class) {
      return Kind.INT;
    } else if (type == long.class) {
      return Kind.LONG;
    } else if (type == double.class) {
      return Kind.NUMBER;
    } else if (type == boolean.class) {
      return Kind.FLAG;
    } else if (type == WorkerRange.class) {
      return Kind.RANGE;
    } else if (type == List.class) {
      return Kind.COUNTS;
    }
    throw new IllegalStateException("run files have no fields of " + type);
  }

  /**
   * The field at a path.
   *
   * @throws InvalidFieldException if there is none
   */
  RunSchema find(String wanted) {
    RunSchema found = this;
    for (String name : wanted.split("\\.", -1)) {
      RunSchema next = found.fields.get(name);
      if (next == null) {
        throw unknown(wanted);
      }
      found = next;
    }
    return found;
  }

  /** Whether text stands in this field, which then needs no quotes in an override. */
  boolean isText() {
    return kind == Kind.TEXT;
  }

  /**
   * Puts what is given into a section.
   *
   * @param resolved changed
   * @param given checked
   * @throws InvalidFieldException if something given is no field or does not fit its field
   */
  void merge(ObjectNode resolved, ObjectNode given) {
    for (Map.Entry<String, JsonNode> entry : given.properties()) {
      String name = entry.getKey();
      RunSchema field = fields.get(name);
      if (field == null) {
        throw ROOT.unknown(path.isEmpty() ? name : path + "." + name);
      }
      JsonNode value = entry.getValue();
      if (value.isNull()) {
        throw new InvalidFieldException(
            field.path,
            "has no value; give it one, or leave the field out and it is "
                + shown(resolved.get(name)));
      }
      if (field.kind == Kind.SECTION) {
        field.merge((ObjectNode) resolved.get(name), field.section(value));
      } else {
        resolved.set(name, field.checked(value));
      }
    }
  }

  /** What is given for this section, as a map of its fields. */
  private ObjectNode section(JsonNode value) {
    if (value.isObject()) {
      return (ObjectNode) value;
    }
    if (!uniform) {
      throw unfit(value);
    }
    if (!value.isTextual()) {
      throw new InvalidFieldException(
          path,
          "must be text, or a map of "
              + String.join(" and ", fields.keySet())
              + ", is "
              + shown(value));
    }
    ObjectNode all = JsonNodeFactory.instance.objectNode();
    fields.keySet().forEach(name -> all.set(name, value));
    return all;
  }

  private JsonNode checked(JsonNode value) {
    switch (kind) {
      case TEXT -> {
        if (!value.isTextual()) {
          throw value.isValueNode()
              ? new InvalidFieldException(
                  path, kind.rule + ", is " + shown(value) + "; put it in quotes")
              : unfit(value);
        }
      }
      case INT, LONG -> checkWhole(value);
      case NUMBER -> checkNumber(value);
      case FLAG -> {
        if (!value.isBoolean()) {
          throw unfit(value);
        }
      }
      case RANGE -> {
        if (!value.isTextual()) {
          checkWhole(value);
        } else if (WorkerRange.parse(value.asText()).isEmpty()) {
          throw unfit(value);
        }
      }
      case COUNTS -> {
        if (!value.isArray()) {
          throw unfit(value);
        }
        for (int i = 0; i < value.size(); i++) {
          new RunSchema(path + "[" + i + "]", Kind.INT, Map.of()).checkWhole(value.get(i));
        }
      }
      case SECTION -> throw new IllegalStateException(path + " is a section");
    }
    return value;
  }

  private void checkWhole(JsonNode value) {
    if (!value.isIntegralNumber()) {
      throw unfit(value);
    }
    boolean fits = kind == Kind.LONG ? value.canConvertToLong() : value.canConvertToInt();
    if (!fits) {
      throw new InvalidFieldException(
          path,
          kind != Kind.LONG
              ? "must lie between -2147483648 and 2147483647, is " + shown(value)
              : "must fit 64 bits, is " + shown(value));
    }
  }

  private void checkNumber(JsonNode value) {
    if (!value.isNumber()) {
      throw unfit(value);
    }
    if (!Double.isFinite(value.doubleValue())) {
      throw new InvalidFieldException(path, "must be a finite number, is " + shown(value));
    }
  }

  private InvalidFieldException unfit(JsonNode value) {
    return new InvalidFieldException(path, kind.rule + ", is " + shown(value));
  }

  private InvalidFieldException unknown(String wanted) {
    return new InvalidFieldException(
        wanted,
        "is no field of a run file"
            + nearest(wanted)
                .map(field -> "; did you mean '" + field + "'?")
                .orElseGet(() -> "; " + whatThereIs(wanted)));
  }

  /** The known field that was most likely meant: another spelling, or another section. */
  private Optional<String> nearest(String wanted) {
    int allowed = Math.max(2, wanted.length() / 5);
    List<String> known = new ArrayList<>();
    collect(known);
    Optional<String> spelling =
        known.stream()
            .filter(field -> distance(field, wanted) <= allowed)
            .min(Comparator.comparingInt(field -> distance(field, wanted)));
    String name = wanted.substring(wanted.lastIndexOf('.') + 1);
    return spelling.or(
        () -> known.stream().filter(field -> ("." + field).endsWith("." + name)).findFirst());
  }

  private String whatThereIs(String wanted) {
    RunSchema section = this;
    String[] names = wanted.split("\\.", -1);
    for (int i = 0; i < names.length - 1 && section.fields.containsKey(names[i]); i++) {
      section = section.fields.get(names[i]);
    }
    Collection<String> there = section.fields.keySet();
    return there.isEmpty()
        ? "'" + section.path + "' has no fields of its own"
        : (section.path.isEmpty() ? "there are " : "'" + section.path + "' has ")
            + String.join(", ", there);
  }

  private void collect(List<String> paths) {
    for (RunSchema field : fields.values()) {
      paths.add(field.path);
      field.collect(paths);
    }
  }

  /** Levenshtein's distance; what is compared is cut, so that it costs little. */
  private static int distance(String one, String other) {
    String a = one.substring(0, Math.min(one.length(), SHOWN_CHARACTERS));
    String b = other.substring(0, Math.min(other.length(), SHOWN_CHARACTERS));
    int[] previous = new int[b.length() + 1];
    Arrays.setAll(previous, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(substituted, Math.min(previous[j], row[j - 1]) + 1);
      }
      previous = row;
    }
    return previous[b.length()];
  }

  /** A value as messages show it. */
  static String shown(JsonNode value) {
    if (value.isObject()) {
      return "a map";
    } else if (value.isArray()) {
      return "a list";
    } else if (value.isNull() || value.isMissingNode()) {
      return "nothing";
    }
    String text = value.asText();
    String cut =
        text.length() > SHOWN_CHARACTERS ? text.substring(0, SHOWN_CHARACTERS) + "..." : text;
    return value.isTextual() ? "'" + cut + "'" : cut;
  }
}
