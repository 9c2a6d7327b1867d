#include "core/velocity/enforce.h"

#include <algorithm>
#include <utility>

namespace cala::core {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Timestamp;
using base::Uuid;
using cel::ContextField;
using cel::Value;

// It is part of a row's key.
constexpr std::size_t kLongestWindow = 1000;

std::string_view upper(Layer layer) {
  constexpr std::array<std::string_view, kLayerCount> names = {"SETTLED", "PENDING", "ENCUMBRANCE"};
  return names[static_cast<std::size_t>(layer)];
}

std::string_view upper(Direction direction) { return direction == Direction::kDebit ? "DEBIT" : "CREDIT"; }

std::optional<base::Json> parsed(const std::optional<std::string> &text) {
  if (!text) return std::nullopt;
  Result<base::Json> json = base::Json::parse(*text);
  if (!json) return std::nullopt;
  return json.take();
}

Value json_value(const std::optional<base::Json> &json) {
  if (!json || json->root().is_null()) return {};
  return Value::json(json->root());
}

}  // namespace

// What expressions see of one entry at one bearer. The texts live as long as this.
class PostingFields final : public cel::ContextFields {  // NOLINT(cppcoreguidelines-virtual-class-destructor): final
 public:
  explicit PostingFields(const PostedTransaction &posting)
      : transaction_(posting.transaction), metadata_(parsed(posting.transaction.metadata)) {}

  void at(const Entry &entry) {
    entry_ = &entry;
    entry_metadata_ = parsed(entry.metadata);
  }
  void at(const VelocityBearers::Bearer &bearer) { bearer_ = &bearer; }

  Value field(ContextField field) const override {
    switch (field) {
      case ContextField::kTransactionId: return Value::uuid(transaction_.id);
      case ContextField::kTransactionCreatedAt: return Value::timestamp(transaction_.created_at);
      case ContextField::kTransactionJournalId: return Value::uuid(transaction_.journal_id);
      case ContextField::kTransactionTxTemplateId: return Value::uuid(transaction_.tx_template_id);
      case ContextField::kTransactionEffective: return Value::date(transaction_.effective);
      case ContextField::kTransactionCorrelationId: return Value::string(transaction_.correlation_id);
      case ContextField::kTransactionMetadata: return json_value(metadata_);
      case ContextField::kEntryId: return {};  // drawn when it is written
      case ContextField::kEntryEntryType: return Value::string(entry_->entry_type);
      case ContextField::kEntrySequence: return Value::unsigned_integer(static_cast<std::uint64_t>(entry_->sequence));
      case ContextField::kEntryLayer: return Value::string(upper(entry_->layer));
      case ContextField::kEntryDirection: return Value::string(upper(entry_->direction));
      case ContextField::kEntryUnits: return Value::decimal(entry_->units);
      case ContextField::kEntryCurrency: return Value::string(entry_->currency.code());
      case ContextField::kEntryMetadata: return json_value(entry_metadata_);
      case ContextField::kAccountId: return Value::uuid(bearer_->row.id);
      case ContextField::kAccountName: return Value::string(bearer_->row.name);
      case ContextField::kAccountExternalId:
        return Value::string(bearer_->row.external_id ? std::string_view(*bearer_->row.external_id)
                                                      : std::string_view(""));
      case ContextField::kAccountNormalBalanceType: return Value::string(upper(bearer_->row.normal_balance_type));
      case ContextField::kAccountMetadata: return json_value(bearer_->metadata);
    }
    return {};
  }

 private:
  const Transaction &transaction_;
  std::optional<base::Json> metadata_;
  const Entry *entry_ = nullptr;
  std::optional<base::Json> entry_metadata_;
  const VelocityBearers::Bearer *bearer_ = nullptr;
};

namespace {

Error longer_window() {
  return base::make_error(base::Status::kInvalid, "cel.coerce",
                          "the window is longer than " + std::to_string(kLongestWindow) + " bytes");
}

// Compact text, the keys of objects by their bytes.
void append_sorted(base::JsonView value, std::string &out) {
  const bool is_object = value.is_object();
  if (!is_object && !value.is_array()) return value.append_to(out);
  std::vector<base::JsonView> children;
  for (const base::JsonView child : value) children.push_back(child);
  if (is_object) {
    std::sort(children.begin(), children.end(), [](base::JsonView a, base::JsonView b) { return a.key() < b.key(); });
  }
  out += is_object ? '{' : '[';
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (i > 0) out += ',';
    if (is_object) {
      base::append_json_string(out, children[i].key());
      out += ':';
    }
    append_sorted(children[i], out);
  }
  out += is_object ? '}' : ']';
}

// Equal values have one text, whatever zeros a decimal ends with, and in whatever order the members of a map come.
Outcome append_window_value(const Value &value, std::string &out) {
  if (value.is(cel::Kind::kDecimal)) {
    std::string text = value.as_decimal().text();
    if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    base::append_json_string(out, text);
    return {};
  }
  if (!value.is(cel::Kind::kMap) && !value.is(cel::Kind::kList)) return cel::to_json(value, out);
  std::string text;
  if (Outcome written = cel::to_json(value, text); !written) return written;
  if (text.size() > kLongestWindow) return longer_window();
  const Result<base::Json> json = base::Json::parse(text);
  if (!json) return base::make_error(base::Status::kInvalid, "cel.coerce", "a window's value: " + json.error().message);
  append_sorted(json->root(), out);
  return {};
}

// Evaluates a control's expressions for one entry at one bearer.
class Matcher {
 public:
  // of: the posting that expressions see.
  Matcher(const PostedTransaction &of, bool of_void) : posting_(of), fields_(of), of_void_(of_void) {
    bindings_.now = of.transaction.created_at;
    bindings_.context = &fields_;
    bindings_.shared = &shared_;
  }

  PostingFields &fields() { return fields_; }

  Outcome match(const Entry &entry, const Uuid &bearer, const CompiledControl &control, std::vector<VelocityHit> &out) {
    Result<bool> holds = holds_for(control.condition);
    if (!holds) return about(std::move(holds.error()), control, nullptr, entry);
    if (!*holds) return {};
    for (std::size_t i = 0; i < control.limits.size(); ++i) {
      const FrozenLimit &limit = control.frozen.limits[i];
      if (limit.currency && *limit.currency != entry.currency) continue;
      if (Outcome matched = match_limit(entry, bearer, control, i, out); !matched) {
        return about(std::move(matched.error()), control, &limit, entry);
      }
    }
    return {};
  }

 private:
  Outcome match_limit(const Entry &entry, const Uuid &bearer, const CompiledControl &control, std::size_t index,
                      std::vector<VelocityHit> &out) {
    const CompiledControl::Limit &programs = control.limits[index];
    const FrozenLimit &limit = control.frozen.limits[index];
    Result<bool> holds = holds_for(programs.condition);
    if (!holds) return std::move(holds.error());
    if (!*holds) return {};
    Result<std::string> window = window_of(limit, programs);
    if (!window) return std::move(window.error());
    VelocityHit hit;
    hit.entry = &entry;
    hit.control = &control;
    hit.limit = &limit;
    hit.key = {bearer, entry.currency, entry.journal_id, control.frozen.id, limit.id, window.take()};
    hit.at = posting_.transaction.created_at;
    hit.of_void = of_void_;
    if (programs.timestamp_source) {
      Result<Value> value = cel::evaluate(*programs.timestamp_source, bindings_, arena_);
      if (!value) return std::move(value.error());
      Result<Timestamp> at = cel::to_timestamp(*value);
      if (!at) return std::move(at.error());
      hit.at = *at;
    }
    out.push_back(std::move(hit));
    return {};
  }

  Result<bool> holds_for(const cel::ProgramPtr &condition) {
    if (!condition) return true;
    Result<Value> value = cel::evaluate(*condition, bindings_, arena_);
    if (!value) return std::move(value.error());
    return cel::to_bool(*value);
  }

  Result<std::string> window_of(const FrozenLimit &limit, const CompiledControl::Limit &programs) {
    std::string out = "{";
    for (std::size_t i = 0; i < programs.window.size(); ++i) {
      if (i > 0) out += ',';
      base::append_json_string(out, limit.window[i].alias);
      out += ':';
      Result<Value> value = cel::evaluate(*programs.window[i], bindings_, arena_);
      if (!value) return std::move(value.error());
      if (Outcome written = append_window_value(*value, out); !written) return std::move(written.error());
    }
    out += '}';
    if (out.size() <= kLongestWindow) return out;
    return longer_window();
  }

  static Error about(Error error, const CompiledControl &control, const FrozenLimit *limit, const Entry &entry) {
    const std::string what =
        limit != nullptr ? "velocity limit " + limit->id.text() : "velocity control " + control.frozen.id.text();
    error.message = base::as_one_line(what + ", entry " + std::to_string(entry.sequence) + ": " + error.message);
    base::JsonWriter details;
    details.begin_object().key("control_id").string(control.frozen.id.text());
    if (limit != nullptr) details.key("limit_id").string(limit->id.text());
    details.key("sequence").integer(entry.sequence).end_object();
    std::string text = details.take();
    if (error.details.size() > 2) {
      text.back() = ',';
      text.append(error.details, 1);
    }
    error.details = std::move(text);
    return error;
  }

  const PostedTransaction &posting_;
  PostingFields fields_;
  bool of_void_;
  cel::Arena arena_;
  cel::Shared shared_;
  cel::Bindings bindings_;
};

bool older(const VelocityHit &a, const VelocityHit &b) {
  if (a.control->frozen.number != b.control->frozen.number) {
    return a.control->frozen.number < b.control->frozen.number;
  }
  return a.limit->number < b.limit->number;
}

struct Exceeded {
  const VelocityHit &hit;
  const FrozenBalanceLimit &limit;
  Decimal current;
  Decimal requested;
};

std::string message_of(const Exceeded &exceeded) {
  const VelocityKey &key = exceeded.hit.key;
  return "velocity limit " + key.limit_id.text() + " of control " + key.control_id.text() + " at account " +
         key.account_id.text() + " allows " + exceeded.limit.amount.text() + " " + std::string(key.currency.code()) +
         ", " + std::string(text_of(exceeded.limit.layer)) + ", " + std::string(text_of(exceeded.limit.direction)) +
         ", in window " + key.window + "; it has " + exceeded.current.text() + " and would come to " +
         exceeded.requested.text();
}

std::string details_of(const Exceeded &exceeded) {
  const VelocityKey &key = exceeded.hit.key;
  base::JsonWriter out;
  out.begin_object().key("limit_id").string(key.limit_id.text()).key("control_id").string(key.control_id.text());
  out.key("account_id").string(key.account_id.text()).key("journal_id").string(key.journal_id.text());
  out.key("currency").string(key.currency.code()).key("window").raw(key.window);
  out.key("layer").string(text_of(exceeded.limit.layer)).key("direction").string(text_of(exceeded.limit.direction));
  out.key("basis").string(word_of(exceeded.limit.basis)).key("allowed").string(exceeded.limit.amount.text());
  out.key("requested").string(exceeded.requested.text()).key("current").string(exceeded.current.text());
  out.key("sequence").integer(exceeded.hit.entry->sequence).end_object();
  return out.take();
}

Error out_of_range(const VelocityHit &hit) {
  return base::make_error(base::Status::kInvalid, "amount.range",
                          "what velocity limit " + hit.key.limit_id.text() + " counts would need more than 38 digits");
}

}  // namespace

std::string warning_json(const VelocityWarning &warning) {
  base::JsonWriter out;
  out.begin_object().key("code").string("velocity.exceeded").key("message").string(warning.message).end_object();
  std::string text = out.take();
  text.back() = ',';
  text.append(warning.details, 1);
  return text;
}

void VelocityBearers::add(VelocityBearer bearer) {
  std::optional<base::Json> metadata = parsed(bearer.metadata);
  const Uuid id = bearer.id;
  bearers_.insert_or_assign(id, Bearer{std::move(bearer), std::move(metadata)});
}

const CompiledControl *VelocityBearers::find(const Uuid &account_id, const Uuid &control_id) const {
  const auto bearer = bearers_.find(account_id);
  if (bearer == bearers_.end()) return nullptr;
  for (const CompiledControlPtr &control : bearer->second.row.controls) {
    if (control->frozen.id == control_id) return control.get();
  }
  return nullptr;
}

Result<std::vector<VelocityHit>> VelocityBearers::match(const PostedTransaction &posting, const SetsOf &sets_of,
                                                        const PostedTransaction *counted_as) const {
  std::vector<VelocityHit> hits;
  if (bearers_.empty()) return hits;
  Matcher own(posting, false);
  std::optional<Matcher> mirror;
  if (counted_as != nullptr) mirror.emplace(*counted_as, true);
  const auto match_at = [&](Matcher &matcher, const Entry &entry, const Uuid &id) -> Outcome {
    const auto found = bearers_.find(id);
    if (found == bearers_.end()) return {};
    matcher.fields().at(found->second);
    for (const CompiledControlPtr &control : found->second.row.controls) {
      if (Outcome matched = matcher.match(entry, id, *control, hits); !matched) return matched;
    }
    return {};
  };
  for (std::size_t i = 0; i < posting.entries.size(); ++i) {
    const Entry &entry = posting.entries[i];
    const bool takes_back = mirror && i < counted_as->entries.size();
    Matcher &matcher = takes_back ? *mirror : own;
    const auto begin = static_cast<std::ptrdiff_t>(hits.size());
    matcher.fields().at(takes_back ? counted_as->entries[i] : entry);
    if (Outcome matched = match_at(matcher, entry, entry.account_id); !matched) return std::move(matched.error());
    for (const Uuid &set : sets_of(entry)) {
      if (Outcome matched = match_at(matcher, entry, set); !matched) return std::move(matched.error());
    }
    std::stable_sort(hits.begin() + begin, hits.end(), older);
  }
  return hits;
}

Outcome count_hit(const VelocityHit &hit, VelocityBalance &balance, std::vector<VelocityWarning> &warnings) {
  const Entry &entry = *hit.entry;
  const VelocityBalance before = balance;
  VelocityBalance::Sides &sides = balance.layers[static_cast<std::size_t>(entry.layer)];
  Decimal &side = entry.direction == Direction::kDebit ? sides.debit : sides.credit;
  const std::optional<Decimal> sum = Decimal::add(side, entry.units);
  if (!sum) return out_of_range(hit);
  side = *sum;
  balance.version += 1;
  for (const FrozenBalanceLimit &limit : hit.limit->balance) {
    if (!limit.active(hit.at)) continue;
    if (limit.basis == VelocityBasis::kGross && entry.direction != limit.direction) continue;
    const std::optional<Decimal> requested = measure(balance, limit.layer, limit.direction, limit.basis);
    const std::optional<Decimal> current = measure(before, limit.layer, limit.direction, limit.basis);
    if (!requested || !current) return out_of_range(hit);
    if (*requested <= limit.amount || (hit.of_void && *requested <= *current)) continue;
    const Exceeded exceeded{hit, limit, *current, *requested};
    if (hit.control->frozen.action == VelocityAction::kWarn) {
      warnings.push_back({base::as_one_line(message_of(exceeded)), details_of(exceeded)});
      continue;
    }
    Error error = base::make_error(base::Status::kRejected, "velocity.exceeded", message_of(exceeded));
    error.details = details_of(exceeded);
    return error;
  }
  return {};
}

}  // namespace cala::core
