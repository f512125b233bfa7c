// cu* functions of modules and launches.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include "driver.hpp"

using namespace emulator;

namespace {

struct ContextMemory : VariableMemory {
  Context* context;
  explicit ContextMemory(Context* c) : context(c) {}
  u64 allocate(u64 bytes) override { return memory().allocate(bytes, Kind::DEVICE, context, false); }
};

Module* moduleOf(void* handle) {
  for (auto* c : contexts()) {
    if (c->modules.count(static_cast<Module*>(handle))) return static_cast<Module*>(handle);
  }
  throw Fault(INVALID_HANDLE, "not a module, or one that was unloaded");
}

Function* functionOf(void* handle) {
  for (auto* c : contexts()) {
    for (auto* m : c->modules) {
      for (auto& f : m->functions) {
        if (f.get() == handle) return f.get();
      }
    }
  }
  throw Fault(INVALID_HANDLE, "not a function, or one whose module was unloaded");
}

// A compiled program is no text: it would need the processor of a GPU.
void refuseBinary(const char* image) {
  static const unsigned char fatbin[] = {0x50, 0xed, 0x55, 0xba};
  if (!memcmp(image, "\177ELF", 4)) {
    throw Fault(INVALID_IMAGE, "a CUBIN was loaded: the emulated GPU runs PTX only");
  }
  if (!memcmp(image, fatbin, 4)) throw Fault(INVALID_IMAGE, "a fat binary was loaded: the emulated GPU runs PTX only");
}

int load(Context& c, void** module, const char* image) {
  refuseBinary(image);
  ContextMemory variables(&c);
  auto m = std::make_unique<Module>();
  m->context = &c;
  m->program = loadProgram(image, c.device->capability, variables);
  for (auto& k : m->program->kernels) {
    if (k->sharedBytes > sharedOptIn(c.device->capability)) {
      throw Fault(INVALID_PTX, "kernel " + k->name + " has " + std::to_string(k->sharedBytes) +
                                   " bytes of static shared memory, more than the device");
    }
    u32 dynamic = static_cast<u32>(std::max(0, 49152 - k->sharedBytes));
    m->functions.push_back(std::make_unique<Function>(Function{k.get(), m.get(), dynamic}));
  }
  c.modules.insert(m.get());
  *module = m.release();
  return SUCCESS;
}

// Options 5 and 6: where the compiler's errors go, and how much fits there.
void writeLog(unsigned count, const int* options, void** values, const std::string& text) {
  char* buffer = nullptr;
  size_t size = 0;
  for (unsigned k = 0; k < count; k++) {
    if (options[k] == 5) buffer = static_cast<char*>(values[k]);
    if (options[k] == 6) size = reinterpret_cast<size_t>(values[k]);
  }
  if (buffer && size) snprintf(buffer, size, "%s", text.c_str());
}

std::vector<u8> parametersOf(const Kernel& k, void** parameters, void** extra) {
  std::vector<u8> values(static_cast<size_t>(k.parameterBytes) + 16);
  if (parameters) {
    for (size_t p = 0; p < k.parameters.size(); p++) {
      memcpy(values.data() + k.parameters[p].first, parameters[p], static_cast<size_t>(k.parameters[p].second));
    }
    return values;
  }
  if (!extra) {
    if (!k.parameters.empty()) throw Fault(INVALID_VALUE, "kernel " + k.name + " takes parameters");
    return values;
  }
  const void* buffer = nullptr;
  size_t size = 0;
  for (int at = 0; extra[at]; at += 2) {
    if (extra[at] == reinterpret_cast<void*>(1)) buffer = extra[at + 1];
    if (extra[at] == reinterpret_cast<void*>(2)) size = *static_cast<size_t*>(extra[at + 1]);
  }
  if (!buffer || size < static_cast<size_t>(k.parameterBytes)) {
    throw Fault(INVALID_VALUE,
                "kernel " + k.name + " takes " + std::to_string(k.parameterBytes) + " bytes of parameters");
  }
  memcpy(values.data(), buffer, static_cast<size_t>(k.parameterBytes));
  return values;
}

void checkLaunch(const Function& f, const Dimensions& grid, const Dimensions& block, u32 shared, int capability) {
  const Kernel& k = *f.kernel;
  auto refuse = [&](int code, const std::string& why) { throw Fault(code, "kernel " + k.name + ": " + why); };
  if (!grid.count() || !block.count()) refuse(INVALID_VALUE, "an extent of grid or block is zero");
  if (grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) refuse(INVALID_VALUE, "the grid is too large");
  if (block.x > 1024 || block.y > 1024 || block.z > 64 || block.count() > 1024) {
    refuse(INVALID_VALUE, std::to_string(block.count()) + " threads in a block, more than the device's 1024");
  }
  if (block.count() > static_cast<u64>(k.maxThreads)) {
    refuse(LAUNCH_OUT_OF_RESOURCES, std::to_string(block.count()) + " threads in a block, more than the " +
                                        std::to_string(k.maxThreads) + " that it was compiled for");
  }
  if (k.requiredThreads && block.count() != static_cast<u64>(k.requiredThreads)) {
    refuse(INVALID_VALUE, "it needs blocks of " + std::to_string(k.requiredThreads) + " threads");
  }
  if (shared > f.dynamicShared) {
    refuse(INVALID_VALUE, std::to_string(shared) + " bytes of dynamic shared memory, " +
                              std::to_string(f.dynamicShared) + " are allowed:" +
                              " cuFuncSetAttribute(MAX_DYNAMIC_SHARED_SIZE_BYTES) opts in to more, up to " +
                              std::to_string(sharedOptIn(capability)));
  }
}

}  // namespace

EXPORT int cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options, void** values) {
  return callInContext("cuModuleLoadData", [&](Context& c) {
    try {
      return load(c, module, static_cast<const char*>(image));
    } catch (const Fault& f) {
      writeLog(count, options, values, f.what());
      throw;
    }
  });
}
EXPORT int cuModuleLoadData(void** module, const void* image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}
EXPORT int cuModuleLoad(void** module, const char* file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return cuModuleLoadDataEx(module, text.str().c_str(), 0, nullptr, nullptr);
}
EXPORT int cuModuleUnload(void* module) {
  return callInContext("cuModuleUnload", [&](Context&) {
    Module* m = moduleOf(module);
    drainAll(*m->context);
    for (auto& v : m->program->variables) memory().release(v->address);
    m->context->modules.erase(m);
    delete m;
    return SUCCESS;
  });
}
EXPORT int cuModuleGetFunction(void** function, void* module, const char* name) {
  return callInContext("cuModuleGetFunction", [&](Context&) {
    for (auto& f : moduleOf(module)->functions) {
      if (f->kernel->name == name) {
        *function = f.get();
        return SUCCESS;
      }
    }
    throw Fault(NOT_FOUND, std::string("no kernel ") + name);
  });
}
EXPORT int cuModuleGetGlobal_v2(u64* address, size_t* bytes, void* module, const char* name) {
  return callInContext("cuModuleGetGlobal", [&](Context&) {
    for (auto& v : moduleOf(module)->program->variables) {
      if (v->name == name) {
        if (address) *address = v->address;
        if (bytes) *bytes = v->bytes;
        return SUCCESS;
      }
    }
    throw Fault(NOT_FOUND, std::string("no variable ") + name);
  });
}
EXPORT int cuModuleGetLoadingMode(int* mode) {
  *mode = 1;
  return SUCCESS;
}
EXPORT int cuFuncSetAttribute(void* function, int which, int value) {
  return callInContext("cuFuncSetAttribute", [&](Context& c) {
    Function* f = functionOf(function);
    if (which == 8) {
      int most = sharedOptIn(c.device->capability) - f->kernel->sharedBytes;
      if (value < 0 || value > most) {
        throw Fault(INVALID_VALUE, "kernel " + f->kernel->name + ": " + std::to_string(value) +
                                       " bytes of dynamic shared memory, a block of this device has at most " +
                                       std::to_string(most));
      }
      f->dynamicShared = static_cast<u32>(value);
    } else if (which != 9) {  // 9: the split between shared memory and cache, a hint
      throw Fault(INVALID_VALUE, "attribute " + std::to_string(which));
    }
    return SUCCESS;
  });
}
EXPORT int cuFuncGetAttribute(int* value, int which, void* function) {
  return callInContext("cuFuncGetAttribute", [&](Context& c) {
    Function* f = functionOf(function);
    int cc = c.device->capability;
    switch (which) {
      case 0: *value = f->kernel->maxThreads; break;
      case 1: *value = f->kernel->sharedBytes; break;
      case 3: *value = f->kernel->localBytes; break;
      case 4: *value = 0; break;  // registers: PTX does not say
      case 5: case 6: *value = cc; break;
      case 8: *value = static_cast<int>(f->dynamicShared); break;
      default: *value = 0;
    }
    return SUCCESS;
  });
}
EXPORT int cuFuncGetModule(void** module, void* function) {
  return callInContext("cuFuncGetModule", [&](Context&) {
    *module = functionOf(function)->module;
    return SUCCESS;
  });
}
EXPORT int cuFuncSetCacheConfig(void*, int) { return SUCCESS; }
EXPORT int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads, size_t shared) {
  return callInContext("cuOccupancyMaxActiveBlocksPerMultiprocessor", [&](Context& c) {
    Function* f = functionOf(function);
    int cc = c.device->capability;
    if (threads < 1) throw Fault(INVALID_VALUE, "no threads");
    int whole = (threads + WARP - 1) / WARP * WARP;
    u64 sharedBytes = static_cast<u64>(f->kernel->sharedBytes) + shared + (cc >= 80 ? 1024 : 0);
    u64 byShared = sharedBytes ? static_cast<u64>(sharedPerMultiprocessor(cc)) / sharedBytes : 1000;
    *blocks = static_cast<int>(std::min<u64>({static_cast<u64>(threadsPerMultiprocessor(cc) / whole), byShared,
                                              static_cast<u64>(blocksPerMultiprocessor(cc))}));
    return SUCCESS;
  });
}
EXPORT int cuLaunchKernel(void* function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                          unsigned blockY, unsigned blockZ, unsigned shared, void* stream, void** parameters,
                          void** extra) {
  return callInContext("cuLaunchKernel", [&](Context& c) {
    Function* f = functionOf(function);
    StreamPointer s = streamOf(c, stream);
    if (f->module->context != s->context) {
      throw Fault(INVALID_HANDLE, "kernel " + f->kernel->name + " and the stream are of different contexts");
    }
    Launch launch{f->kernel, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, shared, {}, s->context, false, 1};
    checkLaunch(*f, launch.grid, launch.block, shared, c.device->capability);
    launch.parameters = parametersOf(*f->kernel, parameters, extra);
    enqueue(s, [launch]() mutable {
      launch.raceCheck = settings().raceCheck;
      launch.threads = settings().threads;
      settings().instructions += execute(launch);
    });
    return SUCCESS;
  });
}
