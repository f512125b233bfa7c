// Device and pinned memory on the host's, each allocation between pages that nothing may touch.
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include "driver.hpp"

namespace emulator {

namespace {

constexpr u64 PAGE = 4096, GUARD = 65536;
constexpr u64 PATTERN = 4 << 20;  // bytes of the file below
constexpr size_t QUARANTINE = 4096;

u64 pages(u64 bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

// A file of 0xff: new memory that was not written reads as NaN without taking memory.
int patternFile() {
  static int file = [] {
    int f = memfd_create("nan", 0);
    std::vector<char> page(PATTERN, static_cast<char>(0xff));
    if (f < 0 || write(f, page.data(), PATTERN) != static_cast<ssize_t>(PATTERN)) {
      throw Fault(OUT_OF_MEMORY, "no memory for the pattern of new memory");
    }
    return f;
  }();
  return file;
}

char* reserve(u64 bytes) {
  void* at = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw Fault(OUT_OF_MEMORY, "the host has no more address space");
  return static_cast<char*>(at);
}

void fillWithNan(char* at, u64 bytes) {
  if (bytes < PATTERN) {
    mprotect(at, bytes, PROT_READ | PROT_WRITE);
    memset(at, 0xff, bytes);
    return;
  }
  for (u64 k = 0; k < bytes; k += PATTERN) {
    u64 n = std::min(PATTERN, bytes - k);
    if (mmap(at + k, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, patternFile(), 0) == MAP_FAILED) {
      throw Fault(OUT_OF_MEMORY, "the host has no more memory");
    }
  }
}

std::string hex(u64 v) {
  char text[32];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

}  // namespace

Memory& memory() {
  static Memory* m = new Memory;  // outlives everything that could still use it at the end
  return *m;
}

u64 Memory::allocate(u64 bytes, Kind kind, Context* context, bool counted) {
  u64 size = pages(bytes);
  char* begin = reserve(size + 2 * GUARD);
  char* at = begin + GUARD;
  if (kind == Kind::DEVICE) fillWithNan(at, size);
  else mprotect(at, size, PROT_READ | PROT_WRITE);
  u64 base = reinterpret_cast<u64>(at);
  allocations[base] = {base, bytes, kind, context, counted};
  if (counted) context->device->usedMemory += bytes;
  return base;
}

void Memory::registerHost(u64 address, u64 bytes) {
  allocations[address] = {address, bytes, Kind::REGISTERED, nullptr, false};
}

void Memory::release(u64 base) {
  Allocation a = allocations.at(base);
  allocations.erase(base);
  if (a.counted) a.context->device->usedMemory -= a.bytes;
  if (a.kind == Kind::REGISTERED) return;
  // the addresses stay reserved, so that whoever uses them still is found out
  mmap(reinterpret_cast<void*>(base), pages(a.bytes), PROT_NONE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  freed[base] = {base, a.bytes, a.kind == Kind::DEVICE};
  quarantine.push_back(base);
  if (quarantine.size() > QUARANTINE) {
    Freed& oldest = freed.at(quarantine.front());
    munmap(reinterpret_cast<void*>(oldest.base - GUARD), pages(oldest.bytes) + 2 * GUARD);
    freed.erase(quarantine.front());
    quarantine.pop_front();
  }
}

void Memory::releaseAll(Context* context) {
  std::vector<u64> own;
  for (auto& [base, a] : allocations) {
    if (a.context == context) own.push_back(base);
  }
  for (u64 base : own) release(base);
}

const Allocation* Memory::find(u64 address) const {
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return nullptr;
  const Allocation& a = std::prev(next)->second;
  return address < a.base + a.bytes ? &a : nullptr;
}

const Allocation* Memory::at(u64 base) const {
  auto found = allocations.find(base);
  return found == allocations.end() ? nullptr : &found->second;
}

bool Memory::overlaps(u64 address, u64 bytes) const {
  auto next = allocations.lower_bound(address);
  if (next != allocations.end() && next->first < address + bytes) return true;
  return find(address) != nullptr;
}

std::string Memory::describe(u64 address, const Context* viewer) const {
  if (const Allocation* a = find(address)) {
    std::string size = std::to_string(a->bytes);
    if (!viewer->mayAccess(*a)) {
      return "it belongs to another context (device " + std::to_string(a->context->device->ordinal) +
             "), to which device " + std::to_string(viewer->device->ordinal) + " has no peer access";
    }
    return "it runs past the end of an allocation of " + size + " bytes";
  }
  auto gone = freed.upper_bound(address);
  if (gone != freed.begin()) {
    const Freed& f = std::prev(gone)->second;
    if (address < f.base + f.bytes) return "use after free of an allocation of " + std::to_string(f.bytes) + " bytes";
  }
  auto next = allocations.upper_bound(address);
  if (next != allocations.begin()) {
    const Allocation& before = std::prev(next)->second;
    u64 past = address - (before.base + before.bytes);
    if (past < GUARD) {
      return "it is " + std::to_string(past) + " bytes past the end of an allocation of " +
             std::to_string(before.bytes) + " bytes";
    }
  }
  if (next != allocations.end() && next->second.base - address <= GUARD) {
    return "it is " + std::to_string(next->second.base - address) + " bytes before an allocation of " +
           std::to_string(next->second.bytes) + " bytes";
  }
  return address < PAGE ? "a null pointer" : "no allocation is near " + hex(address);
}

void checkDeviceMemory(const Context& c, u64 address, u64 bytes, const char* what) {
  const Allocation* a = memory().find(address);
  bool inside = a && c.mayAccess(*a) && bytes <= a->base + a->bytes - address;
  if (!inside) {
    throw Fault(INVALID_VALUE, std::string(what) + ", " + std::to_string(bytes) + " bytes at " + hex(address) + ": " +
                                   c.describe(address));
  }
}

}  // namespace emulator
