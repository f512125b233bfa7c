package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code hetermoe --help} shows the first string of a command's description and no more. */
class PlannerHelpTest {
  private static final int LONGEST = 80;

  @ParameterizedTest
  @ValueSource(strings = {"plan", "simulate", "reproduce"})
  void theListOfCommandsShowsACompleteShortSentence(String command) {
    String shown =
        Main.commandLine()
            .getSubcommands()
            .get(command)
            .getCommandSpec()
            .usageMessage()
            .description()[0];

    assertThat(shown).matches("[A-Z][^.;:]*\\.").hasSizeLessThanOrEqualTo(LONGEST);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plan", "simulate", "reproduce"})
  void everyOptionIsExplainedInWholeSentences(String command) {
    CommandLine own = Main.commandLine().getSubcommands().get(command);

    assertThat(own.getCommandSpec().options())
        .isNotEmpty()
        .allSatisfy(
            option ->
                assertThat(String.join(" ", option.description()))
                    .as(option.longestName())
                    .endsWith("."));
  }
}
