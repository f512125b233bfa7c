// Operations on whole rows: RMSNorm, rotary position embedding, cross entropy, sums of columns. A block to a row; how
// many threads it has depends on the number of columns alone, and so do the orders of all sums.
#include "faults.cuh"

#define TYPES(M) M(f32) M(f16) M(bf16)
#define MOST_WARPS 32

DEVICE bool aligned(const void* p) { return ((u64)p & 15) == 0; }

// ---- RMSNorm: y = x / rms(x) * weight

template <int N, typename T>
DEVICE void rms_norm(const T* x, const T* weight, float epsilon, int columns, T* y, float* inverse_rms,
                     float* scratch) {
  float squares = 0;
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> v = load<N>(x + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      squares += v[j] * v[j];
    }
  }
  float inverse = 1.0f / sqrtf(block_sum(squares, scratch) / columns + epsilon);
  if (threadIdx.x == 0) {
    *inverse_rms = inverse;
  }
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> v = load<N>(x + i);
    Floats<N> w = load<N>(weight + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      v[j] = v[j] * inverse * w[j];
    }
    store<N>(y + i, v);
  }
}

#define RMS_NORM(T)                                                                                                 \
  extern "C" __global__ void rms_norm_##T(const T* x, const T* weight, float epsilon, int columns, T* y,            \
                                          float* inverse_rms) {                                                     \
    __shared__ float scratch[MOST_WARPS];                                                                           \
    const int N = 16 / sizeof(T);                                                                                   \
    i64 row = (i64)blockIdx.x * columns;                                                                            \
    if (columns % N == 0 && aligned(x) && aligned(weight) && aligned(y)) {                                          \
      rms_norm<N>(x + row, weight, epsilon, columns, y + row, inverse_rms + blockIdx.x, scratch);                   \
    } else {                                                                                                        \
      rms_norm<1>(x + row, weight, epsilon, columns, y + row, inverse_rms + blockIdx.x, scratch);                   \
    }                                                                                                               \
  }
TYPES(RMS_NORM)

// dx += the gradient through the norm. A block takes a run of rows, so that the gradient of the weight is summed over
// them in shared memory, where each thread has its columns, and leaves one row of partial sums.
template <int N, typename T>
DEVICE void rms_norm_backward(const T* x, const T* weight, const float* inverse_rms, const T* dy, int rows,
                              int rows_per_block, int columns, T* dx, float* partial, float* sums, float* scratch) {
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      sums[i + j] = 0;
    }
  }
  int begin = blockIdx.x * rows_per_block;
  int end = begin + rows_per_block < rows ? begin + rows_per_block : rows;
  for (int row = begin; row < end; row++) {
    i64 at = (i64)row * columns;
    float inverse = inverse_rms[row];
    float dot = 0;
    for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
      Floats<N> v = load<N>(x + at + i);
      Floats<N> d = load<N>(dy + at + i);
      Floats<N> w = load<N>(weight + i);
#pragma unroll
      for (int j = 0; j < N; j++) {
        float product = d[j] * v[j];
        dot += product * w[j];
        sums[i + j] += product * inverse;
      }
    }
    float pull = block_sum(dot, scratch) * inverse * inverse * inverse / columns;
    for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
      Floats<N> v = load<N>(x + at + i);
      Floats<N> d = load<N>(dy + at + i);
      Floats<N> w = load<N>(weight + i);
      Floats<N> old = load<N>(dx + at + i);
#pragma unroll
      for (int j = 0; j < N; j++) {
        old[j] += d[j] * w[j] * inverse - v[j] * pull;
      }
      store<N>(dx + at + i, old);
    }
  }
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
#pragma unroll
    for (int j = 0; j < N; j++) {
      partial[(i64)blockIdx.x * columns + i + j] = sums[i + j];
    }
  }
}

#define RMS_NORM_BACKWARD(T)                                                                                         \
  extern "C" __global__ void rms_norm_backward_##T(const T* x, const T* weight, const float* inverse_rms,            \
                                                   const T* dy, int rows, int rows_per_block, int columns, T* dx,    \
                                                   float* partial) {                                                 \
    __shared__ float scratch[MOST_WARPS];                                                                            \
    extern __shared__ float sums[];                                                                                  \
    const int N = 16 / sizeof(T);                                                                                    \
    if (columns % N == 0 && aligned(x) && aligned(weight) && aligned(dy) && aligned(dx)) {                           \
      rms_norm_backward<N>(x, weight, inverse_rms, dy, rows, rows_per_block, columns, dx, partial, sums, scratch);   \
    } else {                                                                                                         \
      rms_norm_backward<1>(x, weight, inverse_rms, dy, rows, rows_per_block, columns, dx, partial, sums, scratch);   \
    }                                                                                                                \
  }
TYPES(RMS_NORM_BACKWARD)

// ---- sums of columns. A block of 32 x 32 threads has 32 columns of rows_per_block rows; its warps take every 32nd
// row. sums[blockIdx.y, column] = or += the sum.

extern "C" __global__ void column_sums(const float* x, int rows, int columns, int rows_per_block, float* sums,
                                       int accumulate) {
  __shared__ float tile[32][33];
  int lane = threadIdx.x % 32;
  int warp = threadIdx.x / 32;
  int column = blockIdx.x * 32 + lane;
  int begin = blockIdx.y * rows_per_block;
  int end = begin + rows_per_block < rows ? begin + rows_per_block : rows;
  float sum = 0;
  if (column < columns) {
#pragma unroll 4
    for (int row = begin + warp; row < end; row += 32) {
      sum += x[(i64)row * columns + column];
    }
  }
  tile[lane][warp] = sum;
  __syncthreads();
  // Each warp sums up one column, in an order of its lanes.
  sum = warp_sum(tile[warp][lane]);
  column = blockIdx.x * 32 + warp;
  if (lane == 0 && column < columns) {
    float* target = sums + (i64)blockIdx.y * columns + column;
    *target = accumulate ? *target + sum : sum;
  }
}

// ---- rotary position embedding: pairs i and i + half of every head, in place. direction 1 turns, -1 turns back.

template <int N, typename T>
DEVICE void rope(T* x, const float* cos, const float* sin, int heads, int half, float direction) {
  int per_head = half / N;
  for (int pair = threadIdx.x; pair < heads * per_head; pair += blockDim.x) {
    int head = pair / per_head;
    int i = (pair - head * per_head) * N;
    T* low = x + (i64)head * 2 * half + i;
    T* high = low + half;
    Floats<N> a = load<N>(low);
    Floats<N> b = load<N>(high);
    Floats<N> turned_a;
    Floats<N> turned_b;
    Floats<N> c = load<N>(cos + i);
    Floats<N> s = load<N>(sin + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      float turn = direction * s[j];
      turned_a[j] = a[j] * c[j] - b[j] * turn;
      turned_b[j] = b[j] * c[j] + a[j] * turn;
    }
    store<N>(low, turned_a);
    store<N>(high, turned_b);
  }
}

#define ROPE(T)                                                                                                      \
  extern "C" __global__ void rope_##T(T* x, const float* cos, const float* sin, int length, int heads, int half,     \
                                      float direction) {                                                             \
    const int N = 16 / sizeof(T);                                                                                    \
    T* row = x + (i64)blockIdx.x * heads * 2 * half;                                                                 \
    i64 at = (i64)(blockIdx.x % length) * half;                                                                      \
    if (half % N == 0 && aligned(x) && aligned(cos) && aligned(sin)) {                                               \
      rope<N>(row, cos + at, sin + at, heads, half, direction);                                                      \
    } else {                                                                                                         \
      rope<1>(row, cos + at, sin + at, heads, half, direction);                                                      \
    }                                                                                                                \
  }
TYPES(ROPE)

// ---- cross entropy: one pass over the logits with a running maximum

template <int N, typename T>
DEVICE float log_sum_exp(const T* logits, int columns, float* scratch) {
  float max = -infinity();
  float sum = 0;
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> v = load<N>(logits + i);
    float higher = max;
#pragma unroll
    for (int j = 0; j < N; j++) {
      higher = fmaxf(higher, v[j]);
    }
    if (higher > max) {
      sum *= __expf(max - higher);
      max = higher;
    }
    if (max > -infinity()) {
#pragma unroll
      for (int j = 0; j < N; j++) {
        sum += __expf(v[j] - max);
      }
    }
  }
  float highest = block_max(max, scratch);
  float mine = max > -infinity() ? sum * __expf(max - highest) : sum;
  return highest + logf(block_sum(mine, scratch));
}

#define CROSS_ENTROPY(T)                                                                                             \
  extern "C" __global__ void cross_entropy_##T(const T* logits, const int* targets, int columns, float* losses,      \
                                               float* lse, uint4* fault) {                                           \
    __shared__ float scratch[MOST_WARPS];                                                                            \
    const int N = 16 / sizeof(T);                                                                                    \
    const T* row = logits + (i64)blockIdx.x * columns;                                                               \
    float value = columns % N == 0 && aligned(logits) ? log_sum_exp<N>(row, columns, scratch)                        \
                                                      : log_sum_exp<1>(row, columns, scratch);                       \
    if (threadIdx.x == 0) {                                                                                          \
      int target = targets[blockIdx.x];                                                                              \
      lse[blockIdx.x] = value;                                                                                       \
      losses[blockIdx.x] = target >= 0 && inside(target, columns, FAULT_TARGET, fault)                               \
                               ? value - to_float(row[target])                                                       \
                               : 0.0f;                                                                               \
    }                                                                                                                \
  }
TYPES(CROSS_ENTROPY)

// d_logits may be logits.
template <int N, typename T>
DEVICE void cross_entropy_backward(const T* logits, int target, float lse, float scale, int columns, T* d_logits) {
  for (int i = threadIdx.x * N; i < columns; i += blockDim.x * N) {
    Floats<N> v = load<N>(logits + i);
#pragma unroll
    for (int j = 0; j < N; j++) {
      float p = __expf(v[j] - lse);
      v[j] = target < 0 ? 0.0f : scale * (i + j == target ? p - 1.0f : p);
    }
    store<N>(d_logits + i, v);
  }
}

#define CROSS_ENTROPY_BACKWARD(T)                                                                                    \
  extern "C" __global__ void cross_entropy_backward_##T(const T* logits, const int* targets, const float* lse,       \
                                                        float scale, int columns, T* d_logits, uint4* fault) {       \
    const int N = 16 / sizeof(T);                                                                                    \
    i64 row = (i64)blockIdx.x * columns;                                                                             \
    int target = targets[blockIdx.x];                                                                                \
    if (target >= columns && threadIdx.x == 0) {                                                                     \
      inside(target, columns, FAULT_TARGET, fault);                                                                  \
    }                                                                                                                \
    if (columns % N == 0 && aligned(logits) && aligned(d_logits)) {                                                  \
      cross_entropy_backward<N>(logits + row, target, lse[blockIdx.x], scale, columns, d_logits + row);              \
    } else {                                                                                                         \
      cross_entropy_backward<1>(logits + row, target, lse[blockIdx.x], scale, columns, d_logits + row);              \
    }                                                                                                                \
  }
TYPES(CROSS_ENTROPY_BACKWARD)

// ---- router: a warp to a token, all in single precision

#define WARPS_PER_BLOCK 4

extern "C" __global__ void route(const float* logits, int tokens, int experts, int chosen, float* probabilities,
                                 float* lse, int* choice, float* weights) {
  int token = blockIdx.x * WARPS_PER_BLOCK + threadIdx.x / WARP_SIZE;
  int lane = threadIdx.x % WARP_SIZE;
  if (token >= tokens) {
    return;  // a whole warp, and nothing below waits for the block
  }
  logits += (i64)token * experts;
  probabilities += (i64)token * experts;
  choice += (i64)token * chosen;
  weights += (i64)token * chosen;
  float max = -infinity();
  for (int j = lane; j < experts; j += WARP_SIZE) {
    max = fmaxf(max, logits[j]);
  }
  max = warp_max(max);
  float sum = 0;
  for (int j = lane; j < experts; j += WARP_SIZE) {
    sum += expf(logits[j] - max);
  }
  float value = max + logf(warp_sum(sum));
  if (lane == 0) {
    lse[token] = value;
  }
  for (int j = lane; j < experts; j += WARP_SIZE) {
    probabilities[j] = expf(logits[j] - value);
  }
  // The next choice is the largest of those that come after the last one: smaller, or equal and with a higher number.
  float last = infinity();
  int last_expert = -1;
  float mass = 0;
  for (int s = 0; s < chosen; s++) {
    float best = -infinity();
    int best_expert = experts;
    for (int j = lane; j < experts; j += WARP_SIZE) {
      float v = logits[j];
      v = v == v ? v : -infinity();  // experts are chosen whatever the numbers are
      bool after = v < last || (v == last && j > last_expert);
      if (after && (v > best || best_expert == experts)) {
        best = v;
        best_expert = j;
      }
    }
#pragma unroll
    for (int distance = WARP_SIZE / 2; distance > 0; distance /= 2) {
      float other = __shfl_xor_sync(ALL_LANES, best, distance);
      int other_expert = __shfl_xor_sync(ALL_LANES, best_expert, distance);
      if (other_expert < experts &&
          (best_expert == experts || other > best || (other == best && other_expert < best_expert))) {
        best = other;
        best_expert = other_expert;
      }
    }
    last = best;
    last_expert = best_expert;
    float p = expf(logits[best_expert] - value);
    mass += p;
    if (lane == s % WARP_SIZE) {
      choice[s] = best_expert;
      weights[s] = p;
    }
  }
  for (int s = lane; s < chosen; s += WARP_SIZE) {
    weights[s] = weights[s] / mass;
  }
}

extern "C" __global__ void route_backward(const float* probabilities, const float* lse, const int* choice,
                                          const float* weights, const float* d_weights, const float* balance,
                                          float z_scale, int tokens, int experts, int chosen, float* d_logits,
                                          uint4* fault) {
  int token = blockIdx.x * WARPS_PER_BLOCK + threadIdx.x / WARP_SIZE;
  int lane = threadIdx.x % WARP_SIZE;
  if (token >= tokens) {
    return;
  }
  probabilities += (i64)token * experts;
  d_logits += (i64)token * experts;
  choice += (i64)token * chosen;
  weights += (i64)token * chosen;
  d_weights += (i64)token * chosen;
  float mass = 0;
  float weighted = 0;
  for (int s = 0; s < chosen; s++) {
    mass += inside(choice[s], experts, FAULT_EXPERT, fault) ? probabilities[choice[s]] : 0.0f;
    weighted += weights[s] * d_weights[s];
  }
  float dot = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int j = lane; j < experts; j += WARP_SIZE) {
      float d = balance[j];
      for (int s = 0; s < chosen; s++) {
        if (choice[s] == j) {
          d += (d_weights[s] - weighted) / mass;
        }
      }
      if (pass == 0) {
        dot += probabilities[j] * d;
      } else {
        d_logits[j] = probabilities[j] * (d - dot + 2.0f * z_scale * lse[token]);
      }
    }
    if (pass == 0) {
      dot = warp_sum(dot);
    }
  }
}
