package org.hetermoe.train.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInput;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;

class MessageCodecTest {
  private static <T> T returned(MessageCodec<T> codec, T message) {
    return codec.decode(MemorySegment.ofArray(codec.encode(message)));
  }

  @Test
  void decisionsArriveAsTheyWere() {
    WorkerRank expert = WorkerRank.expert(1);
    WorkerRank attention = WorkerRank.attention(2);
    Placement placement =
        new Placement(List.of(List.of(expert, attention), List.of(attention, attention)));
    StepDecision moving =
        new StepDecision(
            1.5, false, 0.25, new StepPolicy.AfterStep(false, 32, true, Optional.of(placement)));
    StepDecision last =
        new StepDecision(
            Double.NaN, true, 0, new StepPolicy.AfterStep(true, 0, false, Optional.empty()));

    assertThat(returned(StepDecision.CODEC, moving)).isEqualTo(moving);
    assertThat(returned(StepDecision.CODEC, last)).isEqualTo(last);
  }

  @Test
  void reportsArriveAsTheyWere() {
    StepReport report =
        new StepReport(
            new BusyShares.Times(0.5, 1.25, 0),
            3.5,
            new double[] {1e-300, -0.0, 7},
            new long[] {0, Long.MAX_VALUE, 3});

    StepReport arrived = returned(StepReport.CODEC, report);

    assertThat(arrived.times()).isEqualTo(report.times());
    assertThat(arrived.crossEntropy()).isEqualTo(3.5);
    assertThat(arrived.expertSquares()).containsExactly(report.expertSquares());
    assertThat(arrived.expertRows()).containsExactly(report.expertRows());
  }

  @Test
  void routerStatisticsArriveAsTheyWere() {
    RouterStatistics statistics = new RouterStatistics(3);
    statistics.addTokens(11);
    statistics.addLayer(new int[] {4, 0, 7}, new float[] {0.5f, 1, 2}, new float[] {3, 4});

    int[] sent = RouterStatistics.CODEC.encode(statistics);
    RouterStatistics arrived = RouterStatistics.CODEC.decode(MemorySegment.ofArray(sent));

    assertThat(arrived.tokens()).isEqualTo(11);
    assertThat(RouterStatistics.CODEC.encode(arrived)).containsExactly(sent);
  }

  @Test
  void anotherVersionIsRefusedAndSaysWhatToDo() {
    MessageCodec<Double> older = MessageCodec.number("report");
    MessageCodec<Double> newer =
        new MessageCodec<>(
            "report", 2, (value, out) -> out.writeDouble(value), DataInput::readDouble);

    assertThatThrownBy(() -> older.decode(MemorySegment.ofArray(newer.encode(1.0))))
        .isInstanceOf(ChannelException.class)
        .hasMessage(
            "a report has version 2, this software knows version 1: run one version in a group");
  }

  @Test
  void whatIsCutOffOrLiesAboutItsLengthIsRefused() {
    MessageCodec<Double> codec = MessageCodec.number("report");
    int[] sound = codec.encode(1.0);
    int[] tooLong = sound.clone();
    tooLong[1] = 9;
    int[] tooShort = sound.clone();
    tooShort[1] = 7;

    for (int[] table : List.of(new int[0], new int[] {1, -1, 0, 0}, tooLong, tooShort)) {
      assertThatThrownBy(() -> codec.decode(MemorySegment.ofArray(table)))
          .isInstanceOf(ChannelException.class);
    }
  }
}
