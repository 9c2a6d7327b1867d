#include "core/journal/journal.h"

#include <algorithm>

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

}  // namespace cala::core
