package org.hetermoe;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rooms of the house and which doors there are between them; docs/architecture.md draws them.
 */
class LayeringTest {
  private static final String ROOT = "org.hetermoe.";

  /** Package to the packages of ours that it may use, itself aside. */
  private static final Map<String, List<String>> DOORS =
      Map.ofEntries(
          Map.entry("tensor", List.of()),
          Map.entry("compute", List.of("tensor")),
          Map.entry("compute.reference", List.of("compute", "tensor")),
          Map.entry("compute.cpu", List.of("compute", "tensor")),
          Map.entry("model", List.of("compute", "tensor")),
          Map.entry("optim", List.of("model", "compute", "tensor")),
          Map.entry("data", List.of("model", "tensor")),
          Map.entry("weights", List.of("model", "tensor")),
          Map.entry("group", List.of()),
          Map.entry("channel", List.of("group", "tensor")),
          Map.entry("channel.memory", List.of("channel", "group", "tensor")),
          Map.entry("channel.direct", List.of("channel", "group", "tensor")),
          Map.entry("channel.kafka", List.of("channel", "group", "tensor", "run")),
          Map.entry("cluster", List.of("model")),
          Map.entry("profile", List.of("cluster", "model", "compute", "tensor")),
          Map.entry("emulate", List.of("train", "cluster", "model", "plan")),
          Map.entry("plan", List.of("cluster", "group", "model")),
          Map.entry("plan.place", List.of("plan", "group")),
          Map.entry("plan.fleet", List.of("plan.place", "plan", "cluster", "group", "model")),
          Map.entry("simulate", List.of("plan", "plan.place", "cluster", "group", "model")),
          Map.entry(
              "run", List.of("model", "data", "optim", "plan", "cluster", "group", "channel")),
          Map.entry("checkpoint", List.of("tensor", "weights")),
          Map.entry("checkpoint.http", List.of("checkpoint", "run", "weights", "tensor")),
          Map.entry(
              "train",
              List.of(
                  "run",
                  "checkpoint",
                  "channel",
                  "group",
                  "data",
                  "optim",
                  "plan",
                  "model",
                  "compute",
                  "tensor")),
          Map.entry(
              "generate",
              List.of(
                  "train", "checkpoint", "data", "model", "plan", "optim", "compute", "tensor")),
          Map.entry(
              "parity",
              List.of(
                  "train",
                  "weights",
                  "data",
                  "channel",
                  "channel.memory",
                  "group",
                  "optim",
                  "plan",
                  "model",
                  "compute",
                  "tensor")));

  private static JavaClasses common;

  @BeforeAll
  static void read() {
    common =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.hetermoe");
  }

  static Stream<String> rooms() {
    return DOORS.keySet().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void aRoomUsesOnlyTheRoomsItHasADoorTo(String room) {
    String[] allowed =
        Stream.concat(Stream.of(room), DOORS.get(room).stream())
            .map(name -> ROOT + name)
            .toArray(String[]::new);

    classes()
        .that()
        .resideInAPackage(ROOT + room)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(allowed).or(resideOutsideOfPackages("org.hetermoe..")))
        .check(common);
  }

  @Test
  void everyRoomIsOnTheMap() {
    List<String> found =
        common.stream()
            .map(type -> type.getPackageName().substring(ROOT.length()))
            .distinct()
            .sorted()
            .toList();

    assertThat(DOORS.keySet()).containsAll(found);
  }

  @Test
  void commonIsPlainJava() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.quarkus..", "jakarta..", "io.smallrye..", "org.hibernate..")
        .check(common);
  }

  @Test
  void librariesStayInTheirRooms() {
    onlyIn("channel.kafka", "org.apache.kafka..");
    onlyIn("compute.cpu", "org.bytedeco..", "jdk.incubator.vector..");
    onlyIn("data", "ai.djl..");
    onlyIn("compute.cuda", "jcuda..");
  }

  private static void onlyIn(String room, String... libraries) {
    noClasses()
        .that()
        .resideOutsideOfPackage(ROOT + room)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(libraries)
        .check(common);
  }

  @Test
  void everyPackageSaysWhatItIsFor() throws IOException {
    try (Stream<Path> modules = Files.list(Path.of(".."))) {
      for (Path module : modules.toList()) {
        Path sources = module.resolve("src/main/java");
        if (Files.isDirectory(sources)) {
          assertThat(packagesWithoutDescription(sources)).isEmpty();
        }
      }
    }
  }

  private static List<Path> packagesWithoutDescription(Path sources) throws IOException {
    try (Stream<Path> files = Files.walk(sources)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .map(Path::getParent)
          .distinct()
          .filter(folder -> !Files.exists(folder.resolve("package-info.java")))
          .toList();
    }
  }

  @Test
  void nothingIsCalledUtilHelperOrManager() {
    noClasses()
        .should()
        .haveSimpleNameEndingWith("Util")
        .orShould()
        .haveSimpleNameEndingWith("Utils")
        .orShould()
        .haveSimpleNameEndingWith("Helper")
        .orShould()
        .haveSimpleNameEndingWith("Manager")
        .check(common);
  }
}
