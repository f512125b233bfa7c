package org.hetermoe.model;

/**
 * A configured value is unusable. Carries the field by its path in the file ({@code model.top_k}),
 * what is wrong with it, and how to mend it.
 */
public final class InvalidFieldException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String field;

  /**
   * Names the field and says what is wrong and how to mend it.
   *
   * @param field path of the field, with dots
   * @param problem what is wrong and what would be right, as a clause that follows the field's name
   */
  public InvalidFieldException(String field, String problem) {
    super(field + ": " + problem);
    this.field = field;
  }

  /** The same problem where the field goes by another name: an option, a key of a configuration. */
  public InvalidFieldException renamed(String otherField) {
    InvalidFieldException renamed =
        new InvalidFieldException(otherField, getMessage().substring(field.length() + 2));
    renamed.initCause(this);
    return renamed;
  }

  /** Path of the field, with dots. */
  public String field() {
    return field;
  }
}
