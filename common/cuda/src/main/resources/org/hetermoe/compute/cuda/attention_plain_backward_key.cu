// Causal grouped-query attention, backward, in single precision: the gradients of keys and values. As
// attention_backward_key.cu, whose comments hold here too.
#include "attention_plain.cuh"

static_assert(
    (2 * (ROWS + BLOCK) * STRIDE + ROWS * X_STRIDE + 2 * BLOCK) * 4 == SHARED_BYTES,
    "the launch and the kernel differ");

KERNEL attention_backward_key_f32(
    const float* __restrict__ q,
    const float* __restrict__ k,
    const float* __restrict__ v,
    const float* __restrict__ log_sum_exp,
    const float* __restrict__ delta,
    const float* __restrict__ d_out,
    float* __restrict__ dk,
    float* __restrict__ dv,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(128) float shared[];
  float* k_tile = shared;
  float* v_tile = k_tile + ROWS * STRIDE;
  float* q_tile = v_tile + ROWS * STRIDE;
  float* d_out_tile = q_tile + BLOCK * STRIDE;
  float* x_tile = d_out_tile + BLOCK * STRIDE;
  float* row_log = x_tile + ROWS * X_STRIDE;
  float* row_delta = row_log + BLOCK;

  int streams = kv_heads * sequences;
  int first_key = blockIdx.x / streams * ROWS;
  int kv_head = blockIdx.x % streams % kv_heads;
  i64 first_row = (i64)(blockIdx.x % streams / kv_heads) * length;
  int q_stride = heads * HEAD_DIM;
  int kv_stride = kv_heads * HEAD_DIM;
  int group = heads / kv_heads;
  i64 kv_offset = (first_row + first_key) * kv_stride + kv_head * HEAD_DIM;
  int keys = min(ROWS, length - first_key);
  float scale2 = scale * LOG2_E;

  copy_rows<ROWS>(k_tile, k + kv_offset, keys, kv_stride);
  copy_rows<ROWS>(v_tile, v + kv_offset, keys, kv_stride);
  float4 k_sum[MINE][QUADS];
  float4 v_sum[MINE][QUADS];
  clear(k_sum);
  clear(v_sum);
  for (int head = kv_head * group; head < (kv_head + 1) * group; head++) {
    for (int first_query = first_key; first_query < length; first_query += BLOCK) {
      i64 row = first_row + first_query;
      int queries = length - first_query;
      __syncthreads();  // nobody needs the last queries any more
      copy_rows<BLOCK>(q_tile, q + row * q_stride + head * HEAD_DIM, queries, q_stride);
      copy_rows<BLOCK>(d_out_tile, d_out + row * q_stride + head * HEAD_DIM, queries, q_stride);
      for (int i = threadIdx.x; i < BLOCK; i += THREADS) {
        row_log[i] = i < queries ? log_sum_exp[(row + i) * heads + head] * LOG2_E : 0;
        row_delta[i] = i < queries ? delta[(row + i) * heads + head] : 0;
      }
      __syncthreads();
      float p[MINE][COLUMNS];
      float ds[MINE][COLUMNS];
      scores(p, k_tile, q_tile);
      scores(ds, v_tile, d_out_tile);
#pragma unroll
      for (int i = 0; i < MINE; i++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
          int query = column_of(j);
          bool seen = first_key + row_of(i) <= first_query + query;
          p[i][j] = seen ? exp2f(p[i][j] * scale2 - row_log[query]) : 0;
          ds[i][j] = p[i][j] * (ds[i][j] - row_delta[query]);
        }
      }
      share(x_tile, p);
      accumulate(v_sum, x_tile, d_out_tile);
      share(x_tile, ds);
      accumulate(k_sum, x_tile, q_tile);
    }
  }
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    if (row_of(i) < keys) {
      write_row(dk + kv_offset + (i64)row_of(i) * kv_stride, k_sum[i], scale);
      write_row(dv + kv_offset + (i64)row_of(i) * kv_stride, v_sum[i], 1);
    }
  }
}
