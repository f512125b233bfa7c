// Loads, stores, atomics and asynchronous copies, with every access checked.
#include <algorithm>
#include <cstdio>
#include <set>
#include <type_traits>
#include "decoder.hpp"
#include "half.hpp"
#include "warp.hpp"

namespace emulator {

namespace {

std::string hex(u64 v) {
  char text[32];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

std::string bytesAt(int bytes, u64 address) { return std::to_string(bytes) + " bytes at " + hex(address); }

const char* verb(bool write) { return write ? "write of " : "read of "; }

std::string threadName(int thread) { return "thread " + std::to_string(thread); }

// A reader that stands for several: of one warp, or of the block.
constexpr u16 SEVERAL_OF_WARP = 0x8000, SEVERAL = 0xffff;

struct Touch {
  u16 by, warpEpoch;
  u32 epoch;
};

// Whether what another thread did is not ordered before what this thread does now.
bool unordered(const Warp& w, int thread, const Touch& other) {
  if (other.epoch != w.block->epoch) return false;
  if (other.by == SEVERAL) return true;
  if (other.by & SEVERAL_OF_WARP) {
    bool sameWarp = (other.by & 0x7fff) == w.id;
    return !sameWarp || other.warpEpoch == w.epoch;
  }
  if (other.by == thread) return false;
  return other.by / WARP != w.id || other.warpEpoch == w.epoch;
}

std::string reader(const Touch& t) {
  if (t.by == SEVERAL) return "several threads";
  if (t.by & SEVERAL_OF_WARP) return "lanes of warp " + std::to_string(t.by & 0x7fff);
  return threadName(t.by);
}

void markRead(Cell& c, const Warp& w, u16 thread) {
  u32 epoch = w.block->epoch;
  if (c.readEpoch != epoch) {
    c.readEpoch = epoch;
    c.reader = thread;
  } else if (c.reader != thread && c.reader != SEVERAL) {
    int warp = c.reader & SEVERAL_OF_WARP ? c.reader & 0x7fff : c.reader / WARP;
    // what the own warp read before its last __syncwarp is in order; other warps see only that the warp read
    bool alone = warp == w.id && c.readerWarpEpoch != w.epoch;
    c.reader = alone ? thread : warp == w.id ? static_cast<u16>(SEVERAL_OF_WARP | w.id) : SEVERAL;
  }
  c.readerWarpEpoch = w.epoch;
}

// Two accesses of one cell, at least one of them a write, without a barrier between them.
void checkRace(Warp& w, const Instruction& i, int l, u64 at, int bytes, bool write, const void* value) {
  Block& b = *w.block;
  int size = w.kernel->sharedCell;
  u16 thread = static_cast<u16>(w.id * WARP + l);
  for (u64 k = at / size, end = (at + bytes + size - 1) / size; k < end; k++) {
    Cell& c = b.cells[k];
    Touch writer{c.writer, c.writerWarpEpoch, c.writeEpoch}, readers{c.reader, c.readerWarpEpoch, c.readEpoch};
    if (unordered(w, thread, writer)) {
      // the same value again does no harm
      bool same = write && value && !memcmp(b.shared.data() + at, value, bytes);
      if (!same) {
        fail(w, i, l, LAUNCH_FAILED, std::string("race in shared memory: ") + verb(write) + bytesAt(bytes, at) +
                 " after an unsynchronised write by " + threadName(writer.by));
      }
    }
    if (write && unordered(w, thread, readers)) {
      fail(w, i, l, LAUNCH_FAILED, "race in shared memory: write of " + bytesAt(bytes, at) +
               " after an unsynchronised read by " + reader(readers));
    }
    if (write) {
      c.writeEpoch = b.epoch;
      c.writer = thread;
      c.writerWarpEpoch = w.epoch;
    } else {
      markRead(c, w, thread);
    }
  }
}

Space spaceOf(Space space, u64& address) {
  if (space != Space::GENERIC) return space;
  if ((address & WINDOW) == SHARED_WINDOW) {
    address -= SHARED_WINDOW;
    return Space::SHARED;
  }
  if ((address & WINDOW) == LOCAL_WINDOW) {
    address -= LOCAL_WINDOW;
    return Space::LOCAL;
  }
  return Space::GLOBAL;
}

u8* resolve(Warp& w, const Instruction& i, int l, u64 address, int bytes, Space space, bool write) {
  space = spaceOf(space, address);
  if (address & (bytes - 1)) {
    fail(w, i, l, MISALIGNED_ADDRESS, std::string("misaligned ") + verb(write) + bytesAt(bytes, address));
  }
  Block& b = *w.block;
  switch (space) {
    case Space::SHARED:
      if (address + bytes > b.shared.size() || address > b.shared.size()) {
        fail(w, i, l, ILLEGAL_ADDRESS, std::string(verb(write)) + bytesAt(bytes, address) +
                 " of shared memory, which has " + std::to_string(b.shared.size()) + " bytes");
      }
      return b.shared.data() + address;
    case Space::LOCAL: {
      u64 size = w.kernel->localBytes;
      if (address + bytes > size || address > size) {
        fail(w, i, l, ILLEGAL_ADDRESS, std::string(verb(write)) + bytesAt(bytes, address) +
                 " of local memory, which has " + std::to_string(size) + " bytes");
      }
      return w.local.data() + l * size + address;
    }
    case Space::PARAMETER:
      if (write || address + bytes > b.launch->parameters.size()) {
        fail(w, i, l, ILLEGAL_ADDRESS, std::string(verb(write)) + bytesAt(bytes, address) + " of parameters");
      }
      return const_cast<u8*>(b.launch->parameters.data()) + address;
    default: {
      Range& r = b.lastRange[w.pc];
      if (address < r.begin || address + bytes > r.end || address + bytes < address) {
        Range found = b.launch->memory->find(address);
        if (address < found.begin || address + bytes > found.end) {
          fail(w, i, l, ILLEGAL_ADDRESS, std::string(verb(write)) + bytesAt(bytes, address) + " of global memory: " +
                   b.launch->memory->describe(address));
        }
        r = found;
      }
      return reinterpret_cast<u8*>(address);
    }
  }
}

bool isShared(const Instruction& i, u64 address) {
  return i.space == Space::SHARED || (i.space == Space::GENERIC && (address & WINDOW) == SHARED_WINDOW);
}

u64 offsetInShared(const Instruction& i, u64 address) {
  return i.space == Space::SHARED ? address : address - SHARED_WINDOW;
}

// Whether all lanes access the allocation of this instruction's last access, aligned: no look at each is needed then.
bool allInRange(Warp& w, const Instruction& i, u32 lanes, int operand, int bytes) {
  if (i.space != Space::GLOBAL || !i.wideAddress || lanes != ALL_LANES) return false;
  const u64* address = &lane<u64>(w, operand, 0);
  const Range& r = w.block->lastRange[w.pc];
  u64 begin = r.begin - i.immediate, last = r.end - bytes - r.begin, bad = 0, low = 0;
  if (r.end - r.begin < static_cast<u64>(bytes) || r.end <= r.begin) return false;
  for (int l = 0; l < WARP; l++) {
    bad |= address[l] - begin > last ? 1 : 0;
    low |= address[l] + i.immediate;
  }
  return !bad && !(low & (bytes - 1));
}

// Loads N elements of type T into registers of type R; operands: registers, then the address.
template <class T, class R>
void load(Warp& w, const Instruction& i, u32 lanes) {
  const int n = i.count - 1, bytes = static_cast<int>(sizeof(T)) * n;
  auto take = [&](int l, const u8* from) {
    for (int k = 0; k < n; k++) {
      T value;
      memcpy(&value, from + k * sizeof(T), sizeof value);
      if (i.operands[k] >= 0) lane<R>(w, i.operands[k], l) = static_cast<R>(value);
    }
  };
  if (allInRange(w, i, lanes, i.operands[n], bytes)) {
    const u64* address = &lane<u64>(w, i.operands[n], 0);
    if (n == 1) {
      R* to = &lane<R>(w, i.operands[0], 0);
      // the address may be in the register that is loaded: lane by lane, in order
      for (int l = 0; l < WARP; l++) to[l] = static_cast<R>(*reinterpret_cast<const T*>(address[l] + i.immediate));
    } else {
      const u8* from[WARP];
      for (int l = 0; l < WARP; l++) from[l] = reinterpret_cast<const u8*>(address[l] + i.immediate);
      for (int l = 0; l < WARP; l++) take(l, from[l]);
    }
    return;
  }
  const bool check = w.block->raceCheck;
  eachLane(lanes, [&](int l) {
    u64 address = addressOf(w, i, l, i.operands[n]);
    const u8* from = resolve(w, i, l, address, bytes, i.space, false);
    if (check && isShared(i, address)) checkRace(w, i, l, offsetInShared(i, address), bytes, false, nullptr);
    take(l, from);
  });
}

// Parameters are the same for all lanes.
template <class T, class R>
void loadParameter(Warp& w, const Instruction& i, u32 lanes) {
  const int n = i.count - 1;
  for (int k = 0; k < n; k++) {
    if (i.operands[k] < 0) continue;
    u64 address = addressOf(w, i, 0, i.operands[n]) + k * sizeof(T);
    T value = *reinterpret_cast<T*>(resolve(w, i, 0, address, sizeof(T), Space::PARAMETER, false));
    assign<R>(w, i.operands[k], lanes, [&](int) { return static_cast<R>(value); });
  }
}

// Operands: registers of type R, then the address.
template <class T, class R>
void store(Warp& w, const Instruction& i, u32 lanes) {
  const int n = i.count - 1, bytes = static_cast<int>(sizeof(T)) * n;
  if (n == 1 && allInRange(w, i, lanes, i.operands[1], bytes)) {
    const u64* address = &lane<u64>(w, i.operands[1], 0);
    for (int l = 0; l < WARP; l++) {
      *reinterpret_cast<T*>(address[l] + i.immediate) = static_cast<T>(lane<R>(w, i.operands[0], l));
    }
    return;
  }
  const bool check = w.block->raceCheck;
  eachLane(lanes, [&](int l) {
    T values[16];
    for (int k = 0; k < n; k++) values[k] = static_cast<T>(lane<R>(w, i.operands[k], l));
    u64 address = addressOf(w, i, l, i.operands[n]);
    u8* to = resolve(w, i, l, address, bytes, i.space, true);
    if (check && isShared(i, address)) checkRace(w, i, l, offsetInShared(i, address), bytes, true, values);
    memcpy(to, values, bytes);
  });
}

enum Atomic : u16 { ADD, MIN, MAX, EXCHANGE, COMPARE, AND, OR, XOR, INCREMENT, DECREMENT };
const char* const atomicNames[] = {"add", "min", "max", "exch", "cas", "and", "or", "xor", "inc", "dec"};

template <class T>
T applyAtomic(u16 what, T old, T b, T c) {
  switch (what) {
    case ADD:
      if constexpr (std::is_class_v<T>) return T(static_cast<float>(old) + static_cast<float>(b));
      else return static_cast<T>(old + b);
    case MIN: return old < b ? old : b;
    case MAX: return old > b ? old : b;
    case EXCHANGE: return b;
    case COMPARE: return old == b ? c : old;
    default:
      if constexpr (std::is_integral_v<T>) {
        if (what == AND) return old & b;
        if (what == OR) return old | b;
        if (what == XOR) return old ^ b;
        if (what == INCREMENT) return old >= b ? 0 : old + 1;
        return old == 0 || old > b ? b : old - 1;
      }
      return b;
  }
}

// Operands: destination or -1, address, b, and c of a compare-and-swap. Lanes go in order.
template <class T>
void atomic(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    u64 address = addressOf(w, i, l, i.operands[1]);
    T* at = reinterpret_cast<T*>(resolve(w, i, l, address, sizeof(T), i.space, true));
    T old = *at, b = lane<T>(w, i.operands[2], l), c = i.count > 3 ? lane<T>(w, i.operands[3], l) : b;
    *at = applyAtomic<T>(i.mode, old, b, c);
    if (i.operands[0] >= 0) lane<T>(w, i.operands[0], l) = old;
  });
}

// cp.async. Operands: to, from and perhaps the bytes to read; the rest is zero. Nothing moves before a wait.
void copyAsync(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    u32 bytes = i.width, source = i.count > 2 ? lane<u32>(w, i.operands[2], l) : bytes;
    u64 to = i.mode & 1 ? lane<u64>(w, i.operands[0], l) : lane<u32>(w, i.operands[0], l);
    if ((to & WINDOW) == SHARED_WINDOW) to -= SHARED_WINDOW;
    u64 from = lane<u64>(w, i.operands[1], l) + i.immediate;
    to += static_cast<u64>(i.target);
    if (source > bytes) fail(w, i, l, ILLEGAL_INSTRUCTION, "cp.async reads more bytes than it writes");
    resolve(w, i, l, to, bytes, Space::SHARED, true);
    if (w.block->raceCheck) checkRace(w, i, l, to, bytes, true, nullptr);
    if (source) resolve(w, i, l, from, bytes, Space::GLOBAL, false);
    w.pending.push_back({static_cast<u32>(to), static_cast<u16>(bytes), static_cast<u16>(source), from, l, w.pc});
  });
}

void commitCopies(Warp& w, const Instruction&, u32) {
  w.committed.push_back(std::move(w.pending));
  w.pending.clear();
}

void waitCopies(Warp& w, const Instruction& i, u32) {
  if (i.mode == 0) {
    completeCopies(w, static_cast<size_t>(i.immediate));
  } else {
    w.committed.push_back(std::move(w.pending));
    w.pending.clear();
    completeCopies(w, 0);
  }
}

void nothing(Warp&, const Instruction&, u32) {}

void decodeCopy(Builder& b) {
  if (b.s.words.size() < 2 || b.s.words[1] != "async") b.refuse();
  b.needCapability(80, "cp.async");
  if (b.s.has("commit_group")) {
    b.modifiers({"async", "commit_group"});
    b.handler(commitCopies);
  } else if (b.s.has("wait_group")) {
    b.modifiers({"async", "wait_group"});
    b.need(1);
    b.i.immediate = static_cast<i64>(b.number(b.s.operands[0]));
    b.handler(waitCopies);
  } else if (b.s.has("wait_all")) {
    b.modifiers({"async", "wait_all"});
    b.i.mode = 1;
    b.handler(waitCopies);
  } else {
    b.modifiers({"async", "ca", "cg", "shared", "shared::cta", "global", "L2::128B", "L2::256B", "L2::64B"});
    b.need(3, 4);
    b.memory(b.s.operands[0]);
    bool wide = b.i.wideAddress;
    b.i.target = static_cast<int>(b.i.immediate);  // both addresses may have an offset
    b.memory(b.s.operands[1]);
    if (!b.i.wideAddress) b.refuse("32-bit addresses are not supported by the emulator");
    b.i.mode = wide ? 1 : 0;
    u64 bytes = b.number(b.s.operands[2]);
    if (bytes != 16 && (b.s.has("cg") || (bytes != 4 && bytes != 8))) b.refuse("cp.async of this size");
    b.i.width = static_cast<u16>(bytes);
    if (b.s.operands.size() == 4) {
      if (b.s.operands[3].kind == Operand::REGISTER && b.s.operands[3].reg->bytes == 0) b.refuse();
      b.add(b.value(b.s.operands[3], 4));
    }
    b.handler(copyAsync);
  }
}

constexpr std::initializer_list<const char*> MEMORY_WORDS{
    "global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func", "volatile", "relaxed",
    "acquire", "release", "acq_rel", "weak", "sys", "gpu", "cta", "nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "v2",
    "v4", "L1::no_allocate", "L1::evict_last", "L1::evict_first", "L1::evict_normal", "L1::evict_unchanged", "L2::128B",
    "L2::256B", "L2::64B"};

size_t elementsOf(const Builder& b) { return b.s.has("v2") ? 2 : b.s.has("v4") ? 4 : 1; }


Handler loadHandler(const std::string& t, bool wideRegister, bool parameter) {
#define LOAD(T, R) (parameter ? static_cast<Handler>(loadParameter<T, R>) : load<T, R>)
  int bytes = bytesOf(t);
  bool isSigned = t[0] == 's';
  if (wideRegister) {
    if (bytes == 8) return LOAD(u64, u64);
    if (bytes == 4) return isSigned ? LOAD(i32, i64) : LOAD(u32, u64);
    if (bytes == 2) return isSigned ? LOAD(i16, i64) : LOAD(u16, u64);
    return isSigned ? LOAD(i8, i64) : LOAD(u8, u64);
  }
  if (bytes == 4) return LOAD(u32, u32);
  if (bytes == 2) return isSigned ? LOAD(i16, i32) : LOAD(u16, u32);
  if (bytes == 1) return isSigned ? LOAD(i8, i32) : LOAD(u8, u32);
  return nullptr;
#undef LOAD
}

bool isWide(const Operand& o) {
  const Operand& first = o.kind == Operand::VECTOR ? o.parts[0] : o;
  return first.kind == Operand::REGISTER && first.reg->bytes == 8;
}

void decodeLoad(Builder& b) {
  b.need(2, 3);
  b.modifiers(MEMORY_WORDS);
  b.space();
  int bytes = b.typeBytes();
  if (b.s.operands.size() == 3) b.refuse("cache policies are not supported by the emulator");
  size_t n = b.vector(b.s.operands[0], bytes);
  if (n != elementsOf(b)) b.refuse();
  b.memory(b.s.operands[1]);
  b.sharedPiece(std::min(bytes, 4));
  if (b.s.has("acquire") || b.s.has("volatile")) {
    if (b.i.space != Space::SHARED) b.ordered();
  }
  b.handler(loadHandler(b.s.type(), isWide(b.s.operands[0]), b.i.space == Space::PARAMETER));
}

void decodeStore(Builder& b) {
  b.need(2, 3);
  b.modifiers(MEMORY_WORDS);
  b.space();
  int bytes = b.typeBytes();
  if (b.s.operands.size() == 3) b.refuse("cache policies are not supported by the emulator");
  size_t n = b.vector(b.s.operands[1], bytes);
  if (n != elementsOf(b)) b.refuse();
  b.memory(b.s.operands[0]);
  b.sharedPiece(std::min(bytes, 4));
  bool wide = isWide(b.s.operands[1]);
  if (bytes == 8) b.handler(store<u64, u64>);
  else if (bytes == 4) b.handler(wide ? store<u32, u64> : store<u32, u32>);
  else if (bytes == 2) b.handler(wide ? store<u16, u64> : store<u16, u32>);
  else b.handler(wide ? store<u8, u64> : store<u8, u32>);
}

void decodeAtomic(Builder& b) {
  bool returns = b.s.words[0] == "atom";
  b.modifiers({"global", "shared", "shared::cta", "relaxed", "acquire", "release", "acq_rel", "sys", "gpu", "cta",
               "add", "min", "max", "exch", "cas", "and", "or", "xor", "inc", "dec", "noftz"});
  b.space();
  const std::string& t = b.s.type();
  int bytes = b.typeBytes(), first = returns ? 1 : 0;
  int what = -1;
  for (int k = 0; k < 10; k++) {
    if (b.s.has(atomicNames[k])) what = k;
  }
  if (what < 0) b.refuse();
  b.need(first + (what == COMPARE ? 3 : 2));
  b.i.mode = static_cast<u16>(what);
  b.add(returns ? b.destination(b.s.operands[0]) : -1);
  b.memory(b.s.operands[first]);
  for (size_t k = first + 1; k < b.s.operands.size(); k++) b.add(b.value(b.s.operands[k], bytes));
  b.sharedPiece(std::min(bytes, 4));
  if (b.i.space != Space::SHARED) b.ordered();
  if (t == "f32") b.handler(atomic<float>);
  else if (t == "f64") b.handler(atomic<double>);
  else if (t == "f16") b.handler(atomic<Half>);
  else if (t == "s32") b.handler(atomic<i32>);
  else if (t == "s64") b.handler(atomic<i64>);
  else if (bytes == 4) b.handler(atomic<u32>);
  else if (bytes == 8) b.handler(atomic<u64>);
  else if (bytes == 2 && what == COMPARE) b.handler(atomic<u16>);
  else b.refuse();
}

}  // namespace

u8* access(Warp& w, const Instruction& i, int l, u64 address, int bytes, Space space, bool write) {
  u8* at = resolve(w, i, l, address, bytes, space, write);
  bool shared = space == Space::SHARED || (space == Space::GENERIC && (address & WINDOW) == SHARED_WINDOW);
  if (w.block->raceCheck && shared) {
    u64 offset = space == Space::SHARED ? address : address - SHARED_WINDOW;
    checkRace(w, i, l, offset, bytes, write, nullptr);
  }
  return at;
}

void completeCopies(Warp& w, size_t groupsLeft) {
  while (w.committed.size() > groupsLeft) {
    for (auto& c : w.committed.front()) {
      const Instruction& i = w.kernel->instructions[c.pc];
      u8* to = w.block->shared.data() + c.to;
      if (c.sourceBytes) memcpy(to, reinterpret_cast<const void*>(c.from), c.sourceBytes);
      memset(to + c.sourceBytes, 0, c.bytes - c.sourceBytes);
      // it is this moment's write: whoever reads it next needs a barrier after the wait
      if (w.block->raceCheck) {
        int pc = w.pc;
        w.pc = c.pc;
        checkRace(w, i, c.lane, c.to, c.bytes, true, nullptr);
        w.pc = pc;
      }
    }
    w.committed.erase(w.committed.begin());
  }
}

void fetchResults(Warp& w, const Instruction& i, u32 lanes) {
  const CallSite& site = w.kernel->calls[i.target];
  u64 size = w.kernel->localBytes;
  eachLane(lanes, [&](int l) {
    u8* frame = w.local.data() + l * size;
    for (auto& t : site.results) memcpy(frame + t.to, frame + t.from, t.bytes);
  });
}

bool decodeMemory(Builder& b) {
  const std::string& name = b.s.words[0];
  static const std::set<std::string> hints{"membar",     "fence",     "prefetch", "prefetchu",
                                           "applypriority", "nanosleep", "discard"};
  if (name == "ld" || name == "ldu") {
    decodeLoad(b);
  } else if (name == "st") {
    decodeStore(b);
  } else if (name == "atom" || name == "red") {
    decodeAtomic(b);
  } else if (name == "cp") {
    decodeCopy(b);
  } else if (hints.count(name)) {
    b.handler(nothing);
  } else {
    return false;
  }
  return true;
}

}  // namespace emulator
