// cel_evaluate: one expression with its params, variables and clock in, one typed value out.
#include "engine/cel_document.h"

#include <algorithm>

#include "cel/cel.h"
#include "cel/operators.h"
#include "engine/request.h"
#include "engine/typed_value.h"

namespace cala::engine {

using namespace cel;
using core::Decimal;

namespace {

base::Error invalid(std::string_view code, std::string message) {
  return base::make_error(base::Status::kInvalid, code, std::move(message));
}

// Names the place, unless the error tells something already.
base::Error at(const std::string &pointer, base::Error error) {
  if (!error.details.empty()) return error;
  base::JsonWriter details;
  details.begin_object().key("pointer").string(pointer).end_object();
  error.details = details.take();
  return error;
}

base::Error malformed(const std::string &pointer, std::string_view what) {
  return at(pointer, invalid("request.malformed", pointer + " " + std::string(what)));
}

base::Error recoded(base::Error error, std::string_view code) {
  error.code = code;
  return error;
}

struct NamedResult {
  std::string_view name;
  ResultAs as;
};
constexpr NamedResult kResults[] = {
    {"any", ResultAs::kAny},
    {"string", ResultAs::kString},
    {"int", ResultAs::kInteger},
    {"integer", ResultAs::kInteger},
    {"decimal", ResultAs::kDecimal},
    {"bool", ResultAs::kBool},
    {"boolean", ResultAs::kBool},
    {"uuid", ResultAs::kUuid},
    {"date", ResultAs::kDate},
    {"json", ResultAs::kJson},
    {"timestamp", ResultAs::kTimestamp},
    {"layer", ResultAs::kLayer},
    {"direction", ResultAs::kDirection},
    {"currency", ResultAs::kCurrency},
};

constexpr std::string_view kKeys[] = {"expr",     "as",       "clock",     "params",        "vars",
                                      "bindings", "type_env", "container", "disable_check", "disable_macros"};

struct NamedType {
  std::string_view name;
  DeclaredType type;
};
constexpr NamedType kTypes[] = {
    {"bool", DeclaredType::kBool},
    {"int", DeclaredType::kInt},
    {"uint", DeclaredType::kUint},
    {"double", DeclaredType::kDouble},
    {"string", DeclaredType::kString},
    {"bytes", DeclaredType::kBytes},
    {"timestamp", DeclaredType::kTimestamp},
    {"duration", DeclaredType::kDuration},
    {"decimal", DeclaredType::kDecimal},
    {"uuid", DeclaredType::kUuid},
    {"date", DeclaredType::kDate},
    {"null", DeclaredType::kNull},
    {"list", DeclaredType::kList},
    {"map", DeclaredType::kMap},
    {"google.protobuf.Timestamp", DeclaredType::kTimestamp},
    {"google.protobuf.Duration", DeclaredType::kDuration},
};

DeclaredType type_named(base::JsonView type) {
  if (!type.is_string()) return DeclaredType::kDyn;
  const auto found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const NamedType &each) { return each.name == type.string(); });
  return found == std::end(kTypes) ? DeclaredType::kDyn : found->type;
}

VariableSpec declaration(base::JsonView entry) {
  VariableSpec out;
  out.name = std::string(entry.get("name").string());
  const base::JsonView type = entry.get("ident");
  if (!type.present() || !type.is_object()) {
    out.type = type.present() ? type_named(type) : DeclaredType::kDyn;
  } else if (type.get("list")) {
    out.type = DeclaredType::kList;
    out.element = type_named(type.get("list"));
  } else if (type.get("map").present() && type.get("map").is_array()) {
    out.type = DeclaredType::kMap;
    out.key = type_named(type.get("map").first());
    out.element = type_named(type.get("map").first().next());
  }
  return out;
}

class Playground {
 public:
  Playground(base::JsonView request, base::Timestamp now) : request_(request) { bindings_.now = now; }

  base::Result<std::string> run() {
    for (const auto step : {&Playground::check_keys, &Playground::read_clock, &Playground::read_types,
                            &Playground::read_variables, &Playground::read_params}) {
      if (auto done = (this->*step)(); !done) return std::move(done.error());
    }
    options_.params = params_;
    options_.variables = variables_;
    options_.container = request_.get("container").present() ? request_.get("container").string() : std::string_view();
    options_.check = !is_set("disable_check");
    options_.macros = !is_set("disable_macros");
    bindings_.params = param_values_;
    bindings_.variables = variable_values_;
    auto program = compile(request_.get("expr").string(), options_);
    if (!program)
      return program.error().code == "currency.unknown" ? recoded(std::move(program.error()), "cel.coerce")
                                                        : std::move(program.error());
    auto value = evaluate(**program, bindings_, arena_);
    if (!value) return recoded(std::move(value.error()), "cel.eval");
    return answer(*value);
  }

 private:
  bool is_set(std::string_view key) const {
    const base::JsonView flag = request_.get(key);
    return flag.present() && flag.is_bool() && flag.boolean();
  }

  base::Outcome check_keys() {
    RequestReader reader(request_);
    for (const std::string_view key : kKeys) reader.any(key);
    reader.text("expr");
    if (auto read = reader.finish(); !read) return read;
    return read_as();
  }

  base::Outcome read_as() {
    const base::JsonView as = request_.get("as");
    if (!as.present() || as.is_null()) return {};
    const auto found = std::find_if(std::begin(kResults), std::end(kResults), [&](const NamedResult &each) {
      return as.is_string() && core::is_word(as.string(), each.name);
    });
    if (found == std::end(kResults))
      return malformed("/as",
                       "must be one of any, string, int, decimal, bool, uuid, date, timestamp, json, layer, direction, "
                       "currency");
    options_.as = found->as;
    return {};
  }

  base::Outcome read_clock() {
    const base::JsonView clock = request_.get("clock");
    if (!clock.present() || clock.is_null()) return {};
    const auto parsed = clock.is_string() ? base::Timestamp::parse(clock.string()) : std::nullopt;
    if (!parsed) return malformed("/clock", "must be an RFC 3339 instant");
    bindings_.now = *parsed;
    return {};
  }

  base::Outcome read_types() {
    const base::JsonView types = request_.get("type_env");
    if (!types.present() || types.is_null()) return {};
    if (!types.is_array()) return malformed("/type_env", "must be a list of {\"name\", \"ident\"}");
    for (const base::JsonView entry : types) {
      if (!entry.is_object() || !entry.get("name").present() || !entry.get("name").is_string())
        return malformed("/type_env", "must be a list of {\"name\", \"ident\"}");
      variables_.push_back(declaration(entry));
      variable_values_.emplace_back();
    }
    return {};
  }

  base::Outcome read_variables() {
    for (const std::string_view key : {"vars", "bindings"}) {
      const base::JsonView all = request_.get(key);
      if (!all.present() || all.is_null()) continue;
      const std::string pointer = "/" + std::string(key);
      if (!all.is_object()) return malformed(pointer, "must be an object of typed values");
      for (const base::JsonView each : all) {
        auto value = read_typed_value(each, arena_);
        if (!value) return at(RequestReader(all, pointer).pointer_to(each.key()), std::move(value.error()));
        bind(each.key(), *value);
      }
    }
    return {};
  }

  void bind(std::string_view name, const Value &value) {
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      if (variables_[i].name != name) continue;
      variable_values_[i] = value;
      return;
    }
    VariableSpec variable;
    variable.name = std::string(name);
    variables_.push_back(std::move(variable));
    variable_values_.push_back(value);
  }

  base::Outcome read_params() {
    const base::JsonView all = request_.get("params");
    if (!all.present() || all.is_null()) return {};
    if (!all.is_array()) return malformed("/params", "must be a list of {\"name\", \"type\", \"value\", \"default\"}");
    std::size_t index = 0;
    for (const base::JsonView each : all) {
      const std::string pointer = "/params/" + std::to_string(index++);
      if (auto read = read_param(each, pointer); !read) return at(pointer, std::move(read.error()));
    }
    return {};
  }

  base::Outcome read_param(base::JsonView param, const std::string &pointer) {
    RequestReader reader(param, pointer);
    ParamSpec spec;
    spec.name = reader.text("name");
    const std::string word = reader.text("type");
    const base::JsonView typed = reader.any("value");
    reader.optional_text("default");
    if (auto read = reader.finish(); !read) return read;
    const auto type = parse_param_type(word);
    if (!type) return invalid("cel.params", "unknown param type '" + word + "'");
    spec.type = *type;
    for (const ParamSpec &known : params_) {
      if (known.name == spec.name) return invalid("cel.params", "the param '" + spec.name + "' is declared twice");
    }
    auto value = param_value(spec, typed, param.get("default"));
    if (!value) return recoded(std::move(value.error()), "cel.params");
    params_.push_back(std::move(spec));
    param_values_.push_back(*value);
    return {};
  }

  base::Result<Value> param_value(const ParamSpec &spec, base::JsonView typed, base::JsonView text) {
    if (typed.present() && !typed.is_null()) {
      auto read = read_typed_value(typed, arena_);
      if (!read) return read;
      return coerce_param(spec, *read);
    }
    if (!text.present() || text.is_null()) return Value();
    auto evaluated = default_value(text.string());
    if (!evaluated) return evaluated;
    return coerce_param(spec, *evaluated);
  }

  // A default sees the constants and the clock, no other params.
  base::Result<Value> default_value(std::string_view source) {
    auto program = compile(source, CompileOptions());
    if (!program) return std::move(program.error());
    defaults_.push_back(program.take());
    Bindings bindings;
    bindings.now = bindings_.now;
    return evaluate(*defaults_.back(), bindings, arena_);
  }

  base::Result<std::string> answer(const Value &value) {
    base::JsonWriter writer;
    writer.begin_object().key("value");
    if (auto written = write_as(value, writer); !written) {
      base::Error error = std::move(written.error());
      return error.code == "currency.unknown" ? recoded(std::move(error), "cel.coerce") : std::move(error);
    }
    writer.end_object();
    return writer.take();
  }

  static void write_word(base::JsonWriter &writer, std::string_view type, std::string_view text) {
    writer.begin_object().key("type").string(type).key("value").string(text).end_object();
  }

  base::Outcome write_as(const Value &value, base::JsonWriter &writer) {
    switch (options_.as) {
      case ResultAs::kUnchecked: return write_typed_value(value, writer);
      case ResultAs::kAny: return write_any(value, writer);
      case ResultAs::kJson: return write_json(value, writer);
      case ResultAs::kString: return write_text("string", to_string(value), writer);
      case ResultAs::kLayer: return write_text("layer", to_layer(value), writer);
      case ResultAs::kDirection: return write_text("direction", to_direction(value), writer);
      case ResultAs::kCurrency: {
        auto currency = to_currency(value);
        if (!currency) return std::move(currency.error());
        write_word(writer, "currency", currency->code());
        return {};
      }
      case ResultAs::kBool:
        return write_value(
            to_bool(value), [](bool made) { return Value::boolean(made); }, writer);
      case ResultAs::kInteger:
        return write_value(
            to_integer(value), [](std::int64_t made) { return Value::integer(made); }, writer);
      case ResultAs::kDecimal:
        return write_value(
            to_decimal(value), [](const Decimal &made) { return Value::decimal(made); }, writer);
      case ResultAs::kUuid:
        return write_value(
            to_uuid(value), [](const base::Uuid &made) { return Value::uuid(made); }, writer);
      case ResultAs::kDate:
        return write_value(
            to_date(value), [](base::Date made) { return Value::date(made); }, writer);
      case ResultAs::kTimestamp:
        return write_value(
            to_timestamp(value), [](base::Timestamp made) { return Value::timestamp(made); }, writer);
    }
    return {};
  }

  template <typename T, typename Make>
  static base::Outcome write_value(base::Result<T> coerced, Make make, base::JsonWriter &writer) {
    if (!coerced) return std::move(coerced.error());
    return write_typed_value(make(*coerced), writer);
  }

  static base::Outcome write_text(std::string_view type, base::Result<std::string_view> coerced,
                                  base::JsonWriter &writer) {
    if (!coerced) return std::move(coerced.error());
    write_word(writer, type, *coerced);
    return {};
  }

  static base::Outcome write_json(const Value &value, base::JsonWriter &writer) {
    std::string json;
    if (auto made = to_json(value, json); !made) return made;
    writer.begin_object().key("type").string("json").key("value").raw(json).end_object();
    return {};
  }

  // What leaves the ledger for a program that asked for no type: a date as the instant of its midnight, a duration as
  // its text.
  static base::Outcome write_any(const Value &value, base::JsonWriter &writer) {
    if (value.is(Kind::kOptional) || value.is(Kind::kType))
      return invalid("cel.coerce",
                     "a value of type " + std::string(kind_type_name(value.kind())) + " cannot leave the ledger");
    if (value.is(Kind::kDate)) return write_typed_value(Value::timestamp(midnight(value)), writer);
    if (!value.is(Kind::kDuration)) return write_typed_value(value, writer);
    std::string json;
    if (auto made = to_json(value, json); !made) return made;
    writer.begin_object().key("type").string("string").key("value").raw(json).end_object();
    return {};
  }

  base::JsonView request_;
  Arena arena_;
  CompileOptions options_;
  Bindings bindings_;
  std::vector<ParamSpec> params_;
  std::vector<Value> param_values_;
  std::vector<VariableSpec> variables_;
  std::vector<Value> variable_values_;
  std::vector<ProgramPtr> defaults_;
};

}  // namespace

base::Result<std::string> evaluate_document(base::JsonView request, base::Timestamp now) {
  return Playground(request, now).run();
}

}  // namespace cala::engine
