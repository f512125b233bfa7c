// A libcublas.so.12 of the products that a training step needs, computed in the order of the stream.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>
#include "../interpreter/half.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

extern "C" {
int emulatorEnqueue(void* stream, std::function<void(void*)>* work);
void emulatorCheckOperand(void* context, uint64_t address, uint64_t bytes, const char* what);
void emulatorReport(const char* what);
int cuCtxGetDevice(int* device);
int cuDeviceGetAttribute(int* value, int which, int device);
}

namespace {

using emulator::Bfloat;
using emulator::Half;
using emulator::u16;

enum Status { OK = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, ARCH_MISMATCH = 8, EXECUTION_FAILED = 13,
              NOT_SUPPORTED = 15 };
enum Type { F32 = 0, F16 = 2, BF16 = 14 };

struct Handle {
  void* stream = nullptr;
  int mathMode = 0;
};

int refuse(int status, const std::string& why) {
  emulatorReport(("cuBLAS: " + why).c_str());
  return status;
}

bool known(int type) { return type == F32 || type == F16 || type == BF16; }
int64_t bytesOf(int type) { return type == F32 ? 4 : 2; }

float read(const void* p, int64_t index, int type) {
  if (type == F32) return static_cast<const float*>(p)[index];
  u16 bits = static_cast<const u16*>(p)[index];
  return type == F16 ? static_cast<float>(Half::of(bits)) : static_cast<float>(Bfloat::of(bits));
}

void write(void* p, int64_t index, int type, float value) {
  if (type == F32) static_cast<float*>(p)[index] = value;
  else static_cast<u16*>(p)[index] = type == F16 ? Half(value).bits : Bfloat(value).bits;
}

// A matrix by columns, perhaps to be read transposed: rows x columns is what the product sees.
struct Matrix {
  const void* data;
  int type;
  int64_t leading;
  bool transposed;
  int64_t rows, columns;

  int64_t storedRows() const { return transposed ? columns : rows; }
  int64_t storedColumns() const { return transposed ? rows : columns; }
  uint64_t bytes() const {
    return rows && columns ? (leading * (storedColumns() - 1) + storedRows()) * bytesOf(type) : 0;
  }
  float at(int64_t row, int64_t column) const {
    return read(data, transposed ? row * leading + column : column * leading + row, type);
  }
};

struct Product {
  Matrix a, b, c;
  float alpha, beta;

  void check(void* context) const {
    const char* names[] = {"cuBLAS product: operand A", "cuBLAS product: operand B", "cuBLAS product: result C"};
    const Matrix* all[] = {&a, &b, &c};
    for (int k = 0; k < 3; k++) {
      if (all[k]->bytes()) {
        emulatorCheckOperand(context, reinterpret_cast<uint64_t>(all[k]->data), all[k]->bytes(), names[k]);
      }
    }
  }

  // Each element sums over k in order, so that it does not depend on its neighbours.
  void run() const {
    const int64_t m = a.rows, n = b.columns, k = a.columns;
    std::vector<float> left(static_cast<size_t>(m * k));  // by columns
    for (int64_t p = 0; p < k; p++) {
      for (int64_t i = 0; i < m; i++) left[static_cast<size_t>(p * m + i)] = a.at(i, p);
    }
    std::vector<float> right(static_cast<size_t>(k)), sum(static_cast<size_t>(m));
    for (int64_t j = 0; j < n; j++) {
      for (int64_t p = 0; p < k; p++) right[static_cast<size_t>(p)] = b.at(p, j);
      std::fill(sum.begin(), sum.end(), 0.0f);
      for (int64_t p = 0; p < k; p++) {
        const float factor = right[static_cast<size_t>(p)], *column = left.data() + p * m;
        float* to = sum.data();
        for (int64_t i = 0; i < m; i++) to[i] = __builtin_fmaf(factor, column[i], to[i]);
      }
      for (int64_t i = 0; i < m; i++) {
        int64_t at = j * c.leading + i;
        float old = beta != 0 ? beta * read(c.data, at, c.type) : 0;  // not read for 0: it may be NaN
        write(const_cast<void*>(c.data), at, c.type, alpha * sum[static_cast<size_t>(i)] + old);
      }
    }
  }
};

int capability() {
  int device = 0, major = 0;
  if (cuCtxGetDevice(&device)) return 0;
  cuDeviceGetAttribute(&major, 75, device);
  return major * 10;
}

int checkCall(const Handle* h, const Product& p, int compute) {
  if (!h) return refuse(NOT_INITIALIZED, "no handle");
  if (p.a.rows < 0 || p.b.columns < 0 || p.a.columns < 0) return refuse(INVALID_VALUE, "an extent is negative");
  for (auto* x : {&p.a, &p.b, &p.c}) {
    if (x->leading < std::max<int64_t>(1, x->storedRows())) {
      return refuse(INVALID_VALUE, "leading dimension " + std::to_string(x->leading) + " below the " +
                                       std::to_string(x->storedRows()) + " rows");
    }
  }
  bool fits = known(p.a.type) && p.a.type == p.b.type && (p.c.type == F32 || p.c.type == p.a.type);
  bool single = compute == 68 || compute == 69 || compute == 74 || compute == 75 || compute == 77;
  if (!fits || !single) {
    return refuse(NOT_SUPPORTED, "types " + std::to_string(p.a.type) + " x " + std::to_string(p.b.type) + " -> " +
                                     std::to_string(p.c.type) + " with compute type " + std::to_string(compute));
  }
  if (p.a.type == BF16 && capability() < 80) return refuse(ARCH_MISMATCH, "bf16 needs sm_80 or higher");
  return OK;
}

int submit(Handle* h, std::function<void(void*)> work) {
  return emulatorEnqueue(h->stream, new std::function<void(void*)>(std::move(work))) ? EXECUTION_FAILED : OK;
}

bool isTransposed(int operation) { return operation != 0; }

Matrix offset(Matrix x, int64_t elements) {
  x.data = static_cast<const char*>(x.data) + elements * bytesOf(x.type);
  return x;
}

}  // namespace

EXPORT int cublasCreate_v2(Handle** handle) {
  int device;
  if (cuCtxGetDevice(&device)) return NOT_INITIALIZED;
  *handle = new Handle;
  return OK;
}
EXPORT int cublasDestroy_v2(Handle* handle) {
  delete handle;
  return OK;
}
EXPORT int cublasSetStream_v2(Handle* handle, void* stream) {
  if (!handle) return NOT_INITIALIZED;
  handle->stream = stream;
  return OK;
}
EXPORT int cublasGetStream_v2(Handle* handle, void** stream) {
  if (!handle) return NOT_INITIALIZED;
  *stream = handle->stream;
  return OK;
}
EXPORT int cublasSetWorkspace_v2(Handle* handle, void* workspace, size_t) {
  if (!handle) return NOT_INITIALIZED;
  bool aligned = reinterpret_cast<uint64_t>(workspace) % 256 == 0;
  return aligned ? OK : refuse(INVALID_VALUE, "a workspace is aligned to 256 bytes");
}
EXPORT int cublasSetMathMode(Handle* handle, int mode) {
  if (!handle) return NOT_INITIALIZED;
  handle->mathMode = mode;
  return OK;
}
EXPORT int cublasGetMathMode(Handle* handle, int* mode) {
  if (!handle) return NOT_INITIALIZED;
  *mode = handle->mathMode;
  return OK;
}
EXPORT int cublasSetPointerMode_v2(Handle* handle, int mode) {
  if (!handle) return NOT_INITIALIZED;
  return mode ? refuse(NOT_SUPPORTED, "factors in device memory are not supported by the emulator") : OK;
}
EXPORT int cublasSetAtomicsMode(Handle* handle, int) { return handle ? OK : NOT_INITIALIZED; }
EXPORT int cublasGetVersion_v2(Handle*, int* version) {
  *version = 120900;
  return OK;
}
EXPORT int cublasGetProperty(int which, int* value) {
  *value = which == 0 ? 12 : which == 1 ? 9 : 0;
  return OK;
}
EXPORT const char* cublasGetStatusString(int status) {
  switch (status) {
    case OK: return "success";
    case NOT_INITIALIZED: return "the library was not initialized";
    case INVALID_VALUE: return "an invalid value was passed";
    case ARCH_MISMATCH: return "the device's architecture lacks a feature";
    case EXECUTION_FAILED: return "the execution failed";
    case NOT_SUPPORTED: return "the function is not supported";
    default: return "unknown status";
  }
}
EXPORT const char* cublasGetStatusName(int status) {
  switch (status) {
    case OK: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

EXPORT int cublasGemmStridedBatchedEx(Handle* handle, int transA, int transB, int m, int n, int k, const float* alpha,
                                      const void* a, int typeA, int lda, long long strideA, const void* b, int typeB,
                                      int ldb, long long strideB, const float* beta, void* c, int typeC, int ldc,
                                      long long strideC, int batches, int compute, int) {
  Product p{{a, typeA, lda, isTransposed(transA), m, k},
            {b, typeB, ldb, isTransposed(transB), k, n},
            {c, typeC, ldc, false, m, n},
            *alpha,
            *beta};
  int status = checkCall(handle, p, compute);
  if (status || !m || !n || batches <= 0) return status;
  return submit(handle, [=](void* context) {
    for (int64_t batch = 0; batch < batches; batch++) {
      Product each{offset(p.a, batch * strideA), offset(p.b, batch * strideB), offset(p.c, batch * strideC), p.alpha,
                   p.beta};
      each.check(context);
      each.run();
    }
  });
}
EXPORT int cublasGemmEx(Handle* handle, int transA, int transB, int m, int n, int k, const float* alpha, const void* a,
                        int typeA, int lda, const void* b, int typeB, int ldb, const float* beta, void* c, int typeC,
                        int ldc, int compute, int algorithm) {
  return cublasGemmStridedBatchedEx(handle, transA, transB, m, n, k, alpha, a, typeA, lda, 0, b, typeB, ldb, 0, beta, c,
                                    typeC, ldc, 0, 1, compute, algorithm);
}
