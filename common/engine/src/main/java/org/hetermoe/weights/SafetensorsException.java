package org.hetermoe.weights;

import java.io.IOException;

/** A safetensors file lies or does not hold what is asked of it. Names the file and the tensor. */
public final class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final String tensor;

  /** About a file as a whole. */
  public SafetensorsException(String file, String problem) {
    super(file + ": " + problem);
    this.file = file;
    this.tensor = null;
  }

  /** About one tensor of a file. */
  public SafetensorsException(String file, String tensor, String problem) {
    super(file + ": tensor '" + tensor + "' " + problem);
    this.file = file;
    this.tensor = tensor;
  }

  /** The file, as it was named when it was opened. */
  public String file() {
    return file;
  }

  /** The tensor; null where the file as a whole is at fault. */
  public String tensor() {
    return tensor;
  }
}
