package org.hetermoe.cli.simulate;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Simulates the paper's evaluation. */
@Command(
    name = "reproduce",
    description = {
      "Simulates the paper's evaluation and compares its figures.",
      "Every set-up, model and length of the paper is simulated. For each figure the command prints",
      "the paper's number, ours and the difference, and it writes a document with charts."
    },
    mixinStandardHelpOptions = true)
public final class ReproduceCommand implements Callable<Integer> {
  @Spec private CommandSpec command;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "docs",
      description = "Where reproduction.md and its charts go (default: ${DEFAULT-VALUE}).")
  private Path folder;

  /** For picocli, which sets the fields. */
  public ReproduceCommand() {}

  @Override
  public Integer call() throws IOException {
    List<PaperPoint> points = new ArrayList<>();
    for (PaperSetup setup : PaperSetup.ALL) {
      for (String model : setup.models()) {
        for (int length : PaperSetup.LENGTHS) {
          points.add(PaperPoint.simulate(setup, model, length));
        }
      }
    }
    List<PaperFigure> figures = PaperFigure.of(points);
    print(figures);
    Files.createDirectories(folder);
    new ReproductionDocument(points, figures).write(folder);
    return 0;
  }

  private void print(List<PaperFigure> figures) {
    PrintWriter out = command.commandLine().getOut();
    out.printf("%-52s %8s %8s %8s %8s%n", "figure", "paper", "ours", "diff", "best");
    for (PaperFigure figure : figures) {
      out.printf(
          Locale.ROOT,
          "%-52s %8s %8s %8s %8s%s%n",
          figure.what(),
          number(Optional.of(figure.paper())),
          number(figure.ours()),
          percent(figure),
          number(figure.best()),
          figure.near() ? "" : "  missed");
    }
    long near = figures.stream().filter(PaperFigure::near).count();
    out.printf("%d of %d figures as near as we aim for%n", near, figures.size());
    out.flush();
  }

  static String number(Optional<Double> value) {
    return value
        .map(number -> String.format(Locale.ROOT, number >= 10 ? "%.0f" : "%.2f", number))
        .orElse("-");
  }

  static String percent(PaperFigure figure) {
    return figure
        .difference()
        .map(difference -> String.format(Locale.ROOT, "%+.0f %%", 100 * difference))
        .orElse("-");
  }
}
