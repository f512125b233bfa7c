package org.hetermoe.coordinator.problem;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.util.UUID;
import java.util.stream.Collectors;
import org.hetermoe.api.Problem;
import org.hetermoe.model.InvalidFieldException;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Makes problem details of exceptions. */
class ProblemMappers {
  private static final Logger LOG = Logger.getLogger(ProblemMappers.class);

  @ServerExceptionMapper
  Response of(ProblemException problem) {
    Response answer = answer(Problem.of(problem.status(), problem.getMessage()));
    return problem.contentRange() == null
        ? answer
        : Response.fromResponse(answer).header("Content-Range", problem.contentRange()).build();
  }

  @ServerExceptionMapper
  Response of(InvalidFieldException problem) {
    return answer(Problem.of(400, problem.getMessage()).withField(problem.field()));
  }

  /** More specific than what Quarkus brings for it, which answers with HTML or nothing. */
  @ServerExceptionMapper
  Response of(MismatchedInputException problem) {
    return json(problem);
  }

  @ServerExceptionMapper
  Response of(JacksonException problem) {
    return json(problem);
  }

  @ServerExceptionMapper
  Response of(WebApplicationException problem) {
    if (problem.getCause() instanceof JacksonException json) {
      return json(json);
    }
    int status = problem.getResponse().getStatus();
    if (status < 400) {
      return problem.getResponse();
    }
    if (status >= 500) {
      return unexpected(problem);
    }
    Response.ResponseBuilder answer =
        Response.fromResponse(answer(Problem.of(status, detail(status))));
    Object allow = problem.getResponse().getHeaders().getFirst(HttpHeaders.ALLOW);
    if (allow != null) {
      answer.header(HttpHeaders.ALLOW, allow);
    }
    return answer.build();
  }

  @ServerExceptionMapper
  Response unexpected(Throwable problem) {
    String id = UUID.randomUUID().toString();
    LOG.errorf(problem, "Unexpected error %s", id);
    return answer(
        Problem.of(500, "Something unexpected went wrong. The log of the coordinator has it.")
            .withErrorId(id));
  }

  private static Response json(JacksonException problem) {
    if (invalidField(problem) instanceof InvalidFieldException invalid) {
      return answer(Problem.of(400, invalid.getMessage()).withField(invalid.field()));
    }
    if (problem instanceof JsonMappingException mapping && !mapping.getPath().isEmpty()) {
      String field =
          mapping.getPath().stream()
              .map(
                  step ->
                      step.getFieldName() == null
                          ? Integer.toString(step.getIndex())
                          : step.getFieldName())
              .collect(Collectors.joining("."));
      return answer(Problem.of(400, field + ": " + problem.getOriginalMessage()).withField(field));
    }
    return answer(Problem.of(400, "The body cannot be read: " + problem.getOriginalMessage()));
  }

  private static Throwable invalidField(Throwable problem) {
    Throwable cause = problem;
    while (cause != null && !(cause instanceof InvalidFieldException)) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static String detail(int status) {
    return switch (status) {
      case 404 -> "There is nothing at this address";
      case 405 -> "This address does not take that method";
      case 406 -> "None of the media types that are accepted can be produced";
      case 415 -> "The body's media type is not one that this address takes";
      default -> "The request cannot be served";
    };
  }

  private static Response answer(Problem problem) {
    return Response.status(problem.status()).type(Problem.MEDIA_TYPE).entity(problem).build();
  }
}
