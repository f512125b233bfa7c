// Causal grouped-query attention, backward, on tensor cores: the gradients of keys and values. A block of keys of one
// key/value head walks over the queries at and after them, of one query head after the other, so that every sum has
// one order. Scores are transposed: a row is a key, and a column a query.
#include "attention.cuh"

static constexpr int KEYS = WARPS / SPLIT * ROW_TILES * 16;
static constexpr int QUERIES = BLOCK;
static constexpr int STAGE_BYTES = 2 * QUERIES * ROW_BYTES;
static constexpr int MY_TILES = D_TILES / SPLIT;
static_assert(
    2 * KEYS * ROW_BYTES + STAGES * (STAGE_BYTES + 2 * QUERIES * 4) == SHARED_BYTES,
    "the launch and the kernel differ");
static_assert(KEYS % QUERIES == 0, "a block of queries begins where a block of keys does");

// Begins to copy a block of queries with the gradients of their outputs, and the two numbers per query.
DEVICE void copy_queries(
    u32 tiles,
    u32 numbers,
    const T* q,
    const T* d_out,
    const float* log_sum_exp,
    const float* delta,
    i64 row,
    int valid,
    int heads,
    int head) {
  i64 offset = (row * heads + head) * HEAD_DIM;
  copy_rows<QUERIES>(tiles, q + offset, valid, heads * HEAD_DIM);
  copy_rows<QUERIES>(tiles + QUERIES * ROW_BYTES, d_out + offset, valid, heads * HEAD_DIM);
  // Zeros beyond the last query: its scores are 0 then, its probabilities 1, and all it adds 0, like its d_out.
  for (int i = threadIdx.x; i < 2 * QUERIES; i += THREADS) {
    int query = i % QUERIES;
    bool inside = query < valid;
    const float* source = i < QUERIES ? log_sum_exp : delta;
    copy4(numbers + i * 4, source + (row + (inside ? query : 0)) * heads + head, inside);
  }
  copies_commit();
}

// Operands as in attention. Blocks: one per kv_heads * sequences, times blocks of keys; those with the most queries
// begin first.
KERNEL(attention_backward_key)(
    const T* __restrict__ q,
    const T* __restrict__ k,
    const T* __restrict__ v,
    const float* __restrict__ log_sum_exp,
    const float* __restrict__ delta,
    const T* __restrict__ d_out,
    T* __restrict__ dk,
    T* __restrict__ dv,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(1024) unsigned char shared[];
  u32 k_tile = shared_address(shared);
  u32 v_tile = k_tile + KEYS * ROW_BYTES;
  u32 stages = v_tile + KEYS * ROW_BYTES;
  constexpr int NUMBERS_AT = 2 * KEYS * ROW_BYTES + STAGES * STAGE_BYTES;

  int streams = kv_heads * sequences;
  int block = blockIdx.x / streams;
  int kv_head = blockIdx.x % streams % kv_heads;
  i64 first_row = (i64)(blockIdx.x % streams / kv_heads) * length;
  int first_key = block * KEYS;
  int keys = min(KEYS, length - first_key);
  int kv_stride = kv_heads * HEAD_DIM;
  int group = heads / kv_heads;
  i64 kv_offset = (first_row + first_key) * kv_stride + kv_head * HEAD_DIM;

  int blocks = (length - first_key + QUERIES - 1) / QUERIES;  // of queries, per head
  int steps = group * blocks;
  int warp = threadIdx.x / WARP_SIZE;
  int warp_row = warp / SPLIT * ROW_TILES * 16;
  int first_tile = warp % SPLIT * MY_TILES;
  float scale2 = scale * LOG2_E;

  copy_rows<KEYS>(k_tile, k + kv_offset, keys, kv_stride);
  copy_rows<KEYS>(v_tile, v + kv_offset, keys, kv_stride);
  if (STAGES == 2) {
    copy_queries(
        stages, k_tile + NUMBERS_AT, q, d_out, log_sum_exp, delta, first_row + first_key, length - first_key, heads,
        kv_head * group);
  }

  Tile k_sum[ROW_TILES][MY_TILES];
  Tile v_sum[ROW_TILES][MY_TILES];
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int d = 0; d < MY_TILES; d++) {
      clear(k_sum[m][d]);
      clear(v_sum[m][d]);
    }
  }

  for (int step = 0; step < steps; step++) {
    int stage = STAGES == 2 ? step % 2 : 0;
    int first_query = first_key + step % blocks * QUERIES;
    if (STAGES == 1) {
      __syncthreads();  // nobody needs the last queries any more
      copy_queries(
          stages, k_tile + NUMBERS_AT, q, d_out, log_sum_exp, delta, first_row + first_query, length - first_query,
          heads, kv_head * group + step / blocks);
    }
    copies_wait<0>();
    __syncthreads();  // these queries are here, and nobody needs the last ones any more
    if (STAGES == 2 && step + 1 < steps) {
      int next_query = first_key + (step + 1) % blocks * QUERIES;
      copy_queries(
          stages + (1 - stage) * STAGE_BYTES, k_tile + NUMBERS_AT + (1 - stage) * 2 * QUERIES * 4, q, d_out,
          log_sum_exp, delta, first_row + next_query, length - next_query, heads,
          kv_head * group + (step + 1) / blocks);
    }
    if (first_query + QUERIES - 1 < first_key + warp_row) {
      continue;  // no query of these sees a key of this warp
    }

    u32 q_tile = stages + stage * STAGE_BYTES;
    u32 d_out_tile = q_tile + QUERIES * ROW_BYTES;
    const float* row_log = reinterpret_cast<const float*>(shared + NUMBERS_AT) + stage * 2 * QUERIES;
    const float* row_delta = row_log + QUERIES;

    Tile p[ROW_TILES][BLOCK_TILES];
    Tile ds[ROW_TILES][BLOCK_TILES];
    scores(p, k_tile, warp_row, q_tile);
#pragma unroll
    for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float shift = row_log[n * 16 + tile_column(i)] * LOG2_E;
#pragma unroll
        for (int m = 0; m < ROW_TILES; m++) {
          p[m][n].at[i] = exp2_fast(p[m][n].at[i] * scale2 - shift);
        }
      }
    }
    if (first_query < first_key + warp_row + ROW_TILES * 16 - 1) {
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
        for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
          for (int i = 0; i < 8; i++) {
            int query = first_query + n * 16 + tile_column(i);
            int key = first_key + warp_row + m * 16 + tile_row(i / 2 % 2);
            if (key > query) {
              p[m][n].at[i] = 0;
            }
          }
        }
      }
    }
    Operand x[ROW_TILES][BLOCK_TILES];
    round(x, p);
    accumulate(v_sum, x, d_out_tile, first_tile);
    scores(ds, v_tile, warp_row, d_out_tile);
#pragma unroll
    for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float shift = row_delta[n * 16 + tile_column(i)];
#pragma unroll
        for (int m = 0; m < ROW_TILES; m++) {
          ds[m][n].at[i] = p[m][n].at[i] * (ds[m][n].at[i] - shift);
        }
      }
    }
    round(x, ds);
    accumulate(k_sum, x, q_tile, first_tile);
  }

  __syncthreads();  // keys and values make room for their gradients
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int d = 0; d < MY_TILES; d++) {
      store_tile<T, D>(k_tile, warp_row + m * 16, first_tile + d, k_sum[m][d], scale, scale);
      store_tile<T, D>(v_tile, warp_row + m * 16, first_tile + d, v_sum[m][d], 1, 1);
    }
  }
  __syncthreads();
  write_rows<KEYS>(dk + kv_offset, k_tile, 0, keys, kv_stride, threadIdx.x, THREADS);
  write_rows<KEYS>(dv + kv_offset, v_tile, 0, keys, kv_stride, threadIdx.x, THREADS);
}
