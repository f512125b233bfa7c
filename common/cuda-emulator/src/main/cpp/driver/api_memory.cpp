// cu* functions of memory and copies.
#include <cstdio>
#include "driver.hpp"

using namespace emulator;

namespace {

std::string bytesAt(u64 bytes, const void* at) {
  char text[64];
  snprintf(text, sizeof text, "%llu bytes at %p", static_cast<unsigned long long>(bytes), at);
  return text;
}

// Host memory of a copy: page-locked, or the program's own. Page-locked memory has an end that is known.
bool isPinned(const void* host, u64 bytes, const char* what) {
  u64 address = reinterpret_cast<u64>(host);
  const Allocation* a = memory().find(address);
  if (!a) return false;
  std::string place = std::string(what) + ", " + bytesAt(bytes, host) + ": ";
  if (a->kind == Kind::DEVICE) throw Fault(INVALID_VALUE, place + "device memory");
  if (bytes > a->base + a->bytes - address) {
    throw Fault(INVALID_VALUE, place + "runs past the end of page-locked memory of " + std::to_string(a->bytes) +
                                   " bytes");
  }
  return true;
}

void* pointer(u64 address) { return reinterpret_cast<void*>(address); }

// The memory of a copy has to be the stream's own device's.
int toDevice(Context& c, u64 to, const void* from, size_t bytes, void* handle, bool wait) {
  StreamPointer s = streamOf(c, handle);
  if (!bytes) return SUCCESS;
  checkDeviceMemory(*s->context, to, bytes, "target of the copy");
  if (isPinned(from, bytes, "source of the copy")) {
    enqueue(s, [=] { memcpy(pointer(to), from, bytes); });
  } else {
    // memory that may be paged out is read before the call returns
    auto staged = std::make_shared<std::vector<u8>>(static_cast<const u8*>(from), static_cast<const u8*>(from) + bytes);
    enqueue(s, [=] { memcpy(pointer(to), staged->data(), bytes); });
  }
  if (wait) drain(s);
  return s->context->sticky;
}

int toHost(Context& c, void* to, u64 from, size_t bytes, void* handle, bool wait) {
  StreamPointer s = streamOf(c, handle);
  if (!bytes) return SUCCESS;
  checkDeviceMemory(*s->context, from, bytes, "source of the copy");
  bool pinned = isPinned(to, bytes, "target of the copy");
  enqueue(s, [=] { memcpy(to, pointer(from), bytes); });
  if (wait || !pinned) drain(s);
  return s->context->sticky;
}

int onDevice(Context& c, u64 to, u64 from, size_t bytes, void* handle) {
  StreamPointer s = streamOf(c, handle);
  if (!bytes) return SUCCESS;
  checkDeviceMemory(*s->context, to, bytes, "target of the copy");
  checkDeviceMemory(*s->context, from, bytes, "source of the copy");
  if (to < from + bytes && from < to + bytes) throw Fault(INVALID_VALUE, "source and target of the copy overlap");
  enqueue(s, [=] { memcpy(pointer(to), pointer(from), bytes); });
  return SUCCESS;
}

int betweenDevices(Context& c, u64 to, void* toContext, u64 from, void* fromContext, size_t bytes, void* handle) {
  StreamPointer s = streamOf(c, handle);
  for (auto* context : {toContext, fromContext}) {
    if (!contexts().count(static_cast<Context*>(context))) throw Fault(INVALID_CONTEXT, "not a context");
  }
  if (!bytes) return SUCCESS;
  checkDeviceMemory(*static_cast<Context*>(toContext), to, bytes, "target of the copy");
  checkDeviceMemory(*static_cast<Context*>(fromContext), from, bytes, "source of the copy");
  enqueue(s, [=] { memmove(pointer(to), pointer(from), bytes); });
  return SUCCESS;
}

// Any pair of memories, by where their addresses lie.
int anyCopy(Context& c, u64 to, u64 from, size_t bytes, void* handle, bool wait) {
  const Allocation *a = memory().find(to), *b = memory().find(from);
  bool deviceTo = a && a->kind == Kind::DEVICE, deviceFrom = b && b->kind == Kind::DEVICE;
  if (deviceTo && deviceFrom) return onDevice(c, to, from, bytes, handle);
  if (deviceTo) return toDevice(c, to, pointer(from), bytes, handle, wait);
  if (deviceFrom) return toHost(c, pointer(to), from, bytes, handle, wait);
  throw Fault(INVALID_VALUE, "neither side of the copy is device memory");
}

template <class T>
int fill(Context& c, u64 to, T value, size_t count, void* handle) {
  StreamPointer s = streamOf(c, handle);
  if (!count) return SUCCESS;
  if (to % sizeof(T)) throw Fault(INVALID_VALUE, "misaligned address");
  checkDeviceMemory(*s->context, to, count * sizeof(T), "target of the memset");
  enqueue(s, [=] {
    T* at = static_cast<T*>(pointer(to));
    for (size_t k = 0; k < count; k++) at[k] = value;
  });
  return SUCCESS;
}

int allocateHost(void** at, size_t bytes) {
  return callInContext("cuMemHostAlloc", [&](Context&) {
    if (!bytes) throw Fault(INVALID_VALUE, "no bytes");
    *at = pointer(memory().allocate(bytes, Kind::PINNED, nullptr, false));
    return SUCCESS;
  });
}

void drainEverything() {
  for (auto* c : std::set<Context*>(contexts())) drainAll(*c);
}

}  // namespace

EXPORT int cuMemGetInfo_v2(size_t* available, size_t* total) {
  return callInContext("cuMemGetInfo", [&](Context& c) {
    *total = c.device->totalMemory;
    *available = c.device->totalMemory - c.device->usedMemory;
    return SUCCESS;
  });
}
EXPORT int cuMemAlloc_v2(u64* at, size_t bytes) {
  return callInContext("cuMemAlloc", [&](Context& c) {
    if (!bytes) throw Fault(INVALID_VALUE, "no bytes");
    if (bytes > c.device->totalMemory - c.device->usedMemory) return static_cast<int>(OUT_OF_MEMORY);
    *at = memory().allocate(bytes, Kind::DEVICE, &c, true);
    return static_cast<int>(SUCCESS);
  });
}
EXPORT int cuMemFree_v2(u64 at) {
  return callInContext("cuMemFree", [&](Context&) {
    if (!at) return static_cast<int>(SUCCESS);
    const Allocation* a = memory().at(at);
    if (!a || a->kind != Kind::DEVICE || !a->counted) {
      throw Fault(INVALID_VALUE, "not the beginning of an allocation, or one that was freed already");
    }
    Context* owner = a->context;
    drainAll(*owner);  // freeing waits for the device
    memory().release(at);
    return owner->sticky;
  });
}
EXPORT int cuMemHostAlloc(void** at, size_t bytes, unsigned) { return allocateHost(at, bytes); }
EXPORT int cuMemAllocHost_v2(void** at, size_t bytes) { return allocateHost(at, bytes); }
EXPORT int cuMemFreeHost(void* at) {
  return callInContext("cuMemFreeHost", [&](Context&) {
    const Allocation* a = memory().at(reinterpret_cast<u64>(at));
    if (!a || a->kind != Kind::PINNED) throw Fault(INVALID_VALUE, "not page-locked memory, or freed already");
    drainEverything();
    memory().release(a->base);
    return SUCCESS;
  });
}
EXPORT int cuMemHostRegister_v2(void* at, size_t bytes, unsigned) {
  return callInContext("cuMemHostRegister", [&](Context&) {
    u64 address = reinterpret_cast<u64>(at);
    if (!bytes) throw Fault(INVALID_VALUE, "no bytes");
    // pages are locked, not bytes: two regions may not share one
    u64 first = address / 4096 * 4096, last = (address + bytes + 4095) / 4096 * 4096;
    if (memory().overlaps(first, last - first)) return static_cast<int>(HOST_MEMORY_ALREADY_REGISTERED);
    memory().registerHost(address, bytes);
    return static_cast<int>(SUCCESS);
  });
}
EXPORT int cuMemHostUnregister(void* at) {
  return callInContext("cuMemHostUnregister", [&](Context&) {
    const Allocation* a = memory().at(reinterpret_cast<u64>(at));
    if (!a || a->kind != Kind::REGISTERED) return static_cast<int>(HOST_MEMORY_NOT_REGISTERED);
    drainEverything();
    memory().release(a->base);
    return static_cast<int>(SUCCESS);
  });
}
EXPORT int cuMemHostGetDevicePointer_v2(u64* device, void* host, unsigned) {
  return callInContext("cuMemHostGetDevicePointer", [&](Context&) {
    const Allocation* a = memory().find(reinterpret_cast<u64>(host));
    if (!a || a->kind == Kind::DEVICE) throw Fault(INVALID_VALUE, "not page-locked memory");
    *device = reinterpret_cast<u64>(host);
    return SUCCESS;
  });
}
EXPORT int cuMemHostGetFlags(unsigned* flags, void*) {
  *flags = 3;
  return SUCCESS;
}
EXPORT int cuMemGetAddressRange_v2(u64* base, size_t* bytes, u64 address) {
  return callInContext("cuMemGetAddressRange", [&](Context&) {
    const Allocation* a = memory().find(address);
    if (!a) throw Fault(NOT_FOUND, "no allocation");
    if (base) *base = a->base;
    if (bytes) *bytes = a->bytes;
    return SUCCESS;
  });
}

EXPORT int cuMemcpyHtoDAsync_v2(u64 to, const void* from, size_t bytes, void* stream) {
  return callInContext("cuMemcpyHtoDAsync", [&](Context& c) { return toDevice(c, to, from, bytes, stream, false); });
}
EXPORT int cuMemcpyDtoHAsync_v2(void* to, u64 from, size_t bytes, void* stream) {
  return callInContext("cuMemcpyDtoHAsync", [&](Context& c) { return toHost(c, to, from, bytes, stream, false); });
}
EXPORT int cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t bytes, void* stream) {
  return callInContext("cuMemcpyDtoDAsync", [&](Context& c) { return onDevice(c, to, from, bytes, stream); });
}
EXPORT int cuMemcpyHtoD_v2(u64 to, const void* from, size_t bytes) {
  return callInContext("cuMemcpyHtoD", [&](Context& c) { return toDevice(c, to, from, bytes, nullptr, true); });
}
EXPORT int cuMemcpyDtoH_v2(void* to, u64 from, size_t bytes) {
  return callInContext("cuMemcpyDtoH", [&](Context& c) { return toHost(c, to, from, bytes, nullptr, true); });
}
EXPORT int cuMemcpyDtoD_v2(u64 to, u64 from, size_t bytes) {
  return callInContext("cuMemcpyDtoD", [&](Context& c) { return onDevice(c, to, from, bytes, nullptr); });
}
EXPORT int cuMemcpyAsync(u64 to, u64 from, size_t bytes, void* stream) {
  return callInContext("cuMemcpyAsync", [&](Context& c) { return anyCopy(c, to, from, bytes, stream, false); });
}
EXPORT int cuMemcpy(u64 to, u64 from, size_t bytes) {
  return callInContext("cuMemcpy", [&](Context& c) { return anyCopy(c, to, from, bytes, nullptr, true); });
}
EXPORT int cuMemcpyPeerAsync(u64 to, void* toContext, u64 from, void* fromContext, size_t bytes, void* stream) {
  return callInContext("cuMemcpyPeerAsync", [&](Context& c) {
    return betweenDevices(c, to, toContext, from, fromContext, bytes, stream);
  });
}
EXPORT int cuMemcpyPeer(u64 to, void* toContext, u64 from, void* fromContext, size_t bytes) {
  return callInContext("cuMemcpyPeer", [&](Context& c) {
    return betweenDevices(c, to, toContext, from, fromContext, bytes, nullptr);
  });
}
EXPORT int cuMemsetD8Async(u64 to, u8 value, size_t count, void* stream) {
  return callInContext("cuMemsetD8Async", [&](Context& c) { return fill(c, to, value, count, stream); });
}
EXPORT int cuMemsetD16Async(u64 to, u16 value, size_t count, void* stream) {
  return callInContext("cuMemsetD16Async", [&](Context& c) { return fill(c, to, value, count, stream); });
}
EXPORT int cuMemsetD32Async(u64 to, u32 value, size_t count, void* stream) {
  return callInContext("cuMemsetD32Async", [&](Context& c) { return fill(c, to, value, count, stream); });
}
EXPORT int cuMemsetD8_v2(u64 to, u8 value, size_t count) { return cuMemsetD8Async(to, value, count, nullptr); }
EXPORT int cuMemsetD16_v2(u64 to, u16 value, size_t count) { return cuMemsetD16Async(to, value, count, nullptr); }
EXPORT int cuMemsetD32_v2(u64 to, u32 value, size_t count) { return cuMemsetD32Async(to, value, count, nullptr); }
