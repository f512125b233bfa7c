// The state of a block that runs.
#pragma once
#include <string>
#include <vector>
#include "program.hpp"

namespace emulator {

struct Range {
  u64 begin = 1, end = 0;
};

// The memory that a kernel may touch, as its device's context sees it.
struct AddressSpace {
  virtual ~AddressSpace() = default;
  // The allocation around an address; empty if there is none.
  virtual Range find(u64 address) const = 0;
  // What is at an address that find did not like: freed, another device's, past the end of what.
  virtual std::string describe(u64 address) const = 0;
};

struct Launch {
  const Kernel* kernel;
  Dimensions grid, block;
  u32 dynamicShared;
  std::vector<u8> parameters;
  const AddressSpace* memory;
  bool raceCheck;
  int threads;
};

// Runs a kernel to its end and counts the instructions of lanes; throws Fault.
u64 execute(const Launch& launch);

// Generic addresses of shared and local memory: windows that no allocation can be in.
constexpr u64 SHARED_WINDOW = 0x7000000000000000ull, LOCAL_WINDOW = 0x7100000000000000ull;
constexpr u64 WINDOW = 0xff00000000000000ull;

// Who touched a cell of shared memory last. Epochs tell what a barrier has ordered.
struct Cell {
  u32 writeEpoch = 0, readEpoch = 0;
  u16 writer = 0, reader = 0;
  u16 writerWarpEpoch = 0, readerWarpEpoch = 0;
};

struct AsyncCopy {
  u32 to;
  u16 bytes, sourceBytes;
  u64 from;
  int lane, pc;
};

enum class Wait : u8 { NO, BARRIER, OTHERS };

// Lanes of a warp that are at the same instruction.
struct Group {
  int pc;
  u32 lanes;
  Wait wait;
};

struct Block;

struct Warp {
  u8* registers;
  Block* block;
  const Kernel* kernel;
  u32 live, carry;
  int id, pc;
  u16 epoch;
  std::vector<Group> groups;
  std::vector<u8> local;
  std::vector<AsyncCopy> pending;
  std::vector<std::vector<AsyncCopy>> committed;
};

struct Block {
  const Launch* launch;
  Dimensions at;
  std::vector<u8> shared;
  std::vector<Cell> cells;
  std::vector<Warp> warps;
  std::vector<std::vector<u8>> registerFiles;
  std::vector<Range> lastRange;  // by instruction: where its last access went, mostly where its next one goes
  u32 epoch = 1;
  u64 executed = 0;
  bool raceCheck;
};

// A register's lanes. Sixteen bits take a slot of thirty-two.
template <class T>
inline T& lane(Warp& w, int offset, int l) {
  constexpr int stride = sizeof(T) == 8 ? 8 : 4;
  return *reinterpret_cast<T*>(w.registers + offset + l * stride);
}

inline u32& predicate(Warp& w, int offset) { return *reinterpret_cast<u32*>(w.registers + offset); }

inline void setPredicate(Warp& w, int offset, u32 lanes, u32 value) {
  if (offset < 0) return;
  u32& p = predicate(w, offset);
  p = (p & ~lanes) | (value & lanes);
}

template <class F>
inline __attribute__((always_inline)) void eachLane(u32 lanes, F f) {
  if (lanes == ALL_LANES) {
#pragma GCC ivdep
    for (int l = 0; l < WARP; l++) f(l);
  } else {
    for (u32 rest = lanes; rest; rest &= rest - 1) f(__builtin_ctz(rest));
  }
}

// Computes a register's lanes; all of them where that is quicker than picking the right ones.
template <class D, class F>
inline __attribute__((always_inline)) void assign(Warp& w, int offset, u32 lanes, F compute) {
  constexpr int stride = sizeof(D) >= 4 ? 1 : 4 / sizeof(D);
  D* to = &lane<D>(w, offset, 0);
  if (lanes == ALL_LANES) {
#pragma GCC ivdep
    for (int l = 0; l < WARP; l++) to[l * stride] = compute(l);
  } else if (__builtin_popcount(lanes) > 6) {
    D result[WARP];
    for (int l = 0; l < WARP; l++) result[l] = compute(l);
    for (int l = 0; l < WARP; l++) to[l * stride] = lanes >> l & 1 ? result[l] : to[l * stride];
  } else {
    for (u32 rest = lanes; rest; rest &= rest - 1) {
      int l = __builtin_ctz(rest);
      to[l * stride] = compute(l);
    }
  }
}

// Ends the kernel with a message that names kernel, block, thread, source line and instruction.
[[noreturn]] void fail(const Warp& w, const Instruction& i, int lane, int code, const std::string& what);

// The host address of an access, checked; declared here for instructions that touch memory on their own.
u8* access(Warp& w, const Instruction& i, int lane, u64 address, int bytes, Space space, bool write);
// What a device function returned, from its frame to the caller's.
void fetchResults(Warp& w, const Instruction& i, u32 lanes);
// Copies of cp.async that a wait has to complete.
void completeCopies(Warp& w, size_t groupsLeft);

inline u64 addressOf(Warp& w, const Instruction& i, int l, int operand) {
  u64 base = i.wideAddress ? lane<u64>(w, operand, l) : lane<u32>(w, operand, l);
  return base + static_cast<u64>(i.immediate);
}

}  // namespace emulator
