package org.hetermoe.cli.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.cli.StackOptions;
import org.hetermoe.run.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says what this machine has, and what each service would use. */
@Command(
    name = "doctor",
    description = {
      "Says what this machine has, and what the services would use of it.",
      "Ends with 1 if something is missing without which training here does not work."
    },
    mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private StackOptions stackOptions;

  @Option(names = "--json", description = "One JSON array on standard output.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public DoctorCommand() {}

  @Override
  public Integer call() throws JsonProcessingException {
    List<Finding> findings = new ArrayList<>(Machine.findings());
    findings.addAll(ComputeDevices.findings());
    findings.addAll(LocalStack.findings(stackOptions.dataDirectory().root()));
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(Json.MAPPER.writeValueAsString(findings));
    } else {
      print(findings, out);
    }
    out.flush();
    return findings.stream().anyMatch(each -> each.state() == Finding.State.BAD) ? 1 : 0;
  }

  private static void print(List<Finding> findings, PrintWriter out) {
    String section = "";
    for (Finding finding : findings) {
      if (!finding.section().equals(section)) {
        section = finding.section();
        out.printf("%s%n", section);
      }
      String mark =
          switch (finding.state()) {
            case OK -> " ";
            case ABSENT -> "-";
            case BAD -> "!";
          };
      out.printf(" %s %-18s %s%n", mark, finding.name(), finding.value());
      if (finding.remedy() != null) {
        out.printf("   %-18s to change that: %s%n", "", finding.remedy());
      }
    }
  }
}
