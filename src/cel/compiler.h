// From syntax tree to plan, in one pass: names are resolved, types followed as far as they are known, constants folded,
// and what can never work refused with a hint. A refusal inside an operand that cannot matter (`false && x`, the dead
// branch of a conditional) is forgotten, as the language absorbs such errors. Recursion follows the nesting of the
// source only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cel/ast.h"
#include "cel/cel.h"
#include "cel/evaluator.h"
#include "cel/plan.h"
#include "cel/types.h"

namespace cala::cel {

class Compiler {
 public:
  Compiler(const CompileOptions &options, Program::Plan &plan, Arena &scratch)
      : options_(options), plan_(plan), scratch_(scratch), folder_(no_bindings_, plan.arena, {}) {
    folder_.runtime().steps_left = kFoldSteps;
  }

  base::Outcome compile(Node *root);

 private:
  static constexpr std::int64_t kFoldSteps = 20'000;

  struct Built {
    Expr *expr;
    const Type *type;
  };
  // An expression under construction: its leaf and type so far; its steps are steps_[first_step..].
  struct Current {
    Expr expr;
    const Type *type = nullptr;
    std::size_t first_step = 0;
    std::size_t first_spine = 0;
  };
  struct Local {
    std::string_view name;
    const Type *type;
    std::uint32_t slot;
  };
  struct Problem {
    bool set = false;
    std::uint32_t position = 0;
    std::string message;
    std::string hint;
  };

  Built build(Node *node);
  const Expr *const *build_items(Node *const *items, std::uint32_t count, const Type **types);
  Built finish(Current &current);

  // Leaves.
  void leaf(Node *node, Current &current);
  [[gnu::noinline]] void identifier(Node *node, Current &current);
  [[gnu::noinline]] void list(Node *node, Current &current);
  [[gnu::noinline]] void map(Node *node, Current &current);
  static void collection(LeafKind leaf, const Expr *const *items, std::uint32_t count, Current &current);
  [[gnu::noinline]] void fold_leaf(Current &current);
  [[gnu::noinline]] void logic(Node *node, Current &current);
  [[gnu::noinline]] void empty_call(Node *node, Current &current);
  void constant(Current &current, const Value &value);
  void unknown_name(Node *node, Current &current);

  // Names.
  bool local_name(Node *node, Current &current);
  bool variable_name(Node *node, Current &current);
  bool variable_at(std::string_view name, Current &current);
  bool type_name(std::string_view name, Current &current);
  bool params_name(Node *node, Current &current);
  bool context_name(Node *node, Current &current);
  void param_field(Node *select, Current &current);
  void context_field(Node *select, ContextMap map, Current &current);
  void absent_field(const Node *select, FailureCode code, Current &current);
  Node *next_selection(const Current &current) const;
  template <typename Found>
  bool in_container(std::string_view name, bool rooted, Found found);
  bool names_function(Node *call);
  struct Called {
    Form form = kGlobal;
    bool rooted = false;  // with a point in front, so not in the container
  };
  OverloadRange function_named(std::string_view name, Called how);
  std::string suggest_name(std::string_view name, const Node *next) const;
  std::string suggest_function(std::string_view name, Form form) const;

  // Steps.
  void step(Node *node, Current &current);
  [[gnu::noinline]] void select_step(Node *node, Current &current);
  [[gnu::noinline]] void index_step(Node *node, Current &current);
  [[gnu::noinline]] void operator_step(Node *node, Current &current);
  [[gnu::noinline]] void conditional_step(Node *node, Current &current);
  [[gnu::noinline]] void call_step(Node *node, Current &current);
  bool regex_step(Node *node, Current &current, Step &step);
  [[gnu::noinline]] void comprehension_step(Node *node, Current &current);
  const Type *comprehension_type(Node *node, const Type *range, const Type *made, const Type *made_key);
  void bind_names(Node *node, const Type *range, Step &step);
  void push(Current &current, const Step &step, const Type *type);
  bool fold(Current &current, const Step &step);
  void splice(Current &current, const Built &built);

  const Type *call_type(OverloadRange range, const Type *const *types, std::uint32_t count, std::uint32_t position,
                        std::string_view name);
  const Type *result_type(std::string_view signature, const Type *const *types, std::uint32_t count);

  // Refusals stand apart from what recurses, so that their texts take no room on its stack.
  void refuse(std::uint32_t position, std::string message, std::string hint = {});
  [[gnu::noinline]] void refuse_type(std::uint32_t position, const char *what, const Type *type, const char *hint = "");
  [[gnu::noinline]] void refuse_operator(const Node *node, const Type *left, const Type *right);
  [[gnu::noinline]] void refuse_function(const Node *node, Form form);
  base::Outcome check_result(const Built &built);

  Node *left_of(Node *node);
  bool is_path(const Node *node) const;
  bool append_path(const Node *node, std::string &out) const;

  const CompileOptions &options_;
  Program::Plan &plan_;
  Arena &scratch_;
  Bindings no_bindings_;
  Evaluator folder_;
  std::vector<Node *> spine_;
  std::vector<Step> steps_;
  std::vector<Local> locals_;
  std::uint32_t next_slot_ = 0;
  std::uint32_t macro_depth_ = 0;
  bool too_deep_ = false;
  Problem problem_;
  bool out_of_memory_ = false;
  Expr nothing_;  // stands in where memory ran out
};

// The nearest of some names to a misspelt one, empty when none is near.
std::string_view nearest_name(std::string_view wrong, const std::string_view *names, std::size_t count);

}  // namespace cala::cel
