// From syntax to instructions: looks every opcode up once, so that running one is a call.
#pragma once
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include "syntax.hpp"

namespace emulator {

class Decoder;

// An instruction in the making.
class Builder {
 public:
  Builder(Decoder& decoder, const Statement& statement) : s(statement), decoder(decoder) {}

  const Statement& s;
  Instruction i;
  std::vector<int> operands;

  // Offset of a register, or of one that holds a constant; the width matters for constants only.
  int value(const Operand& o, int bytes);
  int anyValue(const Operand& o, int bytes);  // of a register that may be wider, which ld, st and cvt allow
  int predicate(const Operand& o);
  int destination(const Operand& o);  // -1 for _
  void add(int offset) { operands.push_back(offset); }
  void values(int bytes) {
    for (auto& o : s.operands) add(value(o, bytes));
  }
  // The registers of a vector, or the one of a scalar.
  int vector(const Operand& o, int bytes);
  // The operand of an address: its register, the immediate and the space that the opcode names.
  void memory(const Operand& o);
  void space();
  u64 number(const Operand& o) const;
  int typeBytes() const;
  void need(size_t least, size_t most = 0) const;
  // Words of the opcode that are known, but for types; any other is refused.
  void modifiers(std::initializer_list<const char*> known) const;
  void needCapability(int capability, const char* what) const;
  // Shared memory is accessed in pieces of this many bytes.
  void sharedPiece(int bytes);
  void ordered();  // blocks see each other's work
  [[noreturn]] void refuse(const std::string& why = "not supported by the emulator") const;
  void handler(Handler h) {
    if (!h) refuse();
    i.handler = h;
  }

 private:
  Decoder& decoder;
};

// Each looks at the opcode, fills the instruction if it is one of its own, and says whether it was.
bool decodeArithmetic(Builder& b);
bool decodeConversion(Builder& b);
bool decodeMemory(Builder& b);
bool decodeWarp(Builder& b);
bool decodeTensor(Builder& b);

}  // namespace emulator
