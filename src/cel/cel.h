// The CEL language of the ledger, as the rest of libcala sees it: compile an expression once, evaluate it often, coerce
// the result to what the ledger needs. A Program is immutable and shared between threads. evaluate() keeps no state but
// the Arena it is given, reads no clock and makes no heap allocation when the result is a scalar or a borrowed string.
// A resulting Value borrows from the Program, the Bindings and the Arena: all three must outlive it.
// Error codes: cel.compile, cel.eval, cel.coerce, param.type, param.range, param.missing,
// currency.unknown; all of status kInvalid. Compile errors carry details {"expression", "line", "column", "hint"?}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "cel/arena.h"
#include "cel/json_index.h"
#include "cel/value.h"
#include "values/currency.h"
#include "values/decimal.h"
#include "values/param_type.h"

namespace cala::cel {

std::optional<ParamType> parse_param_type(std::string_view name);  // "decimal", in either case
std::string_view param_type_name(ParamType type);                  // lower case

struct ParamSpec {
  std::string name;
  ParamType type = ParamType::kString;
  Value min{}, max{};  // of the param's type; absent: there is none
};
bool has_order(ParamType type);  // whether it may have a min and a max
// Whether the first is less. Both are values of one type that has an order.
bool is_less(const Value &a, const Value &b);

struct VariableSpec {
  std::string name;  // may be qualified: "com.example.x"
  DeclaredType type = DeclaredType::kDyn;
  // Elements of a list, values of a map; keys of a map.
  DeclaredType element = DeclaredType::kDyn;
  DeclaredType key = DeclaredType::kDyn;
};

// What the result is for. The checker refuses, where it can know, an expression that can never become it.
enum class ResultAs : std::uint8_t {
  kUnchecked,  // plain CEL: anything
  kAny,        // anything that may leave the ledger: no optional, no type value
  kString,
  kInteger,
  kDecimal,
  kBool,
  kUuid,
  kDate,
  kTimestamp,
  kJson,
  kLayer,
  kDirection,
  kCurrency,
};

struct CompileOptions {
  std::span<const ParamSpec> params;        // `params.<name>`; with none declared the variable `params` does not exist
  std::span<const VariableSpec> variables;  // further variables, in the order of Bindings::variables
  bool context = false;                     // `context.vars` exists (velocity), resolved through Bindings::context
  ResultAs as = ResultAs::kUnchecked;
  std::string_view container;  // names are first looked up inside it: "a.b" makes x mean a.b.x, a.x, then x
  bool check = true;           // the gradual type checker; off: only syntax and names of the ledger's own namespaces
  bool macros = true;
};

class Program {
 public:
  struct Plan;
  explicit Program(std::unique_ptr<const Plan> plan);
  ~Program();
  std::string_view source() const;
  bool is_constant() const;                   // folded to one value: needs no bindings
  const Value *constant() const;              // that value, else nullptr
  bool reads_param(std::size_t index) const;  // whether params[index] occurs
  bool reads_context() const;
  const Plan &plan() const { return *plan_; }  // for this folder only

 private:
  std::unique_ptr<const Plan> plan_;
};

using ProgramPtr = std::shared_ptr<const Program>;

base::Result<ProgramPtr> compile(std::string_view source, const CompileOptions &options);

// The fields of context.vars, in the names that expressions use: context.vars.entry.units and so on.
enum class ContextField : std::uint8_t {
  kTransactionId,
  kTransactionCreatedAt,
  kTransactionJournalId,
  kTransactionTxTemplateId,
  kTransactionEffective,
  kTransactionCorrelationId,
  kTransactionMetadata,
  kEntryId,
  kEntryEntryType,
  kEntrySequence,   // uint
  kEntryLayer,      // "SETTLED"
  kEntryDirection,  // "DEBIT"
  kEntryUnits,
  kEntryCurrency,
  kEntryMetadata,
  kAccountId,
  kAccountName,
  kAccountExternalId,         // "" when there is none
  kAccountNormalBalanceType,  // "CREDIT"
  kAccountMetadata,
};
inline constexpr std::size_t kContextFieldCount = 20;

// Where the fields come from: asked only for the fields that an expression reads. Returning an absent Value means that
// the field does not exist (metadata that is null).
class ContextFields {
 public:
  virtual Value field(ContextField field) const = 0;

 protected:
  ~ContextFields() = default;
};

// What the evaluations of one posting share, all of them on one arena: what they may use up together, and the JSON that
// one of them has opened for all. Each is held to the limits of a single one besides.
struct Shared {
  static constexpr std::int64_t kMaxSteps = 4'000'000;
  static constexpr std::size_t kBudget = std::size_t{16} << 20;
  std::int64_t steps_left = kMaxSteps;
  std::size_t bytes_left = kBudget;
  JsonIndex opened;
};

struct Bindings {
  std::span<const Value> params;     // by index of CompileOptions::params; absent: not supplied and no default
  std::span<const Value> variables;  // by index of CompileOptions::variables
  const ContextFields *context = nullptr;
  base::Timestamp now;       // the ledger's clock: date()
  Shared *shared = nullptr;  // null: this evaluation is the only one
};

// A failed evaluation is cel.eval; param.missing when it read a declared param that has no value.
base::Result<Value> evaluate(const Program &program, const Bindings &bindings, Arena &arena);

// The ledger's boundary. Integers become decimals exactly; a timestamp becomes its UTC date and a date its midnight;
// nothing else is converted. A failure is cel.coerce (currency.unknown for an unknown currency's text).
// Text that leaves for the ledger is what its JSON reader takes back: UTF-8 without U+0000.
base::Outcome check_storable(std::string_view text);
base::Result<base::Uuid> to_uuid(const Value &value);
base::Result<std::string_view> to_string(const Value &value);
base::Result<std::int64_t> to_integer(const Value &value);
base::Result<Decimal> to_decimal(const Value &value);
base::Result<base::Date> to_date(const Value &value);
base::Result<base::Timestamp> to_timestamp(const Value &value);
base::Result<bool> to_bool(const Value &value);
base::Result<Currency> to_currency(const Value &value);
base::Result<std::string_view> to_layer(const Value &value);      // SETTLED, PENDING or ENCUMBRANCE
base::Result<std::string_view> to_direction(const Value &value);  // DEBIT or CREDIT
// Appends compact JSON: decimals, uuids, dates ("2025-01-31"), instants and durations as strings, doubles as numbers.
// Bytes, types, optionals, NaN, keys that are no strings and text that is not storable are refused.
base::Outcome to_json(const Value &value, std::string &out);

// A supplied param as a value of its declared type; strings are borrowed from the JSON. Failure: param.type, naming it,
// or param.range when it is outside its bounds.
base::Result<Value> coerce_param(const ParamSpec &param, base::JsonView supplied);
base::Result<Value> coerce_param(const ParamSpec &param, const Value &supplied);  // a default, or a typed value

}  // namespace cala::cel
