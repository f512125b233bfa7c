// Devices, contexts, and how a call is made.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include "driver.hpp"

namespace emulator {

namespace {

constexpr u64 DEFAULT_MEMORY = 4ull << 30;
constexpr size_t MOST_REPORTS = 1000;

std::vector<std::string>& reports() {
  static std::vector<std::string> list;
  return list;
}

u64 bytesOf(const std::string& text) {
  char* unit;
  u64 n = strtoull(text.c_str(), &unit, 10);
  switch (*unit) {
    case 'G': return n << 30;
    case 'M': return n << 20;
    case 'K': return n << 10;
    default: return n;
  }
}

}  // namespace

std::recursive_mutex& driverLock() {
  static std::recursive_mutex lock;
  return lock;
}

Settings& settings() {
  static Settings s = [] {
    Settings first;
    const char* order = getenv("HETERMOE_EMULATOR_ORDER");
    const char* race = getenv("HETERMOE_EMULATOR_RACE_CHECK");
    const char* threads = getenv("HETERMOE_EMULATOR_THREADS");
    const char* version = getenv("HETERMOE_EMULATED_DRIVER");
    first.lazy = !order || std::string(order) != "eager";
    first.raceCheck = !race || std::string(race) != "0";
    first.threads = threads ? std::max(1, atoi(threads))
                            : static_cast<int>(std::min(2u, std::max(1u, std::thread::hardware_concurrency())));
    if (version) first.version = atoi(version);
    return first;
  }();
  return s;
}

void report(const std::string& what) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (reports().size() < MOST_REPORTS) reports().push_back(what);
  fprintf(stderr, "emulated GPU: %s\n", what.c_str());
}

std::vector<std::unique_ptr<Device>>& devices() {
  static std::vector<std::unique_ptr<Device>> list;
  return list;
}

void configureDevices(const std::string& list) {
  devices().clear();
  size_t begin = 0;
  while (begin < list.size()) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string item = list.substr(begin, end - begin);
    size_t colon = item.find(':');
    auto d = std::make_unique<Device>();
    d->ordinal = static_cast<int>(devices().size());
    d->capability = atoi(item.c_str());
    d->totalMemory = colon == std::string::npos ? DEFAULT_MEMORY : bytesOf(item.substr(colon + 1));
    devices().push_back(std::move(d));
    begin = end + 1;
  }
}

// Bytes of shared memory that a block may ask for; what the programming guide's table of capabilities says.
int sharedOptIn(int capability) {
  if (capability >= 120) return 101376;
  if (capability >= 90) return 232448;
  if (capability == 80 || capability == 87) return 166912;
  if (capability >= 86) return 101376;
  return capability == 75 ? 65536 : 98304;
}

int sharedPerMultiprocessor(int capability) {
  if (capability >= 120) return 102400;
  if (capability >= 90) return 233472;
  if (capability == 80 || capability == 87) return 167936;
  if (capability >= 86) return 102400;
  return capability == 75 ? 65536 : 98304;
}

int threadsPerMultiprocessor(int capability) {
  if (capability == 75) return 1024;
  if (capability == 86 || capability == 89 || capability == 87 || capability >= 120) return 1536;
  return 2048;
}

int blocksPerMultiprocessor(int capability) {
  if (capability == 75 || capability == 86 || capability == 87) return 16;
  return capability == 89 ? 24 : 32;
}

std::set<Context*>& contexts() {
  static std::set<Context*> alive;
  return alive;
}

Context*& currentContext() {
  static thread_local Context* current = nullptr;
  return current;
}

bool& initialized() {
  static bool done = false;
  return done;
}

Context::Context(Device* d) : device(d) {
  nullStream = newStream(*this, true, 0);
  contexts().insert(this);
}

Context::~Context() {
  contexts().erase(this);
  for (auto* other : contexts()) other->peers.erase(this);
  for (auto& s : streams) s->queue.clear();
  for (auto* e : events) delete e;
  for (auto* m : modules) delete m;
  memory().releaseAll(this);
}

bool Context::mayAccess(const Allocation& a) const {
  return a.kind != Kind::DEVICE || a.context == this || peers.count(a.context);
}

Range Context::find(u64 address) const {
  const Allocation* a = memory().find(address);
  if (!a || !mayAccess(*a)) return {};
  return {a->base, a->base + a->bytes};
}

std::string Context::describe(u64 address) const { return memory().describe(address, this); }

int call(const char* name, const std::function<int()>& body) {
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  try {
    return body();
  } catch (const Fault& f) {
    report(std::string(name) + ": " + f.what());
    return f.code;
  }
}

int callInContext(const char* name, const std::function<int(Context&)>& body) {
  return call(name, [&]() -> int {
    if (!initialized()) throw Fault(NOT_INITIALIZED, "cuInit was not called");
    Context* c = currentContext();
    if (!c) throw Fault(INVALID_CONTEXT, "this thread has no current context");
    if (!contexts().count(c)) throw Fault(CONTEXT_IS_DESTROYED, "this thread's current context was destroyed");
    if (c->sticky) return c->sticky;
    int code = body(*c);
    return code == SUCCESS && contexts().count(c) ? c->sticky : code;
  });
}

}  // namespace emulator

// ---- control, for tests

EXPORT int emulatorConfigure(const char* list) {
  using namespace emulator;
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (initialized()) return -1;
  configureDevices(list);
  return 0;
}
EXPORT void emulatorSetRaceCheck(int on) {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  emulator::settings().raceCheck = on != 0;
}
EXPORT int emulatorRaceCheck() {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  return emulator::settings().raceCheck;
}
EXPORT void emulatorSetLazy(int on) {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  emulator::settings().lazy = on != 0;
}
EXPORT void emulatorSetThreads(int threads) {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  emulator::settings().threads = threads;
}
EXPORT void emulatorSetMemory(int device, uint64_t bytes) {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  emulator::devices().at(static_cast<size_t>(device))->totalMemory = bytes;
}
EXPORT uint64_t emulatorInstructions() {
  std::lock_guard<std::recursive_mutex> guard(emulator::driverLock());
  return emulator::settings().instructions;
}
// The oldest report into a buffer, cut to its size; 0 if there is none.
EXPORT int emulatorTakeFault(char* buffer, int size) {
  using namespace emulator;
  std::lock_guard<std::recursive_mutex> guard(driverLock());
  if (reports().empty()) return 0;
  snprintf(buffer, static_cast<size_t>(size), "%s", reports().front().c_str());
  reports().erase(reports().begin());
  return 1;
}
