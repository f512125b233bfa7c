#include "syntax.hpp"
#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace emulator {

namespace {

constexpr int NEWEST_VERSION = 88;  // of PTX: what CUDA 12.9 writes

struct Token {
  enum Kind { WORD, TEXT, SYMBOL, END } kind;
  std::string text;
  int line;
  size_t at;  // in the source
};

bool isWord(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.'; }

class Lexer {
 public:
  explicit Lexer(const std::string& source) : source(source) {}

  std::vector<Token> tokens() {
    std::vector<Token> result;
    while (skipBlanks()) {
      size_t begin = at;
      char c = source[at];
      if (isWord(c)) {
        while (at < source.size() && (isWord(source[at]) || isDoubleColon())) at += isDoubleColon() ? 2 : 1;
        result.push_back({Token::WORD, source.substr(begin, at - begin), line, begin});
      } else if (c == '"') {
        at = source.find('"', at + 1);
        if (at == std::string::npos) throw Fault(INVALID_PTX, "PTX line " + std::to_string(line) + ": open quote");
        at++;
        result.push_back({Token::TEXT, source.substr(begin + 1, at - begin - 2), line, begin});
      } else {
        at++;
        result.push_back({Token::SYMBOL, std::string(1, c), line, begin});
      }
    }
    result.push_back({Token::END, "", line, at});
    return result;
  }

 private:
  bool isDoubleColon() const { return !source.compare(at, 2, "::"); }

  bool skipBlanks() {
    while (at < source.size()) {
      if (source[at] == '\n') line++;
      if (isspace(static_cast<unsigned char>(source[at]))) {
        at++;
      } else if (!source.compare(at, 2, "//")) {
        at = std::min(source.find('\n', at), source.size());
      } else if (!source.compare(at, 2, "/*")) {
        size_t end = source.find("*/", at);
        if (end == std::string::npos) end = source.size() - 2;
        line += static_cast<int>(std::count(source.begin() + at, source.begin() + end, '\n'));
        at = end + 2;
      } else {
        return true;
      }
    }
    return false;
  }

  const std::string& source;
  size_t at = 0;
  int line = 1;
};

bool isNumber(const std::string& word) { return isdigit(static_cast<unsigned char>(word[0])); }

// Decimal, hexadecimal, octal or binary integers, and floats by their bits (0f3F800000).
u64 numberOf(const std::string& word) {
  const char* digits = word.c_str();
  int base = 0;
  if (word.size() > 2 && word[0] == '0' && strchr("fFdDbB", word[1])) {
    base = strchr("bB", word[1]) ? 2 : 16;
    digits += 2;
  }
  char* end;
  u64 value = strtoull(digits, &end, base);
  if (*end == 'U') end++;
  if (*end) throw Fault(INVALID_PTX, "not a number: " + word);
  return value;
}

std::vector<std::string> splitWords(const std::string& opcode) {
  std::vector<std::string> words;
  size_t begin = 0;
  while (begin <= opcode.size()) {
    size_t end = std::min(opcode.find('.', begin), opcode.size());
    words.push_back(opcode.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

class Parser {
 public:
  Parser(const std::string& source, int capability) : source(source), capability(capability) {
    tokens = Lexer(source).tokens();
  }

  ModuleSyntax module() {
    bool external = false;
    while (peek().kind != Token::END) {
      Token t = next();
      const std::string& word = t.text;
      if (word == ".version") {
        version();
      } else if (word == ".target") {
        target();
      } else if (word == ".address_size") {
        next();
      } else if (word == ".visible" || word == ".weak" || word == ".common") {
        external = false;
      } else if (word == ".extern") {
        external = true;
      } else if (word == ".file") {
        file();
      } else if (word == ".section") {
        skipBraces();
      } else if (word == ".global" || word == ".const" || word == ".shared") {
        for (auto& v : variables(word)) {
          v.external = external;
          result.variables.push_back(std::move(v));
        }
        external = false;
      } else if (word == ".entry" || word == ".func") {
        function(word == ".entry");
        external = false;
      } else if (word == ".loc") {
        location();
      } else if (word != ";") {
        error("not known: " + word);
      }
    }
    return std::move(result);
  }

 private:
  [[noreturn]] void error(const std::string& what) const {
    throw Fault(INVALID_PTX, "PTX line " + std::to_string(tokens[position ? position - 1 : 0].line) + ": " + what);
  }
  const Token& peek(int ahead = 0) const { return tokens[std::min(position + ahead, tokens.size() - 1)]; }
  const Token& next() { return tokens[position < tokens.size() - 1 ? position++ : position]; }
  bool take(const char* text) {
    if (peek().text != text || peek().kind == Token::TEXT) return false;
    position++;
    return true;
  }
  void expect(const char* text) {
    if (!take(text)) error(std::string("'") + text + "' expected before '" + peek().text + "'");
  }

  void version() {
    std::string text = next().text;  // 8.8
    int major = atoi(text.c_str()), minor = atoi(text.c_str() + text.find('.') + 1);
    if (major * 10 + minor > NEWEST_VERSION) {
      throw Fault(UNSUPPORTED_PTX_VERSION, "PTX of version " + text + ", newer than the driver's 8.8");
    }
  }

  void target() {
    std::string text = next().text;
    if (text.compare(0, 3, "sm_")) error("target " + text);
    result.target = atoi(text.c_str() + 3);
    if (isalpha(static_cast<unsigned char>(text.back())) && result.target != capability) {
      error("target " + text + " on a device of sm_" + std::to_string(capability));
    }
    if (result.target > capability) {
      error("PTX for " + text + " on a device of sm_" + std::to_string(capability));
    }
    while (take(",")) next();
  }

  void file() {
    size_t number = numberOf(next().text);
    std::string name = next().text;
    while (take(",")) next();
    if (result.files.size() <= number) result.files.resize(number + 1);
    result.files[number] = name.substr(name.find_last_of('/') + 1);
  }

  void location() {
    currentFile = static_cast<int>(numberOf(next().text));
    currentLine = static_cast<int>(numberOf(next().text));
    next();  // column
    // ", function_name $L__info_string0, inlined_at 1 20 3" is the caller's place; ours is the inner one
    while (take(",")) {
      std::string word = next().text;
      if (word == "function_name") {
        next();
        while (take("+")) next();
      } else if (word == "inlined_at") {
        for (int k = 0; k < 3; k++) next();
      }
    }
  }

  void skipBraces() {
    while (peek().text != "{") next();
    int depth = 0;
    do {
      const Token& t = next();
      if (t.kind == Token::END) error("'}' expected");
      if (t.text == "{") depth++;
      if (t.text == "}") depth--;
    } while (depth);
  }

  u64 number() {
    bool negative = take("-");
    const Token& t = next();
    if (!isNumber(t.text)) error("number expected, not " + t.text);
    u64 value = numberOf(t.text);
    return negative ? -value : value;
  }

  // What follows a state space: alignment, type, names with extents and values.
  std::vector<Variable> variables(const std::string& space) {
    Variable common;
    common.space = space;
    common.alignment = 0;
    bool pointer = false;
    while (peek().text[0] == '.') {
      std::string word = next().text;
      if (word == ".align") {
        u64 alignment = number();
        if (!pointer) common.alignment = alignment;  // else it is that of what the pointer points at
      } else if (word == ".ptr") {
        pointer = true;
      } else if (word == ".attribute") {
        if (take("(")) while (!take(")")) next();
      } else if (bytesOf(word.substr(1)) > 0) {
        common.type = word.substr(1);
      } else if (word != ".global" && word != ".shared" && word != ".const" && word != ".local" && word != ".v2" &&
                 word != ".v4") {
        error("not known in a declaration: " + word);
      }
    }
    int size = bytesOf(common.type);
    if (!common.alignment) common.alignment = size;
    std::vector<Variable> list;
    do {
      Variable v = common;
      v.name = next().text;
      while (take("[")) {
        if (take("]")) {
          v.elements = 0;
        } else {
          v.elements *= number();
          expect("]");
        }
      }
      if (take("=")) values(v, size);
      v.bytes = v.elements * size;
      list.push_back(std::move(v));
    } while (space != ".param" && take(","));
    if (space != ".param") expect(";");
    return list;
  }

  void values(Variable& v, int size) {
    std::vector<u64> numbers;
    int depth = 0;
    do {
      if (take("{")) {
        depth++;
      } else if (take("}")) {
        depth--;
        take(",");
      } else {
        numbers.push_back(number());
        take(",");
      }
    } while (depth);
    if (!v.elements) v.elements = numbers.size();
    v.initial.resize(numbers.size() * size);
    for (size_t k = 0; k < numbers.size(); k++) memcpy(v.initial.data() + k * size, &numbers[k], size);
  }

  std::vector<Variable> parameterList() {
    std::vector<Variable> list;
    expect("(");
    while (!take(")")) {
      if (!take(".param")) error("only .param parameters are known, not " + peek().text);
      list.push_back(variables(".param")[0]);
      take(",");
    }
    return list;
  }

  void function(bool kernel) {
    auto f = std::make_unique<FunctionSyntax>();
    current = f.get();
    f->kernel = kernel;
    if (!kernel && peek().text == "(") f->results = parameterList();
    f->name = next().text;
    if (peek().text == "(") f->parameters = parameterList();
    while (peek().text != "{" && peek().text != ";") {
      std::string word = next().text;
      if (word == ".maxntid" || word == ".reqntid") {
        int threads = static_cast<int>(number());
        while (take(",")) threads *= static_cast<int>(number());
        f->maxThreads = threads;
        if (word == ".reqntid") f->requiredThreads = threads;
      } else if (word == ".minnctapersm" || word == ".maxnreg") {
        number();
      } else if (word != ".noreturn" && word != ".pragma" && word[0] == '.') {
        error("not known at a function: " + word);
      }
    }
    if (take("{")) {
      f->defined = true;
      body();
    } else {
      expect(";");
    }
    result.functions.push_back(std::move(f));
    current = nullptr;
  }

  void openScope(int parent) {
    current->parentScope.push_back(parent);
    current->registers.push_back(std::make_unique<std::map<std::string, RegisterDeclaration>>());
    scope = static_cast<int>(current->parentScope.size()) - 1;
    patterns.emplace_back();
  }

  void body() {
    patterns.clear();
    openScope(-1);
    int depth = 1;
    while (depth) {
      const Token& t = peek();
      if (t.kind == Token::END) error("'}' expected");
      if (take("{")) {
        openScope(scope);
        depth++;
      } else if (take("}")) {
        scope = current->parentScope[scope];
        depth--;
      } else if (take(";")) {
        continue;
      } else if (take(".loc")) {
        location();
      } else if (take(".pragma")) {
        while (!take(";")) next();
      } else if (take(".reg")) {
        registers();
      } else if (t.text == ".shared" || t.text == ".local" || t.text == ".param") {
        std::string space = next().text;
        for (auto& v : variables(space)) current->variables.push_back(std::move(v));
        if (space == ".param") expect(";");
      } else if (t.kind == Token::WORD && t.text[0] == '.') {
        error("not known: " + t.text);
      } else if (t.kind == Token::WORD && peek(1).text == ":") {
        label();
      } else {
        statement();
      }
    }
  }

  void label() {
    std::string name = next().text;
    next();
    if (take(".branchtargets")) {
      auto& table = current->tables[{scope, name}];
      do {
        table.push_back(next().text);
      } while (take(","));
      expect(";");
      return;
    }
    current->labels[{scope, name}] = static_cast<int>(current->statements.size());
  }

  void registers() {
    std::string type = next().text.substr(1);
    int size = bytesOf(type);
    if (size < 0) error("register of type " + type);
    do {
      std::string name = next().text;
      int count = -1;
      if (take("<")) {
        count = static_cast<int>(number());
        expect(">");
      }
      if (count < 0) {
        (*current->registers[scope])[name] = {type, size};
      } else {
        patterns[scope][name] = {type, size, count};
      }
    } while (take(","));
    expect(";");
  }

  // A register by its name, in this scope or those around it; null if there is none.
  const RegisterDeclaration* findRegister(const std::string& name) {
    for (int s = scope; s >= 0; s = current->parentScope[s]) {
      auto& known = *current->registers[s];
      auto found = known.find(name);
      if (found != known.end()) return &found->second;
      size_t digits = name.find_last_not_of("0123456789") + 1;
      if (digits == name.size()) continue;
      auto pattern = patterns[s].find(name.substr(0, digits));
      if (pattern == patterns[s].end() || atoi(name.c_str() + digits) >= pattern->second.count) continue;
      return &(known[name] = {pattern->second.type, pattern->second.bytes});
    }
    return nullptr;
  }

  void statement() {
    Statement s;
    size_t begin = peek().at;
    s.origin.ptxLine = peek().line;
    s.origin.file = currentFile;
    s.origin.sourceLine = currentLine;
    s.scope = scope;
    if (take("@")) {
      s.guardNegated = take("!");
      std::string name = next().text;
      s.guard = findRegister(name);
      if (!s.guard) error("register " + name);
    }
    s.opcode = next().text;
    s.words = splitWords(s.opcode);
    while (!take(";")) {
      s.operands.push_back(operand());
      if (!take(",") && peek().text != ";") error("';' expected before '" + peek().text + "'");
    }
    s.origin.text = source.substr(begin, tokens[position - 1].at - begin);
    for (char& c : s.origin.text) {
      if (isspace(static_cast<unsigned char>(c))) c = ' ';
    }
    current->statements.push_back(std::move(s));
  }

  Operand operand() {
    Operand o = simpleOperand();
    if (take("|")) {
      Operand pair;
      pair.kind = Operand::PAIR;
      pair.parts = {o, simpleOperand()};
      return pair;
    }
    return o;
  }

  void list(Operand& o, const char* end) {
    while (!take(end)) {
      o.parts.push_back(operand());
      take(",");
    }
  }

  Operand simpleOperand() {
    Operand o;
    if (take("{")) {
      o.kind = Operand::VECTOR;
      list(o, "}");
    } else if (take("(")) {
      o.kind = Operand::LIST;
      list(o, ")");
    } else if (take("[")) {
      o.kind = Operand::MEMORY;
      Operand base = simpleOperand();
      if (base.kind == Operand::REGISTER && take("+")) o.number = number();
      if (base.kind == Operand::NUMBER && take("+")) base.number += number();
      o.parts.push_back(base);
      expect("]");
    } else if (take("!")) {
      o = simpleOperand();
      o.negated = true;
    } else if (peek().text == "-" || isNumber(peek().text)) {
      o.kind = Operand::NUMBER;
      o.number = number();
    } else {
      if (peek().kind != Token::WORD) error("operand expected before '" + peek().text + "'");
      o.name = next().text;
      if (o.name == "_") return o;
      o.reg = findRegister(o.name);
      if (o.reg) {
        o.kind = Operand::REGISTER;
      } else if (o.name[0] == '%') {
        o.kind = Operand::SPECIAL;
      } else {
        o.kind = Operand::SYMBOL;
        if (take("+")) o.number = number();
      }
    }
    return o;
  }

  struct Pattern {
    std::string type;
    int bytes, count;
  };

  const std::string& source;
  int capability;
  std::vector<Token> tokens;
  size_t position = 0;
  ModuleSyntax result;
  FunctionSyntax* current = nullptr;
  int scope = -1, currentFile = 0, currentLine = 0;
  std::vector<std::map<std::string, Pattern>> patterns;  // %r<100> by scope
};

}  // namespace

int bytesOf(const std::string& type) {
  static const std::map<std::string, int> sizes{
      {"pred", 0},  {"b8", 1},    {"u8", 1},     {"s8", 1},     {"b16", 2},  {"u16", 2},  {"s16", 2}, {"f16", 2},
      {"bf16", 2},  {"b32", 4},   {"u32", 4},    {"s32", 4},    {"f32", 4},  {"tf32", 4}, {"f16x2", 4},
      {"bf16x2", 4}, {"b64", 8},  {"u64", 8},    {"s64", 8},    {"f64", 8},  {"b128", 16}};
  auto found = sizes.find(type);
  return found == sizes.end() ? -1 : found->second;
}

ModuleSyntax parse(const char* text, int capability) {
  std::string source(text);
  return Parser(source, capability).module();
}

}  // namespace emulator
