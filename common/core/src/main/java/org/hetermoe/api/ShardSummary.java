package org.hetermoe.api;

import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.hetermoe.model.InvalidFieldException;

/**
 * What a writer says of a shard whose chunks it has all sent.
 *
 * @param bytes size of the shard
 * @param sha256 of its content, 64 hexadecimal digits
 * @param chunks number of chunks, in order from 0
 * @param tensors what it holds, by name
 */
public record ShardSummary(long bytes, String sha256, int chunks, List<String> tensors) {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  public ShardSummary {
    if (bytes < 1) {
      throw new InvalidFieldException("bytes", "must be at least 1, is " + bytes);
    }
    if (sha256 == null || !SHA256.matcher(sha256).matches()) {
      throw new InvalidFieldException("sha256", "must have 64 lower-case hexadecimal digits");
    }
    if (chunks < 1) {
      throw new InvalidFieldException("chunks", "must be at least 1, is " + chunks);
    }
    if (tensors == null || tensors.stream().anyMatch(Objects::isNull)) {
      throw new InvalidFieldException("tensors", "must list the names of the shard's tensors");
    }
    tensors = List.copyOf(tensors);
  }
}
