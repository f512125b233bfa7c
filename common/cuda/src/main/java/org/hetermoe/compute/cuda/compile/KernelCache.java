package org.hetermoe.compute.cuda.compile;

import static java.lang.System.Logger.Level.WARNING;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.hetermoe.compute.ComputeUnavailableException;

/**
 * Compiled kernels on disk, so that a machine compiles each source once. An entry's name is the
 * SHA-256 of everything that decides what comes out: source, headers, options, architecture,
 * format, compiler and driver. Entries arrive by an atomic move, so processes may share the
 * directory; each entry carries its own checksum, and one that does not hold is compiled again.
 * Where the directory cannot be written, every process compiles for itself, after one warning.
 */
public final class KernelCache {
  private static final System.Logger LOG = System.getLogger(KernelCache.class.getName());
  private static final String SHA_256 = "SHA-256";
  private static final int DIGEST_BYTES = 32;

  private final Path directory;
  private final Nvrtc compiler;
  private final int driverVersion;
  private final AtomicBoolean warned = new AtomicBoolean();

  /**
   * A cache in a directory, which need not exist.
   *
   * @param driverVersion what {@code cuDriverGetVersion} says: 12.9 is 12090
   */
  public KernelCache(Path directory, Nvrtc compiler, int driverVersion) {
    this.directory = directory;
    this.compiler = compiler;
    this.driverVersion = driverVersion;
  }

  /** {@code $XDG_CACHE_HOME/hetermoe/kernels}, by default below {@code ~/.cache}. */
  public static Path defaultDirectory() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path root =
        cache == null || cache.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(cache);
    return root.resolve("hetermoe").resolve("kernels");
  }

  /** Where entries are. */
  public Path directory() {
    return directory;
  }

  /** What compiles. */
  public Nvrtc compiler() {
    return compiler;
  }

  /**
   * A module with the source's kernels for a device of this architecture: PTX if the driver is at
   * least as new as the compiler, else CUBIN, since a driver refuses PTX newer than itself.
   *
   * @throws KernelCompilationException if the source does not compile
   * @throws ComputeUnavailableException if compiler, driver and device do not go together
   */
  public byte[] load(KernelSource source, Architecture device) {
    return load(source, compiler.targetFor(device), format(device)).image();
  }

  /**
   * Sees to it that kernels can be had for a device before the first is asked for.
   *
   * @throws ComputeUnavailableException if compiler, driver and device do not go together
   */
  public void require(Architecture device) {
    format(device);
  }

  private Format format(Architecture device) {
    Architecture target = compiler.targetFor(device);
    if (compiler.version() <= driverVersion) {
      return Format.PTX;
    }
    if (target.major() != device.major()) {
      throw new ComputeUnavailableException(
          "%s knows no %s, and the driver (CUDA %d.%d) is too old for its PTX: update the driver"
              .formatted(compiler, device, driverVersion / 1000, driverVersion % 1000 / 10));
    }
    return Format.CUBIN;
  }

  /**
   * What the source compiles to in this very format.
   *
   * @throws KernelCompilationException if it does not compile
   */
  public CompiledKernels load(KernelSource source, Architecture target, Format format) {
    Path entry = entry(source, target, format);
    Optional<CompiledKernels> kept = read(entry);
    if (kept.isPresent()) {
      return kept.get();
    }
    CompiledKernels compiled = compiler.compile(source, target, format);
    write(entry, compiled);
    return compiled;
  }

  Path entry(KernelSource source, Architecture target, Format format) {
    return directory.resolve(
        "%s-%s-%s.%s"
            .formatted(
                source.name().replaceFirst("\\.cu$", ""),
                target,
                key(source, target, format, compiler.toString(), driverVersion),
                format == Format.PTX ? "ptx" : "cubin"));
  }

  static String key(
      KernelSource source, Architecture target, Format format, String compiler, int driver) {
    MessageDigest digest = sha256();
    put(digest, source.name());
    put(digest, source.text());
    for (Map.Entry<String, String> header : source.headers().entrySet()) {
      put(digest, header.getKey());
      put(digest, header.getValue());
    }
    Nvrtc.options(source, target, format).forEach(option -> put(digest, option));
    put(digest, compiler);
    put(digest, String.valueOf(driver));
    return HexFormat.of().formatHex(digest.digest());
  }

  private Optional<CompiledKernels> read(Path entry) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(entry);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      warn("cannot read the kernel cache " + directory, e);
      return Optional.empty();
    }
    int length = bytes.length - DIGEST_BYTES;
    if (length < 0
        || !MessageDigest.isEqual(
            digest(bytes, length), Arrays.copyOfRange(bytes, length, bytes.length))) {
      LOG.log(WARNING, "{0} is damaged; its kernels are compiled again", entry);
      return Optional.empty();
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 0, length))) {
      byte[] image = in.readNBytes(in.readInt());
      return Optional.of(
          new CompiledKernels(image, new String(in.readAllBytes(), StandardCharsets.UTF_8)));
    } catch (IOException e) { // the checksum holds, so this entry is not of our making
      throw new UncheckedIOException("cannot read " + entry, e);
    }
  }

  private void write(Path entry, CompiledKernels compiled) {
    Path temporary = null;
    try {
      Files.createDirectories(directory);
      temporary = Files.createTempFile(directory, "new-", ".tmp");
      Files.write(temporary, encode(compiled));
      Files.move(temporary, entry, StandardCopyOption.ATOMIC_MOVE);
      temporary = null;
    } catch (IOException e) {
      warn("cannot write to the kernel cache; every start compiles again: " + directory, e);
    } finally {
      delete(temporary);
    }
  }

  private static byte[] encode(CompiledKernels compiled) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(compiled.image().length);
      out.write(compiled.image());
      out.write(compiled.log().getBytes(StandardCharsets.UTF_8));
    }
    byte[] content = bytes.toByteArray();
    bytes.writeBytes(digest(content, content.length));
    return bytes.toByteArray();
  }

  private void delete(Path temporary) {
    if (temporary != null) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        warn("cannot delete " + temporary, e);
      }
    }
  }

  private void warn(String message, IOException cause) {
    if (warned.compareAndSet(false, true)) {
      LOG.log(WARNING, message + ": " + cause);
    }
  }

  private static void put(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
    digest.update(bytes);
  }

  private static byte[] digest(byte[] bytes, int length) {
    MessageDigest digest = sha256();
    digest.update(bytes, 0, length);
    return digest.digest();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance(SHA_256);
    } catch (NoSuchAlgorithmException e) { // every Java has it
      throw new IllegalStateException(e);
    }
  }
}
