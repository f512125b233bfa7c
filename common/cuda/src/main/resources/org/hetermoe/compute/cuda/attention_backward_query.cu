// Causal grouped-query attention, backward, on tensor cores: the gradient of the queries. A block of queries of one head
// walks over the keys before them. Also what both halves of the backward pass need first: delta.
#include "attention.cuh"

static constexpr int QUERIES = WARPS * ROW_TILES * 16;
static constexpr int KEYS = BLOCK;
static_assert((2 * QUERIES + 2 * STAGES * KEYS) * ROW_BYTES == SHARED_BYTES, "the launch and the kernel differ");

// delta[row, head] = dot(out[row, head], d_out[row, head]); a warp each.
extern "C" __global__ void __launch_bounds__(256) PASTE(attention_delta, TYPE)(
    const T* __restrict__ out, const T* __restrict__ d_out, float* __restrict__ delta, i64 count) {
  i64 i = (i64)blockIdx.x * (256 / WARP_SIZE) + threadIdx.x / WARP_SIZE;
  if (i < count) {
    constexpr int WIDTH = ALIGNED ? 8 : 1;
    float sum = 0;
#pragma unroll
    for (int from = 0; from < HEAD_DIM; from += WARP_SIZE * WIDTH) {
      int column = from + lane_of_warp() * WIDTH;
      if (column < HEAD_DIM) {
        Floats<WIDTH> a = load<WIDTH>(out + i * HEAD_DIM + column);
        Floats<WIDTH> b = load<WIDTH>(d_out + i * HEAD_DIM + column);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
          sum += a[j] * b[j];
        }
      }
    }
    sum = warp_sum(sum);
    if (lane_of_warp() == 0) {
      delta[i] = sum;
    }
  }
}

// Operands and blocks as in attention.
KERNEL(attention_backward_query)(
    const T* __restrict__ q,
    const T* __restrict__ k,
    const T* __restrict__ v,
    const float* __restrict__ log_sum_exp,
    const float* __restrict__ delta,
    const T* __restrict__ d_out,
    T* __restrict__ dq,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(1024) unsigned char shared[];
  u32 q_tile = shared_address(shared);
  u32 d_out_tile = q_tile + QUERIES * ROW_BYTES;
  u32 k_tile = d_out_tile + QUERIES * ROW_BYTES;  // followed by the values; then the next stage

  int streams = heads * sequences;
  int block = (length + QUERIES - 1) / QUERIES - 1 - blockIdx.x / streams;
  int head = blockIdx.x % streams % heads;
  i64 first_row = (i64)(blockIdx.x % streams / heads) * length;
  int first_query = block * QUERIES;
  int q_stride = heads * HEAD_DIM;
  int kv_stride = kv_heads * HEAD_DIM;
  i64 q_offset = (first_row + first_query) * q_stride + head * HEAD_DIM;
  i64 kv_offset = first_row * kv_stride + head / (heads / kv_heads) * HEAD_DIM;
  k += kv_offset;
  v += kv_offset;

  int queries = min(QUERIES, length - first_query);
  int blocks = (first_query + queries + KEYS - 1) / KEYS;
  int warp_row = threadIdx.x / WARP_SIZE * ROW_TILES * 16;
  int last_query = first_query + warp_row + ROW_TILES * 16 - 1;
  float scale2 = scale * LOG2_E;

  copy_rows<QUERIES>(q_tile, q + q_offset, queries, q_stride);
  copy_rows<QUERIES>(d_out_tile, d_out + q_offset, queries, q_stride);
  if (STAGES == 2) {
    copy_rows<KEYS>(k_tile, k, length, kv_stride);
    copy_rows<KEYS>(k_tile + KEYS * ROW_BYTES, v, length, kv_stride);
    copies_commit();
  }

  float shift[ROW_TILES][2];
  float row_delta[ROW_TILES][2];
  Tile sum[ROW_TILES][D_TILES];
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      int query = warp_row + m * 16 + tile_row(half);
      i64 i = (first_row + first_query + query) * heads + head;
      shift[m][half] = query < queries ? log_sum_exp[i] * LOG2_E : 0;
      row_delta[m][half] = query < queries ? delta[i] : 0;
    }
#pragma unroll
    for (int d = 0; d < D_TILES; d++) {
      clear(sum[m][d]);
    }
  }

  for (int j = 0; j < blocks; j++) {
    int first_key = j * KEYS;
    u32 keys = k_tile + (STAGES == 2 ? j % 2 * 2 * KEYS * ROW_BYTES : 0);
    u32 values = keys + KEYS * ROW_BYTES;
    if (STAGES == 1) {
      __syncthreads();  // nobody needs the last keys and values any more
      copy_rows<KEYS>(keys, k + (i64)first_key * kv_stride, length - first_key, kv_stride);
      copy_rows<KEYS>(values, v + (i64)first_key * kv_stride, length - first_key, kv_stride);
      copies_commit();
    }
    copies_wait<0>();
    __syncthreads();  // these keys and values are here, and nobody needs the last ones any more
    if (STAGES == 2 && j + 1 < blocks) {
      u32 next = k_tile + (j + 1) % 2 * 2 * KEYS * ROW_BYTES;
      int next_key = first_key + KEYS;
      copy_rows<KEYS>(next, k + (i64)next_key * kv_stride, length - next_key, kv_stride);
      copy_rows<KEYS>(next + KEYS * ROW_BYTES, v + (i64)next_key * kv_stride, length - next_key, kv_stride);
      copies_commit();
    }
    if (first_key > last_query) {
      continue;
    }

    Tile p[ROW_TILES][BLOCK_TILES];
    Tile ds[ROW_TILES][BLOCK_TILES];
    scores(p, q_tile, warp_row, keys);
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
      for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          p[m][n].at[i] = exp2_fast(p[m][n].at[i] * scale2 - shift[m][i / 2 % 2]);
        }
      }
    }
    if (first_key + KEYS - 1 > first_query + warp_row) {
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
        for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
          for (int i = 0; i < 8; i++) {
            int key = first_key + n * 16 + tile_column(i);
            int query = first_query + warp_row + m * 16 + tile_row(i / 2 % 2);
            if (key > query) {
              p[m][n].at[i] = 0;
            }
          }
        }
      }
    }
    scores(ds, d_out_tile, warp_row, values);
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
      for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          ds[m][n].at[i] = p[m][n].at[i] * (ds[m][n].at[i] - row_delta[m][i / 2 % 2]);
        }
      }
    }
    Operand x[ROW_TILES][BLOCK_TILES];
    round(x, ds);
    accumulate(sum, x, keys, 0);
  }

  // A warp's queries are nobody else's, so that it may leave their gradients in their place.
  __syncwarp();
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int d = 0; d < D_TILES; d++) {
      store_tile<T, D>(q_tile, warp_row + m * 16, d, sum[m][d], scale, scale);
    }
  }
  __syncwarp();
  write_rows<ROW_TILES * 16>(dq + q_offset, q_tile, warp_row, queries, q_stride, lane_of_warp(), WARP_SIZE);
}
