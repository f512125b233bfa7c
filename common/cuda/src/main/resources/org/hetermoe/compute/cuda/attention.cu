// Causal grouped-query attention, forward, on tensor cores: a block of queries of one head walks over the keys before
// them, a block at a time, with a running maximum and sum per row. Scores and probabilities stay in registers.
#include "attention.cuh"

static constexpr int QUERIES = WARPS * ROW_TILES * 16;
static constexpr int KEYS = BLOCK;
static_assert((QUERIES + 2 * KEYS) * ROW_BYTES == SHARED_BYTES, "the launch and the kernel differ");

// q, out: [sequences * length, heads * HEAD_DIM]; k, v: [.., kv_heads * HEAD_DIM]; log_sum_exp: [.., heads].
// Blocks: one per heads * sequences, times blocks of queries. Those with the most keys begin first.
KERNEL(attention)(
    const T* __restrict__ q,
    const T* __restrict__ k,
    const T* __restrict__ v,
    T* __restrict__ out,
    float* __restrict__ log_sum_exp,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(1024) unsigned char shared[];
  u32 q_tile = shared_address(shared);
  u32 k_tile = q_tile + QUERIES * ROW_BYTES;
  u32 v_tile = k_tile + KEYS * ROW_BYTES;

  int streams = heads * sequences;
  int block = (length + QUERIES - 1) / QUERIES - 1 - blockIdx.x / streams;
  int head = blockIdx.x % streams % heads;
  i64 first_row = (i64)(blockIdx.x % streams / heads) * length;
  int first_query = block * QUERIES;
  int kv_stride = kv_heads * HEAD_DIM;
  i64 kv_offset = first_row * kv_stride + head / (heads / kv_heads) * HEAD_DIM;
  k += kv_offset;
  v += kv_offset;

  int queries = min(QUERIES, length - first_query);
  int blocks = (first_query + queries + KEYS - 1) / KEYS;
  int warp_row = threadIdx.x / WARP_SIZE * ROW_TILES * 16;
  int last_query = first_query + warp_row + ROW_TILES * 16 - 1;
  float scale2 = scale * LOG2_E;

  Tile o[ROW_TILES][D_TILES];
  float max[ROW_TILES][2];
  float sum[ROW_TILES][2];
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
    for (int d = 0; d < D_TILES; d++) {
      clear(o[m][d]);
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
      max[m][half] = -infinity();
      sum[m][half] = 0;
    }
  }

  copy_rows<QUERIES>(
      q_tile, q + ((first_row + first_query) * heads + head) * HEAD_DIM, queries, heads * HEAD_DIM);
  copy_rows<KEYS>(k_tile, k, length, kv_stride);
  copies_commit();
  for (int j = 0; j < blocks; j++) {
    int first_key = j * KEYS;
    copies_wait<0>();
    __syncthreads();  // the keys are here, and nobody needs the last values any more
    copy_rows<KEYS>(v_tile, v + (i64)first_key * kv_stride, length - first_key, kv_stride);
    copies_commit();

    bool seen = first_key <= last_query;
    Tile s[ROW_TILES][BLOCK_TILES];
    if (seen) {
      scores(s, q_tile, warp_row, k_tile);
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
                s[m][n].at[i] = -infinity();
              }
            }
          }
        }
      }
    }

    copies_wait<0>();
    __syncthreads();  // the values are here, and nobody needs these keys any more
    if (j + 1 < blocks) {
      copy_rows<KEYS>(k_tile, k + (i64)(first_key + KEYS) * kv_stride, length - first_key - KEYS, kv_stride);
      copies_commit();
    }

    if (seen) {
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
        float factor[2];
        float shift[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
          float top = max[m][half];
#pragma unroll
          for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
            for (int i = 2 * half; i < 8; i += 4) {
              top = fmaxf(top, fmaxf(s[m][n].at[i], s[m][n].at[i + 1]));
            }
          }
          top = row_max(top);  // finite: key 0 is in the first block, and every query sees it
          factor[half] = exp2_fast((max[m][half] - top) * scale2);
          shift[half] = top * scale2;
          max[m][half] = top;
          sum[m][half] *= factor[half];
        }
#pragma unroll
        for (int n = 0; n < BLOCK_TILES; n++) {
#pragma unroll
          for (int i = 0; i < 8; i++) {
            float p = exp2_fast(s[m][n].at[i] * scale2 - shift[i / 2 % 2]);
            s[m][n].at[i] = p;
            sum[m][i / 2 % 2] += p;
          }
        }
#pragma unroll
        for (int d = 0; d < D_TILES; d++) {
#pragma unroll
          for (int i = 0; i < 8; i++) {
            o[m][d].at[i] *= factor[i / 2 % 2];
          }
        }
      }
      Operand p[ROW_TILES][BLOCK_TILES];
      round(p, s);
      accumulate(o, p, v_tile, 0);
    }
  }

  // Where the results go is worked out anew, so that it takes no registers from the loop.
  int stream = blockIdx.x % streams;
  asm volatile("" : "+r"(stream));
  i64 at = ((i64)(stream / heads) * length + first_query) * heads + stream % heads;

  // A warp's queries are nobody else's, so that it may leave its output in their place.
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float total = row_sum(sum[m][half]);
      inverse[half] = 1 / total;
      int query = warp_row + m * 16 + tile_row(half);
      if (query < queries && first_of_row()) {
        log_sum_exp[at + (i64)query * heads] = max[m][half] * scale + logf(total);
      }
    }
#pragma unroll
    for (int d = 0; d < D_TILES; d++) {
      store_tile<T, D>(q_tile, warp_row + m * 16, d, o[m][d], inverse[0], inverse[1]);
    }
  }
  __syncwarp();
  write_rows<ROW_TILES * 16>(
      out + at * HEAD_DIM, q_tile, warp_row, queries, heads * HEAD_DIM, lane_of_warp(), WARP_SIZE);
}
