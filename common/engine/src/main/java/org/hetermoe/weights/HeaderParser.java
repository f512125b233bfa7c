package org.hetermoe.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.tensor.Shape;

/**
 * Reads one header, token by token: the format allows 100 MB of it, far more than a tree of it
 * should cost.
 */
final class HeaderParser {
  static final String METADATA = "__metadata__";

  /** More than any tensor has; keeps a header from declaring arrays without end. */
  private static final int MAX_RANK = 32;

  private final String file;
  private final byte[] json;
  private final long dataBytes;
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  HeaderParser(String file, byte[] json, long fileBytes) {
    this.file = file;
    this.json = json;
    this.dataBytes = fileBytes - SafetensorsHeader.PREFIX_BYTES - json.length;
  }

  SafetensorsHeader parse() throws SafetensorsException {
    if (json.length == 0 || json[0] != '{') {
      throw new SafetensorsException(file, "has a header that is not a JSON object");
    }
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      parser.nextToken();
      boolean sawMetadata = false;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        if (name.equals(METADATA)) {
          if (sawMetadata) {
            throw new SafetensorsException(file, "has two entries " + METADATA);
          }
          sawMetadata = true;
          readMetadata(parser);
        } else if (tensors.put(name, readTensor(parser, name)) != null) {
          throw new SafetensorsException(file, name, "is declared twice");
        }
      }
      if (parser.nextToken() != null) {
        throw new SafetensorsException(file, "has a header that goes on after its JSON object");
      }
    } catch (SafetensorsException lie) {
      throw lie;
    } catch (JsonProcessingException malformed) {
      throw withCause(
          new SafetensorsException(
              file, "has a header that is not JSON: " + malformed.getOriginalMessage()),
          malformed);
    } catch (IOException malformed) {
      throw withCause(
          new SafetensorsException(
              file, "has a header that is not JSON in UTF-8: " + malformed.getMessage()),
          malformed);
    }
    checkLayout();
    return new SafetensorsHeader(file, tensors, metadata, json.length, json);
  }

  private void readMetadata(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new SafetensorsException(file, METADATA + " is not an object");
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw new SafetensorsException(file, METADATA + "." + name + " is not text");
      }
      if (metadata.put(name, parser.getText()) != null) {
        throw new SafetensorsException(file, METADATA + "." + name + " is declared twice");
      }
    }
  }

  private TensorInfo readTensor(JsonParser parser, String name) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new SafetensorsException(file, name, "is not described by an object");
    }
    StoredType type = null;
    List<Long> extents = null;
    List<Long> offsets = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      switch (key) {
        case "dtype" -> {
          once(type, name, key);
          type = readType(parser, name);
        }
        case "shape" -> {
          once(extents, name, key);
          extents = readNumbers(parser, name, key, MAX_RANK);
        }
        case "data_offsets" -> {
          once(offsets, name, key);
          offsets = readNumbers(parser, name, key, 2);
        }
        default -> throw new SafetensorsException(file, name, "has an unknown entry '" + key + "'");
      }
    }
    if (type == null || extents == null || offsets == null || offsets.size() != 2) {
      throw new SafetensorsException(file, name, "lacks dtype, shape or its two data_offsets");
    }
    return place(name, type, extents, offsets.get(0), offsets.get(1));
  }

  private void once(Object earlier, String name, String key) throws SafetensorsException {
    if (earlier != null) {
      throw new SafetensorsException(file, name, "declares " + key + " twice");
    }
  }

  private StoredType readType(JsonParser parser, String name) throws IOException {
    String declared = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : null;
    StoredType type = StoredType.named(declared);
    if (type == null) {
      throw new SafetensorsException(
          file, name, "has the unknown dtype " + (declared == null ? "(not text)" : declared));
    }
    return type;
  }

  private List<Long> readNumbers(JsonParser parser, String name, String key, int most)
      throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      throw new SafetensorsException(file, name, "has a " + key + " that is not an array");
    }
    List<Long> numbers = new ArrayList<>(most == 2 ? 2 : 4);
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      boolean whole =
          parser.currentToken() == JsonToken.VALUE_NUMBER_INT
              && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      if (!whole || parser.getLongValue() < 0) {
        throw new SafetensorsException(
            file,
            name,
            "has a "
                + key
                + " with an entry that is not a whole number from 0 to 2^63: "
                + (parser.currentToken() == null ? "nothing" : parser.getText()));
      }
      if (numbers.size() == most) {
        throw new SafetensorsException(
            file, name, "has a " + key + " of more than " + most + " entries");
      }
      numbers.add(parser.getLongValue());
    }
    return numbers;
  }

  private TensorInfo place(String name, StoredType type, List<Long> extents, long begin, long end)
      throws SafetensorsException {
    int[] dims = extents.isEmpty() ? new int[] {1} : new int[extents.size()];
    long bytes = type.bytes();
    try {
      for (int axis = 0; axis < extents.size(); axis++) {
        dims[axis] = Math.toIntExact(extents.get(axis));
        bytes = Math.multiplyExact(bytes, extents.get(axis));
      }
      if (extents.isEmpty()) {
        dims[0] = 1;
      }
    } catch (ArithmeticException overflow) {
      throw withCause(
          new SafetensorsException(file, name, "has the impossible shape " + extents), overflow);
    }
    String range = "[" + begin + ", " + end + ")";
    if (begin > end) {
      throw new SafetensorsException(file, name, "ends before it begins: bytes " + range);
    }
    if (end - begin != bytes) {
      throw new SafetensorsException(
          file,
          name,
          "has "
              + (end - begin)
              + " bytes, but "
              + type
              + " of shape "
              + extents
              + " takes "
              + bytes);
    }
    if (end > dataBytes) {
      throw new SafetensorsException(
          file,
          name,
          "lies at bytes "
              + range
              + ", but the file is truncated or too short: it has "
              + dataBytes
              + " after its header");
    }
    return new TensorInfo(name, type, Shape.of(dims), begin, end);
  }

  private void checkLayout() throws SafetensorsException {
    List<TensorInfo> sorted = new ArrayList<>(tensors.values());
    sorted.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
    long at = 0;
    TensorInfo previous = null;
    for (TensorInfo tensor : sorted) {
      if (tensor.begin() < at) {
        throw new SafetensorsException(
            file, tensor.name(), "overlaps tensor '" + previous.name() + "'");
      }
      if (tensor.begin() > at) {
        throw new SafetensorsException(
            file,
            tensor.name(),
            "comes after a hole of " + (tensor.begin() - at) + " bytes that belong to no tensor");
      }
      at = tensor.end();
      previous = tensor;
    }
    if (at != dataBytes) {
      throw new SafetensorsException(
          file, "has " + (dataBytes - at) + " bytes after its last tensor that belong to none");
    }
  }

  private static SafetensorsException withCause(SafetensorsException exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }
}
