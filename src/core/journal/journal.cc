#include "core/journal/journal.h"

#include <algorithm>

#include "core/rejection.h"

namespace cala::core {

namespace {

base::Error refused(const std::string &pointer, const char *what) {
  base::Error error = base::make_error(base::Status::kInvalid, "request.malformed", pointer + " " + what);
  base::JsonWriter details;
  details.begin_object().key("pointer").string(pointer).end_object();
  error.details = details.take();
  return error;
}

std::optional<int> scale_of(base::JsonView json) {
  const std::optional<std::int64_t> number = json.is_number() ? json.integer() : std::nullopt;
  if (!number || *number < 0 || *number > MaxScale::kGreatest) return std::nullopt;
  return static_cast<int>(*number);
}

constexpr const char *kRange = "must be an integer from 0 to 18";

}  // namespace

int MaxScale::for_currency(Currency currency) const {
  const auto found = std::find_if(of.begin(), of.end(), [&](const auto &item) { return item.first == currency; });
  return found == of.end() ? otherwise : found->second;
}

base::Result<MaxScale> MaxScale::parse(base::JsonView json, const std::string &pointer) {
  MaxScale out;
  if (!json.is_object()) {
    const std::optional<int> scale = scale_of(json);
    if (!scale) return refused(pointer, "must be an integer from 0 to 18, or such integers by currency and default");
    out.otherwise = *scale;
    return out;
  }
  for (const base::JsonView member : json) {
    const std::string at = pointer + "/" + std::string(member.key());
    const std::optional<int> scale = scale_of(member);
    if (!scale) return refused(at, kRange);
    if (member.key() == "default") {
      out.otherwise = *scale;
      continue;
    }
    const std::optional<Currency> currency = Currency::parse(member.key());
    if (!currency) return refused(at, "is neither \"default\" nor a currency");
    out.of.emplace_back(*currency, *scale);
  }
  std::sort(out.of.begin(), out.of.end());
  return out;
}

void MaxScale::append_to(base::JsonWriter &out) const {
  if (of.empty()) {
    out.integer(otherwise);
    return;
  }
  out.begin_object().key("default").integer(otherwise);
  for (const auto &[currency, scale] : of) out.key(currency.code()).integer(scale);
  out.end_object();
}

std::optional<base::Date> closed_at_least(std::optional<base::Date> closed_until, base::Date until) {
  return closed_until ? std::max(*closed_until, until) : until;
}

std::optional<base::Date> closed_at_most(std::optional<base::Date> closed_until, std::optional<base::Date> until) {
  if (!closed_until || !until) return std::nullopt;
  return std::min(*closed_until, *until);
}

base::Outcome check_open(const JournalState &journal, base::Date effective) {
  const std::string id = journal.id.text();
  if (journal.status == LockStatus::kLocked) {
    return rejection(base::Status::kRejected, "journal.locked", "journal " + id + " is locked", {{"journal_id", id}});
  }
  if (!journal.closed_until || effective > *journal.closed_until) return {};
  const std::string until = journal.closed_until->text();
  return rejection(
      base::Status::kRejected, "journal.closed",
      "journal " + id + " is closed until " + until + ", and the posting is effective on " + effective.text(),
      {{"journal_id", id}, {"closed_until", until}, {"effective", effective.text()}});
}

}  // namespace cala::core
