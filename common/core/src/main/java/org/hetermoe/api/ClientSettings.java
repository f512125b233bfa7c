package org.hetermoe.api;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.hetermoe.model.InvalidFieldException;

/**
 * Where the coordinator is and how to talk to it. What a coordinator that is not on loopback will
 * ask of its clients, credentials and trusted certificates, belongs here too.
 *
 * @param url where its REST API is, without {@code /api/v1}: {@code http://127.0.0.1:8080}
 * @param connectTimeout for a connection
 * @param requestTimeout for one attempt at a request, from sending it to the end of the reply
 * @param retry for requests that may be repeated
 */
public record ClientSettings(
    URI url, Duration connectTimeout, Duration requestTimeout, RetryPolicy retry) {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);

  public ClientSettings {
    if (url.getHost() == null || !List.of("http", "https").contains(url.getScheme())) {
      throw new InvalidFieldException(
          "url", "must be an address like http://localhost:8080, is " + url);
    }
    if (!connectTimeout.isPositive()) {
      throw new InvalidFieldException("connect_timeout", "must be positive, is " + connectTimeout);
    }
    if (!requestTimeout.isPositive()) {
      throw new InvalidFieldException("request_timeout", "must be positive, is " + requestTimeout);
    }
    url = URI.create(url.toString().replaceFirst("/+$", ""));
  }

  /** For services, which have time: requests are repeated for two minutes. */
  public static ClientSettings of(URI url) {
    return new ClientSettings(url, CONNECT_TIMEOUT, REQUEST_TIMEOUT, RetryPolicy.DEFAULT);
  }

  /** The same with another time-out for requests. */
  public ClientSettings withRequestTimeout(Duration timeout) {
    return new ClientSettings(url, connectTimeout, timeout, retry);
  }

  /** The same with another policy. */
  public ClientSettings withRetry(RetryPolicy policy) {
    return new ClientSettings(url, connectTimeout, requestTimeout, policy);
  }
}
