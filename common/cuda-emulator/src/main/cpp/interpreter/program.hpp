// A module as it is executed: instructions with a function each, registers as offsets.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include "types.hpp"

namespace emulator {

struct Warp;
struct Instruction;

// Does one instruction for the lanes of a warp that are in the mask.
using Handler = void (*)(Warp&, const Instruction&, u32 lanes);

enum class Flow : u8 { NEXT, BRANCH, BRANCH_INDEXED, CALL, RETURN, EXIT, BARRIER, COLLECTIVE };
// What a barrier does with the predicates of the block's threads (__syncthreads_count and the like).
enum BarrierMode : u16 { BARRIER_ONLY, BARRIER_COUNT, BARRIER_AND, BARRIER_OR };
enum class Space : u8 { GENERIC, GLOBAL, SHARED, LOCAL, PARAMETER, CONSTANT };

struct Instruction {
  Handler handler = nullptr;
  const int* operands = nullptr;  // offsets of registers; -1 for one that is not wanted
  i64 immediate = 0;
  int guard = -1;   // offset of the predicate
  int target = -1;  // of a branch; of a collective: which operand is the mask, -1 where all lanes take part
  u16 count = 0;    // of operands
  u16 mode = 0;
  u16 width = 0;  // bytes of an access, or a mode
  Flow flow = Flow::NEXT;
  Space space = Space::GENERIC;
  bool guardNegated = false;
  bool wideAddress = true;  // the register of the address has 64 bits
};

// Where an instruction came from, for messages.
struct Origin {
  int ptxLine = 0, file = 0, sourceLine = 0;
  std::string text;
};

struct Constant {
  int offset;
  u64 value;
  int bytes;
};

// A region of parameters, copied when a device function is called or returns.
struct Transfer {
  int from, to, bytes;
};

struct CallSite {
  int entry, returnRegister;
  std::vector<Transfer> arguments, results;
};

struct Kernel {
  std::string name;
  std::vector<Instruction> instructions;
  std::vector<Origin> origins;
  std::vector<int> operandPool;
  std::vector<CallSite> calls;
  std::vector<std::vector<int>> branchTables;
  std::vector<Constant> constants;
  std::map<std::string, int> specials;  // special registers in use
  std::vector<std::pair<int, int>> parameters;  // offset and bytes
  int registerBytes = 0, parameterBytes = 0, sharedBytes = 0, localBytes = 0;
  int maxThreads = 1024, requiredThreads = 0;
  int sharedCell = 4;         // bytes that the race check tells apart
  bool ordered = false;       // blocks run one after the other, since they talk through atomics
  const std::vector<std::string>* files = nullptr;
};

// Memory that belongs to a module.
struct ModuleVariable {
  std::string name;
  u64 bytes = 0, alignment = 1;
  bool constant = false;
  std::vector<u8> initial;
  u64 address = 0;
};

struct Program {
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<std::unique_ptr<ModuleVariable>> variables;
  std::vector<std::string> files;
};

// Memory for a module's variables, from the device that loads it; may be null for a check of the text alone.
struct VariableMemory {
  virtual ~VariableMemory() = default;
  virtual u64 allocate(u64 bytes) = 0;
};

// Parses and decodes PTX for a device of a capability (80 for sm_80); throws Fault, naming what is not known.
std::unique_ptr<Program> loadProgram(const char* text, int capability, VariableMemory& memory);

}  // namespace emulator
