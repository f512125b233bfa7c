// Causal grouped-query attention, forward, in single precision. As attention.cu, whose comments hold here too.
#include "attention_plain.cuh"

static_assert(((ROWS + BLOCK) * STRIDE + ROWS * X_STRIDE) * 4 == SHARED_BYTES, "the launch and the kernel differ");

KERNEL attention_f32(
    const float* __restrict__ q,
    const float* __restrict__ k,
    const float* __restrict__ v,
    float* __restrict__ out,
    float* __restrict__ log_sum_exp,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(128) float shared[];
  float* q_tile = shared;
  float* kv_tile = q_tile + ROWS * STRIDE;  // the keys of a block, then its values
  float* p_tile = kv_tile + BLOCK * STRIDE;

  int streams = heads * sequences;
  int first_query = ((length + ROWS - 1) / ROWS - 1 - blockIdx.x / streams) * ROWS;
  int head = blockIdx.x % streams % heads;
  i64 first_row = (i64)(blockIdx.x % streams / heads) * length;
  int q_stride = heads * HEAD_DIM;
  int kv_stride = kv_heads * HEAD_DIM;
  i64 kv_offset = first_row * kv_stride + head / (heads / kv_heads) * HEAD_DIM;
  i64 q_offset = (first_row + first_query) * q_stride + head * HEAD_DIM;
  int queries = min(ROWS, length - first_query);
  float scale2 = scale * LOG2_E;

  float4 o[MINE][QUADS];
  float max[MINE];
  float sum[MINE];
  clear(o);
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    max[i] = -infinity();
    sum[i] = 0;
  }
  copy_rows<ROWS>(q_tile, q + q_offset, queries, q_stride);
  for (int first_key = 0; first_key < first_query + queries; first_key += BLOCK) {
    i64 offset = kv_offset + (i64)first_key * kv_stride;
    __syncthreads();  // nobody needs the last values any more
    copy_rows<BLOCK>(kv_tile, k + offset, length - first_key, kv_stride);
    __syncthreads();
    float s[MINE][COLUMNS];
    scores(s, q_tile, kv_tile);
    __syncthreads();  // nobody needs these keys any more
    copy_rows<BLOCK>(kv_tile, v + offset, length - first_key, kv_stride);
#pragma unroll
    for (int i = 0; i < MINE; i++) {
      float top = max[i];
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        s[i][j] = first_key + column_of(j) > first_query + row_of(i) ? -infinity() : s[i][j] * scale2;
        top = fmaxf(top, s[i][j]);
      }
      top = row_max(top);
      float factor = exp2f(max[i] - top);
      max[i] = top;
      sum[i] *= factor;
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        s[i][j] = exp2f(s[i][j] - top);
        sum[i] += s[i][j];
      }
#pragma unroll
      for (int c = 0; c < QUADS; c++) {
        o[i][c] = make_float4(o[i][c].x * factor, o[i][c].y * factor, o[i][c].z * factor, o[i][c].w * factor);
      }
    }
    share(p_tile, s);
    __syncthreads();  // the values are here
    accumulate(o, p_tile, kv_tile);
  }
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    float total = row_sum(sum[i]);
    int query = row_of(i);
    if (query < queries) {
      write_row(out + q_offset + (i64)query * q_stride, o[i], 1 / total);
      if (threadIdx.x % 8 == 0) {
        log_sum_exp[(first_row + first_query + query) * heads + head] = max[i] / LOG2_E + logf(total);
      }
    }
  }
}
