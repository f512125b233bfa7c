// cu* functions of streams and events.
#include <time.h>
#include "driver.hpp"

using namespace emulator;

namespace {

double milliseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

int create(void** stream, unsigned flags, int priority) {
  return callInContext("cuStreamCreate", [&](Context& c) {
    *stream = newStream(c, !(flags & 1), priority).get();
    return SUCCESS;
  });
}

bool done(const Event& e) { return !e.stream || e.stream->done >= e.position; }

}  // namespace

EXPORT int cuStreamCreate(void** stream, unsigned flags) { return create(stream, flags, 0); }
EXPORT int cuStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
  return create(stream, flags, priority);
}
EXPORT int cuStreamDestroy_v2(void* stream) {
  return callInContext("cuStreamDestroy", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    if (s == c.nullStream) throw Fault(INVALID_HANDLE, "the null stream cannot be destroyed");
    s->destroyed = true;  // what it still holds runs when the context is waited for
    return SUCCESS;
  });
}
EXPORT int cuStreamSynchronize(void* stream) {
  return callInContext("cuStreamSynchronize", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    if (s == c.nullStream) {
      for (auto& other : std::vector<StreamPointer>(c.streams)) {
        if (other->blocking) drain(other);
      }
    }
    drain(s);
    return s->context->sticky;
  });
}
EXPORT int cuStreamQuery(void* stream) {
  return callInContext("cuStreamQuery", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    if (s->done == s->enqueued) return s->context->sticky;
    drain(s, s->done + 1);  // who asks again and again sees it end
    return static_cast<int>(NOT_READY);
  });
}
EXPORT int cuStreamWaitEvent(void* stream, void* event, unsigned) {
  return callInContext("cuStreamWaitEvent", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    Event* e = eventOf(event);
    if (!e->stream || done(*e)) return SUCCESS;
    enqueue(s, [from = e->stream, position = e->position] { drain(from, position); });
    return SUCCESS;
  });
}
EXPORT int cuStreamGetFlags(void* stream, unsigned* flags) {
  return callInContext("cuStreamGetFlags", [&](Context& c) {
    *flags = streamOf(c, stream)->blocking ? 0 : 1;
    return SUCCESS;
  });
}
EXPORT int cuStreamGetPriority(void* stream, int* priority) {
  return callInContext("cuStreamGetPriority", [&](Context& c) {
    *priority = streamOf(c, stream)->priority;
    return SUCCESS;
  });
}
EXPORT int cuStreamGetCtx(void* stream, void** context) {
  return callInContext("cuStreamGetCtx", [&](Context& c) {
    *context = streamOf(c, stream)->context;
    return SUCCESS;
  });
}
EXPORT int cuStreamGetId(void* stream, u64* id) {
  return callInContext("cuStreamGetId", [&](Context& c) {
    *id = streamOf(c, stream)->id;
    return SUCCESS;
  });
}
EXPORT int cuLaunchHostFunc(void* stream, void (*function)(void*), void* data) {
  return callInContext("cuLaunchHostFunc", [&](Context& c) {
    enqueue(streamOf(c, stream), [=] { function(data); });
    return SUCCESS;
  });
}

EXPORT int cuEventCreate(void** event, unsigned flags) {
  return callInContext("cuEventCreate", [&](Context& c) {
    auto* e = new Event{&c, !(flags & 2), nullptr, 0, nullptr};
    c.events.insert(e);
    *event = e;
    return SUCCESS;
  });
}
EXPORT int cuEventDestroy_v2(void* event) {
  return callInContext("cuEventDestroy", [&](Context&) {
    Event* e = eventOf(event);
    e->context->events.erase(e);
    delete e;
    return SUCCESS;
  });
}
EXPORT int cuEventRecord(void* event, void* stream) {
  return callInContext("cuEventRecord", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    Event* e = eventOf(event);
    if (e->context != s->context) throw Fault(INVALID_HANDLE, "the event and the stream are of different contexts");
    auto time = std::make_shared<double>(0);
    e->stream = s;
    e->time = time;
    e->position = s->enqueued + 1;
    enqueue(s, [time] { *time = milliseconds(); });
    return SUCCESS;
  });
}
EXPORT int cuEventSynchronize(void* event) {
  return callInContext("cuEventSynchronize", [&](Context& c) {
    Event* e = eventOf(event);
    if (!e->stream) return c.sticky;
    drain(StreamPointer(e->stream), e->position);
    return e->context->sticky;
  });
}
EXPORT int cuEventQuery(void* event) {
  return callInContext("cuEventQuery", [&](Context& c) {
    Event* e = eventOf(event);
    if (done(*e)) return c.sticky;
    drain(StreamPointer(e->stream), e->stream->done + 1);
    return static_cast<int>(NOT_READY);
  });
}
EXPORT int cuEventElapsedTime(float* elapsed, void* from, void* to) {
  return callInContext("cuEventElapsedTime", [&](Context&) {
    Event *a = eventOf(from), *b = eventOf(to);
    if (!a->timed || !b->timed || !a->stream || !b->stream) {
      throw Fault(INVALID_HANDLE, "an event that was not recorded, or that takes no time");
    }
    if (!done(*a) || !done(*b)) return static_cast<int>(NOT_READY);
    *elapsed = static_cast<float>(*b->time - *a->time);
    return static_cast<int>(SUCCESS);
  });
}
EXPORT int cuEventElapsedTime_v2(float* elapsed, void* from, void* to) { return cuEventElapsedTime(elapsed, from, to); }

// ---- for the emulated cuBLAS

// Puts work on a stream; it is given the stream's context, to check its operands by when it runs.
EXPORT int emulatorEnqueue(void* stream, std::function<void(void*)>* work) {
  std::shared_ptr<std::function<void(void*)>> owned(work);
  return callInContext("cuBLAS", [&](Context& c) {
    StreamPointer s = streamOf(c, stream);
    enqueue(s, [owned, context = s->context] { (*owned)(context); });
    return SUCCESS;
  });
}
// Throws Fault into the work unless the bytes are memory of the context's device.
EXPORT void emulatorCheckOperand(void* context, uint64_t address, uint64_t bytes, const char* what) {
  Context& c = *static_cast<Context*>(context);
  const Allocation* a = memory().find(address);
  bool accessible = a && c.mayAccess(*a);
  if (!accessible || bytes > a->base + a->bytes - address) {
    std::string why = accessible ? "it runs past the end of an allocation of " + std::to_string(a->bytes) + " bytes"
                                 : c.describe(address);
    throw Fault(ILLEGAL_ADDRESS, std::string(what) + ", " + std::to_string(bytes) + " bytes: " + why);
  }
}
EXPORT void emulatorReport(const char* what) { report(what); }
