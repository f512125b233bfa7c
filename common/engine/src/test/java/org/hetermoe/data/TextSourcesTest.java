package org.hetermoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.hetermoe.model.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextSourcesTest {
  @TempDir private Path folder;

  @Test
  void aFileIsADocument() throws IOException {
    Path file = write("a.txt", "hello");
    assertThat(read(file.toString())).containsExactly("hello");
  }

  @Test
  void aFolderHoldsDocumentsInTheOrderOfTheirNames() throws IOException {
    write("b.txt", "b");
    write("a/z.txt", "az");
    write("a/deep/y.txt", "ady");
    write("c.jsonl", "{\"text\": \"line\"}");
    write(".hidden", "no");
    write(".git/config", "no");

    assertThat(read(folder.toString())).containsExactly("ady", "az", "b", "line");
  }

  @Test
  void aGlobFindsFiles() throws IOException {
    write("x.java", "x");
    write("a/y.java", "y");
    write("a/b/z.java", "z");
    write("a/b/z.txt", "no");

    assertThat(read(folder + "/*.java")).containsExactly("x");
    assertThat(read(folder + "/**/*.java")).containsExactly("z", "y", "x");
    assertThat(read(folder + "/a/?.{java,txt}")).containsExactly("y");
  }

  @Test
  void aZipHoldsDocuments() throws IOException {
    Path zip = folder.resolve("t.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      for (String name : List.of("b.txt", "a/", "a/c.txt", ".no", "a/.no")) {
        out.putNextEntry(new ZipEntry(name));
        out.write(name.endsWith("/") ? new byte[0] : name.getBytes(StandardCharsets.UTF_8));
        out.closeEntry();
      }
    }
    assertThat(read(zip.toString())).containsExactly("a/c.txt", "b.txt");
  }

  @Test
  void jsonLinesHoldADocumentEach() throws IOException {
    Path lines = write("l.jsonl", "{\"text\": \"a\\nb\", \"id\": 1}\r\n\n   \n{\"text\": \"ü\"}");
    assertThat(read(lines.toString())).containsExactly("a\nb", "ü");

    Path bad = write("bad.jsonl", "{\"text\": \"a\"}\n\n{\"txt\": \"b\"}\nnonsense\n");
    try (TextSource source = TextSources.open(bad.toString())) {
      assertRejected(() -> source.open(1), bad + ":3' has no field 'text'");
      assertRejected(() -> source.open(2), bad + ":4' is not JSON");
    }
  }

  @Test
  void theJdkHasItsOwnSources() throws IOException {
    Path zip = folder.resolve("src.zip");
    assertRejected(() -> TextSources.openJdk(zip), "install a JDK with lib/src.zip");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("java.base/java/io/File.java"));
    }
    assertRejected(() -> TextSources.openJdk(zip), "has no java.base/java/util/");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(zip))) {
      out.putNextEntry(new ZipEntry("java.base/java/io/File.java"));
      out.putNextEntry(new ZipEntry("java.base/java/util/List.java"));
    }
    try (TextSource source = TextSources.openJdk(zip)) {
      assertThat(source.size()).isEqualTo(1);
      assertThat(source.name(0)).endsWith("src.zip!java.base/java/util/List.java");
    }
  }

  @Test
  void namesWhatIsMissing() throws IOException {
    assertRejected(() -> TextSources.open(folder + "/none"), "there is no file or folder");
    assertRejected(() -> TextSources.open(folder + "/*.txt"), "there is no text in");
    assertRejected(() -> TextSources.open(folder + "/none/*.txt"), "there is no folder");
    assertRejected(() -> TextSources.open(folder + "/{a"), "is no pattern");
    assertRejected(() -> TextSources.open(folder.toString()), "there is no text in");
    assertRejected(() -> TextSources.open("\0"), "is no path");
    Path empty = write("e.jsonl", "\n\n");
    assertRejected(() -> TextSources.open(empty.toString()), "there is no text in");
    Path zip = write("broken.zip", "PK but no zip");
    assertRejected(() -> TextSources.open(zip.toString()), "is no zip file that can be read");
  }

  @Test
  void theFingerprintFollowsTheContent() throws IOException {
    Path file = write("a.txt", "one");
    String before = fingerprint();
    assertThat(fingerprint()).isEqualTo(before);
    Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
    String touched = fingerprint();
    assertThat(touched).isNotEqualTo(before);
    Files.move(file, folder.resolve("b.txt"));
    assertThat(fingerprint()).isNotEqualTo(touched);
  }

  private String fingerprint() throws IOException {
    try (TextSource source = TextSources.open(folder.toString())) {
      return source.fingerprint();
    }
  }

  private Path write(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, content);
  }

  private static List<String> read(String spec) throws IOException {
    List<String> documents = new ArrayList<>();
    try (TextSource source = TextSources.open(spec)) {
      for (int i = 0; i < source.size(); i++) {
        try (InputStream in = source.open(i)) {
          documents.add(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
      }
    }
    return documents;
  }

  private static void assertRejected(ThrowingCallable call, String problem) {
    assertThatThrownBy(call)
        .asInstanceOf(type(InvalidFieldException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection.field()).isEqualTo("data.source");
              assertThat(rejection).hasMessageContaining(problem);
            });
  }
}
