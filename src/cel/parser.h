// The parser: one pass, by precedence climbing, straight into an Arena. It refuses what is too deep or too large before
// it recurses or allocates, so no source can exhaust the stack or the heap.
#pragma once

#include <string_view>

#include "base/error.h"
#include "cel/arena.h"
#include "cel/ast.h"
#include "cel/lexer.h"

namespace cala::cel {

class Parser {
 public:
  // Nodes live in `nodes`; the texts of string literals in `strings` or in source itself.
  Parser(std::string_view source, Arena &nodes, Arena &strings, bool macros)
      : source_(source), arena_(nodes), lexer_(source, strings), macros_(macros) {}

  // source must outlive the tree.
  base::Result<Node *> parse();

 private:
  // Items collected before their count is known; moved into the arena at the end of the list.
  struct Items {
    Node **data = nullptr;
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;
  };

  // Each answers nullptr once failed_ is set.
  Node *expression();
  Node *binary(int precedence);
  Node *operand(int precedence);  // the right-hand side of an operator
  Node *logic(Node *left, Operator op);
  Node *unary();
  Node *member();
  Node *primary();
  Node *identifier(std::uint8_t flags = 0);
  Node *list_literal();
  Node *map_literal();
  Node *selection(Node *left);
  Node *indexing(Node *left);
  bool arguments(Items &items);
  bool add(Items &items, Node *node);

  Node *expand_call(Node *call);         // has(), and plain calls
  Node *expand_member_call(Node *call);  // all(), map(), cel.bind(), ...
  Node *comprehension(Node *call, Macro macro, std::uint32_t names);
  bool take_name(Node *argument, std::string_view &name);

  Node *make(NodeKind kind, std::uint32_t position);
  Node *make_constant(const Token &token);
  Node *fail(std::uint32_t position, std::string_view message, std::string_view hint = {});
  Node *unexpected(std::string_view wanted);
  void advance() { token_ = lexer_.next(); }
  bool at(TokenKind kind) const { return token_.kind == kind; }
  bool expect(TokenKind kind, std::string_view wanted);
  bool enter();
  void leave() { --depth_; }

  std::string_view source_;
  Arena &arena_;
  Lexer lexer_;
  Token token_;
  bool macros_;
  bool failed_ = false;
  std::uint32_t depth_ = 0;
  std::uint32_t operands_ = 0;
  std::uint32_t parens_ = 0;
  std::uint32_t nodes_ = 0;
  std::uint32_t error_position_ = 0;
  std::string_view error_message_;
  std::string_view error_hint_;
};

}  // namespace cala::cel
