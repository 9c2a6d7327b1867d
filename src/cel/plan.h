// The plan: what compile() makes of an expression and evaluate() walks. Each Expr is a leaf, then steps that are
// applied to its value one after the other; only what is nested in a step or leaf is walked recursively, so the depth
// of the walk is the depth of the source's nesting. Names are resolved: params, variables and locals to slots,
// context.vars to fields, functions to overloads, literals and calls on literals to values. Immutable; lives in the
// Program's own arena.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cel/arena.h"
#include "cel/ast.h"
#include "cel/cel.h"
#include "cel/regex.h"
#include "cel/runtime.h"

namespace cala::cel {

enum class LeafKind : std::uint8_t {
  kConstant,
  kParam,            // index
  kHasParam,         // index
  kAllParams,        // the map `params`
  kVariable,         // index
  kContextField,     // index: a ContextField
  kHasContextField,  // index
  kContextMap,       // index: a ContextMap
  kLocal,            // index
  kList,             // items
  kMap,              // items: key, value, ...
  kAnd,              // items
  kOr,               // items
  kCall,             // a function without arguments
};

enum class ContextMap : std::uint8_t { kContext, kVars, kTransaction, kEntry, kAccount };

enum class StepKind : std::uint8_t {
  kNot,
  kNegate,
  kArithmetic,   // op, items[0]
  kCompare,      // op: one of the relations, items[0]
  kIn,           // items[0]
  kSelect,       // name
  kHas,          // name
  kOptSelect,    // name
  kIndex,        // items[0]
  kOptIndex,     // items[0]
  kConditional,  // items[0], items[1]
  kCall,         // overloads, with the value so far as first argument and items as the rest
  kMatches,      // pattern
  kComprehension,
};

struct Step;

struct Expr {
  LeafKind leaf = LeafKind::kConstant;
  bool optional_item = false;  // an element [?x], a key {?x: y}
  std::uint32_t position = 0;
  std::uint32_t index = 0;
  std::uint32_t item_count = 0;
  std::uint32_t step_count = 0;
  std::string_view name;  // of the param or variable, for messages
  Value constant;
  const Expr *const *items = nullptr;
  const Step *steps = nullptr;
  OverloadRange overloads;

  bool is_constant() const { return leaf == LeafKind::kConstant && step_count == 0 && !constant.is_error(); }
};

struct Step {
  StepKind kind = StepKind::kNot;
  Operator op = Operator::kNone;
  Macro macro = Macro::kNone;
  bool two_names = false;
  std::uint32_t position = 0;
  std::uint32_t slot = 0;  // of the first local that a comprehension binds
  std::uint32_t item_count = 0;
  std::string_view name;
  const Expr *const *items = nullptr;
  OverloadRange overloads;
  const Regex *regex = nullptr;
};

struct ContextFieldSpec {
  ContextMap map;
  std::string_view name;
  Kind kind;  // absent: anything
};
extern const ContextFieldSpec kContextFieldSpecs[kContextFieldCount];  // by ContextField

struct Program::Plan {
  std::string source;
  Arena arena;
  const Expr *root = nullptr;
  std::uint32_t local_count = 0;
  bool reads_context = false;
  std::vector<std::string> param_names;
  std::vector<bool> params_read;
  std::vector<std::unique_ptr<Regex>> regexes;
};

}  // namespace cala::cel
