package org.hetermoe.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class EventTest {
  private static final UUID RUN = UUID.randomUUID();

  @Test
  void aFailureTravelsWithItsKindAndPeer() throws IOException {
    Event failed = new Event.Failed(RUN, 2, "expert-1", FailureKind.PEER, "gone", "attention-0");

    String json = Json.MAPPER.writeValueAsString(failed);
    assertThat(json).contains("\"type\":\"failed\"", "\"kind\":\"PEER\"");
    assertThat(Json.MAPPER.readValue(json, Event.class)).isEqualTo(failed);
  }

  @Test
  void aFailureOfAnEarlierVersionIsOneOfTheSoftware() throws IOException {
    String json =
        """
        {"type": "failed", "run": "%s", "attempt": 2, "worker": "expert-1", "reason": "gone"}
        """
            .formatted(RUN);

    assertThat(Json.MAPPER.readValue(json, Event.class))
        .isEqualTo(new Event.Failed(RUN, 2, "expert-1", FailureKind.SOFTWARE, "gone"));
  }
}
