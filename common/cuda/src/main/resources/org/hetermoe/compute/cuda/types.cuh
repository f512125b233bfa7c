// Storage types of tensors, their conversions, vector access and reductions; shared by all kernels.
//
// Kernels are header-free: where a GPU is, the CUDA libraries need not bring their headers. Everything here is plain
// CUDA C or inline PTX that every architecture from sm_70 on understands, with twins chosen by __CUDA_ARCH__.
#ifndef HETERMOE_TYPES_CUH
#define HETERMOE_TYPES_CUH

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

typedef float f32;

// IEEE half: 1 sign, 5 exponent, 10 fraction bits.
struct f16 {
  u16 bits;
};

// The upper half of a float: 1 sign, 8 exponent, 7 fraction bits.
struct bf16 {
  u16 bits;
};

#define DEVICE static __device__ __forceinline__
#define WARP_SIZE 32
#define ALL_LANES 0xffffffffu

// NVRTC without headers has no INFINITY.
DEVICE float infinity() { return __int_as_float(0x7f800000); }

// ---- conversions; to storage they round to nearest, ties to even

DEVICE float to_float(f32 x) { return x; }

DEVICE float to_float(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}

DEVICE float to_float(bf16 x) { return __uint_as_float((u32)x.bits << 16); }

template <typename T>
struct Store;  // Store<T>::from(float): the nearest number of type T

template <>
struct Store<f32> {
  DEVICE f32 from(float x) { return x; }
};

template <>
struct Store<f16> {
  DEVICE f16 from(float x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
  }
};

template <>
struct Store<bf16> {
  DEVICE bf16 from(float x) {
    bf16 y;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#else
    u32 bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
      y.bits = 0x7fff;  // the instruction's NaN; rounding could carry a NaN into an infinity
    } else {
      y.bits = (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    }
#endif
    return y;
  }
};

template <typename T>
DEVICE T from_float(float x) {
  return Store<T>::from(x);
}

// Two numbers in a register, the first in its lower half, as the tensor cores and packed stores want them.
template <typename T>
struct Pair;

template <>
struct Pair<f16> {
  DEVICE u32 pack(float low, float high) {
    u32 y;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
#else
    y = (u32)Store<f16>::from(low).bits | ((u32)Store<f16>::from(high).bits << 16);
#endif
    return y;
  }
  DEVICE float low(u32 x) {
    f16 half;
    half.bits = (u16)x;
    return to_float(half);
  }
  DEVICE float high(u32 x) {
    f16 half;
    half.bits = (u16)(x >> 16);
    return to_float(half);
  }
};

template <>
struct Pair<bf16> {
  DEVICE u32 pack(float low, float high) {
    u32 y;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(high), "f"(low));
#else
    y = (u32)Store<bf16>::from(low).bits | ((u32)Store<bf16>::from(high).bits << 16);
#endif
    return y;
  }
  DEVICE float low(u32 x) { return __uint_as_float(x << 16); }
  DEVICE float high(u32 x) { return __uint_as_float(x & 0xffff0000u); }
};

// ---- N consecutive elements as floats; N is 1, 2, 4 or 8, and the address a multiple of N elements

template <int N>
struct Floats {
  float at[N];
  __device__ __forceinline__ float& operator[](int i) { return at[i]; }
  __device__ __forceinline__ float operator[](int i) const { return at[i]; }
};

template <int N>
DEVICE Floats<N> load(const f32* p) {
  Floats<N> x;
  if constexpr (N == 1) {
    x[0] = *p;
  } else if constexpr (N == 2) {
    float2 raw = *reinterpret_cast<const float2*>(p);
    x[0] = raw.x;
    x[1] = raw.y;
  } else {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
      float4 raw = *reinterpret_cast<const float4*>(p + i);
      x[i] = raw.x;
      x[i + 1] = raw.y;
      x[i + 2] = raw.z;
      x[i + 3] = raw.w;
    }
  }
  return x;
}

template <int N>
DEVICE void store(f32* p, const Floats<N>& x) {
  if constexpr (N == 1) {
    *p = x[0];
  } else if constexpr (N == 2) {
    *reinterpret_cast<float2*>(p) = make_float2(x[0], x[1]);
  } else {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
      *reinterpret_cast<float4*>(p + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
    }
  }
}

template <int N, typename T>
DEVICE Floats<N> load(const T* p) {  // f16 and bf16
  Floats<N> x;
  if constexpr (N == 1) {
    x[0] = to_float(*p);
  } else {
    u32 raw[N / 2];
    if constexpr (N == 2) {
      raw[0] = *reinterpret_cast<const u32*>(p);
    } else if constexpr (N == 4) {
      uint2 word = *reinterpret_cast<const uint2*>(p);
      raw[0] = word.x;
      raw[1] = word.y;
    } else {
      static_assert(N == 8, "1, 2, 4 or 8 elements");
      uint4 word = *reinterpret_cast<const uint4*>(p);
      raw[0] = word.x;
      raw[1] = word.y;
      raw[2] = word.z;
      raw[3] = word.w;
    }
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
      x[2 * i] = Pair<T>::low(raw[i]);
      x[2 * i + 1] = Pair<T>::high(raw[i]);
    }
  }
  return x;
}

template <int N, typename T>
DEVICE void store(T* p, const Floats<N>& x) {  // f16 and bf16
  if constexpr (N == 1) {
    *p = from_float<T>(x[0]);
  } else {
    u32 raw[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
      raw[i] = Pair<T>::pack(x[2 * i], x[2 * i + 1]);
    }
    if constexpr (N == 2) {
      *reinterpret_cast<u32*>(p) = raw[0];
    } else if constexpr (N == 4) {
      *reinterpret_cast<uint2*>(p) = make_uint2(raw[0], raw[1]);
    } else {
      static_assert(N == 8, "1, 2, 4 or 8 elements");
      *reinterpret_cast<uint4*>(p) = make_uint4(raw[0], raw[1], raw[2], raw[3]);
    }
  }
}

// ---- reductions in an order that depends on nothing but the number of threads; every lane gets the same bits

DEVICE float warp_sum(float x) {
#pragma unroll
  for (int lane = WARP_SIZE / 2; lane > 0; lane /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, lane);
  }
  return x;
}

DEVICE double warp_sum(double x) {
#pragma unroll
  for (int lane = WARP_SIZE / 2; lane > 0; lane /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, lane);
  }
  return x;
}

DEVICE float warp_max(float x) {
#pragma unroll
  for (int lane = WARP_SIZE / 2; lane > 0; lane /= 2) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, lane));
  }
  return x;
}

// Of a one-dimensional block of whole warps; all its threads must call. scratch: shared, an element per warp; it may be
// used again at once.
template <typename F>
DEVICE F block_sum(F x, F* scratch) {
  x = warp_sum(x);
  int warps = blockDim.x / WARP_SIZE;
  if (threadIdx.x % WARP_SIZE == 0) {
    scratch[threadIdx.x / WARP_SIZE] = x;
  }
  __syncthreads();
  F sum = scratch[0];
  for (int warp = 1; warp < warps; warp++) {
    sum += scratch[warp];
  }
  __syncthreads();
  return sum;
}

DEVICE float block_max(float x, float* scratch) {
  x = warp_max(x);
  int warps = blockDim.x / WARP_SIZE;
  if (threadIdx.x % WARP_SIZE == 0) {
    scratch[threadIdx.x / WARP_SIZE] = x;
  }
  __syncthreads();
  float max = scratch[0];
  for (int warp = 1; warp < warps; warp++) {
    max = fmaxf(max, scratch[warp]);
  }
  __syncthreads();
  return max;
}

#endif
