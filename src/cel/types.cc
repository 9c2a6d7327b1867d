#include "cel/types.h"

#include <new>

#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr Type kDyn{};
constexpr Type kScalars[] = {
    {Kind::kAbsent, nullptr, nullptr}, {Kind::kNull, nullptr, nullptr},      {Kind::kBool, nullptr, nullptr},
    {Kind::kInt, nullptr, nullptr},    {Kind::kUint, nullptr, nullptr},      {Kind::kDouble, nullptr, nullptr},
    {Kind::kString, nullptr, nullptr}, {Kind::kBytes, nullptr, nullptr},     {Kind::kList, &kDyn, nullptr},
    {Kind::kMap, &kDyn, &kDyn},        {Kind::kTimestamp, nullptr, nullptr}, {Kind::kDuration, nullptr, nullptr},
    {Kind::kType, nullptr, nullptr},   {Kind::kDecimal, nullptr, nullptr},   {Kind::kUuid, nullptr, nullptr},
    {Kind::kDate, nullptr, nullptr},   {Kind::kOptional, &kDyn, nullptr},
};

const Type *make(Arena &arena, Kind kind, const Type *element, const Type *key) {
  void *memory = arena.allocate(sizeof(Type));
  if (memory == nullptr) return scalar_type(kind);
  return new (memory) Type{kind, element, key};
}

// The kinds of the operands and of the result, a word for each overload.
std::string_view arithmetic_overloads(Operator op) {
  switch (op) {
    case Operator::kAdd: return "iii uuu ddd sss yyy lll crt rct rrr DDD DiD iDD DuD uDD";
    case Operator::kSubtract: return "iii uuu ddd ccr crt rrr DDD DiD iDD DuD uDD";
    case Operator::kMultiply: return "iii uuu ddd DDD DiD iDD DuD uDD";
    case Operator::kDivide: return "iii uuu ddd";
    case Operator::kModulo: return "iii uuu";
    case Operator::kIn: return "*lb *mb";
    case Operator::kEqual:
    case Operator::kNotEqual: return "**b";
    default: return "##b bbb ssb yyb ccb rrb DDb Dib iDb Dub uDb";
  }
}

Kind kind_of_letter(char letter) {
  for (const Type &type : kScalars) {
    if (kind_letter(type.kind) == letter) return type.kind;
  }
  return Kind::kAbsent;
}

bool accepts(char letter, const Type *type) { return type->is_dyn() || letter_accepts(letter, type->kind); }

}  // namespace

const Type *scalar_type(Kind kind) {
  for (const Type &type : kScalars) {
    if (type.kind == kind) return &type;
  }
  return &kDyn;
}

const Type *list_type(Arena &arena, const Type *element) { return make(arena, Kind::kList, element, nullptr); }
const Type *map_type(Arena &arena, const Type *key, const Type *value) { return make(arena, Kind::kMap, value, key); }
const Type *optional_type(Arena &arena, const Type *held) { return make(arena, Kind::kOptional, held, nullptr); }

namespace {

Kind kind_of(DeclaredType type) {
  switch (type) {
    case DeclaredType::kDyn: return Kind::kAbsent;
    case DeclaredType::kBool: return Kind::kBool;
    case DeclaredType::kInt: return Kind::kInt;
    case DeclaredType::kUint: return Kind::kUint;
    case DeclaredType::kDouble: return Kind::kDouble;
    case DeclaredType::kString: return Kind::kString;
    case DeclaredType::kBytes: return Kind::kBytes;
    case DeclaredType::kList: return Kind::kList;
    case DeclaredType::kMap: return Kind::kMap;
    case DeclaredType::kTimestamp: return Kind::kTimestamp;
    case DeclaredType::kDuration: return Kind::kDuration;
    case DeclaredType::kDecimal: return Kind::kDecimal;
    case DeclaredType::kUuid: return Kind::kUuid;
    case DeclaredType::kDate: return Kind::kDate;
    case DeclaredType::kNull: return Kind::kNull;
    case DeclaredType::kType: return Kind::kType;
  }
  return Kind::kAbsent;
}

}  // namespace

const Type *declared_type(Arena &arena, const VariableSpec &variable) {
  const Kind kind = kind_of(variable.type);
  const Type *element = scalar_type(kind_of(variable.element));
  if (kind == Kind::kList) return list_type(arena, element);
  if (kind == Kind::kMap) return map_type(arena, scalar_type(kind_of(variable.key)), element);
  return scalar_type(kind);
}

const Type *param_value_type(ParamType type) {
  switch (type) {
    case ParamType::kString: return scalar_type(Kind::kString);
    case ParamType::kInteger: return scalar_type(Kind::kInt);
    case ParamType::kDecimal: return scalar_type(Kind::kDecimal);
    case ParamType::kBoolean: return scalar_type(Kind::kBool);
    case ParamType::kUuid: return scalar_type(Kind::kUuid);
    case ParamType::kDate: return scalar_type(Kind::kDate);
    case ParamType::kTimestamp: return scalar_type(Kind::kTimestamp);
    case ParamType::kJson: break;
  }
  return &kDyn;
}

const Type *type_of_value(Arena &arena, const Value &value) {
  static_cast<void>(arena);
  return value.is_error() ? &kDyn : scalar_type(value.kind());
}

const Type *join_types(Arena &arena, const Type *a, const Type *b) {
  if (a == b) return a;
  if (a->kind != b->kind || a->is_dyn()) return &kDyn;
  if (a->element == nullptr) return a;
  const Type *element = a->element == b->element ? a->element : &kDyn;
  const Type *key = a->key == b->key ? a->key : &kDyn;
  return make(arena, a->kind, element, a->kind == Kind::kMap ? key : nullptr);
}

std::string type_text(const Type *type) {
  if (type->is_dyn()) return "dyn";
  if (type->kind == Kind::kList) return "list(" + type_text(type->element) + ")";
  if (type->kind == Kind::kMap) return "map(" + type_text(type->key) + ", " + type_text(type->element) + ")";
  switch (type->kind) {
    case Kind::kOptional: return "optional";
    case Kind::kDecimal: return "decimal";
    case Kind::kUuid: return "uuid";
    case Kind::kDate: return "date";
    case Kind::kTimestamp: return "timestamp";
    case Kind::kDuration: return "duration";
    case Kind::kNull: return "null";
    default: return std::string(kind_type_name(type->kind));
  }
}

const Type *binary_type(Arena &arena, Operator op, const Type *a, const Type *b) {
  const bool equality = op == Operator::kEqual || op == Operator::kNotEqual;
  if (equality && never_meet(a->kind, b->kind)) return nullptr;
  if (op == Operator::kIn && b->kind == Kind::kList && never_meet(a->kind, b->element->kind)) return nullptr;
  std::string_view overloads = arithmetic_overloads(op);
  const Type *result = nullptr;
  while (!overloads.empty()) {
    const std::size_t end = overloads.find(' ');
    const std::string_view overload = overloads.substr(0, end);
    overloads.remove_prefix(end == std::string_view::npos ? overloads.size() : end + 1);
    if (overload.size() != 3 || !accepts(overload[0], a) || !accepts(overload[1], b)) continue;
    const Type *made = scalar_type(kind_of_letter(overload[2]));
    if (made->kind == Kind::kList && a->kind == Kind::kList && b->kind == Kind::kList) made = join_types(arena, a, b);
    result = result == nullptr || result == made ? made : &kDyn;
  }
  return result;
}

const Type *unary_type(Operator op, const Type *a) {
  if (op == Operator::kNot) return a->may_be(Kind::kBool) ? scalar_type(Kind::kBool) : nullptr;
  const bool negates = a->is_dyn() || a->kind == Kind::kInt || a->kind == Kind::kDouble || a->kind == Kind::kDecimal;
  return negates ? a : nullptr;
}

bool may_become(const Type *type, ResultAs as) {
  if (type->is_dyn()) return true;
  const Kind kind = type->kind;
  const bool inexact = kind == Kind::kOptional || kind == Kind::kType;
  switch (as) {
    case ResultAs::kUnchecked: return true;
    case ResultAs::kAny: return !inexact;
    case ResultAs::kJson: return !inexact && kind != Kind::kBytes;
    case ResultAs::kInteger: return kind == Kind::kInt || kind == Kind::kUint;
    case ResultAs::kDecimal: return kind == Kind::kDecimal || kind == Kind::kInt || kind == Kind::kUint;
    case ResultAs::kBool: return kind == Kind::kBool;
    case ResultAs::kUuid: return kind == Kind::kUuid;
    case ResultAs::kDate:
    case ResultAs::kTimestamp: return kind == Kind::kDate || kind == Kind::kTimestamp;
    case ResultAs::kString:
    case ResultAs::kLayer:
    case ResultAs::kDirection:
    case ResultAs::kCurrency: return kind == Kind::kString;
  }
  return true;
}

std::string_view result_as_text(ResultAs as) {
  switch (as) {
    case ResultAs::kString: return "a string";
    case ResultAs::kInteger: return "an integer";
    case ResultAs::kDecimal: return "a decimal";
    case ResultAs::kBool: return "a bool";
    case ResultAs::kUuid: return "a uuid";
    case ResultAs::kDate: return "a date";
    case ResultAs::kTimestamp: return "a timestamp";
    case ResultAs::kJson: return "JSON";
    case ResultAs::kLayer: return "a layer";
    case ResultAs::kDirection: return "a direction";
    case ResultAs::kCurrency: return "a currency";
    default: return "a value";
  }
}

}  // namespace cala::cel
