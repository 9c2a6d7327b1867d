// Ensure: what a program runs at each of its starts. The row is created, or found by any of its keys and then compared
// with what was asked for: only the fields that the request has,
// as everything else may have been changed since, and rightly.
//
// A noun takes part with its lookups; its content is compared as it is rendered. Two that race for one row: the store
// answers the later one "<noun>.exists" without having written, and it looks again.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/noun.h"

namespace cala::engine {

// What must be there, or must not, for the row to be created; asked only where it is not found.
struct EnsureNeed {
  store::Call call;
  std::function<base::Outcome(base::Result<store::Answer>)> check;
};

template <typename T>
struct Ensure {
  Noun<T> noun;
  T entity;                           // as it would be created
  bool id_given = false;              // else the library has made it
  std::vector<Lookup> keys;           // by any of which it is found; at least one, each of one key
  std::vector<std::string> compared;  // the fields
  bool keep = false;                  // a found one may differ
  std::vector<EnsureNeed> needs{};    // in order
};

// Whether "on_difference" says "keep".
bool read_on_difference(RequestReader &reader);
// The fields that the request has, but for on_difference and those that are null.
std::vector<std::string> fields_of(base::JsonView request);

// The JSON pointer of the first place at which one of the fields differs, in the order of `wanted`.
std::optional<std::string> first_difference(base::JsonView stored, base::JsonView wanted,
                                            const std::vector<std::string> &fields);

// The same of what must stay available, or may be there at most: amounts differ by value, "0" is {"*": "0.00"}. Their
// fields are taken out of the others.
std::optional<std::string> first_difference(const core::Floors &stored, const core::Floors &wanted,
                                            std::vector<std::string> &fields);

// What is said where none of the keys is given.
std::string required_keys(std::span<const char *const> keys);
// kConflict "<noun>.ensure_differs" and "<noun>.keys_span".
base::Error ensure_differs(std::string_view noun, const base::Uuid &id, const std::string &pointer);
base::Error keys_span(std::string_view noun, const std::vector<base::Uuid> &ids, const std::vector<std::string> &keys);

template <typename T>
base::Outcome compare(const Ensure<T> &what, const T &stored) {
  if (what.keep) return {};
  base::JsonWriter documents[2];
  render(documents[0], stored);
  render(documents[1], what.entity);
  const base::Result<base::Json> is = base::Json::parse(documents[0].text());
  const base::Result<base::Json> wanted = base::Json::parse(documents[1].text());
  if (!is) return base::Error(is.error());
  if (!wanted) return base::Error(wanted.error());
  std::vector<std::string> fields = what.compared;
  std::optional<std::string> of_floors;
  if constexpr (requires { stored.floors; }) of_floors = first_difference(stored.floors, what.entity.floors, fields);
  std::optional<std::string> pointer = first_difference(is->root(), wanted->root(), fields);
  if (!pointer) pointer = std::move(of_floors);
  if (pointer) return ensure_differs(what.noun.name, stored.id, *pointer);
  return {};
}

template <typename T>
Render render_ensured(const char *noun, T entity, bool created) {
  return [noun, created, entity = std::move(entity)](base::JsonWriter &out) {
    out.begin_object().key("created").boolean(created).key(noun);
    render(out, entity);
    out.end_object();
  };
}

template <typename T>
Flow ensure(Context context, Ensure<T> what) {
  constexpr int kMaxLooks = 8;
  for (int looks = 1;; ++looks) {
    std::vector<T> found;
    std::vector<base::Uuid> ids;
    std::vector<std::string> keys;
    for (const Lookup &lookup : what.keys) {
      base::Result<store::Answer> answer = co_await ask(find_call(what.noun.find, lookup));
      base::Result<Rows<T>> rows = rows_of(std::move(answer), what.noun.read);
      if (!rows) co_return std::move(rows.error());
      if (rows->items.empty()) continue;
      keys.push_back(lookup.by);
      T &row = rows->items.front();
      if constexpr (requires { row.is_set; }) {  // its id or code is a set's, which is another noun
        if (row.is_set != what.entity.is_set)
          co_return already_exists(what.noun.name, lookup.by, lookup.keys.front(), -1);
      }
      if (std::find(ids.begin(), ids.end(), row.id) != ids.end()) continue;
      ids.push_back(row.id);
      found.push_back(std::move(row));
    }
    if (found.size() > 1) co_return keys_span(what.noun.name, ids, keys);
    if (found.size() == 1) {
      base::Outcome same = compare(what, found.front());
      if (!same) co_return std::move(same.error());
      // An id that nobody else knows: created by this operation, whose commit's answer was lost.
      const bool created = !what.id_given && found.front().id == what.entity.id;
      co_return render_ensured(what.noun.name, std::move(found.front()), created);
    }
    for (const EnsureNeed &need : what.needs) {
      base::Result<store::Answer> answer = co_await ask(need.call);
      base::Outcome met = need.check(std::move(answer));
      if (!met) co_return std::move(met.error());
    }
    what.entity.created_at = what.entity.modified_at = context.ledger->now();
    EntityWrite<T> write(what.noun.write, what.noun.name, what.entity.created_at);
    write.insert(what.entity);
    base::Outcome written = co_await ask_write(write, context);
    if (written) co_return render_ensured(what.noun.name, std::move(what.entity), true);
    base::Error error = std::move(written.error());
    const bool lost_the_race = error.code == std::string(what.noun.name) + ".exists";
    if (!lost_the_race || looks == kMaxLooks) co_return std::move(error);
    if (!context.inside && !context.host) {  // its transaction is over
      error.retryable = true;
      co_return std::move(error);
    }
  }
}

// read(reader) gives what would be created. It is found by its id, where that was given, and by the noun's other keys.
template <typename T, typename Read>
base::Result<Ensure<T>> read_ensured(const Noun<T> &noun, const RequestPtr &request, Read read) {
  RequestReader reader(request->root());
  Ensure<T> what{.noun = noun, .entity = {}, .keys = {}, .compared = fields_of(request->root())};
  what.keep = read_on_difference(reader);
  what.entity = read(reader);
  what.id_given = !what.entity.id.is_nil();
  for (const char *field : noun.unique) {
    const bool drawn = field == std::string_view("id") && !what.id_given;
    const std::optional<std::string> key = key_of(what.entity, field);
    if (key && !drawn) what.keys.push_back({field, {*key}});
  }
  if (what.keys.empty()) reader.fail("request.missing_key", noun.unique.front(), required_keys(noun.unique));
  if (base::Outcome finished = reader.finish(); !finished) return std::move(finished.error());
  if (!what.id_given) what.entity.id = base::new_uuid();
  return what;
}

template <typename T>
base::Result<OperationPtr> make_ensure(std::string_view operation, Ensure<T> what) {
  return std::make_unique<Operation>(operation, Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
                                     [what = std::move(what)](Context context) { return ensure(context, what); });
}

}  // namespace cala::engine
