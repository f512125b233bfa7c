package org.hetermoe.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.tensor.Shape;

/**
 * The weights of a Hugging Face folder under their canonical names, whichever way they are laid
 * out: one {@code model.safetensors} or shards with an index; a tensor per expert ({@code
 * block_sparse_moe.experts.N.w1/w2/w3}) or all experts of a layer in one ({@code
 * mlp.experts.gate_up_proj [E,2F,H]}, in which an expert's gate rows come before its up rows, and
 * {@code mlp.experts.down_proj [E,H,F]}, as transformers 5 holds them in memory). Exactly the
 * model's parameters must be there.
 *
 * <p>Safe for several threads that read; close it when none reads any more.
 */
public final class HuggingFaceWeights implements WeightSource, AutoCloseable {
  /** The file of a folder that is not sharded. */
  public static final String FILE = "model.safetensors";

  /** The file that says which shard holds which tensor. */
  public static final String INDEX = "model.safetensors.index.json";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  private final HuggingFaceConfig config;
  private final Map<String, SafetensorsFile> files = new LinkedHashMap<>();
  private final Map<String, Origin> origins = new LinkedHashMap<>();

  /** Where a parameter's elements lie: consecutive ones of a tensor of a file. */
  private record Origin(SafetensorsFile file, String tensor, long from, Shape shape) {}

  private HuggingFaceWeights(HuggingFaceConfig config) {
    this.config = config;
  }

  /**
   * Opens a folder with {@code config.json} and weights.
   *
   * @throws org.hetermoe.model.InvalidFieldException if {@code config.json} does not fit
   * @throws SafetensorsException if a tensor is missing, superfluous or of another shape than
   *     {@code config.json} gives it, or a file lies
   * @throws IOException if something cannot be read
   */
  public static HuggingFaceWeights open(Path folder) throws IOException {
    HuggingFaceConfig config = HuggingFaceConfig.read(folder.resolve(HuggingFaceConfig.FILE));
    HuggingFaceWeights weights = new HuggingFaceWeights(config);
    try {
      weights.locate(weights.openFiles(folder));
      return weights;
    } catch (IOException | RuntimeException failure) {
      weights.close();
      throw failure;
    }
  }

  /**
   * Writes a folder that transformers loads: {@code config.json} and {@code model.safetensors} with
   * a tensor per expert. Files of these names are replaced, each when its successor is complete.
   *
   * @param folder made where there is none
   * @param source of every parameter of the model
   */
  public static void export(Path folder, HuggingFaceConfig config, WeightSource source)
      throws IOException {
    Files.createDirectories(folder);
    Path target = folder.resolve(FILE);
    Path unfinished = folder.resolve(FILE + ".unfinished");
    Map<String, Shape> shapes = ParameterNames.all(config.model());
    SafetensorsHeader header =
        SafetensorsHeader.forFloats(target.toString(), shapes, Map.of("format", "pt"));
    try (SafetensorsWriter writer =
        new SafetensorsWriter(
            FileChannel.open(
                unfinished,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE),
            header)) {
      for (TensorInfo tensor : header.tensors().values()) {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment data = arena.allocate(tensor.bytes(), Elements.ALIGNMENT);
          source.weight(tensor.name(), tensor.shape(), data);
          writer.write(tensor.name(), data);
        }
      }
      writer.finish();
    } catch (IOException | RuntimeException failure) {
      Files.deleteIfExists(unfinished);
      throw failure;
    }
    Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    Path unfinishedConfig = folder.resolve(HuggingFaceConfig.FILE + ".unfinished");
    Files.writeString(unfinishedConfig, config.toJson());
    Files.move(
        unfinishedConfig, folder.resolve(HuggingFaceConfig.FILE), StandardCopyOption.ATOMIC_MOVE);
  }

  /** The folder's {@code config.json}. */
  public HuggingFaceConfig config() {
    return config;
  }

  /** The model that the weights belong to. */
  public ModelConfig model() {
    return config.model();
  }

  @Override
  public void weight(String name, Shape shape, MemorySegment target) throws IOException {
    Origin origin = origins.get(name);
    if (origin != null && !origin.shape().equals(shape)) {
      throw new SafetensorsException(
          origin.file().header().file(),
          origin.tensor(),
          "gives shape " + origin.shape() + " for " + name + ", not " + shape);
    }
    read(name, target);
  }

  /**
   * Reads one parameter as F32.
   *
   * @param parameter its canonical name
   * @param target where to; exactly the parameter's elements, four bytes each
   * @throws IllegalArgumentException if the model has no such parameter
   * @throws SafetensorsException if {@code target} has another size or an element leaves F32
   */
  public void read(String parameter, MemorySegment target) throws IOException {
    Origin origin = origins.get(parameter);
    if (origin == null) {
      throw new IllegalArgumentException("the model has no parameter " + parameter);
    }
    long needed = origin.shape().elements() * Float.BYTES;
    if (target.byteSize() != needed) {
      throw new SafetensorsException(
          origin.file().header().file(),
          origin.tensor(),
          "gives " + needed + " bytes for " + parameter + ", not " + target.byteSize());
    }
    origin.file().readFloats(origin.tensor(), origin.from(), target);
  }

  @Override
  public void close() {
    files.values().forEach(SafetensorsFile::close);
  }

  /** Opens the folder's files and tells which of them holds which tensor. */
  private Map<String, SafetensorsFile> openFiles(Path folder) throws IOException {
    Map<String, SafetensorsFile> holders = new LinkedHashMap<>();
    Path index = folder.resolve(INDEX);
    if (Files.exists(folder.resolve(FILE)) || !Files.exists(index)) {
      SafetensorsFile file = openFile(folder, FILE);
      file.tensors().keySet().forEach(name -> holders.put(name, file));
      return holders;
    }
    Map<String, String> shards = readIndex(index);
    for (String shard : new LinkedHashSet<>(shards.values())) {
      SafetensorsFile file = openFile(folder, shard);
      for (String name : file.tensors().keySet()) {
        if (!shard.equals(shards.get(name))) {
          throw new SafetensorsException(
              file.header().file(), name, "is not what " + INDEX + " says of this file");
        }
        holders.put(name, file);
      }
    }
    for (Map.Entry<String, String> entry : shards.entrySet()) {
      if (!holders.containsKey(entry.getKey())) {
        throw new SafetensorsException(
            folder.resolve(entry.getValue()).toString(), entry.getKey(), "is missing");
      }
    }
    return holders;
  }

  private SafetensorsFile openFile(Path folder, String name) throws IOException {
    SafetensorsFile file = SafetensorsFile.open(folder.resolve(name));
    files.put(name, file);
    return file;
  }

  private static Map<String, String> readIndex(Path index) throws IOException {
    JsonNode root;
    try {
      root = JSON.readTree(Files.readAllBytes(index));
    } catch (JsonProcessingException malformed) {
      SafetensorsException named =
          new SafetensorsException(
              index.toString(), "is not JSON: " + malformed.getOriginalMessage());
      named.initCause(malformed);
      throw named;
    }
    JsonNode map = root.path("weight_map");
    if (!map.isObject()) {
      throw new SafetensorsException(index.toString(), "has no object weight_map");
    }
    Map<String, String> shards = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asText();
      // A shard is a file of this very folder; anything else would let an index name any file.
      if (!entry.getValue().isTextual()
          || !shard.endsWith(".safetensors")
          || shard.contains("/")
          || shard.contains("\\")) {
        throw new SafetensorsException(
            index.toString(), entry.getKey(), "is not in a .safetensors file of this folder");
      }
      shards.put(entry.getKey(), shard);
    }
    return shards;
  }

  private void locate(Map<String, SafetensorsFile> holders) throws SafetensorsException {
    Map<String, SafetensorsFile> unclaimed = new TreeMap<>(holders);
    ModelConfig model = config.model();
    checkExtent(holders);
    Set<String> routers = new LinkedHashSet<>();
    for (int layer = 0; layer < model.layers(); layer++) {
      routers.add(ParameterNames.router(layer));
      locateFused(layer, unclaimed);
    }
    for (Map.Entry<String, Shape> entry : ParameterNames.all(model).entrySet()) {
      String parameter = entry.getKey();
      String tensor = parameter;
      if (routers.contains(parameter) && !unclaimed.containsKey(parameter)) {
        String inMemory = parameter.replace("block_sparse_moe.", "mlp.");
        tensor = unclaimed.containsKey(inMemory) ? inMemory : parameter;
      }
      if (!origins.containsKey(parameter)) {
        SafetensorsFile file = claim(unclaimed, tensor, entry.getValue());
        origins.put(parameter, new Origin(file, tensor, 0, entry.getValue()));
      }
    }
    for (Map.Entry<String, SafetensorsFile> entry : unclaimed.entrySet()) {
      throw new SafetensorsException(
          entry.getValue().header().file(),
          entry.getKey(),
          "belongs to no parameter of the model that " + HuggingFaceConfig.FILE + " describes");
    }
  }

  /**
   * Stops at the first layer or expert that is not there, before names are made for all that a
   * mistaken {@code config.json} may claim.
   */
  private void checkExtent(Map<String, SafetensorsFile> holders) throws SafetensorsException {
    for (int layer = 0; layer < config.model().layers(); layer++) {
      require(holders, ParameterNames.attentionNorm(layer));
      boolean fused = holders.containsKey(fusedGateUp(layer));
      for (int expert = 0; !fused && expert < config.model().experts(); expert++) {
        require(holders, ParameterNames.expertGate(layer, expert));
      }
    }
  }

  private void require(Map<String, SafetensorsFile> holders, String tensor)
      throws SafetensorsException {
    if (!holders.containsKey(tensor)) {
      throw new SafetensorsException(String.join(", ", files.keySet()), tensor, "is missing");
    }
  }

  private static String fusedGateUp(int layer) {
    return ParameterNames.layer(layer) + "mlp.experts.gate_up_proj";
  }

  private void locateFused(int layer, Map<String, SafetensorsFile> unclaimed)
      throws SafetensorsException {
    String gateUp = fusedGateUp(layer);
    String down = ParameterNames.layer(layer) + "mlp.experts.down_proj";
    if (!unclaimed.containsKey(gateUp) && !unclaimed.containsKey(down)) {
      return;
    }
    ModelConfig model = config.model();
    int width = model.expertWidth();
    int hidden = model.hidden();
    SafetensorsFile gateUpFile =
        claim(unclaimed, gateUp, Shape.of(model.experts(), 2 * width, hidden));
    SafetensorsFile downFile = claim(unclaimed, down, Shape.of(model.experts(), hidden, width));
    long matrix = (long) width * hidden;
    for (int expert = 0; expert < model.experts(); expert++) {
      origins.put(
          ParameterNames.expertGate(layer, expert),
          new Origin(gateUpFile, gateUp, 2L * expert * matrix, Shape.of(width, hidden)));
      origins.put(
          ParameterNames.expertUp(layer, expert),
          new Origin(gateUpFile, gateUp, (2L * expert + 1) * matrix, Shape.of(width, hidden)));
      origins.put(
          ParameterNames.expertDown(layer, expert),
          new Origin(downFile, down, expert * matrix, Shape.of(hidden, width)));
    }
  }

  private SafetensorsFile claim(Map<String, SafetensorsFile> unclaimed, String tensor, Shape shape)
      throws SafetensorsException {
    require(unclaimed, tensor);
    SafetensorsFile file = unclaimed.remove(tensor);
    TensorInfo info = file.header().tensor(tensor);
    if (!info.shape().equals(shape)) {
      throw new SafetensorsException(
          file.header().file(),
          tensor,
          "has shape " + info.shape() + ", but " + HuggingFaceConfig.FILE + " makes it " + shape);
    }
    switch (info.type()) {
      case F32, BF16, F16, F64 -> {}
      default ->
          throw new SafetensorsException(
              file.header().file(),
              tensor,
              "has dtype " + info.type() + ", where F32, BF16, F16 or F64 is needed");
    }
    return file;
  }
}
