// Rows that move: embedding, dispatch and combine. They may change their type on the way: the compiler is told the two
// types of interest as FIRST and SECOND; without them it makes the kernels of all pairs.
#include "faults.cuh"

#define MOST_SOURCES 128

// Tensors of equal columns that rows come from, passed by value.
struct Sources {
  const void* rows[MOST_SOURCES];
  int counts[MOST_SOURCES];
};

#ifdef FIRST
#define APPLY(M, A, B) M(A, B)
#define PAIRS(M) APPLY(M, FIRST, SECOND)
#else
#define PAIRS(M) \
  M(f32, f32) M(f32, f16) M(f32, bf16) M(f16, f32) M(f16, f16) M(f16, bf16) M(bf16, f32) M(bf16, f16) M(bf16, bf16)
#endif

DEVICE bool aligned(const void* p) { return ((u64)p & 15) == 0; }

template <typename A, typename B>
struct Width {
  static const int N = sizeof(A) == 4 && sizeof(B) == 4 ? 4 : 8;
};

// The row of one of the sources; null, and noted, where there is none.
template <typename T>
DEVICE const T* find(const Sources& sources, int count, int source, int row, int columns, uint4* fault) {
  if (!inside(source, count, FAULT_SOURCE, fault) || !inside(row, sources.counts[source], FAULT_ROW, fault)) {
    return nullptr;
  }
  return static_cast<const T*>(sources.rows[source]) + (i64)row * columns;
}

// ---- gather: y[i] = sources[source[i]][rows[i]] * scale[i]; a block to a row. source null: all from the first;
// scale null: as they are.

template <int N, typename S, typename T>
DEVICE void gather(const S* x, float scale, int columns, T* y) {
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> v = load<N>(x + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      v[j] *= scale;
    }
    store<N>(y + i, v);
  }
}

#define GATHER(S, T)                                                                                                 \
  extern "C" __global__ void gather_##S##_##T(Sources sources, int count, const int* source, const int* rows,        \
                                              const float* scale, int columns, T* y, uint4* fault) {                 \
    const int N = Width<S, T>::N;                                                                                    \
    int from = source ? source[blockIdx.x] : 0;                                                                      \
    const S* x = find<S>(sources, count, from, rows[blockIdx.x], columns, fault);                                    \
    if (!x) {                                                                                                        \
      return;                                                                                                        \
    }                                                                                                                \
    T* target = y + (i64)blockIdx.x * columns;                                                                       \
    float factor = scale ? scale[blockIdx.x] : 1.0f;                                                                 \
    if (columns % N == 0 && aligned(x) && aligned(target)) {                                                         \
      gather<N>(x, factor, columns, target);                                                                         \
    } else {                                                                                                         \
      gather<1>(x, factor, columns, target);                                                                         \
    }                                                                                                                \
  }
PAIRS(GATHER)

// ---- combine: y[t] = residual[t] + sum over s of weights[t,s] * sources[source[t,s]][row[t,s]]; a block to a row.
// y may be residual.

template <int N, typename R, typename S>
DEVICE void combine(const R* residual, const Sources& sources, int count, const int* source, const int* row,
                    const float* weights, int slots, int columns, R* y, uint4* fault) {
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> sum = load<N>(residual + i);
    for (int s = 0; s < slots; s++) {
      const S* x = find<S>(sources, count, source[s], row[s], columns, fault);
      if (x) {
        Floats<N> v = load<N>(x + i);
        float weight = weights ? weights[s] : 1.0f;
#pragma unroll
        for (int j = 0; j < N; j++) {
          sum[j] += weight * v[j];
        }
      }
    }
    store<N>(y + i, sum);
  }
}

// Whether all sources begin at 16 bytes; their rows do where the columns are a multiple.
DEVICE bool all_aligned(const Sources& sources, int count) {
  u64 bits = 0;
  for (int s = 0; s < count; s++) {
    bits |= (u64)sources.rows[s];
  }
  return (bits & 15) == 0;
}

#define COMBINE(R, S)                                                                                                \
  extern "C" __global__ void combine_##R##_##S(const R* residual, Sources sources, int count, const int* source,     \
                                               const int* row, const float* weights, int slots, int columns, R* y,   \
                                               uint4* fault) {                                                       \
    const int N = Width<R, S>::N;                                                                                    \
    i64 at = (i64)blockIdx.x * columns;                                                                              \
    i64 slot = (i64)blockIdx.x * slots;                                                                              \
    const float* w = weights ? weights + slot : nullptr;                                                             \
    if (columns % N == 0 && aligned(residual) && aligned(y) && all_aligned(sources, count)) {                        \
      combine<N, R, S>(residual + at, sources, count, source + slot, row + slot, w, slots, columns, y + at, fault);  \
    } else {                                                                                                         \
      combine<1, R, S>(residual + at, sources, count, source + slot, row + slot, w, slots, columns, y + at, fault);  \
    }                                                                                                                \
  }
PAIRS(COMBINE)

// ---- gradient of the weights: d_weights[t,s] = dot(dy[t], sources[source[t,s]][row[t,s]]); a warp to a slot

template <int N, typename D, typename S>
DEVICE float dot(const D* dy, const S* x, int columns) {
  float sum = 0;
  for (int i = threadIdx.x % WARP_SIZE * N; i < columns; i += WARP_SIZE * N) {
    Floats<N> a = load<N>(dy + i);
    Floats<N> b = load<N>(x + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      sum += a[j] * b[j];
    }
  }
  return warp_sum(sum);
}

#define COMBINE_WEIGHTS(D, S)                                                                                        \
  extern "C" __global__ void combine_weights_##D##_##S(const D* dy, Sources sources, int count, const int* source,   \
                                                       const int* row, i64 all_slots, int slots, int columns,        \
                                                       float* d_weights, uint4* fault) {                             \
    const int N = Width<D, S>::N;                                                                                    \
    i64 slot = (i64)blockIdx.x * (blockDim.x / WARP_SIZE) + threadIdx.x / WARP_SIZE;                                 \
    if (slot >= all_slots) {                                                                                         \
      return;                                                                                                        \
    }                                                                                                                \
    const S* x = find<S>(sources, count, source[slot], row[slot], columns, fault);                                   \
    if (!x) {                                                                                                        \
      return;                                                                                                        \
    }                                                                                                                \
    const D* d = dy + slot / slots * columns;                                                                        \
    float sum = columns % N == 0 && aligned(dy) && aligned(x) ? dot<N>(d, x, columns) : dot<1>(d, x, columns);       \
    if (threadIdx.x % WARP_SIZE == 0) {                                                                              \
      d_weights[slot] = sum;                                                                                         \
    }                                                                                                                \
  }
PAIRS(COMBINE_WEIGHTS)
