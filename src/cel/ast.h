// The syntax tree, in an Arena. Everything that binds to the left (operators of one precedence, selections, indexing,
// calls on a receiver) hangs on `left`, so walkers follow that spine in a loop and recurse only into what is nested:
// recursion is bounded by kMaxDepth however long the expression. Macros are already expanded into their own nodes.
#pragma once

#include <cstdint>
#include <string_view>

#include "cel/value.h"

namespace cala::cel {

inline constexpr std::uint32_t kMaxSource = 64 * 1024;
inline constexpr std::uint32_t kMaxDepth = 128;
// Brackets and right-hand operands inside each other, together:
// what bounds the recursion of parser, compiler and evaluator.
inline constexpr std::uint32_t kMaxRecursion = 192;
inline constexpr std::uint32_t kMaxMacroDepth = 32;  // macros inside the bodies of macros
inline constexpr std::uint32_t kMaxParens = 95;      // of parentheses inside each other: the original ledger's limit
inline constexpr std::uint32_t kMaxNodes = 20'000;

enum class NodeKind : std::uint8_t {
  kConstant,       // value
  kIdent,          // name; kRooted when written with a leading dot
  kSelect,         // left.name; kTestOnly: has(left.name); kOptional: left.?name
  kIndex,          // left[items[0]]; kOptional: left[?items[0]]
  kUnary,          // op left
  kBinary,         // left op items[0]
  kLogic,          // items joined by && or ||
  kConditional,    // left ? items[0] : items[1]
  kCall,           // name(items...)
  kMemberCall,     // left.name(items...)
  kList,           // items, each maybe optional
  kMap,            // items: key, value, key, value, ...; the key's kOptionalItem says {?key: value}
  kComprehension,  // macro over left, with names `name` and `second`; items by macro
};

enum class Operator : std::uint8_t {
  kNone,
  kNot,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAnd,
  kOr
};

enum class Macro : std::uint8_t {
  kNone,
  kAll,           // items: predicate
  kExists,        // items: predicate
  kExistsOne,     // items: predicate
  kMap,           // items: transform, filter?
  kFilter,        // items: predicate
  kTransformMap,  // items: transform, filter?; the list forms are kMap and with two names too
  kTransformMapEntry,
  kSortBy,  // items: key
  kBind,    // left: the value; items: the body
  kOptMap,  // items: transform
  kOptFlatMap,
};

enum NodeFlag : std::uint8_t {
  kRooted = 1,
  kTestOnly = 2,
  kOptional = 4,
  kOptionalItem = 8,  // this node is an element [?x] or a key {?x: y}
  kParenthesized = 16,
  kQuoted = 32,  // left.`name`
};

struct Node {
  NodeKind kind = NodeKind::kConstant;
  Operator op = Operator::kNone;
  Macro macro = Macro::kNone;
  std::uint8_t flags = 0;
  std::uint32_t position = 0;
  std::uint32_t item_count = 0;
  Node *left = nullptr;
  Node **items = nullptr;
  std::string_view name;
  std::string_view second;
  Value value;

  bool has(NodeFlag flag) const { return (flags & flag) != 0; }
};

std::string_view operator_text(Operator op);

}  // namespace cala::cel
