// Causal grouped-query attention, backward, in single precision: the gradient of the queries. As
// attention_backward_query.cu, whose comments hold here too.
#include "attention_plain.cuh"

static_assert(
    (2 * (ROWS + BLOCK) * STRIDE + ROWS * X_STRIDE) * 4 == SHARED_BYTES, "the launch and the kernel differ");

extern "C" __global__ void __launch_bounds__(256) attention_delta_f32(
    const float* __restrict__ out, const float* __restrict__ d_out, float* __restrict__ delta, i64 count) {
  i64 i = (i64)blockIdx.x * (256 / WARP_SIZE) + threadIdx.x / WARP_SIZE;
  if (i < count) {
    float sum = 0;
    for (int column = threadIdx.x % WARP_SIZE; column < HEAD_DIM; column += WARP_SIZE) {
      sum = fmaf(out[i * HEAD_DIM + column], d_out[i * HEAD_DIM + column], sum);
    }
    sum = warp_sum(sum);
    if (threadIdx.x % WARP_SIZE == 0) {
      delta[i] = sum;
    }
  }
}

KERNEL attention_backward_query_f32(
    const float* __restrict__ q,
    const float* __restrict__ k,
    const float* __restrict__ v,
    const float* __restrict__ log_sum_exp,
    const float* __restrict__ delta,
    const float* __restrict__ d_out,
    float* __restrict__ dq,
    int sequences,
    int length,
    int heads,
    int kv_heads,
    float scale) {
  extern __shared__ __align__(128) float shared[];
  float* q_tile = shared;
  float* d_out_tile = q_tile + ROWS * STRIDE;
  float* k_tile = d_out_tile + ROWS * STRIDE;
  float* v_tile = k_tile + BLOCK * STRIDE;
  float* x_tile = v_tile + BLOCK * STRIDE;

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

  copy_rows<ROWS>(q_tile, q + q_offset, queries, q_stride);
  copy_rows<ROWS>(d_out_tile, d_out + q_offset, queries, q_stride);
  float4 sum[MINE][QUADS];
  float shift[MINE];
  float row_delta[MINE];
  clear(sum);
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    i64 at = (first_row + first_query + row_of(i)) * heads + head;
    shift[i] = row_of(i) < queries ? log_sum_exp[at] * LOG2_E : 0;
    row_delta[i] = row_of(i) < queries ? delta[at] : 0;
  }
  for (int first_key = 0; first_key < first_query + queries; first_key += BLOCK) {
    i64 offset = kv_offset + (i64)first_key * kv_stride;
    __syncthreads();  // nobody needs the last keys and values any more
    copy_rows<BLOCK>(k_tile, k + offset, length - first_key, kv_stride);
    copy_rows<BLOCK>(v_tile, v + offset, length - first_key, kv_stride);
    __syncthreads();
    float p[MINE][COLUMNS];
    float ds[MINE][COLUMNS];
    scores(p, q_tile, k_tile);
    scores(ds, d_out_tile, v_tile);
#pragma unroll
    for (int i = 0; i < MINE; i++) {
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        bool seen = first_key + column_of(j) <= first_query + row_of(i);
        float probability = seen ? exp2f(p[i][j] * scale2 - shift[i]) : 0;
        ds[i][j] = probability * (ds[i][j] - row_delta[i]);
      }
    }
    share(x_tile, ds);
    accumulate(sum, x_tile, k_tile);
  }
#pragma unroll
  for (int i = 0; i < MINE; i++) {
    if (row_of(i) < queries) {
      write_row(dq + q_offset + (i64)row_of(i) * q_stride, sum[i], scale);
    }
  }
}
