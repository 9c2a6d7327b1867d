#include "cel/parser.h"

#include <cstring>
#include <new>
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "cel/failure.h"

namespace cala::cel {

namespace {

struct Infix {
  Operator op = Operator::kNone;
  int precedence = 0;
};

Infix infix_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::kOr: return {Operator::kOr, 1};
    case TokenKind::kAnd: return {Operator::kAnd, 2};
    case TokenKind::kLess: return {Operator::kLess, 3};
    case TokenKind::kLessEqual: return {Operator::kLessEqual, 3};
    case TokenKind::kGreater: return {Operator::kGreater, 3};
    case TokenKind::kGreaterEqual: return {Operator::kGreaterEqual, 3};
    case TokenKind::kEqual: return {Operator::kEqual, 3};
    case TokenKind::kNotEqual: return {Operator::kNotEqual, 3};
    case TokenKind::kIn: return {Operator::kIn, 3};
    case TokenKind::kPlus: return {Operator::kAdd, 4};
    case TokenKind::kMinus: return {Operator::kSubtract, 4};
    case TokenKind::kStar: return {Operator::kMultiply, 5};
    case TokenKind::kSlash: return {Operator::kDivide, 5};
    case TokenKind::kPercent: return {Operator::kModulo, 5};
    default: return {};
  }
}

constexpr int kUnaryPrecedence = 6;

}  // namespace

std::string_view operator_text(Operator op) {
  switch (op) {
    case Operator::kNot: return "!";
    case Operator::kNegate:
    case Operator::kSubtract: return "-";
    case Operator::kAdd: return "+";
    case Operator::kMultiply: return "*";
    case Operator::kDivide: return "/";
    case Operator::kModulo: return "%";
    case Operator::kEqual: return "==";
    case Operator::kNotEqual: return "!=";
    case Operator::kLess: return "<";
    case Operator::kLessEqual: return "<=";
    case Operator::kGreater: return ">";
    case Operator::kGreaterEqual: return ">=";
    case Operator::kIn: return "in";
    case Operator::kAnd: return "&&";
    case Operator::kOr: return "||";
    case Operator::kNone: break;
  }
  return "";
}

base::Result<Node *> Parser::parse() {
  advance();
  Node *root = at(TokenKind::kEnd) ? fail(token_.position, "the expression is empty") : expression();
  if (!failed_ && !at(TokenKind::kEnd)) root = unexpected("the end of the expression");
  if (failed_) return compile_error(source_, error_position_, std::string(error_message_), error_hint_);
  return root;
}

Node *Parser::fail(std::uint32_t position, std::string_view message, std::string_view hint) {
  if (!failed_) {
    failed_ = true;
    error_position_ = position;
    error_message_ = message;
    error_hint_ = hint;
  }
  return nullptr;
}

Node *Parser::unexpected(std::string_view wanted) {
  if (at(TokenKind::kError)) return fail(token_.position, token_.text);
  std::string message = "unexpected end of the expression";
  if (!at(TokenKind::kEnd)) {
    const std::string_view shown = base::utf8_prefix(token_.text, 40);
    // A literal of bytes holds what no message can.
    message = base::is_valid_utf8(shown) ? "unexpected '" + std::string(shown) + "'" : "unexpected bytes";
  }
  message += ", expected ";
  message += wanted;
  const std::string_view kept = arena_.copy(message);
  return fail(token_.position, kept.data() == nullptr ? std::string_view("syntax error") : kept);
}

bool Parser::expect(TokenKind kind, std::string_view wanted) {
  if (failed_) return false;
  if (!at(kind)) {
    unexpected(wanted);
    return false;
  }
  advance();
  return true;
}

bool Parser::enter() {
  if (failed_) return false;
  if (depth_ >= kMaxDepth || depth_ + operands_ >= kMaxRecursion) {
    fail(token_.position, "the expression is nested too deeply: at most 128 brackets, 192 with right-hand operands");
    return false;
  }
  ++depth_;
  return true;
}

Node *Parser::operand(int precedence) {
  if (depth_ + operands_ >= kMaxRecursion)
    return fail(token_.position,
                "the expression is nested too deeply: at most 128 brackets, 192 with right-hand operands");
  ++operands_;
  Node *result = binary(precedence);
  --operands_;
  return result;
}

Node *Parser::make(NodeKind kind, std::uint32_t position) {
  if (failed_) return nullptr;
  if (++nodes_ > kMaxNodes) return fail(position, "the expression has more than 20000 nodes");
  void *memory = arena_.allocate(sizeof(Node));
  if (memory == nullptr) return fail(position, "the expression is too large");
  Node *node = new (memory) Node();
  node->kind = kind;
  node->position = position;
  return node;
}

bool Parser::add(Items &items, Node *node) {
  if (node == nullptr) return false;
  if (items.count == items.capacity) {
    const std::uint32_t grown = items.capacity == 0 ? 4 : items.capacity * 2;
    Node **data = arena_.allocate_array<Node *>(grown);
    if (data == nullptr) {
      fail(node->position, "the expression is too large");
      return false;
    }
    if (items.count > 0) std::memcpy(data, items.data, items.count * sizeof *data);
    items.data = data;
    items.capacity = grown;
  }
  items.data[items.count++] = node;
  return true;
}

Node *Parser::expression() {
  if (!enter()) return nullptr;
  Node *result = binary(1);
  if (result != nullptr && at(TokenKind::kQuestion)) {
    Node *choice = make(NodeKind::kConditional, token_.position);
    advance();
    Items items;
    if (choice == nullptr || !add(items, binary(1)) || !expect(TokenKind::kColon, "':'") || !add(items, expression()))
      return nullptr;
    choice->left = result;
    choice->items = items.data;
    choice->item_count = 2;
    result = choice;
  }
  leave();
  return failed_ ? nullptr : result;
}

Node *Parser::binary(int precedence) {
  if (precedence >= kUnaryPrecedence) return unary();
  Node *left = unary();
  while (left != nullptr) {
    const Infix infix = infix_of(token_.kind);
    if (infix.precedence < precedence || infix.op == Operator::kNone) break;
    if (infix.precedence <= 2) {
      left = logic(left, infix.op);
      continue;
    }
    Node *node = make(NodeKind::kBinary, token_.position);
    advance();
    Items items;
    if (node == nullptr || !add(items, operand(infix.precedence + 1))) return nullptr;
    node->op = infix.op;
    node->left = left;
    node->items = items.data;
    node->item_count = 1;
    left = node;
  }
  return failed_ ? nullptr : left;
}

// a && b && c becomes one node, so that long chains are flat.
Node *Parser::logic(Node *left, Operator op) {
  const int precedence = op == Operator::kOr ? 1 : 2;
  const TokenKind joint = token_.kind;
  Node *node = make(NodeKind::kLogic, token_.position);
  Items items;
  if (node == nullptr || !add(items, left)) return nullptr;
  while (at(joint)) {
    advance();
    if (!add(items, operand(precedence + 1))) return nullptr;
  }
  node->op = op;
  node->items = items.data;
  node->item_count = items.count;
  return node;
}

Node *Parser::unary() {
  if (!at(TokenKind::kNot) && !at(TokenKind::kMinus)) return member();
  const TokenKind kind = token_.kind;
  const std::uint32_t position = token_.position;
  std::uint32_t count = 0;
  while (at(kind)) {
    ++count;
    advance();
  }
  const bool literal = kind == TokenKind::kMinus &&
                       (at(TokenKind::kMinusMin) ||
                        (at(TokenKind::kLiteral) && (token_.value.is(Kind::kInt) || token_.value.is(Kind::kDouble))));
  if (literal) {
    if (at(TokenKind::kMinusMin)) {
      token_.kind = TokenKind::kLiteral;
      token_.value = Value::integer(INT64_MIN);
    } else {
      token_.value = token_.value.is(Kind::kInt) ? Value::integer(-token_.value.as_int())
                                                 : Value::number(-token_.value.as_double());
    }
    --count;
  }
  Node *operand = member();
  for (; count > 0 && operand != nullptr; --count) {
    Node *node = make(NodeKind::kUnary, position);
    if (node == nullptr) return nullptr;
    node->op = kind == TokenKind::kNot ? Operator::kNot : Operator::kNegate;
    node->left = operand;
    operand = node;
  }
  return operand;
}

Node *Parser::member() {
  Node *left = primary();
  while (left != nullptr && !failed_) {
    if (at(TokenKind::kDot)) {
      left = selection(left);
    } else if (at(TokenKind::kLeftBracket)) {
      left = indexing(left);
    } else if (at(TokenKind::kLeftBrace) && left->kind != NodeKind::kConstant) {
      return fail(token_.position, "messages are not part of this language: write a map, {'key': value}");
    } else {
      break;
    }
  }
  return failed_ ? nullptr : left;
}

Node *Parser::selection(Node *left) {
  const std::uint32_t position = token_.position;
  advance();
  std::uint8_t flags = 0;
  if (at(TokenKind::kQuestion)) {
    flags = kOptional;
    advance();
  }
  if (!at(TokenKind::kIdent) && !at(TokenKind::kQuotedIdent)) return unexpected("a field name");
  const bool quoted = at(TokenKind::kQuotedIdent);
  const std::string_view name = token_.text;
  advance();
  const bool call = at(TokenKind::kLeftParen) && !quoted && flags == 0;
  Node *node = make(call ? NodeKind::kMemberCall : NodeKind::kSelect, position);
  if (node == nullptr) return nullptr;
  node->left = left;
  node->name = name;
  node->flags = quoted ? static_cast<std::uint8_t>(flags | kQuoted) : flags;
  if (!call) return node;
  Items items;
  if (!arguments(items)) return nullptr;
  node->items = items.data;
  node->item_count = items.count;
  return macros_ ? expand_member_call(node) : node;
}

Node *Parser::indexing(Node *left) {
  Node *node = make(NodeKind::kIndex, token_.position);
  advance();
  if (node == nullptr) return nullptr;
  if (at(TokenKind::kQuestion)) {
    node->flags = kOptional;
    advance();
  }
  Items items;
  if (!add(items, expression()) || !expect(TokenKind::kRightBracket, "']'")) return nullptr;
  node->left = left;
  node->items = items.data;
  node->item_count = 1;
  return node;
}

bool Parser::arguments(Items &items) {
  advance();
  while (!at(TokenKind::kRightParen)) {
    if (!add(items, expression())) return false;
    if (at(TokenKind::kRightParen)) break;
    if (!expect(TokenKind::kComma, "',' or ')'")) return false;
    if (at(TokenKind::kRightParen)) {
      unexpected("an argument");
      return false;
    }
  }
  return expect(TokenKind::kRightParen, "')'");
}

Node *Parser::make_constant(const Token &token) {
  Node *node = make(NodeKind::kConstant, token.position);
  if (node != nullptr) node->value = token.value;
  return node;
}

Node *Parser::primary() {
  switch (token_.kind) {
    case TokenKind::kLiteral: {
      Node *node = make_constant(token_);
      advance();
      return node;
    }
    case TokenKind::kMinusMin: return fail(token_.position, "the number is out of the range of int");
    case TokenKind::kIdent: return identifier();
    case TokenKind::kDot: advance(); return at(TokenKind::kIdent) ? identifier(kRooted) : unexpected("a name");
    case TokenKind::kLeftBracket: return list_literal();
    case TokenKind::kLeftBrace: return map_literal();
    case TokenKind::kLeftParen: break;
    default: return unexpected("an expression");
  }
  if (++parens_ > kMaxParens) return fail(token_.position, "more than 95 parentheses are open inside each other");
  advance();
  Node *inner = expression();
  if (inner == nullptr || !expect(TokenKind::kRightParen, "')'")) return nullptr;
  --parens_;
  inner->flags |= kParenthesized;
  return inner;
}

Node *Parser::identifier(std::uint8_t flags) {
  const Token name = token_;
  if (is_reserved_word(name.text)) return fail(name.position, "a reserved word cannot be a name here");
  advance();
  const bool call = at(TokenKind::kLeftParen);
  Node *node = make(call ? NodeKind::kCall : NodeKind::kIdent, name.position);
  if (node == nullptr) return nullptr;
  node->name = name.text;
  node->flags = flags;
  if (!call) return node;
  Items items;
  if (!arguments(items)) return nullptr;
  node->items = items.data;
  node->item_count = items.count;
  return macros_ ? expand_call(node) : node;
}

Node *Parser::list_literal() {
  Node *node = make(NodeKind::kList, token_.position);
  advance();
  Items items;
  while (!failed_ && !at(TokenKind::kRightBracket)) {
    const bool optional = at(TokenKind::kQuestion);
    if (optional) advance();
    Node *item = expression();
    if (!add(items, item)) return nullptr;
    if (optional) item->flags |= kOptionalItem;
    if (at(TokenKind::kRightBracket)) break;
    if (!expect(TokenKind::kComma, "',' or ']'")) return nullptr;
  }
  if (node == nullptr || !expect(TokenKind::kRightBracket, "']'")) return nullptr;
  node->items = items.data;
  node->item_count = items.count;
  return node;
}

Node *Parser::map_literal() {
  Node *node = make(NodeKind::kMap, token_.position);
  advance();
  Items items;
  while (!failed_ && !at(TokenKind::kRightBrace)) {
    const bool optional = at(TokenKind::kQuestion);
    if (optional) advance();
    Node *key = expression();
    if (!add(items, key) || !expect(TokenKind::kColon, "':'") || !add(items, expression())) return nullptr;
    if (optional) key->flags |= kOptionalItem;
    if (at(TokenKind::kRightBrace)) break;
    if (!expect(TokenKind::kComma, "',' or '}'")) return nullptr;
  }
  if (node == nullptr || !expect(TokenKind::kRightBrace, "'}'")) return nullptr;
  node->items = items.data;
  node->item_count = items.count;
  return node;
}

}  // namespace cala::cel
