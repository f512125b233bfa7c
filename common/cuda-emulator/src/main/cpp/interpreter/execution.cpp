// Runs blocks: warps in lock step, lanes that part ways and meet again, barriers.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <time.h>
#include "warp.hpp"

namespace emulator {

namespace {

// A kernel that runs for longer than this waits for something that will not come.
constexpr u64 MOST_INSTRUCTIONS_OF_A_BLOCK = 20'000'000'000ull;

std::string triple(u32 x, u32 y, u32 z) {
  return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")";
}

std::string place(const Kernel& kernel, int pc) {
  const Origin& o = kernel.origins[pc];
  std::string text;
  if (o.sourceLine > 0) {
    bool named = kernel.files && o.file < static_cast<int>(kernel.files->size()) && !(*kernel.files)[o.file].empty();
    text = (named ? (*kernel.files)[o.file] : "source line") + ":" + std::to_string(o.sourceLine) + ", ";
  }
  return text + "PTX line " + std::to_string(o.ptxLine) + " '" + o.text + "'";
}

// Runs one warp until all its lanes wait at a barrier or have ended.
class WarpRun {
 public:
  WarpRun(Warp& w, const Kernel& kernel) : w(w), kernel(kernel), code(kernel.instructions.data()) {}

  void run() {
    while (pick()) step();
    for (auto& g : w.groups) {
      if (g.wait == Wait::OTHERS) failWaiting(g);
    }
    w.block->executed += executed;
  }

 private:
  // The group that is furthest behind goes on, with all that are at the same place.
  bool pick() {
    auto& groups = w.groups;
    int best = -1;
    for (size_t k = 0; k < groups.size(); k++) {
      if (groups[k].wait == Wait::NO && (best < 0 || groups[k].pc < groups[best].pc)) best = static_cast<int>(k);
    }
    if (best < 0) return false;
    pc = groups[best].pc;
    lanes = 0;
    meeting = INT32_MAX;
    for (size_t k = 0; k < groups.size();) {
      if (groups[k].wait != Wait::BARRIER && groups[k].pc == pc) {
        lanes |= groups[k].lanes;
        groups.erase(groups.begin() + static_cast<long>(k));
        continue;
      }
      if (groups[k].wait != Wait::BARRIER && groups[k].pc > pc) meeting = std::min(meeting, groups[k].pc);
      k++;
    }
    return true;
  }

  void park(int at, u32 who, Wait wait) {
    if (who) w.groups.push_back({at, who, wait});
  }

  // Runs the picked group until it reaches a place where others are, parts, waits or ends.
  void step() {
    for (;;) {
      if (pc >= meeting) return park(pc, lanes, Wait::NO);
      const Instruction& i = code[pc];
      u32 active = lanes;
      if (i.guard >= 0) {
        u32 p = predicate(w, i.guard);
        active &= i.guardNegated ? ~p : p;
      }
      executed += static_cast<u64>(__builtin_popcount(active));
      if (i.flow == Flow::NEXT) {
        if (active) {
          w.pc = pc;
          i.handler(w, i, active);
        }
        pc++;
        continue;
      }
      if (!flow(i, active)) return;
    }
  }

  // Whether the group goes on.
  bool flow(const Instruction& i, u32 active) {
    switch (i.flow) {
      case Flow::BRANCH:
        if (i.target <= pc) checkHang();
        if (active == lanes) {
          pc = i.target;
          return true;
        }
        if (!active) {
          pc++;
          return true;
        }
        park(i.target, active, Wait::NO);
        park(pc + 1, lanes & ~active, Wait::NO);
        return false;
      case Flow::BRANCH_INDEXED:
        branchIndexed(i, active);
        return false;
      case Flow::CALL:
        if (!active) {
          pc += 2;
          return true;
        }
        call(i, active);
        return false;
      case Flow::RETURN:
        giveBack(i, active);
        return false;
      case Flow::EXIT:
        w.live &= ~active;
        lanes &= ~active;
        pc++;
        return lanes != 0;
      case Flow::BARRIER:
        if (active != lanes) {
          park(pc, active, Wait::BARRIER);
          lanes &= ~active;
          pc++;
          return lanes != 0;
        }
        park(pc, lanes, Wait::BARRIER);
        return false;
      default:
        return collective(i, active);
    }
  }

  void branchIndexed(const Instruction& i, u32 active) {
    auto& table = kernel.branchTables[i.target];
    park(pc + 1, lanes & ~active, Wait::NO);
    while (active) {
      int first = __builtin_ctz(active);
      u32 index = lane<u32>(w, i.operands[0], first), same = 0;
      w.pc = pc;
      if (index >= table.size()) fail(w, i, first, ILLEGAL_INSTRUCTION, "index of a branch out of its table");
      eachLane(active, [&](int l) { same |= static_cast<u32>(lane<u32>(w, i.operands[0], l) == index) << l; });
      park(table[index], same, Wait::NO);
      active &= ~same;
    }
  }

  void call(const Instruction& i, u32 active) {
    const CallSite& site = kernel.calls[i.target];
    u64 size = static_cast<u64>(kernel.localBytes);
    eachLane(active, [&](int l) {
      u8* frame = w.local.data() + l * size;
      for (auto& t : site.arguments) memcpy(frame + t.to, frame + t.from, t.bytes);
      lane<u32>(w, site.returnRegister, l) = static_cast<u32>(pc + 1);
    });
    park(pc + 2, lanes & ~active, Wait::NO);
    park(site.entry, active, Wait::NO);
  }

  // Back to where each lane was called from.
  void giveBack(const Instruction& i, u32 active) {
    park(pc + 1, lanes & ~active, Wait::NO);
    while (active) {
      u32 to = lane<u32>(w, i.target, __builtin_ctz(active)), same = 0;
      eachLane(active, [&](int l) { same |= static_cast<u32>(lane<u32>(w, i.target, l) == to) << l; });
      park(static_cast<int>(to), same, Wait::NO);
      active &= ~same;
    }
  }

  bool collective(const Instruction& i, u32 active) {
    if (!active) {
      pc++;
      return true;
    }
    w.pc = pc;
    int first = __builtin_ctz(active);
    u32 members = i.target >= 0 ? lane<u32>(w, i.operands[i.target], first) : ALL_LANES;
    if (active & ~members) {
      fail(w, i, __builtin_ctz(active & ~members), LAUNCH_FAILED, "a lane is not in its own mask");
    }
    u32 missing = members & ~active;
    if (missing) {
      if (missing & ~w.live) failEnded(i, active, members);
      park(pc, lanes, Wait::OTHERS);
      return false;
    }
    i.handler(w, i, active);
    pc++;
    return true;
  }

  void checkHang() {
    if (w.block->executed + executed > MOST_INSTRUCTIONS_OF_A_BLOCK) {
      w.pc = pc;
      fail(w, code[pc], __builtin_ctz(lanes), LAUNCH_TIMEOUT, "runs without end");
    }
  }

  [[noreturn]] void failEnded(const Instruction& i, u32 active, u32 members) {
    int gone = __builtin_ctz(members & ~w.live);
    fail(w, i, __builtin_ctz(active), LAUNCH_FAILED,
         "all lanes of the mask have to take part, and lane " + std::to_string(gone) + " has ended or never was");
  }

  [[noreturn]] void failWaiting(const Group& g) {
    w.pc = g.pc;
    const Instruction& i = code[g.pc];
    u32 members = i.target >= 0 ? lane<u32>(w, i.operands[i.target], __builtin_ctz(g.lanes)) : ALL_LANES;
    if (members & ~w.live) failEnded(i, g.lanes, members);
    std::string others;
    for (auto& other : w.groups) {
      if (other.pc != g.pc) others = "; others are at " + place(kernel, other.pc);
    }
    fail(w, i, __builtin_ctz(g.lanes), LAUNCH_FAILED,
         "lanes wait for others of their mask that do not come (divergent branch?)" + others);
  }

  Warp& w;
  const Kernel& kernel;
  const Instruction* code;
  int pc = 0, meeting = 0;
  u32 lanes = 0;
  u64 executed = 0;
};

void fillSpecial(Warp& w, const Kernel& kernel, const char* name, u32 (*value)(const Warp&, int)) {
  auto found = kernel.specials.find(name);
  if (found == kernel.specials.end()) return;
  for (int l = 0; l < WARP; l++) lane<u32>(w, found->second, l) = value(w, l);
}

u32 threadOf(const Warp& w, int l) { return static_cast<u32>(w.id * WARP + l); }
const Launch& launchOf(const Warp& w) { return *w.block->launch; }

// Registers that do not change from block to block.
void fillConstants(Warp& w, const Kernel& k) {
  for (auto& c : k.constants) {
    for (int l = 0; l < WARP; l++) memcpy(w.registers + c.offset + l * c.bytes, &c.value, static_cast<size_t>(c.bytes));
  }
  fillSpecial(w, k, "%tid.x", [](const Warp& v, int l) { return threadOf(v, l) % launchOf(v).block.x; });
  fillSpecial(w, k, "%tid.y", [](const Warp& v, int l) {
    return threadOf(v, l) / launchOf(v).block.x % launchOf(v).block.y;
  });
  fillSpecial(w, k, "%tid.z", [](const Warp& v, int l) {
    return threadOf(v, l) / (launchOf(v).block.x * launchOf(v).block.y);
  });
  fillSpecial(w, k, "%ntid.x", [](const Warp& v, int) { return launchOf(v).block.x; });
  fillSpecial(w, k, "%ntid.y", [](const Warp& v, int) { return launchOf(v).block.y; });
  fillSpecial(w, k, "%ntid.z", [](const Warp& v, int) { return launchOf(v).block.z; });
  fillSpecial(w, k, "%nctaid.x", [](const Warp& v, int) { return launchOf(v).grid.x; });
  fillSpecial(w, k, "%nctaid.y", [](const Warp& v, int) { return launchOf(v).grid.y; });
  fillSpecial(w, k, "%nctaid.z", [](const Warp& v, int) { return launchOf(v).grid.z; });
  fillSpecial(w, k, "%laneid", [](const Warp&, int l) { return static_cast<u32>(l); });
  fillSpecial(w, k, "%warpid", [](const Warp& v, int) { return static_cast<u32>(v.id); });
  fillSpecial(w, k, "%nwarpid", [](const Warp& v, int) { return static_cast<u32>(v.block->warps.size()); });
  fillSpecial(w, k, "%lanemask_eq", [](const Warp&, int l) { return 1u << l; });
  fillSpecial(w, k, "%lanemask_lt", [](const Warp&, int l) { return (1u << l) - 1; });
  fillSpecial(w, k, "%lanemask_le", [](const Warp&, int l) { return static_cast<u32>((2ull << l) - 1); });
  fillSpecial(w, k, "%lanemask_gt", [](const Warp&, int l) { return ~static_cast<u32>((2ull << l) - 1); });
  fillSpecial(w, k, "%lanemask_ge", [](const Warp&, int l) { return ~((1u << l) - 1); });
  fillSpecial(w, k, "%dynamic_smem_size", [](const Warp& v, int) { return launchOf(v).dynamicShared; });
  fillSpecial(w, k, "%total_smem_size", [](const Warp& v, int) { return static_cast<u32>(v.block->shared.size()); });
  fillSpecial(w, k, "%smid", [](const Warp&, int) { return 0u; });
  fillSpecial(w, k, "%nsmid", [](const Warp&, int) { return 2u; });
  fillSpecial(w, k, "%clock", [](const Warp&, int) { return 0u; });
}

void fillBlock(Warp& w, const Kernel& k) {
  fillSpecial(w, k, "%ctaid.x", [](const Warp& v, int) { return v.block->at.x; });
  fillSpecial(w, k, "%ctaid.y", [](const Warp& v, int) { return v.block->at.y; });
  fillSpecial(w, k, "%ctaid.z", [](const Warp& v, int) { return v.block->at.z; });
  for (const char* name : {"%clock64", "%globaltimer"}) {
    auto found = k.specials.find(name);
    if (found == k.specials.end()) continue;
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (int l = 0; l < WARP; l++) {
      lane<u64>(w, found->second, l) = static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
    }
  }
}

class BlockRunner {
 public:
  explicit BlockRunner(const Launch& launch) : launch(launch), kernel(*launch.kernel) {
    threads = static_cast<int>(launch.block.count());
    block.launch = &launch;
    block.raceCheck = launch.raceCheck;
    block.shared.resize(static_cast<size_t>(kernel.sharedBytes) + launch.dynamicShared);
    if (launch.raceCheck) block.cells.resize(block.shared.size() / static_cast<size_t>(kernel.sharedCell) + 2);
    block.lastRange.resize(kernel.instructions.size());
    block.warps.resize(static_cast<size_t>(threads + WARP - 1) / WARP);
    block.registerFiles.resize(block.warps.size());
    for (size_t k = 0; k < block.warps.size(); k++) {
      // registers start as what hardly is a valid number or address
      block.registerFiles[k].assign(static_cast<size_t>(kernel.registerBytes) + 64, 0xcd);
      Warp& w = block.warps[k];
      w.registers = reinterpret_cast<u8*>((reinterpret_cast<u64>(block.registerFiles[k].data()) + 63) & ~63ull);
      w.block = &block;
      w.kernel = &kernel;
      w.id = static_cast<int>(k);
      w.carry = 0;
      w.epoch = 0;
      w.local.assign(static_cast<size_t>(WARP) * static_cast<size_t>(kernel.localBytes), 0xff);
      fillConstants(w, kernel);
    }
  }

  void run(u64 index) {
    block.at = {static_cast<u32>(index % launch.grid.x), static_cast<u32>(index / launch.grid.x % launch.grid.y),
                static_cast<u32>(index / launch.grid.x / launch.grid.y)};
    block.epoch++;
    block.executed = 0;
    std::fill(block.shared.begin(), block.shared.end(), 0xff);  // NaN to whoever reads before writing
    for (auto& w : block.warps) {
      int count = std::min(WARP, threads - w.id * WARP);
      w.live = count == WARP ? ALL_LANES : (1u << count) - 1;
      w.pending.clear();
      w.committed.clear();
      w.groups.assign(1, {0, w.live, Wait::NO});
      std::fill(w.local.begin(), w.local.end(), 0xff);
      fillBlock(w, kernel);
    }
    bool alive = true;
    while (alive) {
      alive = false;
      for (auto& w : block.warps) {
        if (!w.live) continue;
        WarpRun(w, kernel).run();
        alive |= w.live != 0;
      }
      reduce();
      for (auto& w : block.warps) {
        if (w.live) passBarrier(w);
      }
      block.epoch++;
    }
    executed += block.executed;
  }

  u64 executed = 0;

 private:
  // What the threads that wait bring to a barrier with a reduction.
  void reduce() {
    u32 count = 0, total = 0;
    auto reducing = [&](const Warp& w) -> const Instruction* {
      if (!w.live) return nullptr;
      const Instruction& i = kernel.instructions[w.groups[0].pc];
      return i.mode == BARRIER_ONLY ? nullptr : &i;
    };
    for (auto& w : block.warps) {
      total += static_cast<u32>(__builtin_popcount(w.live));
      if (const Instruction* i = reducing(w)) {
        u32 p = predicate(w, i->operands[1]);
        count += static_cast<u32>(__builtin_popcount((i->width ? ~p : p) & w.live));
      }
    }
    for (auto& w : block.warps) {
      const Instruction* i = reducing(w);
      if (!i) continue;
      if (i->mode == BARRIER_COUNT) {
        assign<u32>(w, i->operands[0], w.live, [&](int) { return count; });
      } else {
        bool result = i->mode == BARRIER_AND ? count == total : count != 0;
        setPredicate(w, i->operands[0], w.live, result ? ALL_LANES : 0);
      }
    }
  }

  void passBarrier(Warp& w) {
    for (auto& g : w.groups) {
      if (g.pc == w.groups[0].pc) continue;
      w.pc = g.pc;
      fail(w, kernel.instructions[g.pc], __builtin_ctz(g.lanes), LAUNCH_FAILED,
           "lanes of one warp wait at different barriers; others are at " + place(kernel, w.groups[0].pc));
    }
    w.groups.assign(1, {w.groups[0].pc + 1, w.live, Wait::NO});
    w.epoch++;
  }

  const Launch& launch;
  const Kernel& kernel;
  int threads;
  Block block;
};

}  // namespace

void fail(const Warp& w, const Instruction&, int l, int code, const std::string& what) {
  const Launch& launch = *w.block->launch;
  u32 thread = static_cast<u32>(w.id * WARP + l);
  u32 x = thread % launch.block.x, y = thread / launch.block.x % launch.block.y;
  u32 z = thread / (launch.block.x * launch.block.y);
  const Dimensions& at = w.block->at;
  throw Fault(code, "kernel " + w.kernel->name + ", block " + triple(at.x, at.y, at.z) + ", thread " + triple(x, y, z) +
                        ", " + place(*w.kernel, w.pc) + ": " + what);
}

u64 execute(const Launch& launch) {
  u64 blocks = launch.grid.count();
  int workers = launch.kernel->ordered ? 1 : static_cast<int>(std::min<u64>(static_cast<u64>(launch.threads), blocks));
  if (workers <= 1) {
    BlockRunner runner(launch);
    for (u64 k = 0; k < blocks; k++) runner.run(k);
    return runner.executed;
  }
  // Blocks are independent, so which thread runs which does not show, but for the first fault: the lowest block's.
  std::atomic<u64> next{0}, executed{0};
  std::mutex lock;
  u64 faultBlock = UINT64_MAX;
  std::exception_ptr fault;
  auto work = [&] {
    u64 k = 0;
    try {
      BlockRunner runner(launch);
      while ((k = next++) < blocks) runner.run(k);
      executed += runner.executed;
    } catch (...) {
      std::lock_guard<std::mutex> guard(lock);
      if (k < faultBlock) {
        faultBlock = k;
        fault = std::current_exception();
      }
      next = blocks;
    }
  };
  std::thread other(work);
  work();
  other.join();
  if (fault) std::rethrow_exception(fault);
  return executed;
}

}  // namespace emulator
