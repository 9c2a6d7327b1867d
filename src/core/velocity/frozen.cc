#include "core/velocity/frozen.h"

#include <unordered_set>
#include <utility>

#include "core/tx_template/params.h"

namespace cala::core {

namespace {

using base::Error;
using base::JsonView;
using base::JsonWriter;
using base::Outcome;
using base::Result;
using base::Timestamp;
using cel::ProgramPtr;
using cel::ResultAs;

struct BalancePrograms {
  ProgramPtr layer, amount, direction, start, end;
};

std::string balance_pointer(std::size_t index) { return "/limit/balance/" + std::to_string(index); }

BalancePrograms compile_balance(ExpressionCompiler &compiler, const VelocityBalanceLimit &source, std::size_t index) {
  const std::string at = balance_pointer(index);
  BalancePrograms out;
  out.layer = compiler.compile(source.layer, ResultAs::kLayer, at + "/layer");
  out.amount = compiler.compile(source.amount, ResultAs::kDecimal, at + "/amount");
  out.direction = compiler.compile(source.enforcement_direction, ResultAs::kDirection, at + "/enforcement_direction");
  out.start = compiler.compile(source.start, ResultAs::kTimestamp, at + "/start");
  out.end = compiler.compile(source.end, ResultAs::kTimestamp, at + "/end");
  return out;
}

// The expressions that look at a posting.
template <typename Limit>
CompiledControl::Limit compile_limit(ExpressionCompiler &compiler, const Limit &source,
                                     const std::optional<std::string> &timestamp_source) {
  CompiledControl::Limit out;
  for (std::size_t i = 0; i < source.window.size(); ++i) {
    out.window.push_back(
        compiler.compile(source.window[i].value, ResultAs::kJson, "/window/" + std::to_string(i) + "/value"));
  }
  out.condition = compiler.compile(source.condition, ResultAs::kBool, "/condition");
  out.timestamp_source = compiler.compile(timestamp_source, ResultAs::kTimestamp, "/limit/timestamp_source");
  return out;
}

Outcome refuse_repeated_aliases(const VelocityLimit &limit) {
  std::unordered_set<std::string_view> aliases;
  for (std::size_t i = 0; i < limit.window.size(); ++i) {
    if (aliases.insert(limit.window[i].alias).second) continue;
    return with_pointer(base::make_error(base::Status::kInvalid, "request.malformed",
                                         "the window has the alias \"" + limit.window[i].alias + "\" twice"),
                        "/window/" + std::to_string(i) + "/alias");
  }
  return {};
}

// Evaluates a limit's amounts with the params; keeps the first error.
class Freezer {
 public:
  Freezer(const cel::Bindings &bindings, cel::Arena &arena) : bindings_(bindings), arena_(arena) {}

  template <typename T, typename Coerce>
  void read(const ProgramPtr &program, const std::string &pointer, Coerce coerce, T &out) {
    if (error_ || !program) return;
    Result<cel::Value> value = cel::evaluate(*program, bindings_, arena_);
    if (!value) return fail(std::move(value.error()), pointer);
    auto result = coerce(*value);
    if (!result) return fail(std::move(result.error()), pointer);
    out = T(*result);
  }
  Outcome finish() {
    if (error_) return std::move(*error_);
    return {};
  }

 private:
  void fail(Error error, const std::string &pointer) {
    error_ = std::make_unique<Error>(with_pointer(std::move(error), pointer));
  }

  cel::Bindings bindings_;
  cel::Arena &arena_;
  std::unique_ptr<Error> error_;
};

Result<FrozenBalanceLimit> freeze_balance(const BalancePrograms &programs, const std::string &at, VelocityBasis basis,
                                          const cel::Bindings &bindings, cel::Arena &arena) {
  FrozenBalanceLimit out;
  std::string layer;
  std::string direction;
  Freezer freezer(bindings, arena);
  freezer.read(programs.layer, at + "/layer", cel::to_layer, layer);
  freezer.read(programs.amount, at + "/amount", cel::to_decimal, out.amount);
  freezer.read(programs.direction, at + "/enforcement_direction", cel::to_direction, direction);
  freezer.read(programs.start, at + "/start", cel::to_timestamp, out.start);
  freezer.read(programs.end, at + "/end", cel::to_timestamp, out.end);
  if (Outcome read = freezer.finish(); !read) return std::move(read.error());
  out.layer = parse_layer(layer).value_or(Layer::kSettled);
  out.direction = parse_direction(direction).value_or(Direction::kDebit);
  out.basis = basis;
  return out;
}

Error naming_limit(Error error, const VelocityLimit &limit) {
  error.message = "velocity limit " + limit.id.text() + ": " + error.message;
  return error;
}

// It could be compiled when it was written.
Error unreadable_limit(const Error &error, const VelocityLimit &limit) {
  return base::make_error(
      base::Status::kInternal, "store.corrupt",
      "the store gave a velocity limit " + limit.id.text() + " that this library cannot read: " + error.message);
}

Result<FrozenLimit> freeze_limit(const VelocityLimit &limit, JsonView params, Timestamp now) {
  Result<CompiledParams> declared = compile_params(limit.params);
  if (!declared) return unreadable_limit(declared.error(), limit);
  cel::Arena arena;
  cel::Shared shared;
  cel::Bindings bindings;
  bindings.now = now;
  bindings.shared = &shared;
  const Result<std::vector<cel::Value>> values =
      bind_params(declared->specs, declared->defaults, params, bindings, arena);
  if (!values) return naming_limit(Error(values.error()), limit);
  bindings.params = *values;
  FrozenLimit out;
  out.id = limit.id;
  out.number = limit.number;
  out.window = limit.window;
  out.condition = limit.condition;
  out.currency = limit.currency;
  out.timestamp_source = limit.rule.timestamp_source;
  ExpressionCompiler compiler(declared->specs);
  for (std::size_t i = 0; i < limit.rule.balance.size(); ++i) {
    const BalancePrograms programs = compile_balance(compiler, limit.rule.balance[i], i);
    if (Outcome compiled = compiler.finish(); !compiled) return unreadable_limit(compiled.error(), limit);
    Result<FrozenBalanceLimit> frozen =
        freeze_balance(programs, balance_pointer(i), limit.rule.balance[i].basis, bindings, arena);
    if (!frozen) return naming_limit(std::move(frozen.error()), limit);
    out.balance.push_back(frozen.take());
  }
  return out;
}

void write_optional(JsonWriter &out, std::string_view key, const std::optional<std::string> &value) {
  if (value) out.key(key).string(*value);
}

void write_optional(JsonWriter &out, std::string_view key, const std::optional<Timestamp> &value) {
  if (value) out.key(key).string(value->text());
}

void write_balance(JsonWriter &out, const FrozenBalanceLimit &balance) {
  out.begin_object().key("layer").string(text_of(balance.layer)).key("amount").string(balance.amount.text());
  out.key("direction").string(text_of(balance.direction)).key("basis").string(word_of(balance.basis));
  write_optional(out, "start", balance.start);
  write_optional(out, "end", balance.end);
  out.end_object();
}

void write_limit(JsonWriter &out, const FrozenLimit &limit) {
  out.begin_object().key("id").string(limit.id.text()).key("number").integer(limit.number);
  out.key("window").begin_array();
  for (const VelocityWindowKey &key : limit.window) {
    out.begin_object().key("alias").string(key.alias).key("value").string(key.value).end_object();
  }
  out.end_array();
  write_optional(out, "condition", limit.condition);
  if (limit.currency) out.key("currency").string(limit.currency->code());
  write_optional(out, "timestamp_source", limit.timestamp_source);
  out.key("balance").begin_array();
  for (const FrozenBalanceLimit &balance : limit.balance) write_balance(out, balance);
  out.end_array().end_object();
}

std::string_view text_at(JsonView object, std::string_view key) {
  const JsonView value = object.get(key);
  return value.present() ? value.string() : std::string_view();
}

std::optional<std::string> optional_at(JsonView object, std::string_view key) {
  const JsonView value = object.get(key);
  if (!value.present()) return std::nullopt;
  return std::string(value.string());
}

std::int64_t number_at(JsonView object) {
  const JsonView value = object.get("number");
  return value.present() ? value.integer().value_or(0) : 0;
}

bool read_instant(JsonView object, std::string_view key, std::optional<Timestamp> &out) {
  if (!object.get(key).present()) return true;
  out = Timestamp::parse(text_at(object, key));
  return out.has_value();
}

bool read_balance(JsonView row, FrozenBalanceLimit &out) {
  const std::optional<Layer> layer = parse_layer(text_at(row, "layer"));
  const std::optional<Decimal> amount = Decimal::parse(text_at(row, "amount"));
  const std::optional<Direction> direction = parse_direction(text_at(row, "direction"));
  const std::optional<VelocityBasis> basis = parse_velocity_basis(text_at(row, "basis"));
  if (!layer || !amount || !direction || !basis) return false;
  out.layer = *layer;
  out.amount = *amount;
  out.direction = *direction;
  out.basis = *basis;
  return read_instant(row, "start", out.start) && read_instant(row, "end", out.end);
}

bool read_limit(JsonView row, FrozenLimit &out) {
  const std::optional<base::Uuid> id = base::Uuid::parse(text_at(row, "id"));
  if (!id) return false;
  out.id = *id;
  out.number = number_at(row);
  for (const JsonView key : row.get("window")) {
    out.window.push_back({std::string(text_at(key, "alias")), std::string(text_at(key, "value"))});
  }
  out.condition = optional_at(row, "condition");
  out.timestamp_source = optional_at(row, "timestamp_source");
  if (row.get("currency").present()) {
    out.currency = Currency::parse(text_at(row, "currency"));
    if (!out.currency) return false;
  }
  for (const JsonView balance : row.get("balance")) {
    if (!read_balance(balance, out.balance.emplace_back())) return false;
  }
  return true;
}

bool read_control(JsonView row, FrozenControl &out) {
  const std::optional<base::Uuid> id = base::Uuid::parse(text_at(row, "id"));
  const std::optional<VelocityAction> action = parse_velocity_action(text_at(row, "action"));
  if (!id || !action) return false;
  out.id = *id;
  out.number = number_at(row);
  out.action = *action;
  out.condition = optional_at(row, "condition");
  for (const JsonView limit : row.get("limits")) {
    if (!read_limit(limit, out.limits.emplace_back())) return false;
  }
  return true;
}

Error corrupt() {
  return base::make_error(base::Status::kInternal, "store.corrupt",
                          "the store gave a velocity attachment that this library cannot read");
}

}  // namespace

Outcome check_velocity_limit(const VelocityLimit &limit, Timestamp now) {
  if (Outcome distinct = refuse_repeated_aliases(limit); !distinct) return distinct;
  Result<CompiledParams> params = compile_params(limit.params);
  if (!params) return std::move(params.error());
  if (Outcome defaults = check_defaults(*params, now); !defaults) return defaults;
  const std::vector<cel::ParamSpec> none;
  ExpressionCompiler of_postings(none, {.context = true});
  compile_limit(of_postings, limit, limit.rule.timestamp_source);
  if (Outcome compiled = of_postings.finish(); !compiled) return compiled;
  ExpressionCompiler of_params(params->specs);
  for (std::size_t i = 0; i < limit.rule.balance.size(); ++i) {
    compile_balance(of_params, limit.rule.balance[i], i);
  }
  return of_params.finish();
}

Outcome check_velocity_control(const VelocityControl &control) {
  const std::vector<cel::ParamSpec> none;
  ExpressionCompiler compiler(none, {.context = true});
  compiler.compile(control.condition, ResultAs::kBool, "/condition");
  return compiler.finish();
}

Result<FrozenControl> freeze(const VelocityControl &control, JsonView params, Timestamp now) {
  std::vector<cel::ParamSpec> declared;
  for (const VelocityLimit &limit : control.limits) {
    for (const TxTemplateParam &param : limit.params) declared.push_back({param.name, param.type});
  }
  Outcome known = refuse_unknown_params(declared, params, "velocity control " + control.id.text());
  if (!known) return std::move(known.error());
  FrozenControl out;
  out.id = control.id;
  out.number = control.number;
  out.condition = control.condition;
  out.action = control.action;
  for (const VelocityLimit &limit : control.limits) {
    Result<FrozenLimit> frozen = freeze_limit(limit, params, now);
    if (!frozen) return std::move(frozen.error());
    out.limits.push_back(frozen.take());
  }
  return out;
}

std::string frozen_text(const FrozenControl &control) {
  JsonWriter out;
  out.begin_object().key("id").string(control.id.text()).key("number").integer(control.number);
  out.key("action").string(word_of(control.action));
  write_optional(out, "condition", control.condition);
  out.key("limits").begin_array();
  for (const FrozenLimit &limit : control.limits) write_limit(out, limit);
  out.end_array().end_object();
  return out.take();
}

bool has_limits(std::string_view frozen, const std::vector<VelocityLimit> &limits) {
  const Result<base::Json> json = base::Json::parse(frozen);
  if (!json) return false;
  JsonView kept = json->root().get("limits").first();
  for (const VelocityLimit &limit : limits) {
    if (text_at(kept, "id") != limit.id.text()) return false;
    kept = kept.next();
  }
  return !kept.present();
}

Result<CompiledControlPtr> compile_frozen(std::string_view text) {
  const Result<base::Json> json = base::Json::parse(text);
  auto out = std::make_shared<CompiledControl>();
  if (!json || !json->root().is_object() || !read_control(json->root(), out->frozen)) return corrupt();
  const std::vector<cel::ParamSpec> none;
  ExpressionCompiler compiler(none, {.context = true});
  out->condition = compiler.compile(out->frozen.condition, ResultAs::kBool, "/condition");
  for (const FrozenLimit &limit : out->frozen.limits)
    out->limits.push_back(compile_limit(compiler, limit, limit.timestamp_source));
  if (Outcome compiled = compiler.finish(); !compiled) return corrupt();
  return CompiledControlPtr(std::move(out));
}

}  // namespace cala::core
