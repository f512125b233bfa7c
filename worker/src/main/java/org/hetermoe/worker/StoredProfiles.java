package org.hetermoe.worker;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.hetermoe.run.Json;

/** Asks the coordinator which devices it has profiles of. */
@Singleton
class StoredProfiles {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final String base;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();

  StoredProfiles(WorkerSettings settings) {
    this.base = settings.coordinatorUrl().toString().replaceFirst("/+$", "");
  }

  /**
   * Whether there is a profile of this device with this software.
   *
   * @throws IOException if the coordinator does not say
   */
  boolean has(String device, String softwareVersion) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create(
                    "%s/api/v1/profiles?device=%s&software_version=%s"
                        .formatted(base, encoded(device), encoded(softwareVersion))))
            .timeout(TIMEOUT)
            .build();
    HttpResponse<byte[]> reply = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
    if (reply.statusCode() != 200) {
      throw new IOException(request.uri() + " gives status " + reply.statusCode());
    }
    JsonNode profiles = Json.MAPPER.readTree(reply.body()).path("profiles");
    return !profiles.isEmpty();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
