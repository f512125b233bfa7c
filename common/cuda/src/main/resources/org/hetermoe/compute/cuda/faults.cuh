// Ids that lie outside of what they index. A kernel leaves such a row alone and notes it; the host looks at the note
// whenever it waits for the device.
#ifndef HETERMOE_FAULTS_CUH
#define HETERMOE_FAULTS_CUH

#include "types.cuh"

#define FAULT_ROW 1
#define FAULT_SOURCE 2
#define FAULT_ID 3
#define FAULT_TARGET 4
#define FAULT_EXPERT 5

// Whether an id lies in [0, bound); if not, it is noted, in one store so that notes do not mix.
DEVICE bool inside(int id, int bound, int what, uint4* fault) {
  if ((u32)id < (u32)bound) {
    return true;
  }
  *fault = make_uint4(what, id, bound, 0);
  return false;
}

#endif
