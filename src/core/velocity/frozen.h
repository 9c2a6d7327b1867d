// Freezing: a control's limits with the params of one attachment worked out, as they are kept with it. What depends on
// a posting (conditions, windows, the source of the instant) stays CEL. A CompiledControl is immutable and shared
// between threads.
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
#include "core/velocity/velocity.h"

namespace cala::core {

struct FrozenBalanceLimit {
  Layer layer = Layer::kSettled;
  Decimal amount;
  Direction direction = Direction::kDebit;
  VelocityBasis basis = VelocityBasis::kNet;
  std::optional<base::Timestamp> start;  // inclusive
  std::optional<base::Timestamp> end;    // exclusive

  bool active(base::Timestamp at) const { return (!start || at >= *start) && (!end || at < *end); }
};

struct FrozenLimit {
  base::Uuid id;
  std::int64_t number = 0;
  std::vector<VelocityWindowKey> window;
  std::optional<std::string> condition;
  std::optional<Currency> currency;
  std::optional<std::string> timestamp_source;
  std::vector<FrozenBalanceLimit> balance;
};

struct FrozenControl {
  base::Uuid id;
  std::int64_t number = 0;
  std::optional<std::string> condition;
  VelocityAction action = VelocityAction::kReject;
  std::vector<FrozenLimit> limits;  // oldest first
};

struct CompiledControl {
  struct Limit {
    cel::ProgramPtr condition, timestamp_source;  // null when it has none
    std::vector<cel::ProgramPtr> window;
  };
  FrozenControl frozen;
  cel::ProgramPtr condition;  // null when it has none
  std::vector<Limit> limits;  // beside those of frozen
};
using CompiledControlPtr = std::shared_ptr<const CompiledControl>;

// What creation checks: every expression compiles (cel.compile, naming it by JSON pointer), params are sound (param.*).
base::Outcome check_velocity_limit(const VelocityLimit &limit, base::Timestamp now);
base::Outcome check_velocity_control(const VelocityControl &control);

// params: an object, or absent. param.unknown where no limit declares it, param.missing,
// param.type, cel.eval, cel.coerce.
base::Result<FrozenControl> freeze(const VelocityControl &control, base::JsonView params, base::Timestamp now);

// As it is stored, and back. "store.corrupt" for what is no such text.
std::string frozen_text(const FrozenControl &control);
// Whether a frozen text has these limits and no others.
bool has_limits(std::string_view frozen, const std::vector<VelocityLimit> &limits);
base::Result<CompiledControlPtr> compile_frozen(std::string_view text);

}  // namespace cala::core
