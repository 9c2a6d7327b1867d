#include "core/tx_template/compiled.h"

#include <optional>
#include <unordered_set>
#include <utility>

#include "base/json.h"
#include "core/tx_template/balance_proof.h"

namespace cala::core {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using cel::ProgramPtr;
using cel::ResultAs;

// Compiles expression after expression and stops at the first that is wrong.
class Compiler {
 public:
  explicit Compiler(const std::vector<cel::ParamSpec> &params) : params_(params) {}

  ProgramPtr compile(const std::string &source, ResultAs as, const std::string &pointer) {
    if (error_) return nullptr;
    cel::CompileOptions options;
    options.params = params_;
    options.as = as;
    Result<ProgramPtr> program = cel::compile(source, options);
    if (program) return program.take();
    Error error = with_pointer(std::move(program.error()), pointer);
    error.message = pointer + " " + error.message;
    error_ = std::make_unique<Error>(std::move(error));
    return nullptr;
  }
  ProgramPtr compile(const std::optional<std::string> &source, ResultAs as, const std::string &pointer) {
    return source ? compile(*source, as, pointer) : nullptr;
  }

  std::unique_ptr<Error> error_;

 private:
  const std::vector<cel::ParamSpec> &params_;
};

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
  Compiler compiler(none);
  const ProgramPtr program = compiler.compile(*source, result_of(spec.type), pointer);
  if (compiler.error_) return std::move(*compiler.error_);
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

Outcome declare_params(CompiledTxTemplate &out) {
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < out.source.params.size(); ++i) {
    const TxTemplateParam &param = out.source.params[i];
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
    out.params.push_back(std::move(spec));
  }
  return {};
}

Outcome compile_defaults(CompiledTxTemplate &out) {
  const std::vector<cel::ParamSpec> none;
  Compiler compiler(none);  // a default reads no other param
  for (std::size_t i = 0; i < out.source.params.size(); ++i) {
    const TxTemplateParam &param = out.source.params[i];
    out.defaults.push_back(
        compiler.compile(param.default_expr, result_of(param.type), "/params/" + std::to_string(i) + "/default"));
  }
  if (compiler.error_) return std::move(*compiler.error_);
  return {};
}

CompiledTxTemplate::Entry compile_entry(Compiler &compiler, const TxTemplateEntry &source, std::size_t index) {
  const std::string at = "/entries/" + std::to_string(index);
  CompiledTxTemplate::Entry entry;
  entry.account_id = compiler.compile(source.account_id, ResultAs::kUuid, at + "/account_id");
  entry.entry_type = compiler.compile(source.entry_type, ResultAs::kString, at + "/entry_type");
  entry.layer = compiler.compile(source.layer, ResultAs::kLayer, at + "/layer");
  entry.units = compiler.compile(source.units, ResultAs::kDecimal, at + "/units");
  entry.currency = compiler.compile(source.currency, ResultAs::kCurrency, at + "/currency");
  entry.direction = compiler.compile(source.direction, ResultAs::kDirection, at + "/direction");
  entry.description = compiler.compile(source.description, ResultAs::kAny, at + "/description");
  entry.metadata = compiler.compile(source.metadata, ResultAs::kJson, at + "/metadata");
  return entry;
}

}  // namespace

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

Result<CompiledTxTemplatePtr> compile_tx_template(TxTemplate source) {
  auto out = std::make_shared<CompiledTxTemplate>();
  out->source = std::move(source);
  if (Outcome declared = declare_params(*out); !declared) return std::move(declared.error());
  if (Outcome defaults = compile_defaults(*out); !defaults) return std::move(defaults.error());
  Compiler compiler(out->params);
  const TxTemplateTransaction &transaction = out->source.transaction;
  out->journal_id = compiler.compile(transaction.journal_id, ResultAs::kUuid, "/transaction/journal_id");
  for (std::size_t i = 0; i < out->source.entries.size(); ++i) {
    out->entries.push_back(compile_entry(compiler, out->source.entries[i], i));
  }
  out->effective = compiler.compile(transaction.effective, ResultAs::kDate, "/transaction/effective");
  out->correlation_id = compiler.compile(transaction.correlation_id, ResultAs::kAny, "/transaction/correlation_id");
  out->external_id = compiler.compile(transaction.external_id, ResultAs::kAny, "/transaction/external_id");
  out->description = compiler.compile(transaction.description, ResultAs::kAny, "/transaction/description");
  out->metadata = compiler.compile(transaction.metadata, ResultAs::kJson, "/transaction/metadata");
  if (compiler.error_) return std::move(*compiler.error_);
  return CompiledTxTemplatePtr(std::move(out));
}

namespace {

Outcome refuse_unbalanced(const CompiledTxTemplate &compiled) {
  std::vector<EntryPrograms> entries;
  for (const CompiledTxTemplate::Entry &entry : compiled.entries) {
    entries.push_back({entry.units.get(), entry.currency.get(), entry.layer.get(), entry.direction.get()});
  }
  const std::optional<std::string> reason = provably_unbalanced(entries);
  if (!reason) return {};
  return base::make_error(base::Status::kRejected, "tx_template.unbalanced",
                          "the tx template can never balance: " + *reason);
}

}  // namespace

Outcome check_tx_template(const CompiledTxTemplate &compiled, base::Timestamp now) {
  for (std::size_t i = 0; i < compiled.params.size(); ++i) {
    if (!compiled.defaults[i]) continue;
    const std::string pointer = "/params/" + std::to_string(i) + "/default";
    cel::Arena arena;
    cel::Bindings bindings;
    bindings.now = now;
    Result<cel::Value> value = cel::evaluate(*compiled.defaults[i], bindings, arena);
    if (!value) return with_pointer(std::move(value.error()), pointer);
    Result<cel::Value> coerced = cel::coerce_param(compiled.params[i], *value);
    if (!coerced) return with_pointer(std::move(coerced.error()), pointer);
  }
  return refuse_unbalanced(compiled);
}

}  // namespace cala::core
