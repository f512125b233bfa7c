// Operations on one element at a time, the optimizer, and the sum of squares. Bound by memory: 16 bytes to a thread at
// once wherever the addresses allow it.
#include "types.cuh"

#define TYPES(M) M(f32) M(f16) M(bf16)

DEVICE i64 first() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }

DEVICE i64 stride() { return (i64)gridDim.x * blockDim.x; }

DEVICE bool aligned(const void* p) { return ((u64)p & 15) == 0; }

// ---- fill: any element of 2 or 4 bytes by its bits

template <typename W, int N>
DEVICE void fill(W* x, i64 n, W bits, uint4 four) {
  i64 done = 0;
  if (aligned(x)) {
    i64 whole = n / N;
    for (i64 i = first(); i < whole; i += stride()) {
      reinterpret_cast<uint4*>(x)[i] = four;
    }
    done = whole * N;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    x[i] = bits;
  }
}

extern "C" __global__ void fill_32(u32* x, i64 n, u32 bits) {
  fill<u32, 4>(x, n, bits, make_uint4(bits, bits, bits, bits));
}

extern "C" __global__ void fill_16(u16* x, i64 n, u32 bits) {
  u32 two = bits | bits << 16;
  fill<u16, 8>(x, n, (u16)bits, make_uint4(two, two, two, two));
}

// ---- add: target += source

template <typename T>
DEVICE void add(const T* source, T* target, i64 n) {
  const int N = 16 / sizeof(T);
  i64 done = 0;
  if (aligned(source) && aligned(target)) {
    i64 whole = n / N;
    for (i64 i = first(); i < whole; i += stride()) {
      Floats<N> a = load<N>(source + i * N);
      Floats<N> b = load<N>(target + i * N);
#pragma unroll
      for (int j = 0; j < N; j++) {
        b[j] += a[j];
      }
      store<N>(target + i * N, b);
    }
    done = whole * N;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    target[i] = from_float<T>(to_float(target[i]) + to_float(source[i]));
  }
}

#define ADD(T) \
  extern "C" __global__ void add_##T(const T* source, T* target, i64 n) { add(source, target, n); }
TYPES(ADD)

// ---- convert: target = source in another type

template <typename S, typename T>
DEVICE void convert(const S* source, T* target, i64 n) {
  const int N = 8;
  i64 done = 0;
  if (aligned(source) && aligned(target)) {
    i64 whole = n / N;
    for (i64 i = first(); i < whole; i += stride()) {
      store<N>(target + i * N, load<N>(source + i * N));
    }
    done = whole * N;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    target[i] = from_float<T>(to_float(source[i]));
  }
}

#define CONVERT(S, T) \
  extern "C" __global__ void convert_##S##_##T(const S* source, T* target, i64 n) { convert(source, target, n); }
CONVERT(f32, f16)
CONVERT(f32, bf16)
CONVERT(f16, f32)
CONVERT(f16, bf16)
CONVERT(bf16, f32)
CONVERT(bf16, f16)

// ---- SwiGLU

DEVICE float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

template <typename T>
DEVICE void swiglu(const T* gate, const T* up, T* out, i64 n) {
  const int N = 16 / sizeof(T);
  i64 done = 0;
  if (aligned(gate) && aligned(up) && aligned(out)) {
    i64 whole = n / N;
    for (i64 i = first(); i < whole; i += stride()) {
      Floats<N> g = load<N>(gate + i * N);
      Floats<N> u = load<N>(up + i * N);
#pragma unroll
      for (int j = 0; j < N; j++) {
        u[j] = g[j] * sigmoid(g[j]) * u[j];
      }
      store<N>(out + i * N, u);
    }
    done = whole * N;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    float g = to_float(gate[i]);
    out[i] = from_float<T>(g * sigmoid(g) * to_float(up[i]));
  }
}

#define SWIGLU(T) \
  extern "C" __global__ void swiglu_##T(const T* gate, const T* up, T* out, i64 n) { swiglu(gate, up, out, n); }
TYPES(SWIGLU)

DEVICE void swiglu_gradient(float g, float u, float d, float* d_gate, float* d_up) {
  float s = sigmoid(g);
  *d_gate = d * u * s * (1.0f + g * (1.0f - s));
  *d_up = d * g * s;
}

// d_gate may be gate, d_up may be up: an element is read before it is written.
template <typename T>
DEVICE void swiglu_backward(const T* gate, const T* up, const T* d_out, T* d_gate, T* d_up, i64 n) {
  const int N = 16 / sizeof(T);
  i64 done = 0;
  if (aligned(gate) && aligned(up) && aligned(d_out) && aligned(d_gate) && aligned(d_up)) {
    i64 whole = n / N;
    for (i64 i = first(); i < whole; i += stride()) {
      Floats<N> g = load<N>(gate + i * N);
      Floats<N> u = load<N>(up + i * N);
      Floats<N> d = load<N>(d_out + i * N);
#pragma unroll
      for (int j = 0; j < N; j++) {
        swiglu_gradient(g[j], u[j], d[j], &g.at[j], &u.at[j]);
      }
      store<N>(d_gate + i * N, g);
      store<N>(d_up + i * N, u);
    }
    done = whole * N;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    float dg;
    float du;
    swiglu_gradient(to_float(gate[i]), to_float(up[i]), to_float(d_out[i]), &dg, &du);
    d_gate[i] = from_float<T>(dg);
    d_up[i] = from_float<T>(du);
  }
}

#define SWIGLU_BACKWARD(T)                                                                                          \
  extern "C" __global__ void swiglu_backward_##T(const T* gate, const T* up, const T* d_out, T* d_gate, T* d_up,    \
                                                 i64 n) {                                                          \
    swiglu_backward(gate, up, d_out, d_gate, d_up, n);                                                             \
  }
TYPES(SWIGLU_BACKWARD)

// ---- AdamW: master, moments and gradient in single precision; value is the master rounded, null where it is the
// master itself. The gradient becomes zero.

struct AdamW {
  float decay;         // 1 - learning rate * weight decay
  float step_size;     // learning rate / bias correction of m
  float beta1;
  float rest1;         // 1 - beta1
  float beta2;
  float rest2;         // 1 - beta2
  float inverse_bias2; // 1 / bias correction of v
  float epsilon;
  float gradient_scale;
  float unused;
};

DEVICE float adamw_element(const AdamW& a, float p, float gradient, float* m, float* v) {
  float g = a.gradient_scale * gradient;
  *m = a.beta1 * *m + a.rest1 * g;
  *v = a.beta2 * *v + a.rest2 * g * g;
  return p * a.decay - a.step_size * *m / (sqrtf(*v * a.inverse_bias2) + a.epsilon);
}

template <typename T>
DEVICE void adamw(float* master, T* value, float* gradient, float* m, float* v, i64 n, const AdamW& a) {
  i64 done = 0;
  if (aligned(master) && aligned(value) && aligned(gradient) && aligned(m) && aligned(v)) {
    i64 whole = n / 4;
    for (i64 i = first(); i < whole; i += stride()) {
      Floats<4> p = load<4>(master + i * 4);
      Floats<4> g = load<4>(gradient + i * 4);
      Floats<4> m4 = load<4>(m + i * 4);
      Floats<4> v4 = load<4>(v + i * 4);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        p[j] = adamw_element(a, p[j], g[j], &m4.at[j], &v4.at[j]);
        g[j] = 0.0f;
      }
      store<4>(master + i * 4, p);
      store<4>(gradient + i * 4, g);
      store<4>(m + i * 4, m4);
      store<4>(v + i * 4, v4);
      if (value) {
        store<4>(value + i * 4, p);
      }
    }
    done = whole * 4;
  }
  for (i64 i = done + first(); i < n; i += stride()) {
    float p = adamw_element(a, master[i], gradient[i], m + i, v + i);
    master[i] = p;
    gradient[i] = 0.0f;
    if (value) {
      value[i] = from_float<T>(p);
    }
  }
}

#define ADAMW(T)                                                                                                  \
  extern "C" __global__ void adamw_##T(float* master, T* value, float* gradient, float* m, float* v, i64 n,       \
                                       AdamW step) {                                                              \
    adamw(master, value, gradient, m, v, n, step);                                                                \
  }
TYPES(ADAMW)

// ---- sum of squares, in double precision; the order depends on the number of elements alone

#define SQUARES_PER_BLOCK 65536

// One partial sum to a block of 256 threads.
extern "C" __global__ void squares(const float* x, i64 n, double* partial) {
  __shared__ double scratch[8];
  i64 begin = (i64)blockIdx.x * SQUARES_PER_BLOCK;
  int count = (int)(n - begin < SQUARES_PER_BLOCK ? n - begin : SQUARES_PER_BLOCK);
  x += begin;
  double sum = 0;
  // Whole fours whether or not they can be loaded at once: the order is that of the numbers.
  int fours = count / 4;
  bool wide = aligned(x);
  for (int i = threadIdx.x; i < fours; i += blockDim.x) {
    Floats<4> v;
    if (wide) {
      v = load<4>(x + i * 4);
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        v[j] = x[i * 4 + j];
      }
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      sum += (double)v[j] * (double)v[j];
    }
  }
  for (int i = fours * 4 + threadIdx.x; i < count; i += blockDim.x) {
    sum += (double)x[i] * (double)x[i];
  }
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

// One block of 256 threads.
extern "C" __global__ void squares_total(const double* partial, int count, double* total) {
  __shared__ double scratch[8];
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    sum += partial[i];
  }
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) {
    *total = sum;
  }
}
