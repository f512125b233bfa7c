// Arithmetic, logic, comparison and moves between registers.
#include <algorithm>
#include <cfenv>
#include <type_traits>
#include "decoder.hpp"
#include "half.hpp"
#include "warp.hpp"

namespace emulator {

namespace {

// ---- how an operation is spread over the lanes

template <class D, class S, class F>
void unary(Warp& w, const Instruction& i, u32 lanes) {
  const int a = i.operands[1];
  assign<D>(w, i.operands[0], lanes, [&](int l) { return F::of(lane<S>(w, a, l)); });
}

template <class T, class F>
void binary(Warp& w, const Instruction& i, u32 lanes) {
  const int a = i.operands[1], b = i.operands[2];
  assign<T>(w, i.operands[0], lanes, [&](int l) { return F::of(lane<T>(w, a, l), lane<T>(w, b, l)); });
}

template <class T, class F>
void ternary(Warp& w, const Instruction& i, u32 lanes) {
  const int a = i.operands[1], b = i.operands[2], c = i.operands[3];
  assign<T>(w, i.operands[0], lanes,
            [&](int l) { return F::of(lane<T>(w, a, l), lane<T>(w, b, l), lane<T>(w, c, l)); });
}

// ---- operations

template <class T>
using Unsigned = std::make_unsigned_t<T>;

struct Add {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) return T(Unsigned<T>(a) + Unsigned<T>(b));
    else return T(a + b);
  }
};
struct Subtract {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) return T(Unsigned<T>(a) - Unsigned<T>(b));
    else return T(a - b);
  }
};
struct Multiply {
  template <class T> static T of(T a, T b) {
    // in 64 bits, since u16 * u16 would be an int that overflows
    if constexpr (std::is_integral_v<T>) return static_cast<T>(static_cast<u64>(a) * static_cast<u64>(b));
    else return T(a * b);
  }
};
struct And { template <class T> static T of(T a, T b) { return a & b; } };
struct Or { template <class T> static T of(T a, T b) { return a | b; } };
struct Xor { template <class T> static T of(T a, T b) { return a ^ b; } };
struct Not { template <class T> static T of(T a) { return ~a; } };
struct ConditionalNot { template <class T> static T of(T a) { return a == 0; } };
struct Move { template <class T> static T of(T a) { return a; } };
struct Negate {
  template <class T> static T of(T a) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(-static_cast<Unsigned<T>>(a));
    else return -a;
  }
};
struct Absolute {
  template <class T> static T of(T a) {
    if constexpr (std::is_integral_v<T>) return a < 0 ? Negate::of(a) : a;
    else return std::fabs(a);
  }
};
// Division by zero gives all ones, and the smallest number by -1 itself, as on the device.
struct Divide {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return static_cast<T>(-1);
      if constexpr (std::is_signed_v<T>) if (b == -1) return Negate::of(a);
      return a / b;
    } else {
      return a / b;
    }
  }
};
struct Remainder {
  template <class T> static T of(T a, T b) {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) if (b == -1) return 0;
    return a % b;
  }
};
struct Minimum {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) return a < b ? a : b;
    else return a != a ? b : b != b ? a : a < b || (a == b && std::signbit(a)) ? a : b;
  }
};
struct Maximum {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_integral_v<T>) return a > b ? a : b;
    else return a != a ? b : b != b ? a : a > b || (a == b && !std::signbit(a)) ? a : b;
  }
};
struct MinimumNan { template <class T> static T of(T a, T b) { return a != a ? a : b != b ? b : Minimum::of(a, b); } };
struct MaximumNan { template <class T> static T of(T a, T b) { return a != a ? a : b != b ? b : Maximum::of(a, b); } };
struct MultiplyAdd {
  template <class T> static T of(T a, T b, T c) {
    return static_cast<T>(static_cast<u64>(a) * static_cast<u64>(b) + static_cast<u64>(c));
  }
};
struct CopySign { template <class T> static T of(T a, T b) { return std::copysign(b, a); } };
struct Fused {
  static float of(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static double of(double a, double b, double c) { return __builtin_fma(a, b, c); }
};
template <class F>
struct Saturated {
  template <class... T> static float of(T... a) {
    float r = F::of(a...);
    return r > 0 ? r < 1 ? r : 1 : 0;
  }
};

// Directed rounding of single precision: exact in double, or rounded to odd there, then moved by one if need be.
template <int DIRECTION>  // 0 to zero, -1 down, 1 up
inline float directed(double exact) {
  float f = static_cast<float>(exact);
  double back = f;
  bool tooHigh = back > exact, tooLow = back < exact;
  if (DIRECTION < 0 || (DIRECTION == 0 && exact > 0)) return tooHigh ? std::nextafterf(f, -INFINITY) : f;
  return tooLow ? std::nextafterf(f, INFINITY) : f;
}
template <int D> struct FusedTo {
  static float of(float a, float b, float c) { return directed<D>(addToOdd(static_cast<double>(a) * b, c)); }
};
template <int D> struct AddTo { static float of(float a, float b) { return directed<D>(addToOdd(a, b)); } };
template <int D> struct SubtractTo { static float of(float a, float b) { return directed<D>(addToOdd(a, -b)); } };
template <int D> struct MultiplyTo {
  static float of(float a, float b) { return directed<D>(static_cast<double>(a) * b); }
};
template <int D> struct DivideTo {
  static float of(float a, float b) {
    double q = static_cast<double>(a) / b;
    return directed<D>(q);
  }
};

// Sixteen-bit arithmetic: sums and products of these are exact in double, but for sums of far-off exponents.
struct HalfAdd { template <class H> static H of(H a, H b) { return H(addToOdd(float(a), float(b))); } };
struct HalfSubtract { template <class H> static H of(H a, H b) { return H(addToOdd(float(a), -float(b))); } };
struct HalfMultiply { template <class H> static H of(H a, H b) { return H(double(float(a)) * float(b)); } };
struct HalfFused {
  template <class H> static H of(H a, H b, H c) { return H(addToOdd(double(float(a)) * float(b), float(c))); }
};
struct HalfNegate { template <class H> static H of(H a) { return H::of(a.bits ^ 0x8000); } };
struct HalfAbsolute { template <class H> static H of(H a) { return H::of(a.bits & 0x7fff); } };
template <class F> struct InFloat {
  template <class H> static H of(H a) { return H(F::of(float(a))); }
  template <class H> static H of(H a, H b) { return H(F::of(float(a), float(b))); }
};

template <class H, class F>
struct Pairwise {
  template <class... A> static u32 of(A... a) {
    u32 low = F::of(H::of(static_cast<u16>(a))...).bits, high = F::of(H::of(static_cast<u16>(a >> 16))...).bits;
    return low | high << 16;
  }
};

// 2^x to two units in the last place, as the device's approximation, and so that it vectorises.
struct Exp2 {
  static float of(float x) {
    float clamped = std::min(std::max(x, -160.0f), 128.0f);
    float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    float whole = (clamped + magic) - magic, f = clamped - whole;
    float p = 1.535336188e-4f;
    p = __builtin_fmaf(p, f, 1.339887440e-3f);
    p = __builtin_fmaf(p, f, 9.618437357e-3f);
    p = __builtin_fmaf(p, f, 5.550332471e-2f);
    p = __builtin_fmaf(p, f, 2.402264791e-1f);
    p = __builtin_fmaf(p, f, 6.931472028e-1f);
    p = __builtin_fmaf(p, f, 1.0f);
    // in two factors, so that results below 2^-126 and 2^128 itself come out right
    i32 n = static_cast<i32>(whole), half = n / 2, rest = n - half;
    float r = p * bitCast<float>((half + 127) << 23) * bitCast<float>((rest + 127) << 23);
    return x != x ? x : r;
  }
  static double of(double x) { return std::exp2(x); }
};
struct Log2 { template <class T> static T of(T a) { return std::log2(a); } };
struct Reciprocal { template <class T> static T of(T a) { return T(1) / a; } };
struct SquareRoot {
  static float of(float a) { return __builtin_sqrtf(a); }
  static double of(double a) { return __builtin_sqrt(a); }
};
struct ReciprocalRoot { template <class T> static T of(T a) { return T(1) / SquareRoot::of(a); } };
struct Sine { template <class T> static T of(T a) { return std::sin(a); } };
struct Cosine { template <class T> static T of(T a) { return std::cos(a); } };
struct Tanh { template <class T> static T of(T a) { return std::tanh(a); } };

struct PopulationCount { template <class T> static u32 of(T a) { return __builtin_popcountll(a); } };
struct LeadingZeros {
  static u32 of(u32 a) { return a ? __builtin_clz(a) : 32; }
  static u32 of(u64 a) { return a ? __builtin_clzll(a) : 64; }
};
struct Reverse {
  template <class T> static T of(T a) {
    T r = 0;
    for (size_t k = 0; k < sizeof(T) * 8; k++) r |= (a >> k & 1) << (sizeof(T) * 8 - 1 - k);
    return r;
  }
};
// The highest bit that differs from the sign; -1 if there is none.
struct FindBit {
  template <class T> static u32 of(T a) {
    if (std::is_signed_v<T> && a < 0) a = ~a;
    return a == 0 ? 0xffffffffu : 63 - __builtin_clzll(static_cast<u64>(static_cast<Unsigned<T>>(a)));
  }
};

template <class T>
void shiftLeft(Warp& w, const Instruction& i, u32 lanes) {
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    u32 n = lane<u32>(w, i.operands[2], l);
    return n >= sizeof(T) * 8 ? T(0) : T(lane<T>(w, i.operands[1], l) << n);
  });
}

template <class T>
void shiftRight(Warp& w, const Instruction& i, u32 lanes) {
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    u32 n = std::min<u32>(lane<u32>(w, i.operands[2], l), sizeof(T) * 8);
    T a = lane<T>(w, i.operands[1], l);
    return n == sizeof(T) * 8 ? T(a < 0 ? -1 : 0) : T(a >> n);
  });
}

// shf: 64 bits from two registers, shifted, one half kept. Mode: 1 right, 2 the amount wraps.
void shiftFunnel(Warp& w, const Instruction& i, u32 lanes) {
  assign<u32>(w, i.operands[0], lanes, [&](int l) {
    u64 both = lane<u32>(w, i.operands[1], l) | static_cast<u64>(lane<u32>(w, i.operands[2], l)) << 32;
    u32 n = lane<u32>(w, i.operands[3], l);
    n = i.mode & 2 ? n & 31 : std::min(n, 32u);
    return i.mode & 1 ? static_cast<u32>(both >> n) : static_cast<u32>(both << n >> 32);
  });
}

template <class S, class D>
void multiplyWide(Warp& w, const Instruction& i, u32 lanes) {
  assign<D>(w, i.operands[0], lanes,
            [&](int l) { return D(lane<S>(w, i.operands[1], l)) * D(lane<S>(w, i.operands[2], l)); });
}

template <class S, class D>
void multiplyAddWide(Warp& w, const Instruction& i, u32 lanes) {
  using U = Unsigned<D>;
  assign<D>(w, i.operands[0], lanes, [&](int l) {
    U product = static_cast<U>(D(lane<S>(w, i.operands[1], l)) * D(lane<S>(w, i.operands[2], l)));
    return static_cast<D>(product + static_cast<U>(lane<D>(w, i.operands[3], l)));
  });
}

template <class T, class D, bool ADD>
void multiplyHigh(Warp& w, const Instruction& i, u32 lanes) {
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    T high = static_cast<T>(D(lane<T>(w, i.operands[1], l)) * D(lane<T>(w, i.operands[2], l)) >> (sizeof(T) * 8));
    return ADD ? Add::of(high, lane<T>(w, i.operands[3], l)) : high;
  });
}

// add.cc, addc, sub.cc, subc. Mode: 1 subtract, 2 takes the carry in, 4 keeps the carry.
template <class T>
void addWithCarry(Warp& w, const Instruction& i, u32 lanes) {
  u32 carry = w.carry;
  eachLane(lanes, [&](int l) {
    unsigned __int128 a = lane<T>(w, i.operands[1], l), b = lane<T>(w, i.operands[2], l);
    unsigned __int128 in = i.mode & 2 ? carry >> l & 1 : 0;
    unsigned __int128 sum = i.mode & 1 ? a - b - in : a + b + in;
    lane<T>(w, i.operands[0], l) = static_cast<T>(sum);
    carry = (carry & ~(1u << l)) | static_cast<u32>(sum >> (sizeof(T) * 8) & 1) << l;
  });
  if (i.mode & 4) w.carry = carry;
}

// mad.lo.cc and the like: the product's half, then as above.
template <class T, class D>
void multiplyAddWithCarry(Warp& w, const Instruction& i, u32 lanes) {
  u32 carry = w.carry;
  eachLane(lanes, [&](int l) {
    D product = D(lane<T>(w, i.operands[1], l)) * lane<T>(w, i.operands[2], l);
    unsigned __int128 a = static_cast<T>(i.mode & 8 ? product >> (sizeof(T) * 8) : product);
    unsigned __int128 sum = a + lane<T>(w, i.operands[3], l) + (i.mode & 2 ? carry >> l & 1 : 0);
    lane<T>(w, i.operands[0], l) = static_cast<T>(sum);
    carry = (carry & ~(1u << l)) | static_cast<u32>(sum >> (sizeof(T) * 8) & 1) << l;
  });
  if (i.mode & 4) w.carry = carry;
}

template <class T>
void extractField(Warp& w, const Instruction& i, u32 lanes) {
  constexpr u32 BITS = sizeof(T) * 8;
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    T a = lane<T>(w, i.operands[1], l);
    u32 at = lane<u32>(w, i.operands[2], l) & 255, length = lane<u32>(w, i.operands[3], l) & 255;
    if (length == 0) return T(0);
    if (at >= BITS) return T(a < 0 ? -1 : 0);
    if (length >= BITS - at) return T(a >> at);
    return T(static_cast<T>(static_cast<Unsigned<T>>(a) << (BITS - at - length)) >> (BITS - length));
  });
}

template <class T>
void insertField(Warp& w, const Instruction& i, u32 lanes) {
  constexpr u32 BITS = sizeof(T) * 8;
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    T field = lane<T>(w, i.operands[1], l), into = lane<T>(w, i.operands[2], l);
    u32 at = lane<u32>(w, i.operands[3], l) & 255, length = lane<u32>(w, i.operands[4], l) & 255;
    if (at >= BITS || length == 0) return into;
    T mask = length >= BITS ? ~T(0) : (T(1) << length) - 1;
    return T((into & ~(mask << at)) | (field & mask) << at);
  });
}

void permuteBytes(Warp& w, const Instruction& i, u32 lanes) {
  assign<u32>(w, i.operands[0], lanes, [&](int l) {
    u64 both = lane<u32>(w, i.operands[1], l) | static_cast<u64>(lane<u32>(w, i.operands[2], l)) << 32;
    u32 selector = lane<u32>(w, i.operands[3], l), result = 0;
    for (int k = 0; k < 4; k++) {
      u32 pick = selector >> (4 * k);
      u32 byte = both >> (8 * (pick & 7)) & 255;
      if (pick & 8) byte = byte & 128 ? 255 : 0;  // the sign, copied to all bits
      result |= byte << (8 * k);
    }
    return result;
  });
}

void logic3(Warp& w, const Instruction& i, u32 lanes) {
  const u32 table = static_cast<u32>(i.immediate);
  u32 masks[8];
  for (int k = 0; k < 8; k++) masks[k] = table >> k & 1 ? ALL_LANES : 0;
  assign<u32>(w, i.operands[0], lanes, [&](int l) {
    u32 a = lane<u32>(w, i.operands[1], l), b = lane<u32>(w, i.operands[2], l), c = lane<u32>(w, i.operands[3], l);
    return (~a & ~b & ~c & masks[0]) | (~a & ~b & c & masks[1]) | (~a & b & ~c & masks[2]) | (~a & b & c & masks[3]) |
           (a & ~b & ~c & masks[4]) | (a & ~b & c & masks[5]) | (a & b & ~c & masks[6]) | (a & b & c & masks[7]);
  });
}

enum Comparison { EQ, NE, LT, LE, GT, GE, EQU, NEU, LTU, LEU, GTU, GEU, NUM, NAN_, COMPARISONS };

template <int C, class T>
inline bool holds(T a, T b) {
  switch (C) {
    case EQ: return a == b;
    case NE: return a < b || a > b;  // false where one is NaN
    case LT: return a < b;
    case LE: return a <= b;
    case GT: return a > b;
    case GE: return a >= b;
    case EQU: return !(a < b || a > b);
    case NEU: return a != b;
    case LTU: return !(a >= b);
    case LEU: return !(a > b);
    case GTU: return !(a <= b);
    case GEU: return !(a < b);
    case NUM: return a == a && b == b;
    default: return a != a || b != b;
  }
}

// setp: p, q, a, b and perhaps c. Mode: 1 and, 2 or, 3 xor with c; 4 for not c.
template <class T, int C>
void compare(Warp& w, const Instruction& i, u32 lanes) {
  const int a = i.operands[2], b = i.operands[3];
  u32 p = 0;
  if (lanes == ALL_LANES) {
    for (int l = 0; l < WARP; l++) p |= static_cast<u32>(holds<C, T>(lane<T>(w, a, l), lane<T>(w, b, l))) << l;
  } else {
    eachLane(lanes, [&](int l) { p |= static_cast<u32>(holds<C, T>(lane<T>(w, a, l), lane<T>(w, b, l))) << l; });
  }
  u32 q = ~p;
  if (i.mode) {
    u32 c = predicate(w, i.operands[4]);
    if (i.mode & 4) c = ~c;
    switch (i.mode & 3) {
      case 1: p &= c; q &= c; break;
      case 2: p |= c; q |= c; break;
      default: p ^= c; q ^= c;
    }
  }
  setPredicate(w, i.operands[0], lanes, p);
  setPredicate(w, i.operands[1], lanes, q);
}

template <class T, int... C>
Handler comparisonOf(int c, std::integer_sequence<int, C...>) {
  static const Handler handlers[] = {compare<T, C>...};
  return c < static_cast<int>(sizeof...(C)) ? handlers[c] : nullptr;
}

Handler comparison(const std::string& type, int c) {
  auto all = std::make_integer_sequence<int, COMPARISONS>();
  auto ordered = std::make_integer_sequence<int, EQU>();  // of integers, which have no NaN
  if (type == "f32") return comparisonOf<float>(c, all);
  if (type == "f64") return comparisonOf<double>(c, all);
  if (type == "f16") return comparisonOf<Half>(c, all);
  if (type == "bf16") return comparisonOf<Bfloat>(c, all);
  if (type == "u16" || type == "b16") return comparisonOf<u16>(c, ordered);
  if (type == "s16") return comparisonOf<i16>(c, ordered);
  if (type == "u32" || type == "b32") return comparisonOf<u32>(c, ordered);
  if (type == "s32") return comparisonOf<i32>(c, ordered);
  if (type == "u64" || type == "b64") return comparisonOf<u64>(c, ordered);
  if (type == "s64") return comparisonOf<i64>(c, ordered);
  return nullptr;
}

template <class T>
void select(Warp& w, const Instruction& i, u32 lanes) {
  u32 p = predicate(w, i.operands[3]);
  if (i.mode) p = ~p;
  assign<T>(w, i.operands[0], lanes,
            [&](int l) { return p >> l & 1 ? lane<T>(w, i.operands[1], l) : lane<T>(w, i.operands[2], l); });
}

// slct: a where c >= 0, else b.
template <class T, class C>
void selectBySign(Warp& w, const Instruction& i, u32 lanes) {
  assign<T>(w, i.operands[0], lanes, [&](int l) {
    return lane<C>(w, i.operands[3], l) >= 0 ? lane<T>(w, i.operands[1], l) : lane<T>(w, i.operands[2], l);
  });
}

// Mode: 0 and, 1 or, 2 xor, 3 not, 4 move.
void predicateLogic(Warp& w, const Instruction& i, u32 lanes) {
  u32 a = predicate(w, i.operands[1]), b = i.count > 2 ? predicate(w, i.operands[2]) : 0;
  u32 results[] = {a & b, a | b, a ^ b, ~a, a};
  setPredicate(w, i.operands[0], lanes, results[i.mode]);
}

// mov between a register and its parts.
template <class W, class P>
void join(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    W value = 0;
    for (int k = 1; k < i.count; k++) value |= W(lane<P>(w, i.operands[k], l)) << (sizeof(P) * 8 * (k - 1));
    lane<W>(w, i.operands[0], l) = value;
  });
}

template <class W, class P>
void split(Warp& w, const Instruction& i, u32 lanes) {
  eachLane(lanes, [&](int l) {
    W value = lane<W>(w, i.operands[i.count - 1], l);
    for (int k = 0; k + 1 < i.count; k++) {
      if (i.operands[k] >= 0) lane<P>(w, i.operands[k], l) = static_cast<P>(value >> (sizeof(P) * 8 * k));
    }
  });
}

// Double precision in another rounding: rare, so by the processor's mode, out of the optimiser's sight.
template <class F>
__attribute__((noinline)) double rounded(int mode, F f) {
  int before = fegetround();
  fesetround(mode);
  volatile double result = f();
  fesetround(before);
  return result;
}
void directedDouble(Warp& w, const Instruction& i, u32 lanes) {
  static const int modes[] = {FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  eachLane(lanes, [&](int l) {
    volatile double a = lane<double>(w, i.operands[1], l), b = lane<double>(w, i.operands[i.count > 2 ? 2 : 1], l);
    volatile double c = i.count > 3 ? lane<double>(w, i.operands[3], l) : 0;
    lane<double>(w, i.operands[0], l) = rounded(modes[i.width], [&]() -> double {
      switch (i.mode) {
        case 0: return a + b;
        case 1: return a - b;
        case 2: return a * b;
        case 3: return a / b;
        default: return std::fma(a, b, c);
      }
    });
  });
}

// ---- choice by type

template <class F>
Handler integerBinary(const std::string& t) {
  if (t == "u16" || t == "b16") return binary<u16, F>;
  if (t == "s16") return binary<i16, F>;
  if (t == "u32" || t == "b32") return binary<u32, F>;
  if (t == "s32") return binary<i32, F>;
  if (t == "u64" || t == "b64") return binary<u64, F>;
  if (t == "s64") return binary<i64, F>;
  return nullptr;
}
template <class F>
Handler floatBinary(const std::string& t) {
  return t == "f32" ? static_cast<Handler>(binary<float, F>) : t == "f64" ? binary<double, F> : nullptr;
}
template <class F>
Handler halfBinary(const std::string& t) {
  if (t == "f16") return binary<Half, F>;
  if (t == "bf16") return binary<Bfloat, F>;
  if (t == "f16x2") return binary<u32, Pairwise<Half, F>>;
  if (t == "bf16x2") return binary<u32, Pairwise<Bfloat, F>>;
  return nullptr;
}
template <class F>
Handler halfUnary(const std::string& t) {
  if (t == "f16") return unary<Half, Half, F>;
  if (t == "bf16") return unary<Bfloat, Bfloat, F>;
  if (t == "f16x2") return unary<u32, u32, Pairwise<Half, F>>;
  if (t == "bf16x2") return unary<u32, u32, Pairwise<Bfloat, F>>;
  return nullptr;
}
template <class F>
Handler floatUnary(const std::string& t) {
  return t == "f32" ? static_cast<Handler>(unary<float, float, F>) : t == "f64" ? unary<double, double, F> : nullptr;
}
template <class F>
Handler signedUnary(const std::string& t) {
  if (t == "s16") return unary<i16, i16, F>;
  if (t == "s32") return unary<i32, i32, F>;
  if (t == "s64") return unary<i64, i64, F>;
  return nullptr;
}
template <class F>
Handler bitsUnary(const std::string& t) {
  int bytes = bytesOf(t);
  return bytes == 2 ? static_cast<Handler>(unary<u16, u16, F>) : bytes == 4 ? unary<u32, u32, F> : unary<u64, u64, F>;
}

// Rounding to zero, down or up.
template <template <int> class F>
Handler directedBinary(int rounding) {
  return rounding == 0   ? static_cast<Handler>(binary<float, F<0>>)
         : rounding == 1 ? binary<float, F<-1>>
                         : binary<float, F<1>>;
}

int roundingOf(const Builder& b) {
  return b.s.has("rz") ? 0 : b.s.has("rm") ? 1 : b.s.has("rp") ? 2 : -1;
}

bool isFloat(const std::string& t) { return t == "f32" || t == "f64"; }
bool isHalf(const std::string& t) { return t == "f16" || t == "bf16" || t == "f16x2" || t == "bf16x2"; }

void needHalf(Builder& b, const std::string& type, bool native) {
  if (type[0] == 'b') b.needCapability(native ? 80 : 90, "bf16 arithmetic");
}

bool decodePredicate(Builder& b) {
  static const char* names[] = {"and", "or", "xor", "not", "mov"};
  for (int k = 0; k < 5; k++) {
    if (b.s.words[0] != names[k]) continue;
    b.i.mode = static_cast<u16>(k);
    for (auto& o : b.s.operands) b.add(b.predicate(o));
    b.handler(predicateLogic);
    return true;
  }
  b.refuse();
}

void decodeSetp(Builder& b) {
  static const char* names[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};
  b.need(3, 4);
  b.modifiers({"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan", "lo", "ls",
               "hi", "hs", "and", "or", "xor", "ftz"});
  std::string name = b.s.words[1];
  if (name == "lo") name = "lt";
  if (name == "ls") name = "le";
  if (name == "hi") name = "gt";
  if (name == "hs") name = "ge";
  auto found = std::find(names, names + COMPARISONS, name) - names;
  if (found == COMPARISONS) b.refuse();
  const std::string& t = b.s.type();
  auto& first = b.s.operands[0];
  if (first.kind == Operand::PAIR) {
    b.add(b.destination(first.parts[0]));
    b.add(b.destination(first.parts[1]));
  } else {
    b.add(b.destination(first));
    b.add(-1);
  }
  b.add(b.value(b.s.operands[1], b.typeBytes()));
  b.add(b.value(b.s.operands[2], b.typeBytes()));
  if (b.s.operands.size() == 4) {
    b.add(b.predicate(b.s.operands[3]));
    b.i.mode = b.s.has("and") ? 1 : b.s.has("or") ? 2 : 3;
    if (b.s.operands[3].negated) b.i.mode |= 4;
  }
  b.handler(comparison(t, static_cast<int>(found)));
}

void decodeMove(Builder& b) {
  b.need(2);
  auto &to = b.s.operands[0], &from = b.s.operands[1];
  int bytes = b.typeBytes();
  if (to.kind == Operand::VECTOR) {
    size_t parts = b.vector(to, 4);
    b.add(b.value(from, bytes));
    if (bytes == 8 && parts == 2) b.handler(split<u64, u32>);
    else if (bytes == 8 && parts == 4) b.handler(split<u64, u16>);
    else if (bytes == 4 && parts == 2) b.handler(split<u32, u16>);
    else if (bytes == 4 && parts == 4) b.handler(split<u32, u8>);
    else b.refuse();
  } else if (from.kind == Operand::VECTOR) {
    b.add(b.destination(to));
    size_t parts = b.vector(from, 4);
    if (bytes == 8 && parts == 2) b.handler(join<u64, u32>);
    else if (bytes == 8 && parts == 4) b.handler(join<u64, u16>);
    else if (bytes == 4 && parts == 2) b.handler(join<u32, u16>);
    else if (bytes == 4 && parts == 4) b.handler(join<u32, u8>);
    else b.refuse();
  } else {
    b.add(b.destination(to));
    b.add(b.value(from, bytes));
    b.handler(bytes == 8 ? unary<u64, u64, Move> : unary<u32, u32, Move>);
  }
}

void decodeShift(Builder& b) {
  b.need(3);
  b.modifiers({});
  const std::string& t = b.s.type();
  int bytes = b.typeBytes();
  b.add(b.destination(b.s.operands[0]));
  b.add(b.value(b.s.operands[1], bytes));
  b.add(b.value(b.s.operands[2], 4));
  if (b.s.words[0] == "shl") {
    b.handler(bytes == 2 ? shiftLeft<u16> : bytes == 4 ? shiftLeft<u32> : shiftLeft<u64>);
  } else if (t[0] == 's') {
    b.handler(bytes == 2 ? shiftRight<i16> : bytes == 4 ? shiftRight<i32> : shiftRight<i64>);
  } else {
    b.handler(bytes == 2 ? shiftRight<u16> : bytes == 4 ? shiftRight<u32> : shiftRight<u64>);
  }
}

// Integer mul, mad and their 24-bit forms.
void decodeMultiply(Builder& b) {
  const std::string& t = b.s.type();
  bool add = b.s.words[0] == "mad" || b.s.words[0] == "madc";
  b.modifiers({"lo", "hi", "wide", "cc"});
  b.need(add ? 4 : 3);
  int bytes = b.typeBytes();
  bool wide = b.s.has("wide");
  if (!wide) {
    b.values(bytes);
  } else {
    b.add(b.destination(b.s.operands[0]));
    for (int k = 1; k < 3; k++) b.add(b.value(b.s.operands[k], bytes));
    if (add) b.add(b.value(b.s.operands[3], 2 * bytes));
  }
  if (b.s.has("cc") || b.s.words[0] == "madc") {
    b.i.mode = (b.s.words[0] == "madc" ? 2 : 0) | (b.s.has("cc") ? 4 : 0) | (b.s.has("hi") ? 8 : 0);
    if (wide || (t[0] == 's' && b.s.has("hi"))) b.refuse();
    if (bytes == 4) b.handler(multiplyAddWithCarry<u32, u64>);
    else if (bytes == 8) b.handler(multiplyAddWithCarry<u64, unsigned __int128>);
    else b.refuse();
  } else if (wide) {
    if (t == "s32") b.handler(add ? multiplyAddWide<i32, i64> : multiplyWide<i32, i64>);
    else if (t == "u32") b.handler(add ? multiplyAddWide<u32, u64> : multiplyWide<u32, u64>);
    else if (t == "s16") b.handler(add ? multiplyAddWide<i16, i32> : multiplyWide<i16, i32>);
    else if (t == "u16") b.handler(add ? multiplyAddWide<u16, u32> : multiplyWide<u16, u32>);
    else b.refuse();
  } else if (b.s.has("hi")) {
    if (t == "s32") b.handler(add ? multiplyHigh<i32, i64, true> : multiplyHigh<i32, i64, false>);
    else if (t == "u32") b.handler(add ? multiplyHigh<u32, u64, true> : multiplyHigh<u32, u64, false>);
    else if (t == "s64") b.handler(add ? multiplyHigh<i64, __int128, true> : multiplyHigh<i64, __int128, false>);
    else if (t == "u64")
      b.handler(add ? multiplyHigh<u64, unsigned __int128, true> : multiplyHigh<u64, unsigned __int128, false>);
    else if (t == "u16") b.handler(add ? multiplyHigh<u16, u32, true> : multiplyHigh<u16, u32, false>);
    else if (t == "s16") b.handler(add ? multiplyHigh<i16, i32, true> : multiplyHigh<i16, i32, false>);
    else b.refuse();
  } else if (add) {
    if (bytes == 2) b.handler(ternary<u16, MultiplyAdd>);
    else b.handler(bytes == 4 ? ternary<u32, MultiplyAdd> : ternary<u64, MultiplyAdd>);
  } else {
    b.handler(integerBinary<Multiply>(t));
  }
}

void decodeCarry(Builder& b) {
  const std::string& name = b.s.words[0];
  b.need(3);
  b.modifiers({"cc"});
  b.values(b.typeBytes());
  b.i.mode = (name[0] == 's' ? 1 : 0) | (name.size() == 4 ? 2 : 0) | (b.s.has("cc") ? 4 : 0);
  if (b.typeBytes() == 4) b.handler(addWithCarry<u32>);
  else if (b.typeBytes() == 8) b.handler(addWithCarry<u64>);
  else b.refuse();
}

void decodeFloat(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  bool saturate = b.s.has("sat");
  int rounding = roundingOf(b);
  b.modifiers({"rn", "rz", "rm", "rp", "ftz", "sat", "approx", "full", "NaN"});
  b.need(name == "fma" || name == "mad" ? 4 : 3);
  b.values(b.typeBytes());
  if (t == "f64" && rounding >= 0) {
    b.i.width = static_cast<u16>(rounding);
    b.i.mode = name == "add" ? 0 : name == "sub" ? 1 : name == "mul" ? 2 : name == "div" ? 3 : 4;
    b.handler(directedDouble);
  } else if (rounding >= 0) {
    if (saturate) b.refuse();
    if (name == "add") b.handler(directedBinary<AddTo>(rounding));
    else if (name == "sub") b.handler(directedBinary<SubtractTo>(rounding));
    else if (name == "mul") b.handler(directedBinary<MultiplyTo>(rounding));
    else if (name == "div") b.handler(directedBinary<DivideTo>(rounding));
    else if (rounding == 0) b.handler(ternary<float, FusedTo<0>>);
    else if (rounding == 1) b.handler(ternary<float, FusedTo<-1>>);
    else b.handler(ternary<float, FusedTo<1>>);
  } else if (saturate) {
    if (t != "f32") b.refuse();
    if (name == "add") b.handler(binary<float, Saturated<Add>>);
    else if (name == "sub") b.handler(binary<float, Saturated<Subtract>>);
    else if (name == "mul") b.handler(binary<float, Saturated<Multiply>>);
    else if (name == "fma") b.handler(ternary<float, Saturated<Fused>>);
    else b.refuse();
  } else if (name == "add") {
    b.handler(floatBinary<Add>(t));
  } else if (name == "sub") {
    b.handler(floatBinary<Subtract>(t));
  } else if (name == "mul") {
    b.handler(floatBinary<Multiply>(t));
  } else if (name == "div") {
    b.handler(floatBinary<Divide>(t));
  } else if (name == "min") {
    b.handler(b.s.has("NaN") ? floatBinary<MinimumNan>(t) : floatBinary<Minimum>(t));
  } else if (name == "max") {
    b.handler(b.s.has("NaN") ? floatBinary<MaximumNan>(t) : floatBinary<Maximum>(t));
  } else {
    b.handler(t == "f32" ? ternary<float, Fused> : ternary<double, Fused>);
  }
}

void decodeHalf(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  b.modifiers({"rn", "ftz", "approx", "NaN"});
  b.values(b.typeBytes());
  if (name == "fma") {
    b.need(4);
    needHalf(b, t, true);
    if (t == "f16") b.handler(ternary<Half, HalfFused>);
    else if (t == "bf16") b.handler(ternary<Bfloat, HalfFused>);
    else if (t == "f16x2") b.handler(ternary<u32, Pairwise<Half, HalfFused>>);
    else b.handler(ternary<u32, Pairwise<Bfloat, HalfFused>>);
  } else if (name == "add" || name == "sub" || name == "mul") {
    b.need(3);
    needHalf(b, t, false);
    b.handler(name == "add"   ? halfBinary<HalfAdd>(t)
              : name == "sub" ? halfBinary<HalfSubtract>(t)
                              : halfBinary<HalfMultiply>(t));
  } else if (name == "min" || name == "max") {
    b.need(3);
    b.needCapability(80, "min and max of halves");
    bool nan = b.s.has("NaN");
    if (name == "min") b.handler(nan ? halfBinary<InFloat<MinimumNan>>(t) : halfBinary<InFloat<Minimum>>(t));
    else b.handler(nan ? halfBinary<InFloat<MaximumNan>>(t) : halfBinary<InFloat<Maximum>>(t));
  } else if (name == "neg" || name == "abs") {
    b.need(2);
    needHalf(b, t, true);
    b.handler(name == "neg" ? halfUnary<HalfNegate>(t) : halfUnary<HalfAbsolute>(t));
  } else if (name == "ex2" || name == "tanh") {
    b.need(2);
    b.needCapability(75, "functions of halves");
    if (t[0] == 'b') b.needCapability(90, "functions of bf16");
    b.handler(name == "ex2" ? halfUnary<InFloat<Exp2>>(t) : halfUnary<InFloat<Tanh>>(t));
  } else {
    b.refuse();
  }
}

void decodeUnary(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  b.need(2);
  b.modifiers({"rn", "rz", "rm", "rp", "ftz", "approx"});
  if (roundingOf(b) > 0) b.refuse();  // down and up; to zero hardly differs for these
  b.values(b.typeBytes());
  if (name == "tanh") b.needCapability(75, "tanh");
  if (name == "ex2") b.handler(floatUnary<Exp2>(t));
  else if (name == "lg2") b.handler(floatUnary<Log2>(t));
  else if (name == "rcp") b.handler(floatUnary<Reciprocal>(t));
  else if (name == "sqrt") b.handler(floatUnary<SquareRoot>(t));
  else if (name == "rsqrt") b.handler(floatUnary<ReciprocalRoot>(t));
  else if (name == "sin") b.handler(floatUnary<Sine>(t));
  else if (name == "cos") b.handler(floatUnary<Cosine>(t));
  else if (name == "tanh") b.handler(floatUnary<Tanh>(t));
  else if (name == "neg") b.handler(isFloat(t) ? floatUnary<Negate>(t) : signedUnary<Negate>(t));
  else b.handler(isFloat(t) ? floatUnary<Absolute>(t) : signedUnary<Absolute>(t));
}

// Integer add, sub, div, rem, min, max, and the logic of bits.
void decodeInteger(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  b.modifiers({});
  b.need(name == "not" || name == "cnot" ? 2 : 3);
  b.values(b.typeBytes());
  if (name == "add") b.handler(integerBinary<Add>(t));
  else if (name == "sub") b.handler(integerBinary<Subtract>(t));
  else if (name == "div") b.handler(integerBinary<Divide>(t));
  else if (name == "rem") b.handler(integerBinary<Remainder>(t));
  else if (name == "min") b.handler(integerBinary<Minimum>(t));
  else if (name == "max") b.handler(integerBinary<Maximum>(t));
  else if (name == "and") b.handler(integerBinary<And>(t));
  else if (name == "or") b.handler(integerBinary<Or>(t));
  else if (name == "xor") b.handler(integerBinary<Xor>(t));
  else if (name == "not") b.handler(bitsUnary<Not>(t));
  else b.handler(bitsUnary<ConditionalNot>(t));
}

bool decodeBits(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  int bytes = bytesOf(t);
  if (name == "popc" || name == "clz" || name == "bfind") {
    b.need(2);
    b.modifiers({});
    b.add(b.destination(b.s.operands[0]));
    b.add(b.value(b.s.operands[1], bytes));
    if (name == "popc") b.handler(bytes == 8 ? unary<u32, u64, PopulationCount> : unary<u32, u32, PopulationCount>);
    else if (name == "clz") b.handler(bytes == 8 ? unary<u32, u64, LeadingZeros> : unary<u32, u32, LeadingZeros>);
    else if (t[0] == 's') b.handler(bytes == 8 ? unary<u32, i64, FindBit> : unary<u32, i32, FindBit>);
    else b.handler(bytes == 8 ? unary<u32, u64, FindBit> : unary<u32, u32, FindBit>);
  } else if (name == "brev") {
    b.need(2);
    b.values(bytes);
    b.handler(bytes == 8 ? unary<u64, u64, Reverse> : unary<u32, u32, Reverse>);
  } else if (name == "bfe") {
    b.need(4);
    for (int k = 0; k < 4; k++) b.add(b.value(b.s.operands[k], k < 2 ? bytes : 4));
    if (t[0] == 's') b.handler(bytes == 8 ? extractField<i64> : extractField<i32>);
    else b.handler(bytes == 8 ? extractField<u64> : extractField<u32>);
  } else if (name == "bfi") {
    b.need(5);
    for (int k = 0; k < 5; k++) b.add(b.value(b.s.operands[k], k < 3 ? bytes : 4));
    b.handler(bytes == 8 ? insertField<u64> : insertField<u32>);
  } else if (name == "prmt") {
    b.need(4);
    b.modifiers({});
    b.values(4);
    b.handler(permuteBytes);
  } else if (name == "lop3") {
    b.need(5);
    b.modifiers({});
    for (int k = 0; k < 4; k++) b.add(b.value(b.s.operands[k], 4));
    b.i.immediate = static_cast<i64>(b.number(b.s.operands[4]));
    b.handler(logic3);
  } else if (name == "shf") {
    b.need(4);
    b.modifiers({"l", "r", "wrap", "clamp"});
    b.values(4);
    b.i.mode = (b.s.has("r") ? 1 : 0) | (b.s.has("wrap") ? 2 : 0);
    b.handler(shiftFunnel);
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool decodeArithmetic(Builder& b) {
  const std::string &name = b.s.words[0], &t = b.s.type();
  auto is = [&](std::initializer_list<const char*> names) {
    return std::find_if(names.begin(), names.end(), [&](const char* n) { return name == n; }) != names.end();
  };
  if (t == "pred" && is({"and", "or", "xor", "not", "mov"})) return decodePredicate(b);
  if (name == "setp") {
    decodeSetp(b);
  } else if (name == "mov") {
    decodeMove(b);
  } else if (name == "selp") {
    b.need(4);
    int bytes = b.typeBytes();
    for (int k = 0; k < 3; k++) b.add(b.value(b.s.operands[k], bytes));
    b.add(b.predicate(b.s.operands[3]));
    b.i.mode = b.s.operands[3].negated;
    b.handler(bytes == 8 ? select<u64> : select<u32>);
  } else if (name == "slct") {
    b.need(4);
    int bytes = bytesOf(b.s.words[b.s.words.size() - 2]);
    for (int k = 0; k < 4; k++) b.add(b.value(b.s.operands[k], k < 3 ? bytes : 4));
    if (t == "f32") b.handler(bytes == 8 ? selectBySign<u64, float> : selectBySign<u32, float>);
    else b.handler(bytes == 8 ? selectBySign<u64, i32> : selectBySign<u32, i32>);
  } else if (is({"shl", "shr"})) {
    decodeShift(b);
  } else if (is({"addc", "subc"}) || (is({"add", "sub"}) && b.s.has("cc"))) {
    decodeCarry(b);
  } else if (is({"mul", "mad", "madc"}) && !isFloat(t) && !isHalf(t)) {
    decodeMultiply(b);
  } else if (is({"add", "sub", "mul", "mad", "fma", "div", "min", "max"}) && isFloat(t)) {
    decodeFloat(b);
  } else if (is({"add", "sub", "mul", "fma", "min", "max", "neg", "abs", "ex2", "tanh"}) && isHalf(t)) {
    decodeHalf(b);
  } else if (is({"add", "sub", "div", "rem", "min", "max", "and", "or", "xor", "not", "cnot"})) {
    decodeInteger(b);
  } else if (is({"neg", "abs", "ex2", "lg2", "rcp", "sqrt", "rsqrt", "sin", "cos", "tanh"})) {
    decodeUnary(b);
  } else if (name == "copysign") {
    b.need(3);
    b.values(b.typeBytes());
    b.handler(floatBinary<CopySign>(t));
  } else {
    return decodeBits(b);
  }
  return true;
}

}  // namespace emulator
