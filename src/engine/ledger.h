// Ledger: what all operations of one open ledger share: the clock, the compiled tx templates, the store's language.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "base/uuid.h"
#include "core/tx_template/compiled.h"
#include "core/velocity/frozen.h"
#include "engine/telemetry.h"
#include "store/port.h"

namespace cala::engine {

// Compiled tx templates by code. Only what was read or written outside of any open transaction may be put in.
class TxTemplateCache {
 public:
  core::CompiledTxTemplatePtr find(const std::string &code) const;
  void put(core::CompiledTxTemplatePtr tx_template);
  void remove(const std::string &code);

 private:
  static constexpr std::size_t kMaxTemplates = 10000;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, core::CompiledTxTemplatePtr> by_code_;
};

// Compiled velocity controls by the text they are stored as, so that what is found is never old.
class VelocityCache {
 public:
  base::Result<core::CompiledControlPtr> compiled(const std::string &frozen);

 private:
  static constexpr std::size_t kMaxControls = 10000;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, core::CompiledControlPtr> by_text_;
};

// Why the roll-up did not come further when it last tried; empty once it has.
class RollupFailure {
 public:
  bool note(const base::Error &error, base::Timestamp at);  // whether that is news
  bool clear();                                             // likewise
  // {code, message, at}, or nothing.
  void render(base::JsonWriter &out, const char *key) const;
  bool tell(std::string &code, std::string &message) const;  // false: nothing to tell

 private:
  mutable std::mutex mutex_;
  bool failed_ = false;
  std::string code_;
  std::string message_;
  base::Timestamp at_;
};

class Ledger {
 public:
  // clock and dialect outlive the ledger's operations. store_name: "sqlite" or "postgres".
  Ledger(const base::Clock &clock, const store::Dialect &dialect, std::string_view store_name, bool manual_clock,
         std::string_view library_version)
      : clock_(clock),
        dialect_(dialect),
        store_name_(store_name),
        manual_clock_(manual_clock),
        library_version_(library_version) {}

  base::Timestamp now() const { return clock_.now(); }
  const store::Dialect &dialect() const { return dialect_; }
  std::string_view store_name() const { return store_name_; }
  bool manual_clock() const { return manual_clock_; }
  const std::string &build_version() const { return library_version_; }
  TxTemplateCache &tx_templates() { return tx_templates_; }
  VelocityCache &velocity_controls() { return velocity_controls_; }
  // What to do when something was written that the roll-up has to bring into other balances.
  // Set before the first operation.
  void when_balances_follow(std::function<void()> wake) { wake_rollup_ = std::move(wake); }
  void balances_follow() const {
    if (wake_rollup_) wake_rollup_();
  }
  RollupFailure &rollup_failure() { return rollup_failure_; }
  Telemetry &telemetry() { return telemetry_; }

 private:
  const base::Clock &clock_;
  const store::Dialect &dialect_;
  std::string store_name_;
  bool manual_clock_;
  std::string library_version_;
  TxTemplateCache tx_templates_;
  VelocityCache velocity_controls_;
  std::function<void()> wake_rollup_;
  RollupFailure rollup_failure_;
  Telemetry telemetry_;
};

}  // namespace cala::engine
