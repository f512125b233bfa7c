package org.hetermoe.coordinator.broker;

import com.fasterxml.jackson.core.JacksonException;
import java.sql.SQLException;
import java.util.Set;

/** Tells what can never be stored from what cannot be stored now. */
final class StoreFailure {
  /**
   * Classes of SQLSTATE that are about the record: cardinality, data, integrity. All others are
   * about the server, the connection or the moment, as are those without a state: 08 connection, 25
   * read-only, 40 deadlock, 53 resources, 57 intervention, 58 system.
   */
  private static final Set<String> OF_THE_RECORD = Set.of("21", "22", "23");

  private StoreFailure() {}

  /**
   * Whether another try would fail the same way. What neither the database nor the record explains
   * is taken for passing: a closed pool, a transaction that took too long.
   */
  static boolean lasting(Throwable problem) {
    boolean ofTheRecord = false;
    for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        return sql.getSQLState() != null
            && sql.getSQLState().length() > 2
            && OF_THE_RECORD.contains(sql.getSQLState().substring(0, 2));
      }
      ofTheRecord |=
          cause instanceof IllegalArgumentException
              || cause instanceof NullPointerException
              || cause instanceof IndexOutOfBoundsException
              || cause instanceof ClassCastException
              || cause instanceof ArithmeticException
              || cause instanceof JacksonException;
    }
    return ofTheRecord;
  }
}
