#include <new>

#include "cel/compiler.h"
#include "cel/map.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

bool is_relation(Operator op) {
  return op == Operator::kEqual || op == Operator::kNotEqual || op == Operator::kLess || op == Operator::kLessEqual ||
         op == Operator::kGreater || op == Operator::kGreaterEqual;
}

bool is_zero_argument_free(const Step &step) {
  for (std::uint32_t i = 0; i < step.item_count; ++i) {
    if (!step.items[i]->is_constant()) return false;
  }
  return step.kind != StepKind::kComprehension;
}

}  // namespace

bool Compiler::fold(Current &current, const Step &step) {
  if (steps_.size() != current.first_step || !current.expr.is_constant() || !is_zero_argument_free(step)) return false;
  const Value folded = folder_.run_step(step, current.expr.constant);
  if (folded.is_error() || folder_.runtime().steps_left < 0) return false;
  current.expr.constant = folded;
  return true;
}

void Compiler::push(Current &current, const Step &step, const Type *type) {
  current.type = type;
  if (!fold(current, step)) steps_.push_back(step);
}

void Compiler::step(Node *node, Current &current) {
  if (out_of_memory_) return;
  switch (node->kind) {
    case NodeKind::kSelect: return select_step(node, current);
    case NodeKind::kIndex: return index_step(node, current);
    case NodeKind::kUnary:
    case NodeKind::kBinary: return operator_step(node, current);
    case NodeKind::kConditional: return conditional_step(node, current);
    case NodeKind::kComprehension: return comprehension_step(node, current);
    default: return call_step(node, current);
  }
}

void Compiler::select_step(Node *node, Current &current) {
  const Type *from = current.type;
  const Type *dyn = scalar_type(Kind::kAbsent);
  const bool chains = from->kind == Kind::kOptional;
  if (chains) from = from->element;
  if (!from->may_be(Kind::kMap)) {
    refuse_type(node->position, "field selection is not supported by the type ", from,
                from->kind == Kind::kList ? "a list has elements: x[0]" : "");
  }
  const Type *found = from->is_dyn() || from->element == nullptr ? dyn : from->element;
  Step made;
  made.position = node->position;
  made.name = node->name;
  if (node->has(kTestOnly)) {
    made.kind = StepKind::kHas;
    found = scalar_type(Kind::kBool);
  } else if (node->has(kOptional)) {
    made.kind = StepKind::kOptSelect;
    found = optional_type(scratch_, found);
  } else {
    made.kind = StepKind::kSelect;
    if (chains) found = optional_type(scratch_, found);
  }
  push(current, made, found);
}

void Compiler::index_step(Node *node, Current &current) {
  const Type *from = current.type;
  const Type *dyn = scalar_type(Kind::kAbsent);
  const bool chains = from->kind == Kind::kOptional;
  if (chains) from = from->element;
  const Type *key = dyn;
  const Expr *const *items = build_items(node->items, 1, &key);
  if (items == nullptr) return;
  if (from->kind == Kind::kList) {
    if (!key->is_dyn() && !is_number(key->kind))
      refuse_type(node->position, "a list is indexed by an int, not by ", key);
  } else if (from->kind == Kind::kMap) {
    if (!key->is_dyn() && !is_map_key(key->kind) && key->kind != Kind::kDouble)
      refuse_type(node->position, "a map is not indexed by ", key);
  } else if (!from->is_dyn()) {
    refuse_type(node->position, "only lists and maps are indexed, not ", from);
  }
  const Type *found = from->element == nullptr ? dyn : from->element;
  Step made;
  made.kind = node->has(kOptional) ? StepKind::kOptIndex : StepKind::kIndex;
  made.position = node->position;
  made.items = items;
  made.item_count = 1;
  push(current, made, chains || node->has(kOptional) ? optional_type(scratch_, found) : found);
}

void Compiler::operator_step(Node *node, Current &current) {
  const bool unary = node->kind == NodeKind::kUnary;
  const Type *right = scalar_type(Kind::kAbsent);
  const Expr *const *items = unary ? nullptr : build_items(node->items, 1, &right);
  if (!unary && items == nullptr) return;
  const Type *left = current.type;
  const Type *type = unary ? unary_type(node->op, left) : binary_type(scratch_, node->op, left, right);
  if (type == nullptr) {
    refuse_operator(node, left, right);
    type = scalar_type(Kind::kAbsent);
  }
  Step made;
  made.op = node->op;
  made.position = node->position;
  made.items = items;
  made.item_count = unary ? 0 : 1;
  if (unary) {
    made.kind = node->op == Operator::kNot ? StepKind::kNot : StepKind::kNegate;
  } else {
    made.kind = is_relation(node->op) ? StepKind::kCompare
                                      : (node->op == Operator::kIn ? StepKind::kIn : StepKind::kArithmetic);
  }
  push(current, made, type);
}

// The other expression takes the current one's place.
void Compiler::splice(Current &current, const Built &built) {
  steps_.resize(current.first_step);
  const std::uint32_t position = current.expr.position;
  current.expr = *built.expr;
  current.expr.position = position;
  current.expr.optional_item = false;
  for (std::uint32_t i = 0; i < built.expr->step_count; ++i) steps_.push_back(built.expr->steps[i]);
  current.type = built.type;
}

void Compiler::conditional_step(Node *node, Current &current) {
  if (!current.type->may_be(Kind::kBool))
    refuse_type(node->position, "the condition of ?: is a bool, not ", current.type);
  const bool known =
      steps_.size() == current.first_step && current.expr.is_constant() && current.expr.constant.is(Kind::kBool);
  if (known) {
    const bool had_problem = problem_.set;
    const bool taken = current.expr.constant.as_bool();
    build(node->items[taken ? 1 : 0]);
    if (!had_problem) problem_ = {};
    return splice(current, build(node->items[taken ? 0 : 1]));
  }
  const Type *types[2] = {};
  const Expr *const *items = build_items(node->items, 2, types);
  if (items == nullptr) return;
  Step made;
  made.kind = StepKind::kConditional;
  made.position = node->position;
  made.items = items;
  made.item_count = 2;
  push(current, made, join_types(scratch_, types[0], types[1]));
}

void Compiler::bind_names(Node *node, const Type *range, Step &made) {
  const Type *dyn = scalar_type(Kind::kAbsent);
  const bool is_map = range->kind == Kind::kMap;
  const Type *element = range->element == nullptr ? dyn : range->element;
  const Type *first = is_map ? (range->key == nullptr ? dyn : range->key) : element;
  if (node->macro == Macro::kBind) first = range;
  made.two_names = !node->second.empty();
  made.slot = next_slot_;
  if (made.two_names && !is_map) first = range->kind == Kind::kList ? scalar_type(Kind::kInt) : dyn;
  locals_.push_back({node->name, first, next_slot_++});
  if (made.two_names) locals_.push_back({node->second, element, next_slot_++});
  if (next_slot_ > plan_.local_count) plan_.local_count = next_slot_;
}

void Compiler::comprehension_step(Node *node, Current &current) {
  const bool optional = node->macro == Macro::kOptMap || node->macro == Macro::kOptFlatMap;
  const Type *range = current.type;
  if (optional && !range->may_be(Kind::kOptional)) {
    refuse_type(node->position, "optMap() and optFlatMap() are called on an optional, not on ", range);
  } else if (node->macro == Macro::kSortBy ? !range->may_be(Kind::kList)
                                           : !optional && node->macro != Macro::kBind && !range->may_be(Kind::kList) &&
                                                 range->kind != Kind::kMap) {
    refuse_type(node->position, "the macro walks a list or a map, not ", range);
  }
  Step made;
  made.kind = StepKind::kComprehension;
  made.macro = node->macro;
  made.position = node->position;
  made.item_count = node->item_count;
  const std::size_t locals = locals_.size();
  const std::uint32_t slot = next_slot_;
  bind_names(node, range, made);
  const Type *types[2] = {};
  if (++macro_depth_ <= kMaxMacroDepth) made.items = build_items(node->items, node->item_count, types);
  too_deep_ = too_deep_ || macro_depth_ > kMaxMacroDepth;
  --macro_depth_;
  locals_.resize(locals);
  next_slot_ = slot;
  if (made.items == nullptr) return;
  const bool predicate = node->macro == Macro::kAll || node->macro == Macro::kExists ||
                         node->macro == Macro::kExistsOne || node->macro == Macro::kFilter;
  const Type *test = predicate ? types[0] : (node->item_count == 2 ? types[1] : scalar_type(Kind::kBool));
  if (!test->may_be(Kind::kBool)) refuse_type(node->position, "the macro's condition is a bool, not ", test);
  push(current, made, comprehension_type(node, range, types[0], types[1]));
}

const Type *Compiler::comprehension_type(Node *node, const Type *range, const Type *made, const Type *) {
  const Type *dyn = scalar_type(Kind::kAbsent);
  switch (node->macro) {
    case Macro::kAll:
    case Macro::kExists:
    case Macro::kExistsOne: return scalar_type(Kind::kBool);
    case Macro::kMap: return list_type(scratch_, made);
    case Macro::kFilter:
      return range->kind == Kind::kMap ? list_type(scratch_, range->key == nullptr ? dyn : range->key)
                                       : (range->kind == Kind::kList ? range : list_type(scratch_, dyn));
    case Macro::kSortBy: return range->kind == Kind::kList ? range : list_type(scratch_, dyn);
    case Macro::kTransformMap:
      return map_type(scratch_, range->kind == Kind::kMap && range->key != nullptr ? range->key : dyn, made);
    case Macro::kTransformMapEntry: return made->kind == Kind::kMap ? made : map_type(scratch_, dyn, dyn);
    case Macro::kBind: return made;
    case Macro::kOptMap: return optional_type(scratch_, made);
    default: return made->kind == Kind::kOptional ? made : optional_type(scratch_, dyn);
  }
}

}  // namespace cala::cel
