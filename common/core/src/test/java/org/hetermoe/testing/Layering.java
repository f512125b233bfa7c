package org.hetermoe.testing;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The packages of one module, and which packages of ours each of them may use; {@code
 * docs/architecture.md} draws them. Each module extends this with its own map.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class Layering {
  private static final String ROOT = "org.hetermoe.";

  /** What only the packages that a map names may use; in a module of plain Java there are none. */
  private static final List<String> LIBRARIES =
      List.of(
          "org.apache.kafka..",
          "org.bytedeco..",
          "jdk.incubator.vector..",
          "ai.djl..",
          "jcuda..",
          "io.quarkus..",
          "io.smallrye..",
          "jakarta..",
          "org.hibernate..");

  private final Map<String, List<String>> allowed;
  private final Map<String, List<String>> libraries;
  private JavaClasses module;

  /**
   * A module's map.
   *
   * @param allowed package to the packages of ours that it may use, itself aside
   * @param libraries package of ours to the third-party packages that only it may use
   */
  protected Layering(Map<String, List<String>> allowed, Map<String, List<String>> libraries) {
    this.allowed = allowed;
    this.libraries = libraries;
  }

  @BeforeAll
  final void readModule() {
    module = new ClassFileImporter().importPath(Path.of("target", "classes"));
  }

  final Stream<String> packages() {
    return allowed.keySet().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("packages")
  final void aPackageUsesOnlyWhatItMay(String name) {
    String[] packages =
        Stream.concat(Stream.of(name), allowed.get(name).stream())
            .map(each -> ROOT + each)
            .toArray(String[]::new);

    classes()
        .that()
        .resideInAPackage(ROOT + name)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(packages).or(resideOutsideOfPackages("org.hetermoe..")))
        .check(module);
  }

  @Test
  final void everyPackageIsOnTheMap() {
    List<String> found =
        module.stream()
            .map(type -> type.getPackageName().substring(ROOT.length()))
            .distinct()
            .sorted()
            .toList();

    assertThat(found).isNotEmpty().containsExactlyInAnyOrderElementsOf(allowed.keySet());
  }

  @Test
  final void librariesStayWhereTheyBelong() {
    for (String library : LIBRARIES) {
      String[] users =
          libraries.entrySet().stream()
              .filter(entry -> entry.getValue().contains(library))
              .map(entry -> ROOT + entry.getKey())
              .toArray(String[]::new);
      noClasses()
          .that(resideOutsideOfPackages(users))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(library)
          .check(module);
    }
  }

  @Test
  final void nothingIsCalledUtilHelperOrManager() {
    noClasses()
        .should()
        .haveSimpleNameEndingWith("Util")
        .orShould()
        .haveSimpleNameEndingWith("Utils")
        .orShould()
        .haveSimpleNameEndingWith("Helper")
        .orShould()
        .haveSimpleNameEndingWith("Manager")
        .check(module);
  }
}
