#include "engine/answers.h"

#include "core/rejection.h"

namespace cala::engine {

base::Result<ShownBalance> shown_balance_of(base::JsonView row) {
  base::Result<core::Balance> balance = store::balance_of(row);
  if (!balance) return std::move(balance.error());
  const base::JsonView type = row.get("normal_balance_type");
  const auto direction = type.present() ? core::parse_direction(type.string()) : std::nullopt;
  return ShownBalance{balance.take(), direction.value_or(core::Direction::kCredit)};
}

store::Call read_call(store::StatementId id, std::string document) {
  return store::Call{.id = id, .document = std::move(document), .writes = false};
}

store::Call write_call(store::StatementId id, std::string document) {
  return store::Call{.id = id, .document = std::move(document), .writes = true};
}

store::Ddl ddl(std::string sql) { return store::Ddl{std::move(sql)}; }

store::Call find_call(store::StatementId id, const Lookup &lookup) {
  base::JsonWriter document;
  document.begin_object().key("by").string(lookup.by).key("keys").begin_array();
  for (const std::string &key : lookup.keys) document.string(key);
  document.end_array().end_object();
  return read_call(id, document.take());
}

Lookup read_lookup(RequestReader &reader, std::initializer_list<const char *> allowed) {
  Lookup lookup;
  std::string names;
  for (const char *key : allowed) {
    names += (names.empty() ? "" : ", ") + std::string(key);
    if (!reader.has(key)) continue;
    if (!lookup.by.empty()) reader.fail("request.malformed", key, "cannot be given together with " + lookup.by);
    lookup.by = key;
    lookup.keys = {lookup.by == "id" ? reader.uuid(key).text() : reader.text(key)};
  }
  if (lookup.by.empty()) reader.fail("request.missing_key", *allowed.begin(), "is required (one of: " + names + ")");
  return lookup;
}

Lookup lookup_ids(const std::vector<base::Uuid> &ids) {
  Lookup lookup{"id", {}};
  for (const base::Uuid &id : ids) lookup.keys.push_back(id.text());
  return lookup;
}

base::Error not_found(std::string_view noun, const Lookup &lookup) {
  return core::not_found(noun, lookup.by, lookup.keys.empty() ? std::string() : lookup.keys.front());
}

base::JsonWriter begin_list(const Page &page) {
  base::JsonWriter document;
  document.begin_object().key("first").integer(page.first + 1).key("after");
  if (page.after) {
    document.string(*page.after);
  } else {
    document.null();
  }
  document.key("desc").boolean(page.descending);
  return document;
}

}  // namespace cala::engine
