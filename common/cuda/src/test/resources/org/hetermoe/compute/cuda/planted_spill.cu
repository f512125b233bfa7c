// Wants far more registers than its launch bounds leave it: the check of spills has to report it.
#include "types.cuh"

extern "C" __global__ void __launch_bounds__(1024) planted_spill(const volatile float* x, volatile float* y) {
  float kept[96];
#pragma unroll
  for (int i = 0; i < 96; i++) {
    kept[i] = x[threadIdx.x + 1024 * i];
  }
#pragma unroll
  for (int i = 0; i < 96; i++) {
    y[threadIdx.x + 1024 * i] = kept[95 - i];
  }
}
