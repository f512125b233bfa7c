// The two sixteen-bit floating-point types, with one rounding to nearest even.
#pragma once
#include <cmath>
#include "types.hpp"
#ifdef __F16C__
#include <immintrin.h>
#endif

namespace emulator {

inline float halfBitsToFloat(u16 bits) {
#ifdef __F16C__
  return _cvtsh_ss(bits);
#else
  u32 sign = static_cast<u32>(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) return bitCast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  // 2^112 moves the exponent from half's bias to float's, subnormals included
  return bitCast<float>(sign | bitCast<u32>(bitCast<float>(magnitude << 13) * 0x1p112f));
#endif
}

inline u16 floatToHalfBits(float value) {
#ifdef __F16C__
  return _cvtss_sh(value, 0);
#else
  u32 bits = bitCast<u32>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | (magnitude >> 13 & 0x3ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // adding one half lines a subnormal's bits up with float's and rounds them
    u32 aligned = bitCast<u32>(bitCast<float>(magnitude) + 0.5f);
    return sign | (aligned - 0x3f000000);
  }
  return sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
#endif
}

inline u16 floatToBfloatBits(float value) {
  u32 bits = bitCast<u32>(value);
  return value != value ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// To float so that a second rounding, to fewer bits, gives what one rounding would have given ("round to odd").
inline float toOddFloat(double value) {
  float f = static_cast<float>(value);
  if (value != value || static_cast<double>(f) == value || std::isinf(f)) return f;
  u32 bits = bitCast<u32>(f);
  if (std::fabs(static_cast<double>(f)) > std::fabs(value)) bits--;
  return bitCast<float>(bits | 1);
}

// a + b to double, rounded to odd.
inline double addToOdd(double a, double b) {
  double sum = a + b;
  if (!std::isfinite(sum)) return sum;
  double other = sum - a, error = (a - (sum - other)) + (b - other);
  if (error == 0) return sum;
  u64 bits = bitCast<u64>(sum);
  if ((error < 0) != (sum < 0)) bits--;
  return bitCast<double>(bits | 1);
}

struct Half {
  u16 bits;
  Half() = default;
  explicit Half(float value) : bits(floatToHalfBits(value)) {}
  explicit Half(double value) : bits(floatToHalfBits(toOddFloat(value))) {}
  operator float() const { return halfBitsToFloat(bits); }
  static Half of(u16 bits) {
    Half h;
    h.bits = bits;
    return h;
  }
};

struct Bfloat {
  u16 bits;
  Bfloat() = default;
  explicit Bfloat(float value) : bits(floatToBfloatBits(value)) {}
  explicit Bfloat(double value) : bits(floatToBfloatBits(toOddFloat(value))) {}
  operator float() const { return bitCast<float>(static_cast<u32>(bits) << 16); }
  static Bfloat of(u16 bits) {
    Bfloat b;
    b.bits = bits;
    return b;
  }
};

}  // namespace emulator
