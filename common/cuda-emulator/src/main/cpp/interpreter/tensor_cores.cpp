// ldmatrix, mma and wmma. Sums are in single precision, in the order of k; the silicon's order is not documented.
//
// The fragments of mma.m16n8k* are made of 8x8 blocks in one layout: lane 4 g + t holds the elements (g, 2 t) and
// (g, 2 t + 1) of a block of halves, so that the registers of all lanes, read one after the other, are the block row
// by row. A block of accumulators is two registers, whose lanes alternate.
#include <algorithm>
#include "decoder.hpp"
#include "half.hpp"
#include "warp.hpp"

namespace emulator {

namespace {

enum Element : u16 { F16, BF16, TF32, F32 };

using Tile = float[8][8];

inline float halfOf(u32 pair, int which, u16 element) {
  u16 bits = static_cast<u16>(pair >> (16 * which));
  return element == F16 ? halfBitsToFloat(bits) : bitCast<float>(static_cast<u32>(bits) << 16);
}

// One register of all lanes as an 8x8 block of halves.
void readTile(Warp& w, int offset, u16 element, Tile& tile) {
  const u32* from = &lane<u32>(w, offset, 0);
  float* to = &tile[0][0];
  if (element == BF16) {
    for (int l = 0; l < WARP; l++) {
      to[2 * l] = bitCast<float>(from[l] << 16);
      to[2 * l + 1] = bitCast<float>(from[l] & 0xffff0000u);
    }
    return;
  }
#ifdef __F16C__
  for (int k = 0; k < 8; k++) {
    __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 4 * k));
    _mm256_storeu_ps(to + 8 * k, _mm256_cvtph_ps(halves));
  }
#else
  for (int l = 0; l < WARP; l++) {
    to[2 * l] = halfOf(from[l], 0, F16);
    to[2 * l + 1] = halfOf(from[l], 1, F16);
  }
#endif
}

// One register of all lanes as an 8x4 block of tf32, at a column of a tile.
void readHalfTile(Warp& w, int offset, Tile& tile, int column) {
  for (int l = 0; l < WARP; l++) tile[l >> 2][column + (l & 3)] = bitCast<float>(lane<u32>(w, offset, l) & 0xffffe000u);
}

void transpose(const Tile& from, Tile& to) {
  for (int r = 0; r < 8; r++) {
    for (int c = 0; c < 8; c++) to[c][r] = from[r][c];
  }
}

// Eight numbers that are computed at once.
typedef float Row __attribute__((vector_size(32)));

inline Row rowOf(const float* from) {
  Row row;
  memcpy(&row, from, sizeof row);
  return row;
}

// sum[m][n] += a[m][k] b[k][n]
void multiplyAdd(Tile& sum, const Tile& a, const Tile& b, int depth) {
  Row rows[8];
  for (int k = 0; k < depth; k++) rows[k] = rowOf(b[k]);
  for (int m = 0; m < 8; m++) {
    Row total = rowOf(sum[m]);
    for (int k = 0; k < depth; k++) total += a[m][k] * rows[k];
    memcpy(sum[m], &total, sizeof total);
  }
}

void readSums(Warp& w, const int* operands, Tile& tile) {
  const float *even = &lane<float>(w, operands[0], 0), *odd = &lane<float>(w, operands[1], 0);
  float* to = &tile[0][0];
  for (int l = 0; l < WARP; l++) {
    to[2 * l] = even[l];
    to[2 * l + 1] = odd[l];
  }
}

void writeSums(Warp& w, const int* operands, const Tile& tile) {
  float *even = &lane<float>(w, operands[0], 0), *odd = &lane<float>(w, operands[1], 0);
  const float* from = &tile[0][0];
  for (int l = 0; l < WARP; l++) {
    even[l] = from[2 * l];
    odd[l] = from[2 * l + 1];
  }
}

// The two halves of a register of accumulators in sixteen bits.
void readHalfSums(Warp& w, int operand, Tile& tile) { readTile(w, operand, F16, tile); }
void writeHalfSums(Warp& w, int operand, const Tile& tile) {
  for (int l = 0; l < WARP; l++) {
    u32 low = floatToHalfBits(tile[l >> 2][2 * (l & 3)]), high = floatToHalfBits(tile[l >> 2][2 * (l & 3) + 1]);
    lane<u32>(w, operand, l) = low | high << 16;
  }
}

// m16n8kK; operands: d, a, b, c. Mode: element; width: k; immediate: 1 for accumulators in half precision.
void multiply16x8(Warp& w, const Instruction& i, u32) {
  const int k = i.width, element = i.mode;
  const bool narrow = i.immediate != 0;
  const int sums = narrow ? 2 : 4, blocks = (k + 7) / 8, depth = std::min(k, 8);
  const int aRegisters = element == TF32 ? k / 2 : k / 4, bRegisters = element == TF32 ? k / 4 : k / 8;
  const int *d = i.operands, *a = d + sums, *b = a + aRegisters, *c = b + bRegisters;
  Tile left[2][2], right[2], sum[2];
  for (int q = 0; q < blocks; q++) {
    Tile byColumn;
    if (element == TF32) {
      for (int half = 0; half < std::max(1, k / 4); half++) {
        readHalfTile(w, a[2 * half], left[0][0], 4 * half);
        readHalfTile(w, a[2 * half + 1], left[1][0], 4 * half);
        readHalfTile(w, b[half], byColumn, 4 * half);
      }
    } else {
      for (int row = 0; row < 2; row++) readTile(w, a[2 * q + row], static_cast<u16>(element), left[row][q]);
      readTile(w, b[q], static_cast<u16>(element), byColumn);
    }
    transpose(byColumn, right[q]);
  }
  for (int row = 0; row < 2; row++) {
    if (narrow) readHalfSums(w, c[row], sum[row]);
    else readSums(w, c + 2 * row, sum[row]);
    for (int q = 0; q < blocks; q++) multiplyAdd(sum[row], left[row][q], right[q], depth);
  }
  for (int row = 0; row < 2; row++) {
    if (narrow) writeHalfSums(w, d[row], sum[row]);
    else writeSums(w, d + 2 * row, sum[row]);
  }
}

// Where an element of m8n8k4's accumulators lies: in lane l, the e-th one.
int voltaRow(int l, int e, bool half) { return (half ? l & 3 : (l & 1) + (e & 2)) + (l < 16 ? 0 : 4); }
int voltaColumn(int l, int e, bool half) { return half ? e : (e & 4) + (l & 2) + (e & 1); }

// m8n8k4, as on Volta: four products, each by a quad of the lower and one of the upper half of the warp.
// Mode: 1 a by columns, 2 b by rows, 4 d in half precision, 8 c in half precision.
void multiply8x8x4(Warp& w, const Instruction& i, u32) {
  const bool aColumns = i.mode & 1, bRows = i.mode & 2, dHalf = i.mode & 4, cHalf = i.mode & 8;
  const int *d = i.operands, *a = d + (dHalf ? 4 : 8), *b = a + 2, *c = b + 2;
  Tile left[4], right[4], sum[4];
  for (int l = 0; l < WARP; l++) {
    int product = l % 16 / 4, upper = l < 16 ? 0 : 4, own = l & 3;
    for (int e = 0; e < 4; e++) {
      float x = halfOf(lane<u32>(w, a[e / 2], l), e & 1, F16), y = halfOf(lane<u32>(w, b[e / 2], l), e & 1, F16);
      if (aColumns) left[product][e + upper][own] = x;
      else left[product][own + upper][e] = x;
      if (bRows) right[product][own][e + upper] = y;
      else right[product][e][own + upper] = y;
    }
    for (int e = 0; e < 8; e++) {
      float old = cHalf ? halfOf(lane<u32>(w, c[e / 2], l), e & 1, F16) : lane<float>(w, c[e], l);
      sum[product][voltaRow(l, e, cHalf)][voltaColumn(l, e, cHalf)] = old;
    }
  }
  for (int product = 0; product < 4; product++) multiplyAdd(sum[product], left[product], right[product], 4);
  for (int l = 0; l < WARP; l++) {
    const Tile& tile = sum[l % 16 / 4];
    for (int e = 0; e < 8; e++) {
      float value = tile[voltaRow(l, e, dHalf)][voltaColumn(l, e, dHalf)];
      if (!dHalf) {
        lane<float>(w, d[e], l) = value;
      } else {
        u32 &pair = lane<u32>(w, d[e / 2], l), half = floatToHalfBits(value);
        pair = e & 1 ? (pair & 0xffff) | half << 16 : half;
      }
    }
  }
}

// Operands: one register per matrix, then the address of a row. Mode: 1 transposed.
void loadMatrices(Warp& w, const Instruction& i, u32) {
  const int n = i.count - 1;
  u16 matrices[4][8][8];
  for (int q = 0; q < n; q++) {
    for (int r = 0; r < 8; r++) {
      int l = q * 8 + r;
      memcpy(matrices[q][r], access(w, i, l, addressOf(w, i, l, i.operands[n]), 16, i.space, false), 16);
    }
  }
  for (int q = 0; q < n; q++) {
    for (int l = 0; l < WARP; l++) {
      int g = l >> 2, k = 2 * (l & 3);
      u32 low = i.mode ? matrices[q][k][g] : matrices[q][g][k];
      u32 high = i.mode ? matrices[q][k + 1][g] : matrices[q][g][k + 1];
      lane<u32>(w, i.operands[q], l) = low | high << 16;
    }
  }
}

// stmatrix: the other way.
void storeMatrices(Warp& w, const Instruction& i, u32) {
  const int n = i.count - 1;
  for (int q = 0; q < n; q++) {
    u16 matrix[8][8];
    for (int l = 0; l < WARP; l++) {
      int g = l >> 2, k = 2 * (l & 3);
      u32 pair = lane<u32>(w, i.operands[q + 1], l);
      (i.mode ? matrix[k][g] : matrix[g][k]) = static_cast<u16>(pair);
      (i.mode ? matrix[k + 1][g] : matrix[g][k + 1]) = static_cast<u16>(pair >> 16);
    }
    for (int r = 0; r < 8; r++) {
      int l = q * 8 + r;
      memcpy(access(w, i, l, addressOf(w, i, l, i.operands[0]), 16, i.space, true), matrix[r], 16);
    }
  }
}

// wmma.m16n16k16. The layout of its fragments is not documented and differs between generations, so this one differs
// from all of them: lane l holds the elements 8 l to 8 l + 7. Fragments of f16 hold each element twice.
struct WmmaElement {
  int row, column;
};
inline WmmaElement wmmaElement(int l, int e) { return {(l * 8 + e) / 16, (l * 8 + e) % 16}; }

inline u64 wmmaAddress(Warp& w, const Instruction& i, int l, int e, int addressOperand, int strideOperand, int bytes) {
  auto [row, column] = wmmaElement(l, e);
  u64 stride = lane<u32>(w, strideOperand, l);
  u64 element = i.mode & 1 ? column * stride + row : row * stride + column;
  return addressOf(w, i, l, addressOperand) + element * bytes;
}

// Operands: registers, address, stride. Mode: 1 by columns; width: bytes of an element.
void wmmaLoad(Warp& w, const Instruction& i, u32) {
  const int n = i.count - 2;
  for (int l = 0; l < WARP; l++) {
    for (int e = 0; e < 8; e++) {
      u64 address = wmmaAddress(w, i, l, e, i.operands[n], i.operands[n + 1], i.width);
      const u8* from = access(w, i, l, address, i.width, i.space, false);
      if (i.width == 4) {
        memcpy(&lane<u32>(w, i.operands[e], l), from, 4);
        continue;
      }
      u16 half;
      memcpy(&half, from, 2);
      for (int r = e / 2; r < n; r += 4) {
        u32& pair = lane<u32>(w, i.operands[r], l);
        pair = e & 1 ? (pair & 0xffff) | static_cast<u32>(half) << 16 : (pair & 0xffff0000u) | half;
      }
    }
  }
}

// Operands: address, registers, stride.
void wmmaStore(Warp& w, const Instruction& i, u32) {
  const int n = i.count - 2;
  for (int l = 0; l < WARP; l++) {
    for (int e = 0; e < 8; e++) {
      u64 address = wmmaAddress(w, i, l, e, i.operands[0], i.operands[n + 1], i.width);
      u8* to = access(w, i, l, address, i.width, i.space, true);
      u32 value = lane<u32>(w, i.operands[1 + (i.width == 4 ? e : e / 2)], l);
      if (i.width == 2) value >>= 16 * (e & 1);
      memcpy(to, &value, i.width);
    }
  }
}

// Operands: d, a, b, c. Mode: element; width: registers of a; immediate: 1 d in half precision, 2 c.
void wmmaMultiply(Warp& w, const Instruction& i, u32) {
  const bool dHalf = i.immediate & 1, cHalf = i.immediate & 2;
  const int *d = i.operands, *a = d + (dHalf ? 4 : 8), *b = a + i.width, *c = b + i.width;
  float left[16][16], right[16][16], sum[16][16];
  for (int l = 0; l < WARP; l++) {
    for (int e = 0; e < 8; e++) {
      auto [row, column] = wmmaElement(l, e);
      left[row][column] = halfOf(lane<u32>(w, a[e / 2], l), e & 1, i.mode);
      right[row][column] = halfOf(lane<u32>(w, b[e / 2], l), e & 1, i.mode);
      sum[row][column] = cHalf ? halfOf(lane<u32>(w, c[e / 2], l), e & 1, F16) : lane<float>(w, c[e], l);
    }
  }
  for (int m = 0; m < 16; m++) {
    Row low = rowOf(sum[m]), high = rowOf(sum[m] + 8);
    for (int k = 0; k < 16; k++) {
      low += left[m][k] * rowOf(right[k]);
      high += left[m][k] * rowOf(right[k] + 8);
    }
    memcpy(sum[m], &low, sizeof low);
    memcpy(sum[m] + 8, &high, sizeof high);
  }
  for (int l = 0; l < WARP; l++) {
    for (int e = 0; e < 8; e++) {
      auto [row, column] = wmmaElement(l, e);
      if (!dHalf) {
        lane<float>(w, d[e], l) = sum[row][column];
      } else if (e % 2 == 0) {
        u32 low = floatToHalfBits(sum[row][column]), high = floatToHalfBits(sum[row][column + 1]);
        lane<u32>(w, d[e / 2], l) = low | high << 16;
      }
    }
  }
}

// All lanes of the warp take part.
void wholeWarp(Builder& b) {
  b.i.flow = Flow::COLLECTIVE;
  b.i.target = -1;
}

void decodeMma(Builder& b) {
  b.need(4);
  auto& words = b.s.words;  // mma.sync.aligned.SHAPE.A.B.D.TA.TB.C
  if (words.size() < 10 || words[1] != "sync") b.refuse();
  const std::string &shape = words[3], &d = words[words.size() - 4], &ta = words[words.size() - 3];
  const std::string &tb = words[words.size() - 2], &c = words.back();
  bool rowColumn = words[4] == "row" && words[5] == "col";
  if (words.size() != 10) b.refuse();
  wholeWarp(b);
  size_t counts[4];
  for (int k = 0; k < 4; k++) counts[k] = static_cast<size_t>(b.vector(b.s.operands[k], 4));
  auto registers = [&](size_t nd, size_t na, size_t nb, size_t nc) {
    if (counts[0] != nd || counts[1] != na || counts[2] != nb || counts[3] != nc) b.refuse("registers of fragments");
  };
  if (shape == "m8n8k4" && ta == "f16" && tb == "f16") {
    bool dHalf = d == "f16", cHalf = c == "f16";
    if ((!dHalf && d != "f32") || (!cHalf && c != "f32")) b.refuse();
    b.needCapability(70, "mma.m8n8k4");
    registers(dHalf ? 4 : 8, 2, 2, cHalf ? 4 : 8);
    b.i.mode = (words[4] == "col" ? 1 : 0) | (words[5] == "row" ? 2 : 0) | (dHalf ? 4 : 0) | (cHalf ? 8 : 0);
    b.handler(multiply8x8x4);
    return;
  }
  if (!rowColumn || ta != tb || d != c || (d != "f32" && (d != "f16" || ta != "f16"))) b.refuse();
  size_t sums = d == "f16" ? 2 : 4;
  b.i.immediate = d == "f16";
  if (shape == "m16n8k8" && ta == "f16") {
    b.needCapability(75, "mma.m16n8k8");
    registers(sums, 2, 1, sums);
    b.i.mode = F16;
    b.i.width = 8;
  } else if ((shape == "m16n8k8" || shape == "m16n8k16") && (ta == "bf16" || ta == "f16")) {
    b.needCapability(80, ("mma." + shape + "." + ta).c_str());
    b.i.mode = ta == "f16" ? F16 : BF16;
    b.i.width = shape == "m16n8k8" ? 8 : 16;
    registers(sums, b.i.width / 4, b.i.width / 8, sums);
  } else if ((shape == "m16n8k4" || shape == "m16n8k8") && ta == "tf32") {
    b.needCapability(80, "mma of tf32");
    b.i.mode = TF32;
    b.i.width = shape == "m16n8k4" ? 4 : 8;
    registers(4, b.i.width / 2, b.i.width / 4, 4);
  } else {
    b.refuse();
  }
  b.handler(multiply16x8);
}

void decodeMatrixMove(Builder& b, bool load) {
  b.need(2);
  b.modifiers({"sync", "aligned", "m8n8", "x1", "x2", "x4", "trans", "shared", "shared::cta"});
  b.needCapability(load ? 75 : 90, load ? "ldmatrix" : "stmatrix");
  b.space();
  b.sharedPiece(4);
  b.i.mode = b.s.has("trans");
  if (!load) b.memory(b.s.operands[0]);
  size_t n = b.vector(b.s.operands[load ? 0 : 1], 4);
  if (n != (b.s.has("x4") ? 4u : b.s.has("x2") ? 2u : 1u)) b.refuse("registers of matrices");
  if (load) b.memory(b.s.operands[1]);
  wholeWarp(b);
  b.handler(load ? loadMatrices : storeMatrices);
}

void decodeWmma(Builder& b) {
  auto& words = b.s.words;
  if (!b.s.has("m16n16k16")) b.refuse("only m16n16k16 is supported by the emulator");
  wholeWarp(b);
  bool columns = b.s.has("col");
  if (words[1] == "load" || words[1] == "store") {
    bool load = words[1] == "load";
    b.modifiers({"load", "store", "a", "b", "c", "d", "sync", "aligned", "row", "col", "m16n16k16", "shared",
                 "shared::cta", "global"});
    b.space();
    b.i.width = static_cast<u16>(b.typeBytes());
    b.i.mode = columns;
    b.sharedPiece(b.i.width);
    if (b.s.type() == "bf16") b.needCapability(80, "bf16");
    if (!load) b.memory(b.s.operands[0]);
    size_t n = b.vector(b.s.operands[load ? 0 : 1], 4);
    if (load) b.memory(b.s.operands[1]);
    bool sums = words[2] == "c" || words[2] == "d";
    size_t expected = b.i.width == 4 || (b.s.type() == "f16" && !sums) ? 8 : 4;
    if (n != expected) b.refuse("registers of fragments");
    // without a stride rows follow each other
    b.need(2, 3);
    if (b.s.operands.size() == 3) {
      b.add(b.value(b.s.operands[2], 4));
    } else {
      Operand packed;
      packed.kind = Operand::NUMBER;
      packed.number = 16;
      b.add(b.value(packed, 4));
    }
    b.handler(load ? wmmaLoad : wmmaStore);
    return;
  }
  b.need(4);
  if (words[1] != "mma") b.refuse();
  b.modifiers({"mma", "sync", "aligned", "row", "col", "m16n16k16"});
  size_t counts[4];
  for (int k = 0; k < 4; k++) counts[k] = static_cast<size_t>(b.vector(b.s.operands[k], 4));
  bool bfloat = b.s.has("bf16");
  if (bfloat) b.needCapability(80, "bf16");
  const std::string &c = words.back(), &d = words[bfloat ? words.size() - 4 : words.size() - 2];
  if ((c != "f32" && c != "f16") || (d != "f32" && d != "f16")) b.refuse();
  if (counts[1] != (bfloat ? 4u : 8u) || counts[2] != counts[1]) b.refuse("registers of fragments");
  b.i.mode = bfloat ? BF16 : F16;
  b.i.width = static_cast<u16>(counts[1]);
  b.i.immediate = (d == "f16" ? 1 : 0) | (c == "f16" ? 2 : 0);
  if (counts[0] != (d == "f16" ? 4u : 8u) || counts[3] != (c == "f16" ? 4u : 8u)) b.refuse("registers of fragments");
  b.handler(wmmaMultiply);
}

}  // namespace

bool decodeTensor(Builder& b) {
  const std::string& name = b.s.words[0];
  if (name == "mma") decodeMma(b);
  else if (name == "ldmatrix") decodeMatrixMove(b, true);
  else if (name == "stmatrix") decodeMatrixMove(b, false);
  else if (name == "wmma") decodeWmma(b);
  else return false;
  return true;
}

}  // namespace emulator
