// The gradient of the embedding.
#include "faults.cuh"

DEVICE bool aligned(const void* p) { return ((u64)p & 15) == 0; }

// table[ids[t]] += dy[t] in the order of t, without atomics. The block of a token does
// nothing unless the token is the first with its id; then it adds all rows of that id. Blocks are of 256 threads.

#define EMBED_THREADS 256

template <int N, typename T>
DEVICE void add_rows(const T* dy, const int* found, int count, int columns, float* target) {
  for (int i = threadIdx.x * N; i < columns; i += EMBED_THREADS * N) {
    Floats<N> sum = load<N>(target + i);
    for (int f = 0; f < count; f++) {
      Floats<N> v = load<N>(dy + (i64)found[f] * columns + i);
#pragma unroll
      for (int j = 0; j < N; j++) {
        sum[j] += v[j];
      }
    }
    store<N>(target + i, sum);
  }
}

// How many threads of the block say yes, and how many of those before this one. All threads must call. counts may be
// used again at once.
DEVICE int matches(bool match, int* counts, int* place) {
  int lane = threadIdx.x % WARP_SIZE;
  int warp = threadIdx.x / WARP_SIZE;
  u32 lanes = __ballot_sync(ALL_LANES, match);
  if (lane == 0) {
    counts[warp] = __popc(lanes);
  }
  __syncthreads();
  int before = 0;
  int count = 0;
  for (int w = 0; w < EMBED_THREADS / WARP_SIZE; w++) {
    before += w < warp ? counts[w] : 0;
    count += counts[w];
  }
  __syncthreads();
  if (place) {
    *place = before + __popc(lanes & ((1u << lane) - 1u));
  }
  return count;
}

template <typename T>
DEVICE void embed_backward(const int* ids, const T* dy, int tokens, int vocabulary, int columns, float* table,
                           uint4* fault) {
  __shared__ int found[EMBED_THREADS];
  __shared__ int counts[EMBED_THREADS / WARP_SIZE];
  const int N = 16 / sizeof(T);
  int token = blockIdx.x;
  int id = ids[token];
  if (!inside(id, vocabulary, FAULT_ID, fault)) {
    return;
  }
  // Frequent ids have an early first token: the search ends soon where it has to fail.
  for (int base = 0; base < token; base += EMBED_THREADS) {
    int t = base + threadIdx.x;
    if (matches(t < token && ids[t] == id, counts, nullptr) > 0) {
      return;
    }
  }
  float* target = table + (i64)id * columns;
  bool wide = columns % N == 0 && aligned(dy) && aligned(table);
  for (int base = token; base < tokens; base += EMBED_THREADS) {
    int t = base + threadIdx.x;
    bool match = t < tokens && ids[t] == id;
    int place;
    int count = matches(match, counts, &place);
    if (match) {
      found[place] = t;
    }
    __syncthreads();
    if (count > 0) {
      if (wide) {
        add_rows<N>(dy, found, count, columns, target);
      } else {
        add_rows<1>(dy, found, count, columns, target);
      }
    }
  }
}

#define EMBED_BACKWARD(T)                                                                                            \
  extern "C" __global__ void embed_backward_##T(const int* ids, const T* dy, int tokens, int vocabulary,             \
                                                int columns, float* table, uint4* fault) {                           \
    embed_backward(ids, dy, tokens, vocabulary, columns, table, fault);                                              \
  }
EMBED_BACKWARD(f32)
EMBED_BACKWARD(f16)
EMBED_BACKWARD(bf16)
