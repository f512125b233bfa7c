// PTX text as a tree: names are resolved to declarations, opcodes are not looked at.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "program.hpp"

namespace emulator {

struct RegisterDeclaration {
  std::string type;
  int bytes;             // 0: a predicate
  mutable int offset = -1;  // in the register file, once it is used
};

struct Operand {
  enum Kind { REGISTER, SPECIAL, NUMBER, SYMBOL, VECTOR, MEMORY, PAIR, LIST, NOTHING } kind = NOTHING;
  const RegisterDeclaration* reg = nullptr;
  std::string name;            // of a symbol or special register
  u64 number = 0;              // or what is added to a symbol or address
  bool negated = false;        // !p
  std::vector<Operand> parts;  // of a vector, pair or list; of a memory operand its base
};

struct Statement {
  std::string opcode;
  std::vector<std::string> words;  // the opcode between its dots
  const RegisterDeclaration* guard = nullptr;
  bool guardNegated = false;
  std::vector<Operand> operands;
  int scope = 0;
  Origin origin;

  const std::string& type() const { return words.back(); }
  bool has(const char* word) const {
    for (size_t k = 1; k < words.size(); k++) {
      if (words[k] == word) return true;
    }
    return false;
  }
};

struct Variable {
  std::string name, space, type;
  u64 elements = 1, alignment = 1, bytes = 0;
  bool external = false;
  std::vector<u8> initial;
};

struct FunctionSyntax {
  std::string name;
  bool kernel = false, defined = false;
  int maxThreads = 0, requiredThreads = 0;
  std::vector<Variable> parameters, results, variables;  // variables: .shared, .local and .param within
  std::vector<Statement> statements;
  std::map<std::pair<int, std::string>, int> labels;  // by scope and name: index of a statement
  std::map<std::pair<int, std::string>, std::vector<std::string>> tables;  // of brx.idx
  std::vector<int> parentScope;
  std::vector<std::unique_ptr<std::map<std::string, RegisterDeclaration>>> registers;
};

struct ModuleSyntax {
  int target = 0;
  std::vector<std::string> files;
  std::vector<Variable> variables;
  std::vector<std::unique_ptr<FunctionSyntax>> functions;
};

// Bytes of a PTX type without its dot; 0 for a predicate, -1 for no type.
int bytesOf(const std::string& type);

ModuleSyntax parse(const char* text, int capability);

}  // namespace emulator
