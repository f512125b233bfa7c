// cu* functions of devices and contexts.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include "driver.hpp"

using namespace emulator;

namespace {

constexpr int MULTIPROCESSORS = 4;  // few, so that loops over a grid do loop

struct ErrorText {
  int code;
  const char *name, *text;
};
const ErrorText errors[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {PEER_ACCESS_UNSUPPORTED, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {PEER_ACCESS_ALREADY_ENABLED, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled"},
    {PEER_ACCESS_NOT_ENABLED, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "peer access has not been enabled"},
    {CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {ASSERT, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {HOST_MEMORY_ALREADY_REGISTERED, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
     "part or all of the requested memory range is already mapped"},
    {HOST_MEMORY_NOT_REGISTERED, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED",
     "pointer does not correspond to a registered memory region"},
    {ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
};

Device& deviceOf(int ordinal) {
  if (!initialized()) throw Fault(NOT_INITIALIZED, "cuInit was not called");
  if (ordinal < 0 || ordinal >= static_cast<int>(devices().size())) {
    throw Fault(INVALID_DEVICE, "device " + std::to_string(ordinal) + " of " + std::to_string(devices().size()));
  }
  return *devices()[static_cast<size_t>(ordinal)];
}

int attribute(const Device& d, int which) {
  int cc = d.capability;
  switch (which) {
    case 1: return 1024;                          // threads of a block
    case 2: case 3: return 1024;                  // its extents
    case 4: return 64;
    case 5: return 2147483647;                    // extents of a grid
    case 6: case 7: return 65535;
    case 8: return 49152;                         // shared memory of a block, unless it asks for more
    case 9: return 65536;                         // constant memory
    case 10: return WARP;
    case 11: return 2147483647;                   // pitch
    case 12: case 82: return 65536;               // registers of a block, of a multiprocessor
    case 13: return 1000000;                      // kHz
    case 14: return 512;                          // alignment of textures
    case 16: return MULTIPROCESSORS;
    case 19: return 1;                            // can map host memory
    case 31: return 1;                            // concurrent kernels
    case 33: return d.ordinal + 1;                // PCI bus
    case 36: return 1000000;                      // memory's kHz
    case 37: return 1024;                         // and bits
    case 38: return 4 << 20;                      // second-level cache
    case 39: return threadsPerMultiprocessor(cc);
    case 40: return 2;                            // copy engines
    case 41: return 1;                            // one address space
    case 75: return cc / 10;
    case 76: return cc % 10;
    case 78: return 1;                            // priorities of streams
    case 79: case 80: return 1;                   // first-level cache
    case 81: return sharedPerMultiprocessor(cc);
    case 86: return 1;                            // atomics
    case 91: return 1;                            // registered host memory has the same address on the device
    case 97: return sharedOptIn(cc);
    case 99: return 1;
    case 106: return blocksPerMultiprocessor(cc);
    case 111: return cc >= 80 ? 1024 : 0;         // shared memory that the system takes of each block
    default:
      if (which < 1 || which > 200) throw Fault(INVALID_VALUE, "attribute " + std::to_string(which));
      return 0;
  }
}

Context* retain(Device& d) {
  if (!d.primary) d.primary = new Context(&d);
  d.retained++;
  return d.primary;
}

void destroy(Context* c) {
  if (!c->sticky) drainAll(*c);
  if (c->device->primary == c) {
    c->device->primary = nullptr;
    c->device->retained = 0;
  }
  delete c;
}

Context* contextOf(void* handle) {
  auto* c = static_cast<Context*>(handle);
  if (!contexts().count(c)) throw Fault(INVALID_CONTEXT, "not a context, or one that was destroyed");
  return c;
}

std::vector<Context*>& stack() {
  static thread_local std::vector<Context*> pushed;
  return pushed;
}

}  // namespace

EXPORT int cuInit(unsigned) {
  return call("cuInit", [] {
    if (!initialized() && devices().empty()) {
      const char* list = getenv("HETERMOE_EMULATED_GPUS");
      if (list) configureDevices(list);
    }
    initialized() = !devices().empty();  // NVRTC calls this too, perhaps before there are devices
    return initialized() ? SUCCESS : NO_DEVICE;
  });
}
EXPORT int cuDriverGetVersion(int* version) {
  return call("cuDriverGetVersion", [&] {
    *version = settings().version;
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", [&] {
    if (!initialized()) throw Fault(NOT_INITIALIZED, "cuInit was not called");
    *count = static_cast<int>(devices().size());
    return SUCCESS;
  });
}
EXPORT int cuDeviceGet(int* device, int ordinal) {
  return call("cuDeviceGet", [&] {
    *device = deviceOf(ordinal).ordinal;
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetName(char* name, int size, int device) {
  return call("cuDeviceGetName", [&] {
    snprintf(name, static_cast<size_t>(size), "Emulated GPU sm_%d (no hardware)", deviceOf(device).capability);
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetUuid(u8* uuid, int device) {
  return call("cuDeviceGetUuid", [&] {
    Device& d = deviceOf(device);
    memset(uuid, 0, 16);
    memcpy(uuid, "emulated", 8);
    uuid[14] = static_cast<u8>(d.capability);
    uuid[15] = static_cast<u8>(d.ordinal);
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetUuid_v2(u8* uuid, int device) { return cuDeviceGetUuid(uuid, device); }
EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  return call("cuDeviceTotalMem", [&] {
    *bytes = deviceOf(device).totalMemory;
    return SUCCESS;
  });
}
EXPORT int cuDeviceComputeCapability(int* major, int* minor, int device) {
  return call("cuDeviceComputeCapability", [&] {
    *major = deviceOf(device).capability / 10;
    *minor = deviceOf(device).capability % 10;
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetAttribute(int* value, int which, int device) {
  return call("cuDeviceGetAttribute", [&] {
    *value = attribute(deviceOf(device), which);
    return SUCCESS;
  });
}
EXPORT int cuDeviceGetPCIBusId(char* id, int size, int device) {
  return call("cuDeviceGetPCIBusId", [&] {
    snprintf(id, static_cast<size_t>(size), "0000:%02X:00.0", deviceOf(device).ordinal + 1);
    return SUCCESS;
  });
}
EXPORT int cuDeviceCanAccessPeer(int* can, int device, int peer) {
  return call("cuDeviceCanAccessPeer", [&] {
    deviceOf(device);
    deviceOf(peer);
    *can = device != peer;
    return SUCCESS;
  });
}
EXPORT int cuDevicePrimaryCtxRetain(void** context, int device) {
  return call("cuDevicePrimaryCtxRetain", [&] {
    *context = retain(deviceOf(device));
    return SUCCESS;
  });
}
EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  return call("cuDevicePrimaryCtxRelease", [&] {
    Device& d = deviceOf(device);
    if (!d.primary) throw Fault(INVALID_CONTEXT, "the primary context is not retained");
    if (--d.retained == 0) destroy(d.primary);
    return SUCCESS;
  });
}
EXPORT int cuDevicePrimaryCtxReset_v2(int device) {
  return call("cuDevicePrimaryCtxReset", [&] {
    Device& d = deviceOf(device);
    if (d.primary) destroy(d.primary);
    return SUCCESS;
  });
}
EXPORT int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
  return call("cuDevicePrimaryCtxGetState", [&] {
    *flags = 0;
    *active = deviceOf(device).primary != nullptr;
    return SUCCESS;
  });
}
EXPORT int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned) {
  return call("cuDevicePrimaryCtxSetFlags", [&] {
    deviceOf(device);
    return SUCCESS;
  });
}
EXPORT int cuCtxCreate_v2(void** context, unsigned, int device) {
  return call("cuCtxCreate", [&] {
    auto* c = new Context(&deviceOf(device));
    stack().push_back(currentContext());
    *context = currentContext() = c;
    return SUCCESS;
  });
}
EXPORT int cuCtxDestroy_v2(void* context) {
  return call("cuCtxDestroy", [&] {
    Context* c = contextOf(context);
    if (c->device->primary == c) throw Fault(INVALID_CONTEXT, "a primary context is released, not destroyed");
    if (currentContext() == c) currentContext() = nullptr;
    destroy(c);
    return SUCCESS;
  });
}
EXPORT int cuCtxSetCurrent(void* context) {
  return call("cuCtxSetCurrent", [&] {
    currentContext() = context ? contextOf(context) : nullptr;
    return SUCCESS;
  });
}
EXPORT int cuCtxGetCurrent(void** context) {
  return call("cuCtxGetCurrent", [&] {
    *context = currentContext();
    return SUCCESS;
  });
}
EXPORT int cuCtxPushCurrent_v2(void* context) {
  return call("cuCtxPushCurrent", [&] {
    Context* c = contextOf(context);
    stack().push_back(currentContext());
    currentContext() = c;
    return SUCCESS;
  });
}
EXPORT int cuCtxPopCurrent_v2(void** context) {
  return call("cuCtxPopCurrent", [&] {
    if (stack().empty()) throw Fault(INVALID_CONTEXT, "no context was pushed");
    if (context) *context = currentContext();
    currentContext() = stack().back();
    stack().pop_back();
    return SUCCESS;
  });
}
EXPORT int cuCtxGetDevice(int* device) {
  return callInContext("cuCtxGetDevice", [&](Context& c) {
    *device = c.device->ordinal;
    return SUCCESS;
  });
}
EXPORT int cuCtxGetApiVersion(void*, unsigned* version) {
  *version = 3020;
  return SUCCESS;
}
EXPORT int cuCtxGetFlags(unsigned* flags) {
  *flags = 0;
  return SUCCESS;
}
EXPORT int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return callInContext("cuCtxGetStreamPriorityRange", [&](Context&) {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return SUCCESS;
  });
}
EXPORT int cuCtxSynchronize() {
  return callInContext("cuCtxSynchronize", [](Context& c) {
    drainAll(c);
    return c.sticky;
  });
}
EXPORT int cuCtxEnablePeerAccess(void* peer, unsigned) {
  return callInContext("cuCtxEnablePeerAccess", [&](Context& c) {
    Context* other = contextOf(peer);
    if (other->device == c.device) throw Fault(INVALID_DEVICE, "a context of the same device");
    return c.peers.insert(other).second ? SUCCESS : PEER_ACCESS_ALREADY_ENABLED;
  });
}
EXPORT int cuCtxDisablePeerAccess(void* peer) {
  return callInContext("cuCtxDisablePeerAccess", [&](Context& c) {
    return c.peers.erase(contextOf(peer)) ? SUCCESS : PEER_ACCESS_NOT_ENABLED;
  });
}
EXPORT int cuGetErrorName(int code, const char** name) {
  for (auto& e : errors) {
    if (e.code == code) {
      *name = e.name;
      return SUCCESS;
    }
  }
  *name = nullptr;
  return INVALID_VALUE;
}
EXPORT int cuGetErrorString(int code, const char** text) {
  for (auto& e : errors) {
    if (e.code == code) {
      *text = e.text;
      return SUCCESS;
    }
  }
  *text = nullptr;
  return INVALID_VALUE;
}
// NVRTC asks a driver that it finds for inner functions, and does without them if there are none.
EXPORT int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return NOT_SUPPORTED;
}
EXPORT int cuProfilerStart() { return SUCCESS; }
EXPORT int cuProfilerStop() { return SUCCESS; }
