// What the attention kernels in single precision share: products of rows in shared memory, each thread with a tile of
// registers. No tensor cores, which would round the factors.
//
//   HEAD_DIM   columns of a head
//   ALIGNED    1 if every row of every head begins at 16 bytes, else 0
//   ROWS       rows that a block owns: queries, or keys in the backward pass by key
//   BLOCK      columns of a block of scores: keys, or queries in the backward pass by key
//   SHARED_BYTES  dynamic shared memory that the launch asks for
//
// 128 threads: eight neighbours share the rows r, r + 16, ... and take every eighth column.
#ifndef HETERMOE_ATTENTION_PLAIN_CUH
#define HETERMOE_ATTENTION_PLAIN_CUH

#include "types.cuh"

#define LOG2_E 1.4426950408889634f
// The second bound, which asks for little, keeps ptxas from spilling for the sake of more blocks.
#define KERNEL extern "C" __global__ void __launch_bounds__(128, 1)

static constexpr int THREADS = 128;
static constexpr int D = (HEAD_DIM + 31) / 32 * 32;
static constexpr int STRIDE = D + 4;      // of a row of a head: neighbouring rows begin four banks apart
static constexpr int X_STRIDE = BLOCK + 4;
static constexpr int MINE = ROWS / 16;    // rows of a thread
static constexpr int COLUMNS = BLOCK / 8; // score columns of a thread
static constexpr int QUADS = D / 32;      // quadruples of head columns of a thread
static_assert(ROWS % 16 == 0 && BLOCK % 8 == 0, "whole rows and columns per thread");

DEVICE int row_of(int i) { return threadIdx.x / 8 + 16 * i; }

DEVICE int column_of(int j) { return threadIdx.x % 8 + 8 * j; }

// Over the threads that share rows.
DEVICE float row_sum(float x) {
  x += __shfl_xor_sync(ALL_LANES, x, 1);
  x += __shfl_xor_sync(ALL_LANES, x, 2);
  return x + __shfl_xor_sync(ALL_LANES, x, 4);
}

DEVICE float row_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
  x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
  return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 4));
}

// Copies COUNT rows of a head to shared memory: those below valid, zeros for the others and beyond the head's columns.
template <int COUNT>
DEVICE void copy_rows(float* shared, const float* global, int valid, int stride) {
#pragma unroll 4
  for (int i = threadIdx.x; i < COUNT * (D / 4); i += THREADS) {
    int row = i / (D / 4);
    int column = i % (D / 4) * 4;
    float4 x = make_float4(0, 0, 0, 0);
    if (row < valid && column < HEAD_DIM) {
      const float* source = global + (i64)row * stride + column;
      if (ALIGNED) {
        x = *reinterpret_cast<const float4*>(source);
      } else {
        x.x = source[0];
        x.y = column + 1 < HEAD_DIM ? source[1] : 0;
        x.z = column + 2 < HEAD_DIM ? source[2] : 0;
        x.w = column + 3 < HEAD_DIM ? source[3] : 0;
      }
    }
    *reinterpret_cast<float4*>(shared + row * STRIDE + column) = x;
  }
}

// x[i][j] = row of left . row of right.
DEVICE void scores(float (&x)[MINE][COLUMNS], const float* left, const float* right) {
#pragma unroll
  for (int i = 0; i < MINE; i++) {
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      x[i][j] = 0;
    }
  }
#pragma unroll 2
  for (int d = 0; d < D; d += 4) {
    float4 a[MINE];
#pragma unroll
    for (int i = 0; i < MINE; i++) {
      a[i] = *reinterpret_cast<const float4*>(left + row_of(i) * STRIDE + d);
    }
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      float4 b = *reinterpret_cast<const float4*>(right + column_of(j) * STRIDE + d);
#pragma unroll
      for (int i = 0; i < MINE; i++) {
        x[i][j] = fmaf(a[i].x, b.x, x[i][j]);
        x[i][j] = fmaf(a[i].y, b.y, x[i][j]);
        x[i][j] = fmaf(a[i].z, b.z, x[i][j]);
        x[i][j] = fmaf(a[i].w, b.w, x[i][j]);
      }
    }
  }
}

// Leaves a thread's scores where the threads that share its rows find them; those are of one warp.
DEVICE void share(float* shared, const float (&x)[MINE][COLUMNS]) {
  __syncwarp();
#pragma unroll
  for (int i = 0; i < MINE; i++) {
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      shared[row_of(i) * X_STRIDE + column_of(j)] = x[i][j];
    }
  }
  __syncwarp();
}

DEVICE void clear(float4 (&y)[MINE][QUADS]) {
#pragma unroll
  for (int i = 0; i < MINE; i++) {
#pragma unroll
    for (int c = 0; c < QUADS; c++) {
      y[i][c] = make_float4(0, 0, 0, 0);
    }
  }
}

// y[i] += row of x . rows.
DEVICE void accumulate(float4 (&y)[MINE][QUADS], const float* x, const float* rows) {
#pragma unroll 1
  for (int k = 0; k < BLOCK; k += 4) {
    float4 p[MINE];
#pragma unroll
    for (int i = 0; i < MINE; i++) {
      p[i] = *reinterpret_cast<const float4*>(x + row_of(i) * X_STRIDE + k);
    }
#pragma unroll
    for (int step = 0; step < 4; step++) {
#pragma unroll
      for (int c = 0; c < QUADS; c++) {
        const float* at = rows + (k + step) * STRIDE + c * 32 + threadIdx.x % 8 * 4;
        float4 b = *reinterpret_cast<const float4*>(at);
#pragma unroll
        for (int i = 0; i < MINE; i++) {
          float a = step == 0 ? p[i].x : step == 1 ? p[i].y : step == 2 ? p[i].z : p[i].w;
          y[i][c].x = fmaf(a, b.x, y[i][c].x);
          y[i][c].y = fmaf(a, b.y, y[i][c].y);
          y[i][c].z = fmaf(a, b.z, y[i][c].z);
          y[i][c].w = fmaf(a, b.w, y[i][c].w);
        }
      }
    }
  }
}

// Writes a thread's row i of a result, times a factor.
DEVICE void write_row(float* global, const float4 (&y)[QUADS], float factor) {
#pragma unroll
  for (int c = 0; c < QUADS; c++) {
    int column = c * 32 + threadIdx.x % 8 * 4;
    if (column < HEAD_DIM) {
      float4 x = make_float4(y[c].x * factor, y[c].y * factor, y[c].z * factor, y[c].w * factor);
      if (ALIGNED) {
        *reinterpret_cast<float4*>(global + column) = x;
      } else {
        global[column] = x.x;
        if (column + 1 < HEAD_DIM) global[column + 1] = x.y;
        if (column + 2 < HEAD_DIM) global[column + 2] = x.z;
        if (column + 3 < HEAD_DIM) global[column + 3] = x.w;
      }
    }
  }
}

#endif
