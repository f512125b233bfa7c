package org.hetermoe.data;

import java.nio.charset.StandardCharsets;

/** The bytes of UTF-8 text are its tokens. */
public final class ByteTokenizer implements Tokenizer {
  /** Number of tokens. */
  public static final int VOCABULARY = 256;

  private static final int REPLACEMENT = '?';

  @Override
  public int[] encode(String text) {
    return encode(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public int[] encode(byte[] utf8) {
    int[] ids = new int[utf8.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = utf8[i] & 0xff;
    }
    return ids;
  }

  /** Ids from 256 on, which a larger model may give, become question marks. */
  @Override
  public String decode(int[] ids) {
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (ids[i] >= 0 && ids[i] < VOCABULARY ? ids[i] : REPLACEMENT);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public int vocabularySize() {
    return VOCABULARY;
  }

  @Override
  public int[] separator() {
    return new int[] {'\n'};
  }

  @Override
  public String id() {
    return "bytes";
  }

  @Override
  public void close() {
    // Holds nothing.
  }
}
