#include "cel/compiler.h"

#include <new>

#include "cel/failure.h"
#include "cel/map.h"

namespace cala::cel {

void Compiler::refuse(std::uint32_t position, std::string message, std::string hint) {
  if (problem_.set || !options_.check) return;
  problem_ = {.set = true, .position = position, .message = std::move(message), .hint = std::move(hint)};
}

void Compiler::refuse_type(std::uint32_t position, const char *what, const Type *type, const char *hint) {
  if (!problem_.set && options_.check) refuse(position, what + type_text(type), hint);
}

void Compiler::refuse_operator(const Node *node, const Type *left, const Type *right) {
  if (problem_.set || !options_.check) return;
  const std::string op(operator_text(node->op));
  const bool decimal = left->kind == Kind::kDecimal || right->kind == Kind::kDecimal;
  const char *hint = "";
  if (decimal && node->op == Operator::kDivide) hint = "write decimal.Div(a, b, scale, mode)";
  if (decimal && (left->kind == Kind::kDouble || right->kind == Kind::kDouble))
    hint = "write the number as decimal('...')";
  if (decimal && (left->kind == Kind::kString || right->kind == Kind::kString))
    hint = "write the text as decimal('...')";
  const bool unary = node->kind == NodeKind::kUnary;
  refuse(node->position,
         "no such overload: " + (unary ? op + type_text(left) : type_text(left) + " " + op + " " + type_text(right)),
         hint);
}

void Compiler::refuse_function(const Node *node, Form form) {
  if (problem_.set || !options_.check) return;
  refuse(node->position, "unknown function '" + std::string(node->name) + "'", suggest_function(node->name, form));
}

base::Outcome Compiler::compile(Node *root) {
  const Built built = build(root);
  if (out_of_memory_ || built.expr == nullptr)
    return compile_error(plan_.source, 0, "the expression's constants take more than 4 MiB");
  if (too_deep_) return compile_error(plan_.source, 0, "more than 32 macros are nested inside each other");
  plan_.root = built.expr;
  if (!problem_.set) return check_result(built);
  return compile_error(plan_.source, problem_.position, problem_.message, problem_.hint);
}

namespace {

// How a literal of the wanted type is written, where a text or a double stands instead.
std::string_view result_hint(Kind kind, ResultAs as) {
  if (kind != Kind::kString && kind != Kind::kDouble) return {};
  if (as == ResultAs::kDecimal) return "write decimal('10.50')";
  if (kind != Kind::kString) return {};
  if (as == ResultAs::kUuid) return "write uuid('...')";
  if (as == ResultAs::kDate) return "write date('2025-01-31')";
  return as == ResultAs::kTimestamp ? std::string_view("write timestamp('2025-01-31T10:00:00Z')") : std::string_view();
}

}  // namespace

base::Outcome Compiler::check_result(const Built &built) {
  if (options_.check && !may_become(built.type, options_.as)) {
    return compile_error(plan_.source, 0,
                         "the result is of type " + type_text(built.type) + ", where " +
                             std::string(result_as_text(options_.as)) + " is needed",
                         result_hint(built.type->kind, options_.as));
  }
  return {};
}

Node *Compiler::left_of(Node *node) {
  if (node->kind == NodeKind::kMemberCall && names_function(node))
    return node->item_count > 0 ? node->items[0] : nullptr;
  if (node->kind == NodeKind::kCall) return node->item_count > 0 ? node->items[0] : nullptr;
  return node->left;
}

Compiler::Built Compiler::build(Node *node) {
  Current current;
  current.first_spine = spine_.size();
  current.first_step = steps_.size();
  for (Node *left = left_of(node); left != nullptr; left = left_of(node)) {
    spine_.push_back(node);
    node = left;
  }
  leaf(node, current);
  while (spine_.size() > current.first_spine) {
    Node *next = spine_.back();
    spine_.pop_back();
    step(next, current);
  }
  return finish(current);
}

Compiler::Built Compiler::finish(Current &current) {
  const std::size_t count = steps_.size() - current.first_step;
  void *memory = plan_.arena.allocate(sizeof(Expr));
  Step *steps = plan_.arena.allocate_array<Step>(count);
  if (memory == nullptr || steps == nullptr) {
    out_of_memory_ = true;
    steps_.resize(current.first_step);
    return {&nothing_, scalar_type(Kind::kAbsent)};
  }
  for (std::size_t i = 0; i < count; ++i) new (steps + i) Step(steps_[current.first_step + i]);
  steps_.resize(current.first_step);
  Expr *expr = new (memory) Expr(current.expr);
  expr->steps = steps;
  expr->step_count = static_cast<std::uint32_t>(count);
  return {expr, current.type};
}

const Expr *const *Compiler::build_items(Node *const *items, std::uint32_t count, const Type **types) {
  const Expr **built = plan_.arena.allocate_array<const Expr *>(count);
  if (built == nullptr) {
    out_of_memory_ = true;
    return nullptr;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const Built item = build(items[i]);
    item.expr->optional_item = items[i]->has(kOptionalItem);
    built[i] = item.expr;
    if (types != nullptr) types[i] = item.type;
  }
  return built;
}

void Compiler::constant(Current &current, const Value &value) {
  current.expr.leaf = LeafKind::kConstant;
  current.expr.constant = value;
  current.type = type_of_value(scratch_, value);
}

void Compiler::leaf(Node *node, Current &current) {
  current.expr.position = node->position;
  current.type = scalar_type(Kind::kAbsent);
  switch (node->kind) {
    case NodeKind::kConstant: return constant(current, node->value);
    case NodeKind::kIdent: return identifier(node, current);
    case NodeKind::kList: return list(node, current);
    case NodeKind::kMap: return map(node, current);
    case NodeKind::kLogic: return logic(node, current);
    default: return empty_call(node, current);
  }
}

namespace {

// What an optional of this type holds, as far as is known.
const Type *held_by(const Type *type) { return type->element == nullptr ? scalar_type(Kind::kAbsent) : type->element; }

}  // namespace

void Compiler::collection(LeafKind leaf, const Expr *const *items, std::uint32_t count, Current &current) {
  current.expr.leaf = leaf;
  current.expr.items = items;
  current.expr.item_count = count;
}

void Compiler::fold_leaf(Current &current) {
  const Value folded = folder_.run(current.expr);
  if (folded.is_error()) return;
  current.expr.leaf = LeafKind::kConstant;
  current.expr.constant = folded;
}

void Compiler::list(Node *node, Current &current) {
  const Type **types = scratch_.allocate_array<const Type *>(node->item_count);
  if (types == nullptr) {
    out_of_memory_ = true;
    return;
  }
  const Expr *const *items = build_items(node->items, node->item_count, types);
  if (items == nullptr) return;
  const Type *element = nullptr;
  bool constant_items = true;
  for (std::uint32_t i = 0; i < node->item_count; ++i) {
    const bool optional = items[i]->optional_item;
    if (optional && !types[i]->may_be(Kind::kOptional))
      refuse_type(node->items[i]->position, "[?x] takes an optional, not ", types[i]);
    const Type *type = optional ? held_by(types[i]) : types[i];
    element = element == nullptr ? type : join_types(scratch_, element, type);
    constant_items = constant_items && items[i]->is_constant() && !optional;
  }
  current.type = list_type(scratch_, element == nullptr ? scalar_type(Kind::kAbsent) : element);
  collection(LeafKind::kList, items, node->item_count, current);
  if (constant_items) fold_leaf(current);
}

void Compiler::map(Node *node, Current &current) {
  const Type **types = scratch_.allocate_array<const Type *>(node->item_count);
  if (types == nullptr) {
    out_of_memory_ = true;
    return;
  }
  const Expr *const *items = build_items(node->items, node->item_count, types);
  if (items == nullptr) return;
  const Type *dyn = scalar_type(Kind::kAbsent);
  const Type *key = nullptr;
  const Type *value = nullptr;
  bool constant_items = true;
  for (std::uint32_t i = 0; i + 1 < node->item_count; i += 2) {
    const bool optional = items[i]->optional_item;
    if (!types[i]->is_dyn() && !is_map_key(types[i]->kind))
      refuse_type(node->items[i]->position, "unsupported key type: ", types[i], "a key is a string, int, uint or bool");
    if (optional && !types[i + 1]->may_be(Kind::kOptional))
      refuse_type(node->items[i + 1]->position, "{?key: x} takes an optional, not ", types[i + 1]);
    const Type *held = optional ? held_by(types[i + 1]) : types[i + 1];
    key = key == nullptr ? types[i] : join_types(scratch_, key, types[i]);
    value = value == nullptr ? held : join_types(scratch_, value, held);
    constant_items = constant_items && items[i]->is_constant() && items[i + 1]->is_constant() && !optional;
  }
  current.type = map_type(scratch_, key == nullptr ? dyn : key, value == nullptr ? dyn : value);
  collection(LeafKind::kMap, items, node->item_count, current);
  if (constant_items) fold_leaf(current);
}

void Compiler::logic(Node *node, Current &current) {
  const bool deciding = node->op == Operator::kOr;
  const bool had_problem = problem_.set;
  const Expr **items = plan_.arena.allocate_array<const Expr *>(node->item_count);
  if (items == nullptr) {
    out_of_memory_ = true;
    return;
  }
  std::uint32_t kept = 0;
  bool decided = false;
  for (std::uint32_t i = 0; i < node->item_count; ++i) {
    const Built item = build(node->items[i]);
    if (!item.type->may_be(Kind::kBool)) {
      refuse_type(node->items[i]->position, deciding ? "'||' takes bools, not " : "'&&' takes bools, not ", item.type);
    }
    const bool known = item.expr->is_constant() && item.expr->constant.is(Kind::kBool);
    decided = decided || (known && item.expr->constant.as_bool() == deciding);
    if (!known) items[kept++] = item.expr;
  }
  if (decided) {
    if (!had_problem) problem_ = {};
    return constant(current, Value::boolean(deciding));
  }
  if (kept == 0) return constant(current, Value::boolean(!deciding));
  current.type = scalar_type(Kind::kBool);
  current.expr.leaf = deciding ? LeafKind::kOr : LeafKind::kAnd;
  current.expr.items = items;
  current.expr.item_count = kept;
}

void Compiler::empty_call(Node *node, Current &current) {
  const OverloadRange range = function_named(node->name, {.rooted = node->has(kRooted)});
  if (range.count == 0) {
    refuse_function(node, kGlobal);
    return constant(current, Value::failure(FailureCode::kUnknownFunction, node->position, node->name));
  }
  current.type = call_type(range, nullptr, 0, node->position, node->name);
  current.expr.leaf = LeafKind::kCall;
  current.expr.overloads = range;
}

}  // namespace cala::cel
