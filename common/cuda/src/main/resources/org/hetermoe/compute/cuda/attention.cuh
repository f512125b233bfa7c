// What the attention kernels on tensor cores share: sizes, which come as macros, and the movement of rows.
//
//   TYPE       f16 or bf16
//   HEAD_DIM   columns of a head
//   ALIGNED    1 if every row of every head begins at 16 bytes, else 0
//   WARPS      of a block
//   ROW_TILES  tiles of 16 rows that each warp owns: of queries, or of keys in the backward pass by key
//   BLOCK      columns of a block of scores: keys, or queries in the backward pass by key
//   STAGES     buffers of what a block loops over
//   MIN_BLOCKS blocks that must fit a multiprocessor, for the register allocator
//   SHARED_BYTES  dynamic shared memory that the launch asks for
#ifndef HETERMOE_ATTENTION_CUH
#define HETERMOE_ATTENTION_CUH

#include "mma.cuh"

#define PASTE_(name, type) name##_##type
#define PASTE(name, type) PASTE_(name, type)
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(WARPS * WARP_SIZE, MIN_BLOCKS) PASTE(name, TYPE)

#define LOG2_E 1.4426950408889634f

typedef TYPE T;

// Two warps share the keys of a wide head in the backward pass by key, each with one half of the gradients' columns: the
// sums of both gradients would not fit the registers of one.
static constexpr int SPLIT = HEAD_DIM > 128 ? 2 : 1;
static constexpr int D = (HEAD_DIM + 16 * SPLIT - 1) / (16 * SPLIT) * (16 * SPLIT);
static constexpr int D_TILES = D / 16;
static constexpr int THREADS = WARPS * WARP_SIZE;
static constexpr int BLOCK_TILES = BLOCK / 16;
static constexpr int CHUNKS = SharedRows<D>::CHUNKS;
static constexpr int ROW_BYTES = D * 2;

DEVICE float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// The eight numbers at first, which are a head's chunk, for rows that do not begin or end at 16 bytes.
DEVICE uint4 gather_chunk(const T* first, int chunk) {
  u32 words[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    bool inside = chunk * 8 + i * 2 < HEAD_DIM;
    words[i] = inside ? (u32)first[2 * i].bits | ((u32)first[2 * i + 1].bits << 16) : 0u;
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

// Whether this device copies rows to shared memory asynchronously.
#if __CUDA_ARCH__ >= 800
static constexpr bool ASYNC = ALIGNED;
#else
static constexpr bool ASYNC = false;
#endif

// Begins to copy ROWS rows of a head to shared memory: those below valid, zeros for the others and for the columns that
// fill up the tiles. The caller commits.
template <int ROWS>
DEVICE void copy_rows(u32 shared, const T* global, int valid, int stride) {
  constexpr int COUNT = (ROWS * CHUNKS + THREADS - 1) / THREADS;
  constexpr bool WHOLE = ROWS * CHUNKS % THREADS == 0;
  constexpr int AT_ONCE = ASYNC ? 1 : ALIGNED ? 8 : 2;  // loads under way before the first of them is waited for
  // The compiler would else keep the offsets of all rows in registers over the loops around this.
  asm volatile("" : "+r"(stride));
#pragma unroll
  for (int from = 0; from < COUNT; from += AT_ONCE) {
    uint4 held[AT_ONCE];
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++) {
      int i = (from + j) * THREADS + threadIdx.x;
      int row = i / CHUNKS;
      int chunk = i % CHUNKS;
      bool inside = row < valid && chunk * 8 < HEAD_DIM;
      if (from + j < COUNT && (WHOLE || i < ROWS * CHUNKS)) {
        const T* source = inside ? global + ((i64)row * stride + chunk * 8) : global;
        if constexpr (ASYNC) {
          copy16(shared + SharedRows<D>::offset(row, chunk), source, inside);
        } else if constexpr (ALIGNED) {
          held[j] = inside ? *reinterpret_cast<const uint4*>(source) : make_uint4(0, 0, 0, 0);
        } else {
          held[j] = inside ? gather_chunk(source, chunk) : make_uint4(0, 0, 0, 0);
        }
      }
    }
    if constexpr (!ASYNC) {
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++) {
        int i = (from + j) * THREADS + threadIdx.x;
        if (from + j < COUNT && (WHOLE || i < ROWS * CHUNKS)) {
          store_shared16(shared + SharedRows<D>::offset(i / CHUNKS, i % CHUNKS), held[j]);
        }
      }
    }
  }
}

// Copies rows from shared memory to a head's rows: those below valid. Threads thread, thread + step, ... take part.
template <int ROWS>
DEVICE void write_rows(T* global, u32 shared, int first, int valid, int stride, int thread, int step) {
  for (int i = thread; i < ROWS * CHUNKS; i += step) {
    int row = first + i / CHUNKS;
    int chunk = i % CHUNKS;
    if (row < valid && chunk * 8 < HEAD_DIM) {
      uint4 x = load_shared16(shared + SharedRows<D>::offset(row, chunk));
      T* target = global + (i64)row * stride + chunk * 8;
      if (ALIGNED) {
        *reinterpret_cast<uint4*>(target) = x;
      } else {
        u32 words[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
        for (int pair = 0; pair < 4; pair++) {
          if (chunk * 8 + pair * 2 < HEAD_DIM) {
            target[pair * 2].bits = (u16)words[pair];
            target[pair * 2 + 1].bits = (u16)(words[pair] >> 16);
          }
        }
      }
    }
  }
}

// Sums of a warp's rows with the rows of a block: x[m][n] = left rows . right rows, over all columns of a head.
DEVICE void scores(Tile (&x)[ROW_TILES][BLOCK_TILES], u32 left, int row, u32 right) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int n = 0; n < BLOCK_TILES; n++) {
      clear(x[m][n]);
    }
  }
  LaneAddress left_lane = left_address<D>(left, row);
  LaneAddress right_lane = right_transposed_address<D>(right);
#pragma unroll
  for (int d = 0; d < D_TILES; d++) {
    Operand a[ROW_TILES];
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
      a[m] = load_rows<D>(left_lane, m * 16, d);
    }
#pragma unroll
    for (int n = 0; n < BLOCK_TILES; n++) {
      Operand b = load_rows<D>(right_lane, n * 16, d);
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
        multiply_transposed<T>(x[m][n], a[m], b);
      }
    }
  }
}

// Sums, rounded, as left factors.
DEVICE void round(Operand (&y)[ROW_TILES][BLOCK_TILES], const Tile (&x)[ROW_TILES][BLOCK_TILES]) {
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int n = 0; n < BLOCK_TILES; n++) {
      y[m][n] = to_left<T>(x[m][n]);
    }
  }
}

// y[m][d] += x[m][.] . rows of a block, for TILES tiles of columns from tile first on.
template <int TILES>
DEVICE void accumulate(Tile (&y)[ROW_TILES][TILES], const Operand (&x)[ROW_TILES][BLOCK_TILES], u32 rows, int first) {
  LaneAddress lane = right_address<D>(rows);
#pragma unroll
  for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
    for (int d = 0; d < TILES; d++) {
      Operand b = load_columns<D>(lane, n * 16, first + d);
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
        multiply<T>(y[m][d], x[m][n], b);
      }
    }
  }
}

#endif
