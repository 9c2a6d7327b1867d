// What the checker knows of an expression before it runs: a kind, or dyn where only runtime can know, with the types of
// a list's elements or a map's keys and values. Types are interned for scalars and live in an Arena otherwise; a
// pointer is a type.
#pragma once

#include <string>
#include <string_view>

#include "cel/arena.h"
#include "cel/ast.h"
#include "cel/cel.h"
#include "cel/value.h"

namespace cala::cel {

struct Type {
  Kind kind = Kind::kAbsent;      // absent: dyn
  const Type *element = nullptr;  // of a list, optional or map's values; never nullptr for those
  const Type *key = nullptr;      // of a map

  bool is_dyn() const { return kind == Kind::kAbsent; }
  bool may_be(Kind wanted) const { return is_dyn() || kind == wanted; }
};

const Type *scalar_type(Kind kind);  // Kind::kAbsent: dyn
const Type *list_type(Arena &arena, const Type *element);
const Type *map_type(Arena &arena, const Type *key, const Type *value);
const Type *optional_type(Arena &arena, const Type *held);
const Type *declared_type(Arena &arena, const VariableSpec &variable);
const Type *param_value_type(ParamType type);
const Type *type_of_value(Arena &arena, const Value &value);

// What either may be: the same type, or dyn.
const Type *join_types(Arena &arena, const Type *a, const Type *b);
std::string type_text(const Type *type);  // "list(int)"

// The type of `a op b` or `op a`; nullptr when no overload can take them.
const Type *binary_type(Arena &arena, Operator op, const Type *a, const Type *b);
const Type *unary_type(Operator op, const Type *a);

// Whether a result of this type could be coerced to what is wanted.
bool may_become(const Type *type, ResultAs as);
std::string_view result_as_text(ResultAs as);  // "a decimal"

}  // namespace cala::cel
