// The state of the emulated driver: devices, contexts, memory, streams. One lock guards all of it.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>
#include "../interpreter/warp.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace emulator {

struct Context;

// ---- settings and reports

struct Settings {
  bool lazy = true;        // work runs as late as the API allows
  bool raceCheck = true;   // of shared memory
  int threads = 2;         // that run the blocks of a grid
  int version = 12090;     // that the driver says it has: of the newest PTX that is understood
  u64 instructions = 0;    // of lanes, run so far
};
Settings& settings();

// Takes note of what went wrong, for whoever asks and on the standard error stream.
void report(const std::string& what);

// ---- devices

struct Device {
  int ordinal, capability;
  u64 totalMemory, usedMemory = 0;
  Context* primary = nullptr;
  int retained = 0;
};
std::vector<std::unique_ptr<Device>>& devices();
int sharedOptIn(int capability);
int threadsPerMultiprocessor(int capability);
int sharedPerMultiprocessor(int capability);
int blocksPerMultiprocessor(int capability);
// "70,90:2G": capabilities with, perhaps, an amount of memory.
void configureDevices(const std::string& list);

// ---- streams

struct Stream {
  Context* context;
  std::deque<std::function<void()>> queue;
  u64 enqueued = 0, done = 0, id = 0;
  bool blocking = true, destroyed = false;
  int priority = 0;
};
using StreamPointer = std::shared_ptr<Stream>;

struct Event {
  Context* context;
  bool timed;
  StreamPointer stream;  // where it was recorded last
  u64 position = 0;
  std::shared_ptr<double> time;
};

// ---- memory

enum class Kind { DEVICE, PINNED, REGISTERED };

struct Allocation {
  u64 base, bytes;
  Kind kind;
  Context* context;  // null for host memory
  bool counted;      // against the device's memory
};

class Memory {
 public:
  u64 allocate(u64 bytes, Kind kind, Context* context, bool counted);
  void registerHost(u64 address, u64 bytes);
  // The allocation that begins at an address is given back; its addresses stay unused for a long time.
  void release(u64 base);
  void releaseAll(Context* context);
  const Allocation* find(u64 address) const;
  const Allocation* at(u64 base) const;
  bool overlaps(u64 address, u64 bytes) const;
  std::string describe(u64 address, const Context* viewer) const;

 private:
  struct Freed {
    u64 base, bytes;
    bool device;
  };
  std::map<u64, Allocation> allocations;
  std::map<u64, Freed> freed;
  std::deque<u64> quarantine;
};
Memory& memory();

// ---- contexts and modules

struct Function {
  const Kernel* kernel;
  struct Module* module;
  u32 dynamicShared;
};

struct Module {
  Context* context;
  std::unique_ptr<Program> program;
  std::vector<std::unique_ptr<Function>> functions;
};

struct Context : AddressSpace {
  Device* device;
  int sticky = 0;
  std::set<Context*> peers;
  StreamPointer nullStream;
  std::vector<StreamPointer> streams;
  std::set<Event*> events;
  std::set<Module*> modules;

  explicit Context(Device* device);
  ~Context() override;
  bool mayAccess(const Allocation& a) const;
  Range find(u64 address) const override;
  std::string describe(u64 address) const override;
};

std::recursive_mutex& driverLock();
std::set<Context*>& contexts();
Context*& currentContext();
bool& initialized();

StreamPointer streamOf(Context& c, void* handle);
StreamPointer newStream(Context& c, bool blocking, int priority);
Event* eventOf(void* handle);
// Puts work on a stream; it runs when something has to wait for it.
void enqueue(const StreamPointer& s, std::function<void()> work);
void drain(const StreamPointer& s, u64 position);
void drain(const StreamPointer& s);
void drainAll(Context& c);

// Throws unless these bytes are memory that the context's device may touch.
void checkDeviceMemory(const Context& c, u64 address, u64 bytes, const char* what);

// Calls: under the lock, with faults turned into codes and reports.
int call(const char* name, const std::function<int()>& body);
int callInContext(const char* name, const std::function<int(Context&)>& body);

}  // namespace emulator
