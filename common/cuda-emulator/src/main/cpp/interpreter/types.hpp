// Integers by width, as PTX names them.
#pragma once
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace emulator {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

constexpr int WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;

template <class To, class From>
inline To bitCast(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  memcpy(&result, &value, sizeof result);
  return result;
}

struct Dimensions {
  u32 x, y, z;
  u64 count() const { return static_cast<u64>(x) * y * z; }
};

// What a kernel or a call did wrong, with the code that the driver answers.
struct Fault : std::runtime_error {
  int code;
  Fault(int code, const std::string& message) : std::runtime_error(message), code(code) {}
};

// The codes of cuda.h that are answered here.
enum Code {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  PEER_ACCESS_UNSUPPORTED = 217,
  INVALID_PTX = 218,
  UNSUPPORTED_PTX_VERSION = 222,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_OUT_OF_RESOURCES = 701,
  LAUNCH_TIMEOUT = 702,
  PEER_ACCESS_ALREADY_ENABLED = 704,
  PEER_ACCESS_NOT_ENABLED = 705,
  CONTEXT_IS_DESTROYED = 709,
  ASSERT = 710,
  HOST_MEMORY_ALREADY_REGISTERED = 712,
  HOST_MEMORY_NOT_REGISTERED = 713,
  ILLEGAL_INSTRUCTION = 715,
  MISALIGNED_ADDRESS = 716,
  LAUNCH_FAILED = 719,
  NOT_SUPPORTED = 801,
};

}  // namespace emulator
