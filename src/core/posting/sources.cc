#include "core/posting/sources.h"

#include <unordered_set>
#include <utility>

#include "core/posting/prepare.h"
#include "core/posting/replay.h"
#include "core/rejection.h"

namespace cala::core {

using base::Outcome;
using base::Result;
using base::Uuid;

void Sources::add_template(CompiledTxTemplatePtr tx_template) {
  const std::string &code = tx_template->source.code;
  templates_.insert_or_assign(code, std::move(tx_template));
}

void Sources::add_holds(const std::vector<Uuid> &asked, std::vector<Hold> found) {
  for (const Uuid &id : asked) holds_[id].reset();
  for (Hold &one : found) {
    const Uuid id = one.id;
    holds_[id] = std::move(one);
  }
}

bool Sources::lacks_template(const AskedPosting &asked) const {
  return !asked.voids && !asked.step && !templates_.contains(asked.tx_template_code);
}

void Sources::name_missing_originals(const AskedPosting &asked, std::vector<Uuid> &missing) const {
  std::vector<Uuid> ids;
  const Hold *of = asked.step ? hold(asked.step->hold_id) : nullptr;
  if (of != nullptr) {
    ids = {of->id, asked.id};
    if (of->closed_by) ids.push_back(*of->closed_by);
  }
  if (asked.voids) ids.push_back(asked.voids->of);
  for (const Uuid &id : ids) {
    if (const std::optional<Uuid> next = originals_.missing(id)) missing.push_back(*next);
  }
}

const Hold *Sources::hold(const Uuid &id) const {
  const auto at = holds_.find(id);
  return at == holds_.end() || !at->second ? nullptr : &*at->second;
}

std::vector<Uuid> Sources::tx_template_ids() const {
  std::vector<Uuid> ids;
  ids.reserve(templates_.size());
  for (const auto &[code, compiled] : templates_) ids.push_back(compiled->source.id);
  return ids;
}

std::vector<std::string> Sources::drop_stale_templates(const std::vector<Uuid> &stored) {
  const std::unordered_set<Uuid, base::UuidHash> known(stored.begin(), stored.end());
  std::vector<std::string> stale;
  for (const auto &[code, compiled] : templates_) {
    if (!known.contains(compiled->source.id)) stale.push_back(code);
  }
  for (const std::string &code : stale) templates_.erase(code);
  return stale;
}

Result<MadePosting> Sources::make(const AskedPosting &asked, const Uuid &id, base::Timestamp now) const {
  if (asked.voids) return make_void(*asked.voids, id, now);
  if (asked.step) return make_step(asked, id, now);
  const auto found = templates_.find(asked.tx_template_code);
  if (found == templates_.end()) return not_found("tx_template", "code", asked.tx_template_code);
  Result<PostedTransaction> prepared = prepare_posting(*found->second, asked.params, id, now);
  if (!prepared) return std::move(prepared.error());
  MadePosting made{prepared.take(), {}};
  if (!asked.hold) return made;
  if (Outcome pending = check_pending(made.posting); !pending) return std::move(pending.error());
  made.posting.transaction.hold_id = made.posting.transaction.id;
  made.hold = hold_of(made.posting, *asked.hold);
  return made;
}

// What was posted before under the same id, or has released the hold that is to be released, is a replay.
Result<MadePosting> Sources::make_step(const AskedPosting &asked, const Uuid &id, base::Timestamp now) const {
  const AskedHoldStep &step = *asked.step;
  const Hold *of = hold(step.hold_id);
  const PostedTransaction *own = of == nullptr ? nullptr : originals_.find(of->id);
  if (own == nullptr) return not_found("hold", "id", step.hold_id.text());
  const PostedTransaction *before = originals_.find(asked.id);
  const bool is_gone = of->status == HoldStatus::kReleased || of->status == HoldStatus::kExpired;
  if (before == nullptr && step.kind == AskedHoldStep::kRelease && !asked.id_given && is_gone) {
    before = originals_.find(*of->closed_by);
  }
  if (before != nullptr) {
    const auto field = step_difference(*of, before->transaction, before->entries, step);
    if (field) return replay_differs(*before, *field);
    return MadePosting{*before, *of};
  }
  Result<HoldStep> taken = take_step(*of, *own, step, id, now);
  if (!taken) return std::move(taken.error());
  return MadePosting{std::move(taken->posting), std::move(taken->after)};
}

Result<MadePosting> Sources::make_void(const AskedVoid &asked, const Uuid &id, base::Timestamp now) const {
  const PostedTransaction *posted = originals_.find(asked.of);
  if (posted == nullptr) return not_found("transaction", "id", asked.of.text());
  const Transaction &transaction = posted->transaction;
  if (transaction.hold_id) return not_voidable(transaction);
  if (transaction.voided_by && *transaction.voided_by != id) return already_voided(transaction);
  return MadePosting{mirror_of(*posted, asked, id, now), {}};
}

const PostedTransaction *Sources::counted_as(const AskedPosting &asked) const {
  if (asked.step) return originals_.find(asked.step->hold_id);
  return asked.voids ? originals_.first(asked.voids->of) : nullptr;
}

}  // namespace cala::core
