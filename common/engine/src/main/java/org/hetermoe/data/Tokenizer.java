package org.hetermoe.data;

/** Text to token ids and back. Safe for several threads; closed by whoever opened it. */
public sealed interface Tokenizer extends AutoCloseable permits ByteTokenizer, SubwordTokenizer {
  /** The token ids of a text, without markers of its beginning or end. */
  int[] encode(String text);

  /** The token ids of UTF-8 text; what is not UTF-8 becomes tokens as well as it can. */
  int[] encode(byte[] utf8);

  /** The text of token ids; what is no text becomes U+FFFD. */
  String decode(int[] ids);

  /** Token ids run from 0 to this, exclusive. */
  int vocabularySize();

  /** The tokens that stand between two documents; none where the tokenizer has no such token. */
  int[] separator();

  /** What decides the token ids of a text; two tokenizers of the same id give the same ones. */
  String id();

  @Override
  void close();
}
