// Reading what the store answered to a Call: rows into the ledger's values, and the requests that most nouns share
// (find by keys, one page of a list).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/json_repair.h"
#include "engine/render.h"
#include "engine/request.h"
#include "store/port.h"
#include "store/rows.h"

namespace cala::engine {

template <typename T>
struct Rows {
  std::vector<T> items;
  std::vector<std::string> cursors;  // of a list, one an item
};

base::Result<ShownBalance> shown_balance_of(base::JsonView row);

// {rows: [...]} by a row reader of store/rows.h.
template <typename T>
base::Result<Rows<T>> rows_of(base::Result<store::Answer> answer, base::Result<T> (*read)(base::JsonView)) {
  if (!answer) return std::move(answer.error());
  base::Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  const base::JsonView rows = json->root().is_object() ? json->root().get("rows") : base::JsonView();
  if (!rows.present() || !rows.is_array()) {
    return base::make_error(base::Status::kInternal, "store.corrupt", "the store gave an answer without rows");
  }
  Rows<T> out;
  for (const base::JsonView row : rows) {
    base::Result<T> item = read(row);
    if (!item) return std::move(item.error());
    out.items.push_back(item.take());
    if (row.get("cursor").present()) out.cursors.emplace_back(row.get("cursor").string());
  }
  return out;
}

// Requests made by plain calls, as flow.h asks for.
store::Call read_call(store::StatementId id, std::string document);
store::Call write_call(store::StatementId id, std::string document);
store::Ddl ddl(std::string sql);

// A find by one kind of key.
struct Lookup {
  std::string by;  // "id", "code", "external_id"
  std::vector<std::string> keys;
};
store::Call find_call(store::StatementId id, const Lookup &lookup);
// Exactly one of the keys in `allowed` (e.g. {"id", "code"}) from a find's request.
Lookup read_lookup(RequestReader &reader, std::initializer_list<const char *> allowed);
Lookup lookup_ids(const std::vector<base::Uuid> &ids);
// kNotFound "<noun>.not_found", naming the key.
base::Error not_found(std::string_view noun, const Lookup &lookup);

// Begins the document of a list: {first (one more than asked, to know whether there is a next page), after, desc, ...
base::JsonWriter begin_list(const Page &page);

// Renders one page from up to first + 1 rows.
template <typename T>
void render_page(base::JsonWriter &out, const Rows<T> &rows, const Page &page, std::string_view noun) {
  const auto first = static_cast<std::size_t>(page.first);
  const std::size_t shown = rows.items.size() > first ? first : rows.items.size();
  out.begin_object().key("items").begin_array();
  for (std::size_t i = 0; i < shown; ++i) render(out, rows.items[i]);
  out.end_array().key("has_next_page").boolean(rows.items.size() > first);
  if (shown > 0) out.key("end_cursor").string(encode_cursor(noun, rows.cursors[shown - 1]));
  out.end_object();
}

}  // namespace cala::engine
