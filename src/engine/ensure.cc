#include "engine/ensure.h"

namespace cala::engine {

namespace {

using base::JsonView;

enum class OnDifference : std::uint8_t { kError, kKeep };

std::optional<OnDifference> parse_on_difference(std::string_view word) {
  if (core::is_word(word, "error")) return OnDifference::kError;
  if (core::is_word(word, "keep")) return OnDifference::kKeep;
  return std::nullopt;
}

std::string spaced(std::string_view noun) {
  std::string name(noun);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Below two amounts, or sets of amounts by currency, that differ, the first place that does.
std::string differing_place(const core::AmountLimits &stored, const core::AmountLimits &wanted) {
  if (stored.of.empty() || wanted.of.empty()) return "";
  if (stored.otherwise != wanted.otherwise) return "/*";
  const auto is_in = [](const core::AmountLimits &limits, const std::pair<core::Currency, core::Decimal> &amount) {
    return std::find(limits.of.begin(), limits.of.end(), amount) != limits.of.end();
  };
  for (const auto &amount : wanted.of) {
    if (!is_in(stored, amount)) return "/" + std::string(amount.first.code());
  }
  for (const auto &amount : stored.of) {
    if (!is_in(wanted, amount)) return "/" + std::string(amount.first.code());
  }
  return "";
}

// Below two values that differ, the first place that does.
std::string differing_place(JsonView stored, JsonView wanted, const std::string &pointer) {
  if (stored.present() && wanted.present() && stored.kind() == wanted.kind()) {
    if (stored.is_array()) {
      JsonView a = stored.first(), b = wanted.first();
      std::size_t index = 0;
      for (; a.present() && b.present() && base::json_equal(a, b); a = a.next(), b = b.next()) ++index;
      return differing_place(a, b, pointer + "/" + std::to_string(index));
    }
    if (stored.is_object()) {
      for (const JsonView object : {wanted, stored}) {
        for (const JsonView member : object) {
          const JsonView a = stored.get(member.key()), b = wanted.get(member.key());
          const bool same = a.present() && b.present() && base::json_equal(a, b);
          if (!same) return differing_place(a, b, pointer_below(pointer, member.key()));
        }
      }
    }
  }
  return pointer;
}

}  // namespace

bool read_on_difference(RequestReader &reader) {
  return reader.word("on_difference", OnDifference::kError, parse_on_difference, "error, keep") == OnDifference::kKeep;
}

std::vector<std::string> fields_of(JsonView request) {
  std::vector<std::string> fields;
  for (const JsonView member : request) {
    if (member.key() != "on_difference" && !member.is_null()) fields.emplace_back(member.key());
  }
  return fields;
}

std::optional<std::string> first_difference(JsonView stored, JsonView wanted, const std::vector<std::string> &fields) {
  for (const JsonView member : wanted) {
    if (std::find(fields.begin(), fields.end(), member.key()) == fields.end()) continue;
    const JsonView is = stored.get(member.key());
    if (is.present() && base::json_equal(is, member)) continue;
    return differing_place(is, member, "/" + std::string(member.key()));
  }
  return std::nullopt;
}

std::optional<std::string> first_difference(const core::Floors &stored, const core::Floors &wanted,
                                            std::vector<std::string> &fields) {
  std::optional<std::string> pointer;
  const auto look = [&](const char *field, bool differs, const std::string &place) {
    if (std::erase(fields, field) > 0 && differs && !pointer) pointer = std::string("/") + field + place;
  };
  look("min_available", stored.min != wanted.min, differing_place(stored.min, wanted.min));
  look("max_available", stored.max != wanted.max, differing_place(stored.max, wanted.max));
  look("available_layer", stored.layer != wanted.layer, "");
  return pointer;
}

std::string required_keys(std::span<const char *const> keys) {
  if (keys.size() == 1) return "is required";
  std::string names;
  for (const char *key : keys) names += (names.empty() ? "" : ", ") + std::string(key);
  return "is required (one of: " + names + "), or it could not be found again";
}

base::Error ensure_differs(std::string_view noun, const base::Uuid &id, const std::string &pointer) {
  const std::string field = pointer.substr(1, pointer.find('/', 1) - 1);
  base::Error error =
      base::make_error(base::Status::kConflict, std::string(noun) + ".ensure_differs",
                       "the ledger has this " + spaced(noun) + " (" + id.text() + ") with another " + field);
  base::JsonWriter details;
  details.begin_object().key("id").string(id.text()).key("field").string(field);
  if (pointer.size() > field.size() + 1) details.key("pointer").string(pointer);
  details.end_object();
  error.details = details.take();
  return error;
}

base::Error keys_span(std::string_view noun, const std::vector<base::Uuid> &ids, const std::vector<std::string> &keys) {
  base::Error error =
      base::make_error(base::Status::kConflict, std::string(noun) + ".keys_span",
                       "the keys of this " + spaced(noun) + " belong to " + std::to_string(ids.size()) + " others");
  base::JsonWriter details;
  details.begin_object().key("ids").begin_array();
  for (const base::Uuid &id : ids) details.string(id.text());
  details.end_array().key("keys").begin_array();
  for (const std::string &key : keys) details.string(key);
  details.end_array().end_object();
  error.details = details.take();
  return error;
}

}  // namespace cala::engine
