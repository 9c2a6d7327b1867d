#include "core/hold/hold.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "core/posting/follow_up.h"
#include "core/rejection.h"

namespace cala::core {

namespace {

using base::Error;

Error not_open(const Hold &hold, HoldStatus status) {
  const std::string id = hold.id.text();
  const std::string word(text_of(status));
  return rejection(base::Status::kRejected, "hold.not_open", "hold " + id + " is " + word,
                   {{"hold_id", id}, {"status", word}});
}

Error exceeded(const Hold &hold, const Decimal &requested) {
  const std::string id = hold.id.text();
  return rejection(
      base::Status::kRejected, "hold.exceeded",
      "hold " + id + " has " + hold.left().text() + " left, and " + requested.text() + " are to be captured",
      {{"hold_id", id},
       {"currency", std::string(hold.currency.code())},
       {"requested", requested.text()},
       {"left", hold.left().text()},
       {"captured", hold.captured.text()}});
}

Error not_divisible(const Hold &hold) {
  const std::string id = hold.id.text();
  return rejection(base::Status::kRejected, "hold.not_divisible",
                   "the entries of hold " + id + " are not all of one amount: it is captured as a whole",
                   {{"hold_id", id}});
}

Error out_of_range(const Hold &hold) {
  return base::make_error(
      base::Status::kInvalid, "amount.range",
      "what is captured of hold " + hold.id.text() + ", or what is left of it, would need more than 38 digits");
}

PostedTransaction beside(const PostedTransaction &original, const AskedHoldStep &asked, const base::Uuid &id,
                         base::Timestamp now) {
  PostedTransaction out = follow_up(original, id, asked.effective.value_or(now.date()));
  out.transaction.description = original.transaction.description;
  out.transaction.metadata = original.transaction.metadata;  // what limits ask of a posting, they ask of its capture
  out.transaction.hold_id = original.transaction.id;
  return out;
}

// taken: of a hold of one amount; of another, all of each entry.
void add_releases(PostedTransaction &out, const Hold &hold, const PostedTransaction &original, const Decimal &taken) {
  for (const Entry &entry : original.entries) {
    const Decimal &units = hold.amount ? taken : entry.units;
    add_from(out, entry, "_RELEASE", units.negated());
  }
}

void close(Hold &hold, HoldStatus status, const base::Uuid &by) {
  hold.status = status;
  hold.closed_by = by;
}

}  // namespace

HoldStatus Hold::status_at(base::Timestamp now) const {
  const bool is_over = status == HoldStatus::kOpen && expires_at && *expires_at <= now;
  return is_over ? HoldStatus::kExpired : status;
}

Decimal Hold::left() const {
  if (closed_by || !amount) return Decimal{};
  return Decimal::sub(*amount, captured).value_or(Decimal{});  // always there: take_step sees to it
}

base::Outcome check_pending(const PostedTransaction &posting) {
  for (const Entry &entry : posting.entries) {
    if (entry.layer == Layer::kPending) continue;
    const std::string layer(text_of(entry.layer));
    Error error = base::make_error(
        base::Status::kRejected, "hold.not_pending",
        "entry " + std::to_string(entry.sequence) + " of a hold is of the layer " + layer + ", and must be pending");
    base::JsonWriter details;
    details.begin_object().key("sequence").integer(entry.sequence).key("layer").string(layer).end_object();
    error.details = details.take();
    return error;
  }
  return {};
}

Hold hold_of(const PostedTransaction &posting, const AskedHold &asked) {
  Hold hold;
  hold.id = posting.transaction.id;
  hold.journal_id = posting.transaction.journal_id;
  hold.expires_at = asked.expires_at;
  if (posting.entries.empty()) return hold;
  const Entry &first = posting.entries.front();
  const bool is_one = std::all_of(posting.entries.begin(), posting.entries.end(), [&first](const Entry &entry) {
    return entry.units == first.units && entry.currency == first.currency;
  });
  if (!is_one) return hold;
  hold.amount = first.units;
  hold.currency = first.currency;
  return hold;
}

base::Result<HoldStep> take_step(const Hold &hold, const PostedTransaction &original, const AskedHoldStep &asked,
                                 const base::Uuid &id, base::Timestamp now) {
  const HoldStatus status = hold.status_at(now);
  const bool captures = asked.kind == AskedHoldStep::kCapture;
  if (hold.status != HoldStatus::kOpen || (captures && status != HoldStatus::kOpen)) return not_open(hold, status);
  if (asked.amount && !hold.amount) return not_divisible(hold);
  if (asked.amount && *asked.amount > hold.left()) return exceeded(hold, *asked.amount);
  HoldStep step{beside(original, asked, id, now), hold};
  step.after.version += 1;
  if (!captures) {
    add_releases(step.posting, hold, original, hold.left());
    close(step.after, status == HoldStatus::kExpired ? HoldStatus::kExpired : HoldStatus::kReleased, id);
    return step;
  }
  const Decimal captured = asked.amount.value_or(hold.left());
  const Decimal taken = asked.final ? hold.left() : captured;
  add_releases(step.posting, hold, original, taken);
  for (Entry entry : original.entries) {
    entry.layer = Layer::kSettled;
    add_from(step.posting, entry, "_CAPTURE", hold.amount ? captured : entry.units);
  }
  const std::optional<Decimal> sum = Decimal::add(hold.captured, captured);
  if (!sum) return out_of_range(hold);
  step.after.captured = *sum;
  if (taken == hold.left()) {
    close(step.after, HoldStatus::kCaptured, id);
  } else if (hold.amount && !Decimal::sub(*hold.amount, *sum)) {
    return out_of_range(hold);
  }
  return step;
}

std::optional<std::string> step_difference(const Hold &hold, const Transaction &posted,
                                           const std::vector<Entry> &entries, const AskedHoldStep &asked) {
  if (posted.hold_id != asked.hold_id || posted.id == asked.hold_id) return "hold_id";
  const auto settled =
      std::find_if(entries.begin(), entries.end(), [](const Entry &entry) { return entry.layer == Layer::kSettled; });
  if (!entries.empty() && (settled != entries.end()) != (asked.kind == AskedHoldStep::kCapture)) return "entries";
  if (asked.effective.value_or(posted.created_at.date()) != posted.effective) return "effective";
  if (asked.kind != AskedHoldStep::kCapture || entries.empty()) return std::nullopt;
  const bool took_no_more = entries.front().units == settled->units.negated();
  const bool was_last = hold.closed_by == posted.id;
  if (asked.amount ? *asked.amount != settled->units : !(took_no_more && was_last)) return "amount";
  if (asked.final ? !was_last : !took_no_more) return "final";
  return std::nullopt;
}

base::Error not_voidable(const Transaction &transaction) {
  const std::string id = transaction.id.text();
  const std::string hold_id = transaction.hold_id.value_or(base::Uuid{}).text();
  return rejection(base::Status::kRejected, "hold.not_voidable", "transaction " + id + " is of hold " + hold_id,
                   {{"transaction_id", id}, {"hold_id", hold_id}});
}

HoldWrite write_of(const Hold &hold, std::vector<base::Uuid> account_ids) {
  HoldWrite write{hold, hold.version - 1, std::move(account_ids)};
  std::sort(write.account_ids.begin(), write.account_ids.end());
  write.account_ids.erase(std::unique(write.account_ids.begin(), write.account_ids.end()), write.account_ids.end());
  return write;
}

}  // namespace cala::core
