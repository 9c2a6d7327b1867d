// Any bytes as an expression over params, a context and variables: it ends, within its budgets, with a value or an
// error; twice the same; and the same without the type checker, which may only refuse.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cel/cel.h"

namespace base = cala::base;
namespace cel = cala::cel;
using cala::values::Decimal;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class Fields final : public cel::ContextFields {
 public:
  explicit Fields(base::JsonView metadata) : metadata_(metadata) {}
  cel::Value field(cel::ContextField field) const override {
    switch (field) {
      case cel::ContextField::kEntryUnits: return cel::Value::decimal(Decimal::from_int(12));
      case cel::ContextField::kEntryCurrency: return cel::Value::string("USD");
      case cel::ContextField::kTransactionCreatedAt: return cel::Value::timestamp({1700000000, 5});
      case cel::ContextField::kAccountMetadata: return cel::Value::json(metadata_);
      default: return cel::Value();
    }
  }

 private:
  base::JsonView metadata_;
};

struct World {
  base::Result<base::Json> order = base::Json::parse(R"({"a": [1, 2.5, "x", null, {"b": true}], "n": -3})");
  std::vector<cel::ParamSpec> params = {
      {"amount", cel::ParamType::kDecimal}, {"memo", cel::ParamType::kString}, {"order", cel::ParamType::kJson}};
  std::vector<cel::Value> param_values = {cel::Value::decimal(*Decimal::parse("10.50")), cel::Value(),
                                          cel::Value::json(order->root())};
  std::vector<cel::VariableSpec> variables;
  std::vector<cel::Value> values = {cel::Value::integer(7), cel::Value::string("a-\xC3\xA9-z")};
  Fields fields{order->root()};

  World() {
    for (const char *name : {"n", "s"}) {
      cel::VariableSpec variable;
      variable.name = name;
      variables.push_back(variable);
    }
  }
};

// What came out, as text: the JSON, or the error.
std::string outcome(const World &world, std::string_view source, bool check, bool &compiled) {
  cel::CompileOptions options;
  options.params = world.params;
  options.variables = world.variables;
  options.context = true;
  options.check = check;
  const auto program = cel::compile(source, options);
  compiled = program.ok();
  if (!program) return program.error().message;
  cel::Bindings bindings;
  bindings.params = world.param_values;
  bindings.variables = world.values;
  bindings.context = &world.fields;
  bindings.now = {1700000000, 0};
  cel::Arena arena;
  const auto value = cel::evaluate(**program, bindings, arena);
  if (!value) {
    require(value.error().code == "cel.eval" || value.error().code == "param.missing");
    return value.error().message;
  }
  require(!value->is_error() && !value->is_absent());
  std::string json;
  const auto written = cel::to_json(*value, json);
  if (!written) return written.error().message;
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  static const World *const world = new World();
  const std::string_view source(reinterpret_cast<const char *>(data), size);
  bool compiled = false;
  const std::string checked = outcome(*world, source, true, compiled);
  if (!compiled) return 0;
  require(outcome(*world, source, true, compiled) == checked);
  require(outcome(*world, source, false, compiled) == checked);
  return 0;
}
