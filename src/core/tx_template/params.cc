#include "core/tx_template/params.h"

#include <unordered_set>
#include <utility>

namespace cala::core {

using base::Error;
using base::JsonView;
using base::Outcome;
using base::Result;
using cel::ProgramPtr;
using cel::ResultAs;

ProgramPtr ExpressionCompiler::compile(const std::string &source, ResultAs as, const std::string &pointer) {
  if (error_) return nullptr;
  cel::CompileOptions options;
  options.params = params_;
  options.context = reads_.context;
  options.as = as;
  Result<ProgramPtr> program = cel::compile(source, options);
  if (program) return program.take();
  Error error = with_pointer(std::move(program.error()), pointer);
  error.message = pointer + " " + error.message;
  error_ = std::make_unique<Error>(std::move(error));
  return nullptr;
}

Outcome ExpressionCompiler::finish() {
  if (error_) return std::move(*error_);
  return {};
}

namespace {

ResultAs result_of(ParamType type) {
  switch (type) {
    case ParamType::kString: return ResultAs::kString;
    case ParamType::kInteger: return ResultAs::kInteger;
    case ParamType::kBoolean: return ResultAs::kBool;
    case ParamType::kJson: return ResultAs::kJson;
    default:  // text is coerced to these, so only the value can tell
      return ResultAs::kAny;
  }
}

// A param's min or max: an expression of its type whose value is known now.
Outcome bound_of(const std::optional<std::string> &source, const cel::ParamSpec &spec, std::size_t index,
                 const std::string &which, cel::Value &out) {
  if (!source) return {};
  const std::string pointer = "/params/" + std::to_string(index) + "/" + which;
  if (!cel::has_order(spec.type)) {
    return with_pointer(base::make_error(base::Status::kInvalid, "param.type",
                                         "only integer, decimal, date and timestamp params have a " + which + ": \"" +
                                             spec.name + "\""),
                        pointer);
  }
  const std::vector<cel::ParamSpec> none;
  ExpressionCompiler compiler(none);
  const ProgramPtr program = compiler.compile(*source, result_of(spec.type), pointer);
  if (Outcome compiled = compiler.finish(); !compiled) return compiled;
  const cel::Value *constant = program->constant();
  if (constant == nullptr) {
    return with_pointer(base::make_error(base::Status::kInvalid, "cel.compile",
                                         pointer + " a bound is a constant, like decimal('0.01')"),
                        pointer);
  }
  Result<cel::Value> value = cel::coerce_param(cel::ParamSpec{spec.name, spec.type}, *constant);
  if (!value) return with_pointer(std::move(value.error()), pointer);
  out = *value;
  return {};
}

Outcome declare_params(const std::vector<TxTemplateParam> &params, std::vector<cel::ParamSpec> &out) {
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const TxTemplateParam &param = params[i];
    if (!names.insert(param.name).second) {
      return with_pointer(base::make_error(base::Status::kInvalid, "param.duplicate",
                                           "the param \"" + param.name + "\" is declared twice"),
                          "/params/" + std::to_string(i) + "/name");
    }
    cel::ParamSpec spec{param.name, param.type};
    if (Outcome bound = bound_of(param.min, spec, i, "min", spec.min); !bound) return bound;
    if (Outcome bound = bound_of(param.max, spec, i, "max", spec.max); !bound) return bound;
    if (!spec.min.is_absent() && !spec.max.is_absent() && cel::is_less(spec.max, spec.min)) {
      return with_pointer(base::make_error(base::Status::kInvalid, "param.range",
                                           "the param \"" + param.name + "\" has a max that is less than its min"),
                          "/params/" + std::to_string(i) + "/max");
    }
    out.push_back(std::move(spec));
  }
  return {};
}

Outcome compile_defaults(const std::vector<TxTemplateParam> &params, std::vector<ProgramPtr> &out) {
  const std::vector<cel::ParamSpec> none;
  ExpressionCompiler compiler(none);  // a default reads no other param
  for (std::size_t i = 0; i < params.size(); ++i) {
    const TxTemplateParam &param = params[i];
    out.push_back(
        compiler.compile(param.default_expr, result_of(param.type), "/params/" + std::to_string(i) + "/default"));
  }
  return compiler.finish();
}

// A decimal that is one, but too large or too fine, is told apart from what is none.
Error as_amount_range(Error error, const cel::ParamSpec &spec, JsonView supplied) {
  const bool too_large = error.code == "param.type" && spec.type == ParamType::kDecimal && supplied.present() &&
                         supplied.is_string() && Decimal::is_decimal_text(supplied.string());
  if (!too_large) return error;
  error.code = "amount.range";
  error.message = "the param \"" + spec.name + "\" needs more than the 38 digits that a decimal may have";
  return error;
}

Result<cel::Value> by_default(const cel::ParamSpec &spec, const cel::Program &program, const cel::Bindings &bindings,
                              cel::Arena &arena) {
  Result<cel::Value> value = cel::evaluate(program, bindings, arena);
  if (!value) return value;
  return cel::coerce_param(spec, *value);
}

}  // namespace

Result<CompiledParams> compile_params(const std::vector<TxTemplateParam> &params) {
  CompiledParams out;
  if (Outcome declared = declare_params(params, out.specs); !declared) return std::move(declared.error());
  if (Outcome defaults = compile_defaults(params, out.defaults); !defaults) return std::move(defaults.error());
  return out;
}

Outcome check_defaults(const CompiledParams &params, base::Timestamp now) {
  for (std::size_t i = 0; i < params.specs.size(); ++i) {
    if (!params.defaults[i]) continue;
    cel::Arena arena;
    cel::Bindings bindings;
    bindings.now = now;
    Result<cel::Value> value = by_default(params.specs[i], *params.defaults[i], bindings, arena);
    if (!value) return with_pointer(std::move(value.error()), "/params/" + std::to_string(i) + "/default");
  }
  return {};
}

Outcome refuse_unknown_params(const std::vector<cel::ParamSpec> &specs, JsonView supplied, const std::string &whose) {
  if (!supplied.present()) return {};
  for (const JsonView one : supplied) {
    bool known = false;
    for (const cel::ParamSpec &spec : specs) known = known || spec.name == one.key();
    if (known) continue;
    const std::string name(one.key());
    std::string message = whose;
    message.append(" declares no param \"").append(name).append("\"");
    Error error = base::make_error(base::Status::kInvalid, "param.unknown", std::move(message));
    base::JsonWriter details;
    error.details = details.begin_object().key("param").string(name).end_object().take();
    return with_pointer(std::move(error), "/params/" + name);
  }
  return {};
}

Result<std::vector<cel::Value>> bind_params(const std::vector<cel::ParamSpec> &specs,
                                            const std::vector<ProgramPtr> &defaults, JsonView supplied,
                                            const cel::Bindings &bindings, cel::Arena &arena) {
  std::vector<cel::Value> values(specs.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const cel::ParamSpec &spec = specs[i];
    const JsonView given = supplied.present() ? supplied.get(spec.name) : JsonView();
    if (!given.present() && !defaults[i]) continue;
    Result<cel::Value> value =
        given.present() ? cel::coerce_param(spec, given) : by_default(spec, *defaults[i], bindings, arena);
    if (!value) return with_pointer(as_amount_range(std::move(value.error()), spec, given), "/params/" + spec.name);
    values[i] = *value;
  }
  return values;
}

Error with_pointer(Error error, const std::string &pointer) {
  std::string details = "{\"pointer\":";
  base::append_json_string(details, pointer);
  if (error.details.size() > 2) {
    details += ',';
    details.append(error.details, 1);
  } else {
    details += '}';
  }
  error.details = std::move(details);
  return error;
}

}  // namespace cala::core
