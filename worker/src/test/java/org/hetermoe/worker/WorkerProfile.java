package org.hetermoe.worker;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.Map;

/** Expert worker 3 with the device that starts at once. */
public final class WorkerProfile implements QuarkusTestProfile {
  @Override
  public Map<String, String> getConfigOverrides() {
    return Map.of(
        "hetermoe.worker.id", "expert-3",
        "hetermoe.worker.compute", "reference",
        "hetermoe.worker.threads", "1",
        "hetermoe.worker.direct.advertised-host", "direct.example");
  }
}
