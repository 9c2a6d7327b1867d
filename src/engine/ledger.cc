#include "engine/ledger.h"

#include <utility>

#include "engine/operation.h"

namespace cala::engine {

core::CompiledTxTemplatePtr TxTemplateCache::find(const std::string &code) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_code_.find(code);
  return found == by_code_.end() ? nullptr : found->second;
}

void TxTemplateCache::put(core::CompiledTxTemplatePtr tx_template) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (by_code_.size() >= kMaxTemplates) by_code_.clear();
  by_code_[tx_template->source.code] = std::move(tx_template);
}

void TxTemplateCache::remove(const std::string &code) {
  const std::lock_guard<std::mutex> lock(mutex_);
  by_code_.erase(code);
}

bool RollupFailure::note(const base::Error &error, base::Timestamp at) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool known = failed_ && code_ == error.code;
  failed_ = true;
  code_ = error.code;
  message_ = error.message;
  at_ = at;
  return !known;
}

bool RollupFailure::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(failed_, false);
}

void RollupFailure::render(base::JsonWriter &out, const char *key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failed_) return;
  out.key(key).begin_object().key("code").string(code_).key("message").string(message_);
  out.key("at").string(at_.micros_text()).end_object();
}

bool RollupFailure::tell(std::string &code, std::string &message) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failed_) return false;
  code = code_;
  message = message_;
  return true;
}

bool writes(const store::Request &request) {
  if (std::holds_alternative<store::PostingWrite>(request)) return true;
  if (std::holds_alternative<store::EndPrepared>(request)) return true;
  const auto *call = std::get_if<store::Call>(&request);
  return call != nullptr && call->writes;
}

base::Result<core::CompiledControlPtr> VelocityCache::compiled(const std::string &frozen) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = by_text_.find(frozen);
    if (at != by_text_.end()) return at->second;
  }
  base::Result<core::CompiledControlPtr> control = core::compile_frozen(frozen);
  if (!control) return control;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (by_text_.size() >= kMaxControls) by_text_.clear();
  by_text_.emplace(frozen, *control);
  return control;
}

}  // namespace cala::engine
