// Streams and events. Work waits in its stream until something has to wait for it: what the API lets a program rely
// on is all that it gets, so that a missing event shows.
#include <algorithm>
#include <utility>
#include "driver.hpp"

namespace emulator {

StreamPointer newStream(Context& c, bool blocking, int priority) {
  static u64 next = 1;
  auto s = std::make_shared<Stream>();
  s->context = &c;
  s->blocking = blocking;
  s->priority = priority;
  s->id = next++;
  c.streams.push_back(s);
  return s;
}

StreamPointer streamOf(Context& c, void* handle) {
  u64 number = reinterpret_cast<u64>(handle);
  if (number <= 2) return c.nullStream;
  for (auto* context : contexts()) {
    for (auto& s : context->streams) {
      if (s.get() == handle && !s->destroyed) return s;
    }
  }
  throw Fault(INVALID_HANDLE, "not a stream, or one that was destroyed");
}

Event* eventOf(void* handle) {
  for (auto* c : contexts()) {
    if (c->events.count(static_cast<Event*>(handle))) return static_cast<Event*>(handle);
  }
  throw Fault(INVALID_HANDLE, "not an event, or one that was destroyed");
}

void drain(const StreamPointer& s, u64 position) {
  while (s->done < position && !s->queue.empty()) {
    auto work = std::move(s->queue.front());
    s->queue.pop_front();
    if (!s->context->sticky) {
      try {
        work();
      } catch (const Fault& f) {
        s->context->sticky = f.code;
        report(f.what());
      }
    }
    s->done++;
  }
}

void drain(const StreamPointer& s) { drain(s, s->enqueued); }

void drainAll(Context& c) {
  // by index: work may not add streams, but callbacks of a host function could
  for (size_t k = 0; k < c.streams.size(); k++) drain(StreamPointer(c.streams[k]));
  c.streams.erase(std::remove_if(c.streams.begin(), c.streams.end(), [](auto& s) { return s->destroyed; }),
                  c.streams.end());
}

void enqueue(const StreamPointer& s, std::function<void()> work) {
  Context& c = *s->context;
  // the null stream and those that are not "non-blocking" wait for each other
  std::vector<std::pair<StreamPointer, u64>> before;
  if (s == c.nullStream) {
    for (auto& other : c.streams) {
      if (other != s && other->blocking && other->done < other->enqueued) before.push_back({other, other->enqueued});
    }
  } else if (s->blocking && c.nullStream->done < c.nullStream->enqueued) {
    before.push_back({c.nullStream, c.nullStream->enqueued});
  }
  if (!before.empty()) {
    work = [before, work = std::move(work)] {
      for (auto& [other, position] : before) drain(other, position);
      work();
    };
  }
  s->queue.push_back(std::move(work));
  s->enqueued++;
  if (!settings().lazy) drain(s);
}

}  // namespace emulator
