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

bool writes(const store::Request &request) {
  if (std::holds_alternative<store::PostingWrite>(request)) return true;
  const auto *call = std::get_if<store::Call>(&request);
  return call != nullptr && call->writes;
}

}  // namespace cala::engine
