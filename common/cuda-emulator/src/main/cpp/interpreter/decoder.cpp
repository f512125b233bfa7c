#include "decoder.hpp"
#include <algorithm>
#include <cctype>
#include <set>
#include "warp.hpp"

namespace emulator {

namespace {

u64 roundUp(u64 value, u64 step) { return (value + step - 1) / step * step; }

}  // namespace

class Decoder {
 public:
  Decoder(ModuleSyntax& module, Program& program, int capability)
      : module(module), program(program), capability(std::min(capability, module.target)) {}

  std::unique_ptr<Kernel> kernel(const FunctionSyntax& f) {
    result = std::make_unique<Kernel>();
    result->name = f.name;
    result->files = &program.files;
    result->requiredThreads = f.requiredThreads;
    if (f.maxThreads) result->maxThreads = f.maxThreads;
    entry = &f;
    layoutParameters(f);
    collect(f, {});
    layoutVariables();
    for (auto* each : functions) emit(*each);
    for (auto* each : functions) resolve(*each);
    finish();
    return std::move(result);
  }

 private:
  friend class Builder;

  struct Symbol {
    Space space;
    u64 address;
  };

  void layoutParameters(const FunctionSyntax& f) {
    for (auto& p : f.parameters) {
      u64 offset = roundUp(result->parameterBytes, p.alignment);
      kernelParameters[p.name] = offset;
      result->parameters.push_back({static_cast<int>(offset), static_cast<int>(p.bytes)});
      result->parameterBytes = static_cast<int>(offset + p.bytes);
    }
  }

  // The functions that a kernel reaches, each once: their registers are static, so none may call itself.
  void collect(const FunctionSyntax& f, std::set<const FunctionSyntax*> callers) {
    if (!callers.insert(&f).second) throw Fault(INVALID_PTX, "recursion is not supported by the emulator: " + f.name);
    if (std::find(functions.begin(), functions.end(), &f) == functions.end()) functions.push_back(&f);
    for (auto& s : f.statements) {
      if (s.words[0] == "call") collect(callee(s), callers);
    }
  }

  const FunctionSyntax& callee(const Statement& s) {
    for (auto& o : s.operands) {
      if (o.kind == Operand::LIST) continue;
      for (auto& f : module.functions) {
        if (f->name == o.name && f->defined) return *f;
      }
      refuse(s, "call of something without a body, " + o.name);
    }
    refuse(s, "call of nothing");
  }

  [[noreturn]] void refuse(const Statement& s, const std::string& why) const {
    std::string kind = why.find("sm_") == 0 ? " needs " : ": ";
    throw Fault(INVALID_PTX, "kernel " + result->name + ", PTX line " + std::to_string(s.origin.ptxLine) + ": '" +
                                 s.origin.text + "'" + kind + why);
  }

  void layoutVariables() {
    std::set<std::string> used;
    for (auto* f : functions) {
      for (auto& s : f->statements) mention(s.operands, used);
    }
    bool dynamic = false;
    for (auto& v : module.variables) {
      if (v.space != ".shared" || !used.count(v.name)) continue;
      if (v.external || v.bytes == 0) {
        dynamic = true;
      } else {
        place(v, Space::SHARED, result->sharedBytes, moduleSymbols);
      }
    }
    for (auto* f : functions) {
      auto& symbols = local[f];
      for (auto& v : f->variables) {
        if (v.space == ".shared") {
          place(v, Space::SHARED, result->sharedBytes, symbols);
        } else {
          place(v, Space::LOCAL, result->localBytes, symbols);
        }
      }
      if (f == entry) continue;
      for (auto& v : f->parameters) place(v, Space::LOCAL, result->localBytes, symbols);
      for (auto& v : f->results) place(v, Space::LOCAL, result->localBytes, symbols);
    }
    result->localBytes = static_cast<int>(roundUp(result->localBytes, 16));
    if (dynamic) result->sharedBytes = static_cast<int>(roundUp(result->sharedBytes, 16));
    for (auto& v : module.variables) {
      if (v.space == ".shared" && (v.external || v.bytes == 0)) {
        moduleSymbols[v.name] = {Space::SHARED, static_cast<u64>(result->sharedBytes)};
      } else if (v.space != ".shared") {
        for (auto& m : program.variables) {
          if (m->name == v.name) moduleSymbols[v.name] = {m->constant ? Space::CONSTANT : Space::GLOBAL, m->address};
        }
      }
    }
  }

  static void mention(const std::vector<Operand>& operands, std::set<std::string>& used) {
    for (auto& o : operands) {
      if (o.kind == Operand::SYMBOL) used.insert(o.name);
      mention(o.parts, used);
    }
  }

  static void place(const Variable& v, Space space, int& bytes, std::map<std::string, Symbol>& symbols) {
    u64 at = roundUp(bytes, v.alignment);
    symbols[v.name] = {space, at};
    bytes = static_cast<int>(at + v.bytes);
  }

  Symbol symbol(const Statement& s, const std::string& name) const {
    auto& locals = local.at(function);
    auto found = locals.find(name);
    if (found != locals.end()) return found->second;
    auto parameter = kernelParameters.find(name);
    if (function == entry && parameter != kernelParameters.end()) return {Space::PARAMETER, parameter->second};
    found = moduleSymbols.find(name);
    if (found == moduleSymbols.end()) refuse(s, "not known: " + name);
    return found->second;
  }

  void emit(const FunctionSyntax& f) {
    function = &f;
    auto& positions = statementPositions[&f];
    entries[&f] = static_cast<int>(result->instructions.size());
    for (auto& s : f.statements) {
      positions.push_back(static_cast<int>(result->instructions.size()));
      Builder b(*this, s);
      if (s.guard) {
        b.i.guard = offsetOf(*s.guard);
        b.i.guardNegated = s.guardNegated;
      }
      decode(b);
      append(b.i, b.operands, s.origin);
      if (b.i.flow == Flow::CALL) {
        // results are fetched where the function returns to
        Instruction fetch;
        fetch.handler = fetchResults;
        fetch.target = b.i.target;
        append(fetch, {}, s.origin);
      }
    }
    positions.push_back(static_cast<int>(result->instructions.size()));
    Instruction end;
    end.flow = &f == entry ? Flow::EXIT : Flow::RETURN;
    end.target = end.flow == Flow::RETURN ? returnRegister(f) : -1;
    Origin origin;
    origin.text = "end of " + f.name;
    append(end, {}, origin);
  }

  void append(const Instruction& i, const std::vector<int>& operands, const Origin& origin) {
    poolPositions.push_back(result->operandPool.size());
    result->operandPool.insert(result->operandPool.end(), operands.begin(), operands.end());
    result->instructions.push_back(i);
    result->instructions.back().count = static_cast<u16>(operands.size());
    result->origins.push_back(origin);
  }

  void decode(Builder& b) {
    const std::string& name = b.s.words[0];
    if (name == "bra") {
      b.i.flow = Flow::BRANCH;
    } else if (name == "brx") {
      b.i.flow = Flow::BRANCH_INDEXED;
      b.need(2);
      b.add(b.value(b.s.operands[0], 4));
    } else if (name == "exit" || (name == "ret" && function == entry)) {
      b.i.flow = Flow::EXIT;
    } else if (name == "ret") {
      b.i.flow = Flow::RETURN;
      b.i.target = returnRegister(*function);
    } else if (name == "call") {
      call(b);
    } else if (!decodeArithmetic(b) && !decodeConversion(b) && !decodeMemory(b) && !decodeWarp(b) &&
               !decodeTensor(b)) {
      b.refuse("unknown opcode '" + b.s.opcode + "'");
    }
  }

  int returnRegister(const FunctionSyntax& f) {
    auto found = returnRegisters.find(&f);
    if (found != returnRegisters.end()) return found->second;
    return returnRegisters[&f] = allocate(4 * WARP);
  }

  void call(Builder& b) {
    b.i.flow = Flow::CALL;
    const FunctionSyntax& f = callee(b.s);
    CallSite site;
    site.entry = -1;
    site.returnRegister = returnRegister(f);
    bool before = true;
    for (auto& o : b.s.operands) {
      if (o.kind != Operand::LIST) {
        before = false;
        continue;
      }
      auto& formal = before ? f.results : f.parameters;
      if (formal.size() != o.parts.size()) b.refuse("call with another number of parameters");
      for (size_t k = 0; k < formal.size(); k++) {
        if (o.parts[k].kind != Operand::SYMBOL) b.refuse("call with parameters that are not .param");
        int actual = static_cast<int>(symbol(b.s, o.parts[k].name).address);
        int own = static_cast<int>(local[&f].at(formal[k].name).address);
        if (before) {
          site.results.push_back({own, actual, static_cast<int>(formal[k].bytes)});
        } else {
          site.arguments.push_back({actual, own, static_cast<int>(formal[k].bytes)});
        }
      }
    }
    b.i.target = static_cast<int>(result->calls.size());
    result->calls.push_back(site);
    callees.push_back(&f);
  }

  int labelPosition(const FunctionSyntax& f, const Statement& s, const std::string& name) {
    for (int scope = s.scope; scope >= 0; scope = f.parentScope[scope]) {
      auto found = f.labels.find({scope, name});
      if (found != f.labels.end()) return statementPositions[&f][found->second];
    }
    refuse(s, "label " + name);
  }

  void resolve(const FunctionSyntax& f) {
    function = &f;
    auto& positions = statementPositions[&f];
    for (size_t k = 0; k < f.statements.size(); k++) {
      auto& s = f.statements[k];
      Instruction& i = result->instructions[positions[k]];
      if (i.flow == Flow::BRANCH) {
        i.target = labelPosition(f, s, s.operands[0].name);
      } else if (i.flow == Flow::BRANCH_INDEXED) {
        std::vector<int> table;
        for (int scope = s.scope; scope >= 0; scope = f.parentScope[scope]) {
          auto found = f.tables.find({scope, s.operands[1].name});
          if (found == f.tables.end()) continue;
          for (auto& name : found->second) table.push_back(labelPosition(f, s, name));
          break;
        }
        if (table.empty()) refuse(s, "branch targets");
        i.target = static_cast<int>(result->branchTables.size());
        result->branchTables.push_back(table);
      }
    }
  }

  void finish() {
    for (size_t k = 0; k < result->calls.size(); k++) result->calls[k].entry = entries[callees[k]];
    for (size_t k = 0; k < result->instructions.size(); k++) {
      result->instructions[k].operands = result->operandPool.data() + poolPositions[k];
    }
    result->registerBytes = static_cast<int>(roundUp(result->registerBytes, 64));
  }

  int allocate(int bytes) {
    int offset = static_cast<int>(roundUp(result->registerBytes, bytes >= 128 ? 64 : 8));
    result->registerBytes = offset + bytes;
    return offset;
  }

  int offsetOf(const RegisterDeclaration& r) {
    auto found = registerOffsets.find(&r);
    if (found != registerOffsets.end()) return found->second;
    return registerOffsets[&r] = allocate(r.bytes == 0 ? 8 : WARP * (r.bytes == 8 ? 8 : 4));
  }

  int constant(u64 value, int bytes) {
    bytes = bytes == 8 ? 8 : 4;
    auto found = constants.find({value, bytes});
    if (found != constants.end()) return found->second;
    int offset = allocate(WARP * bytes);
    result->constants.push_back({offset, value, bytes});
    return constants[{value, bytes}] = offset;
  }

  int special(const Statement& s, const std::string& name) {
    static const std::set<std::string> known{
        "%tid.x", "%tid.y", "%tid.z", "%ntid.x", "%ntid.y", "%ntid.z", "%ctaid.x", "%ctaid.y", "%ctaid.z",
        "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%nwarpid", "%lanemask_eq", "%lanemask_lt",
        "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%dynamic_smem_size", "%total_smem_size", "%smid", "%nsmid",
        "%clock", "%clock64", "%globaltimer"};
    if (!known.count(name)) refuse(s, "special register " + name);
    auto found = result->specials.find(name);
    if (found != result->specials.end()) return found->second;
    bool wide = name == "%clock64" || name == "%globaltimer";
    return result->specials[name] = allocate(WARP * (wide ? 8 : 4));
  }

  ModuleSyntax& module;
  Program& program;
  int capability;
  std::unique_ptr<Kernel> result;
  const FunctionSyntax* entry = nullptr;
  const FunctionSyntax* function = nullptr;
  std::vector<const FunctionSyntax*> functions, callees;
  std::map<std::string, u64> kernelParameters;
  std::map<std::string, Symbol> moduleSymbols;
  std::map<const FunctionSyntax*, std::map<std::string, Symbol>> local;
  std::map<const FunctionSyntax*, std::vector<int>> statementPositions;
  std::map<const FunctionSyntax*, int> entries, returnRegisters;
  std::map<const RegisterDeclaration*, int> registerOffsets;
  std::map<std::pair<u64, int>, int> constants;
  std::vector<size_t> poolPositions;
};

int Builder::value(const Operand& o, int bytes) {
  if (o.kind == Operand::REGISTER && (o.reg->bytes == 0 || (o.reg->bytes == 8) != (bytes == 8))) {
    refuse("register " + o.name + " has another size");
  }
  return anyValue(o, bytes);
}

int Builder::anyValue(const Operand& o, int bytes) {
  switch (o.kind) {
    case Operand::REGISTER:
      return decoder.offsetOf(*o.reg);
    case Operand::NUMBER:
      return decoder.constant(o.number, bytes);
    case Operand::SPECIAL:
      return decoder.special(s, o.name);
    case Operand::SYMBOL:
      return decoder.constant(decoder.symbol(s, o.name).address + o.number, bytes);
    default:
      refuse("operand of a kind that is not supported here");
  }
}

int Builder::predicate(const Operand& o) {
  if (o.kind == Operand::NUMBER) return decoder.constant(o.number ? ALL_LANES : 0, 4);
  if (o.kind != Operand::REGISTER || o.reg->bytes != 0) refuse("predicate expected");
  return decoder.offsetOf(*o.reg);
}

int Builder::destination(const Operand& o) {
  if (o.kind == Operand::NOTHING) return -1;
  if (o.kind != Operand::REGISTER) refuse("register expected");
  return decoder.offsetOf(*o.reg);
}

int Builder::vector(const Operand& o, int bytes) {
  if (o.kind != Operand::VECTOR) {
    add(o.kind == Operand::NOTHING ? -1 : anyValue(o, bytes));
    return 1;
  }
  for (auto& part : o.parts) add(part.kind == Operand::NOTHING ? -1 : anyValue(part, bytes));
  return static_cast<int>(o.parts.size());
}

void Builder::space() {
  for (size_t k = 1; k < s.words.size(); k++) {
    const std::string& word = s.words[k];
    if (word == "global") i.space = Space::GLOBAL;
    if (word == "shared" || word == "shared::cta") i.space = Space::SHARED;
    if (word == "local") i.space = Space::LOCAL;
    if (word == "const") i.space = Space::CONSTANT;
    if (word.compare(0, 5, "param") == 0) i.space = Space::PARAMETER;
  }
}

void Builder::memory(const Operand& o) {
  if (o.kind != Operand::MEMORY) refuse("address expected");
  const Operand& base = o.parts[0];
  i.immediate = static_cast<i64>(o.number);
  i.wideAddress = true;
  if (base.kind == Operand::REGISTER) {
    i.wideAddress = base.reg->bytes == 8;
    add(decoder.offsetOf(*base.reg));
  } else if (base.kind == Operand::SYMBOL) {
    auto symbol = decoder.symbol(s, base.name);
    // parameters of device functions live in local memory
    if (i.space == Space::PARAMETER) i.space = symbol.space;
    add(decoder.constant(symbol.address + base.number, 8));
  } else {
    add(value(base, 8));
  }
}

u64 Builder::number(const Operand& o) const {
  if (o.kind != Operand::NUMBER) refuse("number expected");
  return o.number;
}

int Builder::typeBytes() const {
  int bytes = bytesOf(s.type());
  if (bytes < 0) refuse();
  return bytes;
}

void Builder::need(size_t least, size_t most) const {
  if (s.operands.size() < least || s.operands.size() > std::max(least, most)) refuse("number of operands");
}

void Builder::modifiers(std::initializer_list<const char*> known) const {
  for (size_t k = 1; k < s.words.size(); k++) {
    const std::string& word = s.words[k];
    if (bytesOf(word) >= 0) continue;
    if (std::find_if(known.begin(), known.end(), [&](const char* w) { return word == w; }) == known.end()) {
      refuse("modifier '." + word + "' is not supported by the emulator");
    }
  }
}

void Builder::needCapability(int capability, const char* what) const {
  if (decoder.capability < capability) {
    refuse("sm_" + std::to_string(capability) + " or higher (" + what + "), the target is sm_" +
           std::to_string(decoder.capability));
  }
}

void Builder::sharedPiece(int bytes) {
  if (i.space == Space::SHARED || i.space == Space::GENERIC) {
    decoder.result->sharedCell = std::min(decoder.result->sharedCell, bytes);
  }
}

void Builder::ordered() { decoder.result->ordered = true; }

void Builder::refuse(const std::string& why) const { decoder.refuse(s, why); }

std::unique_ptr<Program> loadProgram(const char* text, int capability, VariableMemory& memory) {
  ModuleSyntax module = parse(text, capability);
  auto program = std::make_unique<Program>();
  program->files = module.files;
  for (auto& v : module.variables) {
    if (v.space == ".shared") continue;
    auto variable = std::make_unique<ModuleVariable>();
    variable->name = v.name;
    variable->bytes = v.bytes;
    variable->alignment = v.alignment;
    variable->constant = v.space == ".const";
    variable->initial = v.initial;
    variable->initial.resize(v.bytes);
    variable->address = memory.allocate(std::max<u64>(v.bytes, 1));
    memcpy(reinterpret_cast<void*>(variable->address), variable->initial.data(), v.bytes);
    program->variables.push_back(std::move(variable));
  }
  for (auto& f : module.functions) {
    if (f->kernel && f->defined) program->kernels.push_back(Decoder(module, *program, capability).kernel(*f));
  }
  return program;
}

}  // namespace emulator
