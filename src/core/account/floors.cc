#include "core/account/floors.h"

#include <algorithm>

#include "core/rejection.h"

namespace cala::core {

namespace {

using base::Error;
using base::Outcome;
using base::Result;

Error refused(const std::string &pointer, const char *what) {
  return rejection(base::Status::kInvalid, "request.malformed", pointer + " " + what, {{"pointer", pointer}});
}

std::optional<Decimal> amount_of(base::JsonView json) {
  return json.is_string() ? Decimal::parse(json.string()) : std::nullopt;
}

std::string text_of_limits(const AmountLimits &limits) {
  std::string out;
  if (limits.otherwise) out = "*=" + limits.otherwise->text();
  for (const auto &[currency, amount] : limits.of) {
    if (!out.empty()) out += ',';
    out += std::string(currency.code()) + "=" + amount.text();
  }
  return out;
}

std::optional<AmountLimits> parse_limits(std::string_view text) {
  AmountLimits out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t is = item.find('=');
    if (is == std::string_view::npos) return std::nullopt;
    const std::optional<Decimal> amount = Decimal::parse(item.substr(is + 1));
    if (!amount) return std::nullopt;
    if (item.substr(0, is) == "*") {
      out.otherwise = amount;
      continue;
    }
    const std::optional<Currency> currency = Currency::parse(item.substr(0, is));
    if (!currency) return std::nullopt;
    out.of.emplace_back(*currency, *amount);
  }
  return out;
}

Error beyond_digits(const Watched &watched) {
  return rejection(base::Status::kInvalid, "amount.range",
                   "what is available of account " + watched.key.account_id.text() + " in " +
                       std::string(watched.key.currency.code()) + " changes by more than 38 digits can say",
                   {{"account_id", watched.key.account_id.text()}});
}

struct Breach {
  const char *code;
  const char *rule;
  const Decimal &limit;
  std::optional<Decimal> requested;
  std::optional<Decimal> available;
};

Error breach_of(const Watched &watched, const Breach &breach, const Decimal &before, const Decimal &after) {
  if (!breach.requested || !breach.available) return beyond_digits(watched);
  const std::string currency(watched.key.currency.code());
  const std::string layer(text_of(watched.layer));
  const std::string account_id = watched.key.account_id.text();
  const Decimal left = breach.available->is_negative() ? Decimal() : *breach.available;
  return rejection(base::Status::kRejected, breach.code,
                   "account " + account_id + " would have " + after.text() + " " + currency + " available (" + layer +
                       "), and " + breach.rule + " " + breach.limit.text(),
                   {{"account_id", account_id},
                    {"journal_id", watched.key.journal_id.text()},
                    {"currency", currency},
                    {"layer", layer},
                    {"limit", breach.limit.text()},
                    {"current", before.text()},
                    {"requested", breach.requested->text()},
                    {"available", left.text()}});
}

}  // namespace

const Decimal *AmountLimits::for_currency(Currency currency) const {
  const auto found = std::find_if(of.begin(), of.end(), [&](const auto &item) { return item.first == currency; });
  if (found != of.end()) return &found->second;
  return otherwise ? &*otherwise : nullptr;
}

Result<AmountLimits> AmountLimits::parse(base::JsonView json, const std::string &pointer) {
  AmountLimits out;
  if (!json.is_object()) {
    out.otherwise = amount_of(json);
    if (!out.otherwise) return refused(pointer, "must be a decimal as text, or such decimals by currency and *");
    return out;
  }
  for (const base::JsonView member : json) {
    const std::string at = pointer + "/" + std::string(member.key());
    const std::optional<Decimal> amount = amount_of(member);
    if (!amount) return refused(at, "must be a decimal as text");
    if (member.key() == "*") {
      out.otherwise = amount;
      continue;
    }
    const std::optional<Currency> currency = Currency::parse(member.key());
    if (!currency) return refused(at, "is neither * nor a currency");
    out.of.emplace_back(*currency, *amount);
  }
  std::sort(out.of.begin(), out.of.end());
  return out;
}

void AmountLimits::append_to(base::JsonWriter &out) const {
  if (of.empty() && otherwise) {
    out.string(otherwise->text());
    return;
  }
  out.begin_object();
  if (otherwise) out.key("*").string(otherwise->text());
  for (const auto &[currency, amount] : of) out.key(currency.code()).string(amount.text());
  out.end_object();
}

std::optional<std::string> Floors::text() const {
  if (*this == Floors()) return std::nullopt;
  return std::string(text_of(layer)) + "|" + text_of_limits(min) + "|" + text_of_limits(max);
}

std::optional<Floors> Floors::parse_text(std::string_view text) {
  const std::size_t first = text.find('|');
  const std::size_t second = first == std::string_view::npos ? first : text.find('|', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::optional<Layer> layer = parse_layer(text.substr(0, first));
  std::optional<AmountLimits> min = parse_limits(text.substr(first + 1, second - first - 1));
  std::optional<AmountLimits> max = parse_limits(text.substr(second + 1));
  if (!layer || !min || !max) return std::nullopt;
  return Floors{std::move(*min), std::move(*max), *layer};
}

Outcome check_floor(const Watched &watched, const Balance &before, const Balance &after) {
  const std::optional<Decimal> was = available(before, watched.layer, watched.normal_balance_type);
  const std::optional<Decimal> is = available(after, watched.layer, watched.normal_balance_type);
  if (!was || !is) return beyond_digits(watched);
  if (watched.min != nullptr && *is < *watched.min && *is < *was) {
    const Breach breach{"account.below_min", "must keep", *watched.min, Decimal::sub(*was, *is),
                        Decimal::sub(*was, *watched.min)};
    return breach_of(watched, breach, *was, *is);
  }
  if (watched.max != nullptr && *is > *watched.max && *is > *was) {
    const Breach breach{"account.above_max", "may have at most", *watched.max, Decimal::sub(*is, *was),
                        Decimal::sub(*watched.max, *was)};
    return breach_of(watched, breach, *was, *is);
  }
  return {};
}

}  // namespace cala::core
