// cvt and cvta.
#include <cmath>
#include <limits>
#include <type_traits>
#include "decoder.hpp"
#include "half.hpp"
#include "warp.hpp"

namespace emulator {

namespace {

enum Rounding : u16 { NEAREST, ZERO, DOWN, UP };
constexpr u16 TO_INTEGER = 1, SATURATE = 2;  // of Instruction.width

inline double roundTo(double v, u16 rounding) {
  switch (rounding) {
    case ZERO: return std::trunc(v);
    case DOWN: return std::floor(v);
    case UP: return std::ceil(v);
    default: return std::nearbyint(v);
  }
}

template <class T>
constexpr bool isReal = std::is_floating_point_v<T> || std::is_class_v<T>;

// Values out of range become the nearest one in it, NaN becomes zero.
template <class D>
inline D toInteger(double v, u16 rounding) {
  if (v != v) return 0;
  v = roundTo(v, rounding);
  constexpr double low = static_cast<double>(std::numeric_limits<D>::min());
  constexpr double high = static_cast<double>(std::numeric_limits<D>::max());
  if (v <= low) return std::numeric_limits<D>::min();
  if (v >= high) return std::numeric_limits<D>::max();
  return static_cast<D>(v);
}

template <class D, class S>
inline D clampTo(S v) {
  __int128 wide = v, low = std::numeric_limits<D>::min(), high = std::numeric_limits<D>::max();
  return static_cast<D>(wide < low ? low : wide > high ? high : wide);
}

// Integers narrower than a register are extended to it.
template <class D>
inline void store(Warp& w, const Instruction& i, int l, D value) {
  if constexpr (!isReal<D> && sizeof(D) < 4) lane<u32>(w, i.operands[0], l) = static_cast<u32>(static_cast<i32>(value));
  else lane<D>(w, i.operands[0], l) = value;
}

template <class D, class S>
void convert(Warp& w, const Instruction& i, u32 lanes) {
  const u16 rounding = i.mode, flags = i.width;
  eachLane(lanes, [&](int l) {
    S s = lane<S>(w, i.operands[1], l);
    D d;
    if constexpr (isReal<S> && !isReal<D>) {
      d = toInteger<D>(static_cast<double>(s), rounding);
    } else if constexpr (isReal<S> && isReal<D>) {
      double v = static_cast<double>(s);
      if (flags & TO_INTEGER) v = roundTo(v, rounding);
      if (flags & SATURATE) v = v > 0 ? v < 1 ? v : 1 : 0;
      d = static_cast<D>(v);
    } else if constexpr (isReal<D>) {
      if constexpr (std::is_class_v<D>) d = D(static_cast<double>(s));
      else d = static_cast<D>(s);
    } else {
      d = flags & SATURATE ? clampTo<D>(s) : static_cast<D>(s);
    }
    store(w, i, l, d);
  });
}

// The usual conversions, in a form that vectorises.
template <class D, class S>
void cast(Warp& w, const Instruction& i, u32 lanes) {
  assign<D>(w, i.operands[0], lanes, [&](int l) { return static_cast<D>(lane<S>(w, i.operands[1], l)); });
}

// Double to single in a directed rounding.
void narrow(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    double v = lane<double>(w, i.operands[1], l);
    float f = static_cast<float>(v);
    bool down = i.mode == DOWN || (i.mode == ZERO && v > 0);
    if (down && f > v) f = std::nextafterf(f, -INFINITY);
    if (!down && f < v) f = std::nextafterf(f, INFINITY);
    lane<float>(w, i.operands[0], l) = f;
  });
}

// Two singles to a pair of sixteen-bit numbers; the first goes to the upper half.
template <class H>
void pack(Warp& w, const Instruction& i, u32 lanes) {
  assign<u32>(w, i.operands[0], lanes, [&](int l) {
    u32 high = H(lane<float>(w, i.operands[1], l)).bits, low = H(lane<float>(w, i.operands[2], l)).bits;
    return high << 16 | low;
  });
}

// tf32 keeps ten bits of the fraction: ties away from zero (rna) or to even (rn).
template <bool EVEN>
void toTf32(Warp& w, const Instruction& i, u32 lanes) {
  assign<u32>(w, i.operands[0], lanes, [&](int l) {
    u32 bits = lane<u32>(w, i.operands[1], l);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fffffffu;
    u32 half = EVEN ? 0xfff + (bits >> 13 & 1) : 0x1000;
    return (bits + half) & 0xffffe000u;
  });
}

template <class D>
Handler from(const std::string& s) {
  if (s == "u8" || s == "b8") return convert<D, u8>;
  if (s == "s8") return convert<D, i8>;
  if (s == "u16" || s == "b16") return convert<D, u16>;
  if (s == "s16") return convert<D, i16>;
  if (s == "u32" || s == "b32") return convert<D, u32>;
  if (s == "s32") return convert<D, i32>;
  if (s == "u64" || s == "b64") return convert<D, u64>;
  if (s == "s64") return convert<D, i64>;
  if (s == "f16") return convert<D, Half>;
  if (s == "bf16") return convert<D, Bfloat>;
  if (s == "f32") return convert<D, float>;
  if (s == "f64") return convert<D, double>;
  return nullptr;
}

Handler conversion(const std::string& d, const std::string& s) {
  if (d == "u8" || d == "b8") return from<u8>(s);
  if (d == "s8") return from<i8>(s);
  if (d == "u16" || d == "b16") return from<u16>(s);
  if (d == "s16") return from<i16>(s);
  if (d == "u32" || d == "b32") return from<u32>(s);
  if (d == "s32") return from<i32>(s);
  if (d == "u64" || d == "b64") return from<u64>(s);
  if (d == "s64") return from<i64>(s);
  if (d == "f16") return from<Half>(s);
  if (d == "bf16") return from<Bfloat>(s);
  if (d == "f32") return from<float>(s);
  if (d == "f64") return from<double>(s);
  return nullptr;
}

Handler plainCast(const std::string& d, const std::string& s) {
  if (d == "f32" && s == "f16") return cast<float, Half>;
  if (d == "f32" && s == "bf16") return cast<float, Bfloat>;
  if (d == "f16" && s == "f32") return cast<Half, float>;
  if (d == "bf16" && s == "f32") return cast<Bfloat, float>;
  if (d == "f32" && s == "s32") return cast<float, i32>;
  if (d == "f32" && s == "u32") return cast<float, u32>;
  if (d == "u64" && s == "u32") return cast<u64, u32>;
  if (d == "s64" && s == "s32") return cast<i64, i32>;
  if ((d == "u32" || d == "s32") && (s == "u64" || s == "s64")) return cast<u32, u64>;
  return nullptr;
}

// From the lower part of a register of 64 bits. Mode: bytes of the source; width: of the target; immediate: 1 if the
// source has a sign, 2 if the target has one.
void fromLowerPart(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    u64 bits = lane<u64>(w, i.operands[1], l);
    int unused = 64 - 8 * i.mode;
    u64 value = bits << unused;
    value = i.immediate & 1 ? static_cast<u64>(static_cast<i64>(value) >> unused) : value >> unused;
    if (i.width == 8) {
      lane<u64>(w, i.operands[0], l) = value;
    } else {
      int cut = 32 - 8 * i.width;
      u32 low = static_cast<u32>(value) << cut;
      lane<u32>(w, i.operands[0], l) = i.immediate & 2 ? static_cast<u32>(static_cast<i32>(low) >> cut) : low >> cut;
    }
  });
}

void decodeCvt(Builder& b) {
  auto& words = b.s.words;
  if (words.size() < 3) b.refuse();
  b.modifiers({"rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna", "ftz", "sat"});
  const std::string &d = words[words.size() - 2], &s = words.back();
  bool bfloat = d == "bf16" || d == "bf16x2" || s == "bf16";
  if (bfloat) {
    bool first = s == "f32" || (s == "bf16" && d == "bf16");
    b.needCapability(first ? 80 : 90, "bf16");
  }
  bool directed = b.s.has("rz") || b.s.has("rm") || b.s.has("rp");
  if (d == "f16x2" || d == "bf16x2") {
    b.need(3);
    if (directed || s != "f32" || b.s.has("sat")) b.refuse();
    if (d == "f16x2") b.needCapability(80, "cvt to f16x2");
    b.values(4);
    b.handler(d == "f16x2" ? pack<Half> : pack<Bfloat>);
    return;
  }
  b.need(2);
  int sourceBytes = bytesOf(s);
  if (sourceBytes <= 0) b.refuse();
  auto isInteger = [](const std::string& t) { return t[0] == 'u' || t[0] == 's'; };
  const Operand &to = b.s.operands[0], &from = b.s.operands[1];
  b.add(b.destination(to));
  b.add(b.anyValue(from, sourceBytes));
  if (to.kind == Operand::REGISTER && (to.reg->bytes == 8) != (bytesOf(d) == 8)) b.refuse("target of another size");
  if (from.kind == Operand::REGISTER && (from.reg->bytes == 8) != (sourceBytes == 8)) {
    if (from.reg->bytes != 8 || !isInteger(s) || !isInteger(d) || b.s.has("sat")) b.refuse("source of another size");
    b.i.mode = static_cast<u16>(sourceBytes);
    b.i.width = static_cast<u16>(bytesOf(d));
    b.i.immediate = (s[0] == 's' ? 1 : 0) | (d[0] == 's' ? 2 : 0);
    b.handler(fromLowerPart);
    return;
  }
  if (d == "tf32") {
    b.needCapability(80, "tf32");
    if (directed || s != "f32") b.refuse();
    b.handler(b.s.has("rna") ? toTf32<false> : toTf32<true>);
    return;
  }
  bool toWhole = b.s.has("rni") || b.s.has("rzi") || b.s.has("rmi") || b.s.has("rpi");
  b.i.mode = b.s.has("rzi") || b.s.has("rz")   ? ZERO
             : b.s.has("rmi") || b.s.has("rm") ? DOWN
             : b.s.has("rpi") || b.s.has("rp") ? UP
                                               : NEAREST;
  b.i.width = (toWhole ? TO_INTEGER : 0) | (b.s.has("sat") ? SATURATE : 0);
  if (directed) {
    if (d != "f32" || s != "f64" || b.s.has("sat")) b.refuse();
    b.handler(narrow);
    return;
  }
  Handler plain = b.i.width == 0 ? plainCast(d, s) : nullptr;
  b.handler(plain ? plain : conversion(d, s));
}

// Between generic addresses and those of a space. Width: bytes of a pointer.
template <class T, bool TO_SPACE>
void convertAddress(Warp& w, const Instruction& i, u32 lanes) {
  u64 window = i.space == Space::SHARED ? SHARED_WINDOW : i.space == Space::LOCAL ? LOCAL_WINDOW : 0;
  if (TO_SPACE) window = -window;
  assign<u64>(w, i.operands[0], lanes, [&](int l) { return lane<T>(w, i.operands[1], l) + window; });
}

void decodeCvta(Builder& b) {
  b.need(2);
  b.modifiers({"to", "global", "shared", "shared::cta", "local", "const"});
  b.space();
  if (b.s.type() != "u64") b.refuse("32-bit addresses are not supported by the emulator");
  b.values(8);
  b.handler(b.s.has("to") ? convertAddress<u64, true> : convertAddress<u64, false>);
}

void isInSpace(Warp& w, const Instruction& i, u32 lanes) {
  u32 p = 0;
  eachLane(lanes, [&](int l) {
    u64 window = lane<u64>(w, i.operands[1], l) & WINDOW;
    bool is = i.space == Space::SHARED  ? window == SHARED_WINDOW
              : i.space == Space::LOCAL ? window == LOCAL_WINDOW
                                        : window != SHARED_WINDOW && window != LOCAL_WINDOW;
    p |= static_cast<u32>(is) << l;
  });
  setPredicate(w, i.operands[0], lanes, p);
}

}  // namespace

bool decodeConversion(Builder& b) {
  const std::string& name = b.s.words[0];
  if (name == "cvt") {
    decodeCvt(b);
  } else if (name == "cvta") {
    decodeCvta(b);
  } else if (name == "isspacep") {
    b.need(2);
    b.modifiers({"global", "shared", "shared::cta", "local"});
    b.space();
    b.add(b.predicate(b.s.operands[0]));
    b.add(b.value(b.s.operands[1], 8));
    b.handler(isInSpace);
  } else {
    return false;
  }
  return true;
}

}  // namespace emulator
