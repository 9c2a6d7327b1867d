// Noun: a kind of entity as the operations see it: what it is called, how the store keeps it, what no two of it may
// have in common. And the shapes of operation that most of them have:
// find, list, create, change, ensure (engine/ensure.h).
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/request_fields.h"
#include "engine/answers.h"
#include "engine/entity_write.h"
#include "engine/makers.h"

namespace cala::engine {

using core::Change;
using core::read_change;
using core::read_new;

template <typename T>
struct Noun {
  const char *name;  // "account": also a key of answers and of events
  store::StatementId find;
  store::StatementId list;
  store::StatementId write;
  base::Result<T> (*read)(base::JsonView row);
  std::span<const char *const> unique;  // fields, "id" first
  base::Outcome (*changeable)(const T &stored) = nullptr;
  base::Outcome (*sound)(const T &changed) = nullptr;
};

// What an entity has in a field by which it is found; none where it has nothing there.
template <core::Listed T>
std::optional<std::string> key_of(const T &entity, std::string_view field) {
  std::optional<std::string> out;
  core::Fields<T>::each([&](std::string_view key, auto member, const core::FieldKind &) {
    using Field = std::remove_cvref_t<decltype(entity.*member)>;
    if (key != field) return;
    if constexpr (std::is_same_v<Field, base::Uuid>) {
      out = (entity.*member).text();
    } else if constexpr (std::is_same_v<Field, std::string> || std::is_same_v<Field, std::optional<std::string>>) {
      out = entity.*member;
    }
  });
  return out;
}

// The rows of accounts are those of account sets too, which are another noun.
template <typename T>
bool is_of_another_noun(const T &row) {
  if constexpr (requires { row.is_set; }) return row.is_set;
  return false;
}

template <typename T>
Render render_one(T entity) {
  return [entity = std::move(entity)](base::JsonWriter &out) { render(out, entity); };
}

template <typename T>
Flow find(Context, Noun<T> noun, Lookup lookup) {
  base::Result<store::Answer> answer = co_await ask(find_call(noun.find, lookup));
  base::Result<Rows<T>> rows = rows_of(std::move(answer), noun.read);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty() || is_of_another_noun(rows->items.front())) co_return not_found(noun.name, lookup);
  co_return render_one(std::move(rows->items.front()));
}

// {<key>: [...]}, in the order of the ids; missing ones are left out.
template <typename T>
Flow find_many(Context, Noun<T> noun, std::vector<base::Uuid> ids, const char *key) {
  base::Result<store::Answer> answer = co_await ask(find_call(noun.find, lookup_ids(ids)));
  base::Result<Rows<T>> rows = rows_of(std::move(answer), noun.read);
  if (!rows) co_return std::move(rows.error());
  std::unordered_map<base::Uuid, const T *, base::UuidHash> by_id;
  for (const T &row : rows->items) {
    if (!is_of_another_noun(row)) by_id[row.id] = &row;
  }
  std::vector<T> found;
  for (const base::Uuid &id : ids) {
    const auto at = by_id.find(id);
    if (at != by_id.end()) found.push_back(*at->second);
  }
  co_return Render([found = std::move(found), key](base::JsonWriter &out) {
    out.begin_object().key(key);
    render_array(out, found);
    out.end_object();
  });
}

template <typename T>
Flow list(Context, Noun<T> noun, Page page, std::string document) {
  base::Result<store::Answer> answer = co_await ask(read_call(noun.list, document));
  base::Result<Rows<T>> rows = rows_of(std::move(answer), noun.read);
  if (!rows) co_return std::move(rows.error());
  co_return Render(
      [rows = rows.take(), page, name = noun.name](base::JsonWriter &out) { render_page(out, rows, page, name); });
}

template <typename T>
Flow create(Context context, Noun<T> noun, T entity) {
  entity.created_at = entity.modified_at = context.ledger->now();
  for (const char *field : noun.unique) {
    const std::optional<std::string> key = key_of(entity, field);
    if (!key) continue;
    const Lookup lookup{field, {*key}};
    base::Result<store::Answer> answer = co_await ask(find_call(noun.find, lookup));
    base::Result<Rows<T>> rows = rows_of(std::move(answer), noun.read);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(noun.name, field, *key, -1);
  }
  EntityWrite<T> write(noun.write, noun.name, entity.created_at);
  write.insert(entity);
  base::Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_one(std::move(entity));
}

// alter(entity) gives the names of the fields that it changed.
template <typename T, typename Alter>
Flow change(Context context, Noun<T> noun, base::Uuid id, Alter alter) {
  const Lookup lookup = lookup_ids({id});
  base::Result<store::Answer> answer = co_await ask(find_call(noun.find, lookup));
  base::Result<Rows<T>> rows = rows_of(std::move(answer), noun.read);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(noun.name, lookup);
  T entity = std::move(rows->items.front());
  base::Outcome allowed;
  if (noun.changeable != nullptr) allowed = noun.changeable(entity);
  if (!allowed) co_return std::move(allowed.error());
  const std::vector<std::string> fields = alter(entity);
  if (fields.empty()) co_return render_one(std::move(entity));
  if (noun.sound != nullptr) allowed = noun.sound(entity);
  if (!allowed) co_return std::move(allowed.error());
  for (const char *field : noun.unique) {
    const std::optional<std::string> key = key_of(entity, field);
    if (!key || std::find(fields.begin(), fields.end(), field) == fields.end()) continue;
    const Lookup taken{field, {*key}};
    base::Result<store::Answer> others = co_await ask(find_call(noun.find, taken));
    base::Result<Rows<T>> stored = rows_of(std::move(others), noun.read);
    if (!stored) co_return std::move(stored.error());
    if (!stored->items.empty()) co_return already_exists(noun.name, field, *key, -1);
  }
  entity.version += 1;
  entity.modified_at = std::max(entity.modified_at, context.ledger->now());
  EntityWrite<T> write(noun.write, noun.name, entity.modified_at);
  write.update(entity, fields);
  base::Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_one(std::move(entity));
}

// Makers: what an operation's request comes to.

template <typename T>
base::Result<OperationPtr> make_find(std::string_view name, const Noun<T> &noun, const RequestPtr &request,
                                     std::initializer_list<const char *> by) {
  RequestReader reader(request->root());
  const Lookup lookup = read_lookup(reader, by);
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(name, Operation::Traits{},
                                     [noun, lookup](Context context) { return find(context, noun, lookup); });
}

template <typename T>
base::Result<OperationPtr> make_find_many(std::string_view name, const Noun<T> &noun, const RequestPtr &request,
                                          const char *key) {
  RequestReader reader(request->root());
  const std::vector<base::Uuid> ids = reader.uuids("ids", kMaxBatch);
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(name, Operation::Traits{},
                                     [noun, ids, key](Context context) { return find_many(context, noun, ids, key); });
}

// filter(reader, document) writes what the list is narrowed to.
template <typename T, typename Filter>
base::Result<OperationPtr> make_list(std::string_view name, const Noun<T> &noun, const RequestPtr &request,
                                     Filter filter) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, noun.name);
  base::JsonWriter document = begin_list(page);
  filter(reader, document);
  document.end_object();
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(name, Operation::Traits{}, [noun, page, text = document.take()](Context context) {
    return list(context, noun, page, text);
  });
}

template <typename T>
base::Result<OperationPtr> make_list(std::string_view name, const Noun<T> &noun, const RequestPtr &request) {
  return make_list(name, noun, request, [](RequestReader &, base::JsonWriter &) {});
}

// A filter: of that status.
inline void by_status(RequestReader &reader, base::JsonWriter &document) {
  if (!reader.has("status")) return;
  using Words = core::WordsOf<core::LockStatus>;
  document.key("status").string(
      Words::text(reader.word("status", core::LockStatus::kActive, Words::parse, Words::all)));
}

template <typename T>
base::Result<OperationPtr> make_create(std::string_view name, const Noun<T> &noun, T entity) {
  if (entity.id.is_nil()) entity.id = base::new_uuid();
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite},
      [noun, entity = std::move(entity)](Context context) { return create(context, noun, entity); });
}

template <typename T>
base::Result<OperationPtr> make_change(std::string_view name, const Noun<T> &noun, Change<T> what) {
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite}, [noun, what = std::move(what)](Context context) {
        return change(context, noun, what.id, [what](T &entity) { return apply(entity, what); });
      });
}

template <typename T>
base::Result<OperationPtr> make_update(std::string_view name, const Noun<T> &noun, const RequestPtr &request) {
  RequestReader reader(request->root());
  Change<T> what = read_change<T>(reader);
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change(name, noun, std::move(what));
}

template <typename T>
base::Result<OperationPtr> make_lock(std::string_view name, const Noun<T> &noun, const RequestPtr &request,
                                     core::LockStatus status) {
  RequestReader reader(request->root());
  Change<T> what;
  what.id = reader.uuid("id");
  what.to.status = status;
  what.given = {"status"};
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change(name, noun, std::move(what));
}

}  // namespace cala::engine
