// Declared params, of a tx template or of a velocity limit: what they may be, their defaults, and the values that a
// request gives them. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "cel/cel.h"
#include "core/tx_template/tx_template.h"

namespace cala::core {

struct CompiledParams {
  std::vector<cel::ParamSpec> specs;
  std::vector<cel::ProgramPtr> defaults;  // beside specs; null when it has none
};

// Compiles expression after expression and stops at the first that is wrong, naming it by its pointer.
class ExpressionCompiler {
 public:
  struct Reads {
    bool context = false;  // the posting, in context.vars
  };
  explicit ExpressionCompiler(const std::vector<cel::ParamSpec> &params) : ExpressionCompiler(params, Reads()) {}
  ExpressionCompiler(const std::vector<cel::ParamSpec> &params, Reads reads) : params_(params), reads_(reads) {}

  cel::ProgramPtr compile(const std::string &source, cel::ResultAs as, const std::string &pointer);
  cel::ProgramPtr compile(const std::optional<std::string> &source, cel::ResultAs as, const std::string &pointer) {
    return source ? compile(*source, as, pointer) : nullptr;
  }
  // The first error, if any; once.
  base::Outcome finish();

 private:
  const std::vector<cel::ParamSpec> &params_;
  const Reads reads_;
  std::unique_ptr<base::Error> error_;
};

// Errors name the place by JSON pointer, /params/0/default: param.duplicate,
// param.type and param.range of bounds, cel.compile.
base::Result<CompiledParams> compile_params(const std::vector<TxTemplateParam> &params);
// Defaults have their param's type and bounds: param.type, param.range, cel.*.
base::Outcome check_defaults(const CompiledParams &params, base::Timestamp now);

// param.unknown for the first of `supplied` (an object, or absent) that is not declared. whose: "tx template CODE".
base::Outcome refuse_unknown_params(const std::vector<cel::ParamSpec> &specs, base::JsonView supplied,
                                    const std::string &whose);
// The values by index: supplied, else default, else absent. Others than the declared ones are not looked at.
// param.type, param.range, amount.range, cel.eval. The values borrow from `supplied` and the arena.
base::Result<std::vector<cel::Value>> bind_params(const std::vector<cel::ParamSpec> &specs,
                                                  const std::vector<cel::ProgramPtr> &defaults, base::JsonView supplied,
                                                  const cel::Bindings &bindings, cel::Arena &arena);

// Puts a JSON pointer at the front of an error's details.
base::Error with_pointer(base::Error error, const std::string &pointer);

}  // namespace cala::core
