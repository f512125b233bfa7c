// Products of 16 x 16 tiles on the tensor cores of three generations, behind the same functions:
//
//   sm_80 and newer  mma.m16n8k16 of f16 or bf16, ldmatrix, cp.async
//   sm_75            mma.m16n8k8 of f16, ldmatrix
//   sm_70            mma.m8n8k4 of f16, four at a time: each of a warp's quad pairs (lanes 4p .. 4p+3 and 16+4p .. 19+4p)
//                    multiplies one quarter of the tile
//
// A warp holds an accumulator tile as 8 floats per lane. Which elements a lane has differs between generations, but in
// all of them: at[i] is in the lane's row (i >> 1) & 1 of two, at[2j] and at[2j + 1] are neighbours in a row, and the
// lanes that share a row differ in two bits of their number. Kernels written on that need to know no more.
#ifndef HETERMOE_MMA_CUH
#define HETERMOE_MMA_CUH

#include "types.cuh"

// ---- rows of 16-bit numbers in shared memory, in chunks of 8 numbers that are permuted so that neither the rows of an
// 8 x 8 matrix nor the chunks of a row collide in the banks

template <int COLUMNS>
struct SharedRows {
  static_assert(COLUMNS % 16 == 0, "whole tiles");
  static constexpr int CHUNKS = COLUMNS / 8;
  static constexpr int GROUP = CHUNKS % 8 == 0 ? 8 : CHUNKS % 4 == 0 ? 4 : 2;

  // Where rows are a power of two of bytes, and begin at multiples of it, permuting is flipping bits of an address.
  static constexpr bool IN_ONE = (CHUNKS & (CHUNKS - 1)) == 0;

  DEVICE int swizzle(int row) { return row / (8 / GROUP) % GROUP; }

  // Byte offset of a chunk.
  DEVICE u32 offset(int row, int chunk) { return (u32)((row * CHUNKS + (chunk ^ swizzle(row))) * 16); }
};

DEVICE u32 shared_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

DEVICE uint4 load_shared16(u32 address) {
  uint4 x;
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
               : "r"(address)
               : "memory");
  return x;
}

DEVICE void store_shared16(u32 address, uint4 x) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(x.x), "r"(x.y), "r"(x.z), "r"(x.w)
               : "memory");
}

DEVICE void store_shared4(u32 address, u32 x) {
  asm volatile("st.shared.b32 [%0], %1;" ::"r"(address), "r"(x) : "memory");
}

// ---- copies from global to shared memory, asynchronous where the device can; zeros where not valid

DEVICE void copy16(u32 shared, const void* global, bool valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(valid ? 16 : 0)
               : "memory");
#else
  store_shared16(shared, valid ? *reinterpret_cast<const uint4*>(global) : make_uint4(0, 0, 0, 0));
#endif
}

DEVICE void copy4(u32 shared, const void* global, bool valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared), "l"(global), "r"(valid ? 4 : 0)
               : "memory");
#else
  store_shared4(shared, valid ? *reinterpret_cast<const u32*>(global) : 0u);
#endif
}

DEVICE void copies_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most N of this thread's committed groups are still under way.
template <int N>
DEVICE void copies_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// ---- tiles

// A 16 x 16 tile of sums.
struct Tile {
  float at[8];
};

// A 16 x 16 tile of factors.
struct Operand {
#if __CUDA_ARCH__ >= 750
  u32 reg[4];
#else
  u32 reg[8];
#endif
};

DEVICE void clear(Tile& tile) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    tile.at[i] = 0;
  }
}

DEVICE int lane_of_warp() { return threadIdx.x % WARP_SIZE; }

#if __CUDA_ARCH__ >= 750
// Lanes with the same rows differ by these two.
#define TILE_LANE_A 1
#define TILE_LANE_B 2

// A lane's two rows of a tile.
DEVICE int tile_row(int half) { return lane_of_warp() / 4 + 8 * half; }

// The column of at[i].
DEVICE int tile_column(int i) { return i / 4 * 8 + lane_of_warp() % 4 * 2 + i % 2; }

// Whether this lane speaks for its rows.
DEVICE bool first_of_row() { return lane_of_warp() % 4 == 0; }
#else
#define TILE_LANE_A 2
#define TILE_LANE_B 4

DEVICE int tile_row(int half) {
  int lane = lane_of_warp();
  return lane / 8 % 2 * 8 + lane / 16 * 4 + lane % 2 + 2 * half;
}

DEVICE int tile_column(int i) {
  int lane = lane_of_warp();
  return lane / 4 % 2 * 8 + i / 4 * 4 + lane / 2 % 2 * 2 + i % 2;
}

DEVICE bool first_of_row() { return (lane_of_warp() & (TILE_LANE_A | TILE_LANE_B)) == 0; }
#endif

// Over the lanes that share rows.
DEVICE float row_sum(float x) {
  x += __shfl_xor_sync(ALL_LANES, x, TILE_LANE_A);
  return x + __shfl_xor_sync(ALL_LANES, x, TILE_LANE_B);
}

DEVICE float row_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, TILE_LANE_A));
  return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, TILE_LANE_B));
}

#if __CUDA_ARCH__ >= 750
DEVICE void load_matrices(u32 (&reg)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(reg[0]), "=r"(reg[1]), "=r"(reg[2]), "=r"(reg[3])
               : "r"(address));
}

DEVICE void load_matrices_transposed(u32 (&reg)[4], u32 address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(reg[0]), "=r"(reg[1]), "=r"(reg[2]), "=r"(reg[3])
               : "r"(address));
}
#endif

// A lane's part of the addresses of tiles. The permutation touches the lowest bits of a chunk's number alone, and tiles
// begin at even chunks, so that it need be computed but once for all tiles of a matrix.
struct LaneAddress {
  u32 row;       // where the lane's row begins
  u32 permuted;  // the bytes that its chunk's number is permuted by
};

template <int COLUMNS>
DEVICE LaneAddress lane_address(u32 matrix, int row, int half) {
  typedef SharedRows<COLUMNS> Rows;
  LaneAddress x;
  x.row = matrix + (u32)(row * Rows::CHUNKS * 16);
  x.permuted = (u32)((half ^ Rows::swizzle(row)) * 16);
  if constexpr (Rows::IN_ONE) {
    x.row += x.permuted;
    x.permuted = 0;
    // The compiler would else keep the addresses of all tiles in registers, where the sums want to be.
    asm volatile("" : "+r"(x.row));
  } else {
    asm volatile("" : "+r"(x.permuted));
  }
  return x;
}

// The lane's chunk of tile column tile, so many rows below its row; a multiple of 16.
template <int COLUMNS>
DEVICE u32 tile_address(LaneAddress lane, int rows, int tile) {
  typedef SharedRows<COLUMNS> Rows;
  if constexpr (Rows::IN_ONE) {
    return (lane.row ^ (u32)(tile * 32)) + (u32)(rows * Rows::CHUNKS * 16);
  } else {
    return lane.row + ((u32)(tile * 32) ^ lane.permuted) + (u32)(rows * Rows::CHUNKS * 16);
  }
}

// The left factor: of a matrix in shared memory, 16 rows and tile column tile.
template <int COLUMNS>
DEVICE LaneAddress left_address(u32 matrix, int row) {
  int lane = lane_of_warp();
#if __CUDA_ARCH__ >= 750
  return lane_address<COLUMNS>(matrix, row + lane % 16, lane / 16);
#else
  return lane_address<COLUMNS>(matrix, row + lane / 8 % 2 * 8 + lane / 16 * 4 + lane % 4, 0);
#endif
}

// The right factor of a product with the transpose of a matrix in shared memory: its rows are the product's columns.
template <int COLUMNS>
DEVICE LaneAddress right_transposed_address(u32 matrix) {
  int lane = lane_of_warp();
#if __CUDA_ARCH__ >= 750
  return lane_address<COLUMNS>(matrix, lane / 16 * 8 + lane % 8, lane / 8 % 2);
#else
  return lane_address<COLUMNS>(matrix, lane / 4 % 2 * 8 + lane / 16 * 4 + lane % 4, 0);
#endif
}

// The right factor of a product with a matrix in shared memory as it is: its rows are what is summed over.
template <int COLUMNS>
DEVICE LaneAddress right_address(u32 matrix) {
  int lane = lane_of_warp();
#if __CUDA_ARCH__ >= 750
  return lane_address<COLUMNS>(matrix, lane % 16, lane / 16);
#else
  return lane_address<COLUMNS>(matrix, lane % 4, lane / 4 % 2);
#endif
}

// Of left_address or right_transposed_address.
template <int COLUMNS>
DEVICE Operand load_rows(LaneAddress lane, int rows, int tile) {
  Operand x;
#if __CUDA_ARCH__ >= 750
  load_matrices(x.reg, tile_address<COLUMNS>(lane, rows, tile));
#else
  u32 address = tile_address<COLUMNS>(lane, rows, tile);
#pragma unroll
  for (int half = 0; half < 2; half++) {
    uint4 chunk = load_shared16(address ^ (u32)(half * 16));
    x.reg[4 * half] = chunk.x;
    x.reg[4 * half + 1] = chunk.y;
    x.reg[4 * half + 2] = chunk.z;
    x.reg[4 * half + 3] = chunk.w;
  }
#endif
  return x;
}

// Of right_address.
template <int COLUMNS>
DEVICE Operand load_columns(LaneAddress lane, int rows, int tile) {
  Operand x;
#if __CUDA_ARCH__ >= 750
  load_matrices_transposed(x.reg, tile_address<COLUMNS>(lane, rows, tile));
#else
  int quarter = lane_of_warp() / 16 * 8;
#pragma unroll
  for (int step = 0; step < 4; step++) {
    // Rows four apart may be permuted differently.
    constexpr int FLIP = SharedRows<COLUMNS>::GROUP == 8 ? 4 : SharedRows<COLUMNS>::GROUP == 4 ? 2 : 1;
    u32 address = tile_address<COLUMNS>(lane, rows + 4 * step, tile) ^ (u32)(step % 2 * FLIP * 16);
    asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];"
                 : "=r"(x.reg[2 * step]), "=r"(x.reg[2 * step + 1])
                 : "r"(address + quarter)
                 : "memory");
  }
#endif
  return x;
}

template <typename T>
struct Mma;

#if __CUDA_ARCH__ >= 800
#define MMA_M16N8K16(type)                                                                       \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 {%0, %1, %2, %3}, "           \
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                            \
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                           \
      : "r"(a.reg[0]), "r"(a.reg[1]), "r"(a.reg[2]), "r"(a.reg[3]), "r"(b0), "r"(b1))

template <>
struct Mma<f16> {
  DEVICE void half(float* c, const Operand& a, u32 b0, u32 b1) { MMA_M16N8K16("f16"); }
};

template <>
struct Mma<bf16> {
  DEVICE void half(float* c, const Operand& a, u32 b0, u32 b1) { MMA_M16N8K16("bf16"); }
};
#elif __CUDA_ARCH__ >= 750
template <>
struct Mma<f16> {
  DEVICE void half(float* c, const Operand& a, u32 b0, u32 b1) {
    step(c, a.reg[0], a.reg[1], b0);
    step(c, a.reg[2], a.reg[3], b1);
  }
  DEVICE void step(float* c, u32 a0, u32 a1, u32 b) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(b));
  }
};
#endif

#if __CUDA_ARCH__ < 750
#define MMA_M8N8K4(layout)                                                                       \
  asm volatile("mma.sync.aligned.m8n8k4.row." layout ".f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, " \
      "{%8, %9}, {%10, %11}, {%0, %1, %2, %3, %4, %5, %6, %7};"                                  \
      : "+f"(c.at[0]), "+f"(c.at[1]), "+f"(c.at[2]), "+f"(c.at[3]), "+f"(c.at[4]), "+f"(c.at[5]), \
        "+f"(c.at[6]), "+f"(c.at[7])                                                             \
      : "r"(a.reg[2 * step]), "r"(a.reg[2 * step + 1]), "r"(b.reg[2 * step]), "r"(b.reg[2 * step + 1]))
#endif

// c += a b, with b from load_columns.
template <typename T>
DEVICE void multiply(Tile& c, const Operand& a, const Operand& b) {
#if __CUDA_ARCH__ >= 750
  Mma<T>::half(c.at, a, b.reg[0], b.reg[1]);
  Mma<T>::half(c.at + 4, a, b.reg[2], b.reg[3]);
#else
#pragma unroll
  for (int step = 0; step < 4; step++) {
    MMA_M8N8K4("row");
  }
#endif
}

// c += a b, with b from load_rows of a right_transposed_address.
template <typename T>
DEVICE void multiply_transposed(Tile& c, const Operand& a, const Operand& b) {
#if __CUDA_ARCH__ >= 750
  multiply<T>(c, a, b);
#else
#pragma unroll
  for (int step = 0; step < 4; step++) {
    MMA_M8N8K4("col");
  }
#endif
}

// A tile of sums, rounded, as a left factor.
template <typename T>
DEVICE Operand to_left(const Tile& c) {
  Operand x;
#if __CUDA_ARCH__ >= 750
#pragma unroll
  for (int i = 0; i < 4; i++) {
    x.reg[i] = Pair<T>::pack(c.at[2 * i], c.at[2 * i + 1]);
  }
#else
  // A lane wants one row whole and has, of two rows, four columns each: it gives its neighbour one row for the other,
  // then collects the columns of the other half of the tile.
  bool odd = lane_of_warp() & TILE_LANE_A;
  bool right = lane_of_warp() & TILE_LANE_B;
  u32 near[4];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    u32 upper = Pair<T>::pack(c.at[4 * i], c.at[4 * i + 1]);
    u32 lower = Pair<T>::pack(c.at[4 * i + 2], c.at[4 * i + 3]);
    u32 got = __shfl_xor_sync(ALL_LANES, odd ? upper : lower, TILE_LANE_A);
    near[2 * i] = odd ? got : upper;
    near[2 * i + 1] = odd ? lower : got;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    u32 far = __shfl_xor_sync(ALL_LANES, near[i], TILE_LANE_B);
    x.reg[i] = right ? far : near[i];
    x.reg[4 + i] = right ? near[i] : far;
  }
#endif
  return x;
}

// Writes a tile, times a factor per row, rounded, to rows of shared memory.
template <typename T, int COLUMNS>
DEVICE void store_tile(u32 matrix, int row, int tile, const Tile& c, float upper, float lower) {
#pragma unroll
  for (int i = 0; i < 8; i += 2) {
    float factor = i / 2 % 2 == 0 ? upper : lower;
    int column = tile_column(i);
    u32 address = matrix + SharedRows<COLUMNS>::offset(row + tile_row(i / 2 % 2), tile * 2 + column / 8) + column % 8 * 2;
    store_shared4(address, Pair<T>::pack(c.at[i] * factor, c.at[i + 1] * factor));
  }
}

#endif
