package org.hetermoe.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hetermoe.tensor.Shape;

/**
 * The header of a safetensors file: eight bytes with the length of a JSON object, little-endian,
 * and that object, which gives type, extents and place of every tensor. A header that exists is
 * consistent: its tensors fill the file from the header to the end, without overlap or hole.
 *
 * <p>Source of the format: huggingface/safetensors, README, "Format". Immutable.
 */
public final class SafetensorsHeader {
  /** Bytes before the JSON object. */
  public static final int PREFIX_BYTES = 8;

  /** The longest JSON object that the format allows. */
  public static final int MAX_JSON_BYTES = 100_000_000;

  private static final int ALIGNMENT = 8;

  private final String file;
  private final Map<String, TensorInfo> tensors;
  private final Map<String, String> metadata;
  private final int jsonBytes;
  private final byte[] json;

  SafetensorsHeader(
      String file,
      Map<String, TensorInfo> tensors,
      Map<String, String> metadata,
      int jsonBytes,
      byte[] json) {
    this.file = file;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.metadata = Collections.unmodifiableMap(metadata);
    this.jsonBytes = jsonBytes;
    this.json = json;
  }

  /**
   * Length of the JSON object that follows the prefix.
   *
   * @param file name for error messages
   * @param prefix the first bytes of the file, {@link #PREFIX_BYTES} or more
   * @param fileBytes size of the whole file
   * @throws SafetensorsException if the file is too short or the length impossible
   */
  public static int jsonBytes(String file, byte[] prefix, long fileBytes)
      throws SafetensorsException {
    if (prefix.length < PREFIX_BYTES || fileBytes < PREFIX_BYTES) {
      throw new SafetensorsException(
          file,
          "is truncated within the header's length: it has "
              + Math.min(prefix.length, fileBytes)
              + " bytes");
    }
    long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (length < 0 || length > MAX_JSON_BYTES) {
      throw new SafetensorsException(
          file,
          "declares a header of "
              + Long.toUnsignedString(length)
              + " bytes; the most allowed is "
              + MAX_JSON_BYTES);
    }
    if (length > fileBytes - PREFIX_BYTES) {
      throw new SafetensorsException(
          file,
          "is truncated within the header: it declares a header of "
              + length
              + " bytes and has "
              + (fileBytes - PREFIX_BYTES)
              + " after the length");
    }
    return (int) length;
  }

  /**
   * Reads the JSON object of a header and checks it against the size of the file.
   *
   * @param file name for error messages
   * @param json the JSON object, all {@link #jsonBytes(String, byte[], long)} bytes of it
   * @param fileBytes size of the whole file
   * @throws SafetensorsException if the header lies
   */
  public static SafetensorsHeader parse(String file, byte[] json, long fileBytes)
      throws SafetensorsException {
    return new HeaderParser(file, json, fileBytes).parse();
  }

  /**
   * The header of a file of F32 tensors that lie one after the other in the given order.
   *
   * @param file name for error messages
   * @param shapes extents by name, in order
   * @param metadata free text by name
   */
  public static SafetensorsHeader forFloats(
      String file, Map<String, Shape> shapes, Map<String, String> metadata) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, Shape> entry : shapes.entrySet()) {
      long end =
          Math.addExact(
              at, Math.multiplyExact(entry.getValue().elements(), (long) StoredType.F32.bytes()));
      String name = entry.getKey();
      if (name.equals(HeaderParser.METADATA)) {
        throw new IllegalArgumentException("no tensor may have the reserved name " + name);
      }
      tensors.put(name, new TensorInfo(name, StoredType.F32, entry.getValue(), at, end));
      at = end;
    }
    Map<String, String> kept = new LinkedHashMap<>(metadata);
    byte[] json = write(tensors, kept);
    return new SafetensorsHeader(file, tensors, kept, json.length, json);
  }

  /** The file's name, as given. */
  public String file() {
    return file;
  }

  /** The tensors by name, in the order in which the header lists them. */
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  /** Free text that the file carries. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * A tensor by name.
   *
   * @throws SafetensorsException if the file has none of that name
   */
  public TensorInfo tensor(String name) throws SafetensorsException {
    TensorInfo tensor = tensors.get(name);
    if (tensor == null) {
      throw new SafetensorsException(file, name, "is missing");
    }
    return tensor;
  }

  /** Where the first tensor begins, counted from the beginning of the file. */
  public long dataOffset() {
    return (long) PREFIX_BYTES + jsonBytes;
  }

  /** Where a tensor of this file begins, counted from the beginning of the file. */
  public long fileOffset(TensorInfo tensor) {
    return dataOffset() + tensor.begin();
  }

  /** Size of the whole file. */
  public long totalBytes() {
    long end = tensors.values().stream().mapToLong(TensorInfo::end).max().orElse(0);
    return dataOffset() + end;
  }

  /** The header as it stands in the file: length and JSON object. */
  public byte[] toBytes() {
    return ByteBuffer.allocate(PREFIX_BYTES + json.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static byte[] write(Map<String, TensorInfo> tensors, Map<String, String> metadata) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator generator = new JsonFactory().createGenerator(bytes)) {
      generator.writeStartObject();
      if (!metadata.isEmpty()) {
        generator.writeObjectFieldStart(HeaderParser.METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          generator.writeStringField(entry.getKey(), entry.getValue());
        }
        generator.writeEndObject();
      }
      for (TensorInfo tensor : tensors.values()) {
        generator.writeObjectFieldStart(tensor.name());
        generator.writeStringField("dtype", tensor.type().name());
        generator.writeFieldName("shape");
        int[] extents = tensor.shape().toArray();
        generator.writeArray(extents, 0, extents.length);
        generator.writeFieldName("data_offsets");
        generator.writeArray(new long[] {tensor.begin(), tensor.end()}, 0, 2);
        generator.writeEndObject();
      }
      generator.writeEndObject();
    } catch (IOException impossible) {
      throw new UncheckedIOException("writing to memory failed", impossible);
    }
    // Padding with spaces lets the tensors begin at a multiple of eight bytes.
    int padded = (bytes.size() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (padded > MAX_JSON_BYTES) {
      throw new IllegalArgumentException("too many tensors for one safetensors file");
    }
    byte[] json = Arrays.copyOf(bytes.toByteArray(), padded);
    Arrays.fill(json, bytes.size(), padded, (byte) ' ');
    return json;
  }
}
