// What the lanes of a warp, and the warps of a block, do together.
#include <algorithm>
#include "decoder.hpp"
#include "warp.hpp"

namespace emulator {

namespace {

enum Shuffle : u16 { UP, DOWN, BUTTERFLY, INDEX };

// Operands: destination, predicate or -1, value, lane or distance, clamp and segment, mask.
void shuffle(Warp& w, const Instruction& i, u32 lanes) {
  u32 in[WARP], out[WARP], valid = 0;
  memcpy(in, &lane<u32>(w, i.operands[2], 0), sizeof in);
  eachLane(lanes, [&](int l) {
    int b = static_cast<int>(lane<u32>(w, i.operands[3], l) & 31);
    int c = static_cast<int>(lane<u32>(w, i.operands[4], l));
    int segment = c >> 8 & 31, clamp = c & 31;
    int first = l & segment, last = first | (clamp & ~segment), from;
    bool inside;
    switch (i.mode) {
      case UP: from = l - b; inside = from >= last; break;
      case DOWN: from = l + b; inside = from <= last; break;
      case BUTTERFLY: from = l ^ b; inside = from <= last; break;
      default: from = first | (b & ~segment); inside = from <= last;
    }
    if (!inside) from = l;
    if (!(lanes >> from & 1)) {
      fail(w, i, l, LAUNCH_FAILED, "shuffle reads lane " + std::to_string(from) + ", which does not take part");
    }
    out[l] = in[from];
    valid |= static_cast<u32>(inside) << l;
  });
  assign<u32>(w, i.operands[0], lanes, [&](int l) { return out[l]; });
  setPredicate(w, i.operands[1], lanes, valid);
}

enum Vote : u16 { BALLOT, ANY, ALL, UNIFORM };

void vote(Warp& w, const Instruction& i, u32 lanes) {
  u32 p = predicate(w, i.operands[1]);
  if (i.width) p = ~p;
  p &= lanes;
  if (i.mode == BALLOT) {
    assign<u32>(w, i.operands[0], lanes, [&](int) { return p; });
    return;
  }
  bool result = i.mode == ANY ? p != 0 : i.mode == ALL ? p == lanes : p == 0 || p == lanes;
  setPredicate(w, i.operands[0], lanes, result ? ALL_LANES : 0);
}

// match.any gives each lane those that have its value; match.all gives the mask if all have the same.
template <class T>
void match(Warp& w, const Instruction& i, u32 lanes) {
  u32 out[WARP] = {}, same = 0;
  eachLane(lanes, [&](int l) {
    eachLane(lanes, [&](int other) {
      if (lane<T>(w, i.operands[2], l) == lane<T>(w, i.operands[2], other)) out[l] |= 1u << other;
    });
    if (out[l] == lanes) same |= 1u << l;
  });
  eachLane(lanes, [&](int l) { lane<u32>(w, i.operands[0], l) = i.mode ? (same ? lanes : 0) : out[l]; });
  if (i.mode) setPredicate(w, i.operands[1], lanes, same ? ALL_LANES : 0);
}

enum Reduction : u16 { SUM, MINIMUM, MAXIMUM, AND, OR, XOR };
const char* const reductionNames[] = {"add", "min", "max", "and", "or", "xor"};

template <class T>
void reduce(Warp& w, const Instruction& i, u32 lanes) {
  T result = lane<T>(w, i.operands[1], __builtin_ctz(lanes));
  eachLane(lanes & (lanes - 1), [&](int l) {
    T v = lane<T>(w, i.operands[1], l);
    switch (i.mode) {
      case SUM: result = static_cast<T>(static_cast<u32>(result) + static_cast<u32>(v)); break;
      case MINIMUM: result = std::min(result, v); break;
      case MAXIMUM: result = std::max(result, v); break;
      case AND: result &= v; break;
      case OR: result |= v; break;
      default: result ^= v;
    }
  });
  assign<T>(w, i.operands[0], lanes, [&](int) { return result; });
}

void syncWarp(Warp& w, const Instruction&, u32) { w.epoch++; }

void activeMask(Warp& w, const Instruction& i, u32 lanes) {
  assign<u32>(w, i.operands[0], lanes, [&](int) { return lanes; });
}

void electOne(Warp& w, const Instruction& i, u32 lanes) {
  u32 leader = static_cast<u32>(__builtin_ctz(lanes));
  if (i.operands[0] >= 0) assign<u32>(w, i.operands[0], lanes, [&](int) { return leader; });
  setPredicate(w, i.operands[1], lanes, 1u << leader);
}

void trap(Warp& w, const Instruction& i, u32 lanes) { fail(w, i, __builtin_ctz(lanes), LAUNCH_FAILED, "trap"); }

// The mask operand is the last one.
void collective(Builder& b) {
  b.i.flow = Flow::COLLECTIVE;
  b.i.target = static_cast<int>(b.operands.size()) - 1;
}

void decodeBarrier(Builder& b) {
  if (b.s.has("warp")) {
    b.need(1);
    b.add(b.value(b.s.operands[0], 4));
    collective(b);
    b.handler(syncWarp);
    return;
  }
  b.modifiers({"cta", "sync", "aligned", "red", "popc", "and", "or"});
  bool reduces = b.s.has("red");
  if (!reduces && !b.s.has("sync")) b.refuse("only bar.sync and bar.red are supported by the emulator");
  size_t name = reduces ? 1 : 0;
  b.need(reduces ? 3 : 1);
  if (b.s.operands[name].kind != Operand::NUMBER || b.s.operands[name].number != 0) {
    b.refuse("named barriers are not supported by the emulator");
  }
  b.i.flow = Flow::BARRIER;
  b.i.mode = BARRIER_ONLY;
  if (reduces) {
    b.i.mode = b.s.has("popc") ? BARRIER_COUNT : b.s.has("and") ? BARRIER_AND : BARRIER_OR;
    b.add(b.destination(b.s.operands[0]));
    b.add(b.predicate(b.s.operands[2]));
    b.i.width = b.s.operands[2].negated;
  }
}

void decodeShuffle(Builder& b) {
  b.need(5);
  b.modifiers({"sync", "up", "down", "bfly", "idx"});
  if (!b.s.has("sync")) b.refuse("shfl without .sync");
  auto& to = b.s.operands[0];
  bool pair = to.kind == Operand::PAIR;
  b.add(b.destination(pair ? to.parts[0] : to));
  b.add(pair ? b.destination(to.parts[1]) : -1);
  for (int k = 1; k < 5; k++) b.add(b.value(b.s.operands[k], 4));
  b.i.mode = b.s.has("up") ? UP : b.s.has("down") ? DOWN : b.s.has("bfly") ? BUTTERFLY : INDEX;
  collective(b);
  b.handler(shuffle);
}

void decodeVote(Builder& b) {
  b.need(3);
  b.modifiers({"sync", "any", "all", "uni", "ballot"});
  if (!b.s.has("sync")) b.refuse("vote without .sync");
  b.add(b.destination(b.s.operands[0]));
  b.add(b.predicate(b.s.operands[1]));
  b.i.width = b.s.operands[1].negated;
  b.add(b.value(b.s.operands[2], 4));
  b.i.mode = b.s.has("ballot") ? BALLOT : b.s.has("any") ? ANY : b.s.has("all") ? ALL : UNIFORM;
  collective(b);
  b.handler(vote);
}

void decodeMatch(Builder& b) {
  b.need(3);
  b.modifiers({"sync", "any", "all"});
  b.needCapability(70, "match");
  auto& to = b.s.operands[0];
  bool pair = to.kind == Operand::PAIR;
  b.add(b.destination(pair ? to.parts[0] : to));
  b.add(pair ? b.destination(to.parts[1]) : -1);
  b.add(b.value(b.s.operands[1], b.typeBytes()));
  b.add(b.value(b.s.operands[2], 4));
  b.i.mode = b.s.has("all");
  collective(b);
  b.handler(b.typeBytes() == 8 ? match<u64> : match<u32>);
}

void decodeReduction(Builder& b) {
  b.need(3);
  b.modifiers({"sync", "add", "min", "max", "and", "or", "xor"});
  b.needCapability(80, "redux");
  if (b.typeBytes() != 4 || b.s.type() == "f32") b.refuse();
  b.values(4);
  for (u16 k = 0; k < 6; k++) {
    if (b.s.has(reductionNames[k])) b.i.mode = k;
  }
  collective(b);
  b.handler(b.s.type() == "s32" ? reduce<i32> : reduce<u32>);
}

}  // namespace

bool decodeWarp(Builder& b) {
  const std::string& name = b.s.words[0];
  if (name == "bar" || name == "barrier") {
    decodeBarrier(b);
  } else if (name == "shfl") {
    decodeShuffle(b);
  } else if (name == "vote") {
    decodeVote(b);
  } else if (name == "match") {
    decodeMatch(b);
  } else if (name == "redux") {
    decodeReduction(b);
  } else if (name == "activemask") {
    b.need(1);
    b.values(4);
    b.handler(activeMask);
  } else if (name == "elect") {
    b.need(2);
    b.needCapability(90, "elect");
    auto& to = b.s.operands[0];
    if (to.kind != Operand::PAIR) b.refuse();
    b.add(b.destination(to.parts[0]));
    b.add(b.destination(to.parts[1]));
    b.add(b.value(b.s.operands[1], 4));
    collective(b);
    b.handler(electOne);
  } else if (name == "trap" || name == "brkpt") {
    b.handler(trap);
  } else {
    return false;
  }
  return true;
}

}  // namespace emulator
