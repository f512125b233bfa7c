package org.hetermoe.cli.doctor;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * One thing that was looked at.
 *
 * @param section what it belongs to
 * @param name what was looked at
 * @param value what there is
 * @param state whether that will do
 * @param remedy what to do about it; null where there is nothing to do
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record Finding(String section, String name, String value, State state, String remedy) {
  /** Whether it will do. */
  enum State {
    /** It will. */
    OK,
    /** It is not there, and training goes on without it. */
    ABSENT,
    /** Training on this machine does not work without it. */
    BAD
  }

  static Finding ok(String section, String name, String value) {
    return new Finding(section, name, value, State.OK, null);
  }

  static Finding absent(String section, String name, String value, String remedy) {
    return new Finding(section, name, value, State.ABSENT, remedy);
  }

  static Finding bad(String section, String name, String value, String remedy) {
    return new Finding(section, name, value, State.BAD, remedy);
  }
}
