// Two-phase commit, once a transaction is prepared: which there are, and how one ends.
#include "engine/prepared.h"

#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

constexpr std::string_view kNoun = "prepared";
// PostgreSQL takes 199, and what stands before ours may have 80.
constexpr std::size_t kLongestGid = 100;
constexpr const char *kGidRule = "must be 1 to 100 bytes of UTF-8, without a NUL";

bool is_gid(std::string_view gid) {
  return !gid.empty() && gid.size() <= kLongestGid && gid.find('\0') == std::string_view::npos &&
         base::is_valid_utf8(gid);
}

struct Prepared {
  std::string gid;
  std::string owner;
  base::Timestamp prepared_at;
  std::int64_t age_ms = 0;
  store::EndPrepared end;
};

Result<Prepared> prepared_of(base::JsonView row) {
  const std::optional<std::int64_t> prepared_at = row.get("prepared_at").integer();
  if (!prepared_at) {
    return base::make_error(base::Status::kInternal, "store.corrupt", "a prepared transaction has no time");
  }
  Prepared out;
  out.gid = row.get("gid").string();
  out.owner = row.get("owner").string();
  out.prepared_at = base::Timestamp::from_micros(*prepared_at);
  out.age_ms = row.get("age_ms").integer().value_or(0);
  out.end.name = row.get("name").string();
  out.end.transaction = row.get("transaction").string();
  return out;
}

void render(base::JsonWriter &out, const Prepared &prepared) {
  out.begin_object().key("gid").string(prepared.gid).key("owner").string(prepared.owner);
  out.key("prepared_at").string(prepared.prepared_at.micros_text()).key("age_ms").integer(prepared.age_ms).end_object();
}

store::Call list_call(const Page &page, const std::optional<std::string> &gid) {
  base::JsonWriter document = begin_list(page);
  if (gid) document.key("gid").string(*gid);
  document.end_object();
  return read_call(StatementId::kPreparedList, document.take());
}

store::Call named_call(const std::string &gid) { return list_call(Page{}, gid); }

base::Error no_prepared(const std::string &gid) {
  base::Error error = base::make_error(base::Status::kNotFound, "prepared.not_found",
                                       "no transaction of this ledger is prepared under this gid");
  base::JsonWriter details;
  error.details = details.begin_object().key("gid").string(gid).end_object().take();
  return error;
}

Flow list_prepared(Context, Page page) {
  Result<store::Answer> answer = co_await ask(list_call(page, std::nullopt));
  Result<Rows<Prepared>> rows = rows_of(std::move(answer), prepared_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

Flow finish(Context context, std::string gid, bool commit) {
  Result<store::Answer> answer = co_await ask(named_call(gid));
  Result<Rows<Prepared>> rows = rows_of(std::move(answer), prepared_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return no_prepared(gid);
  store::EndPrepared end = std::move(rows->items.front().end);
  end.commit = commit;
  Result<store::Answer> ended = co_await ask(std::move(end));
  if (!ended && ended.error().code == "prepared.not_found") co_return no_prepared(gid);
  if (!ended) co_return std::move(ended.error());
  if (commit) context.ledger->balances_follow();
  co_return Render([gid, commit](base::JsonWriter &out) {
    out.begin_object().key("gid").string(gid).key("outcome").string(commit ? "commit" : "rollback").end_object();
  });
}

std::optional<bool> parse_commit(std::string_view word) {
  if (core::is_word(word, "commit")) return true;
  if (core::is_word(word, "rollback")) return false;
  return std::nullopt;
}

}  // namespace

Outcome check_gid(std::string_view gid) {
  if (is_gid(gid)) return {};
  base::Error error = base::make_error(base::Status::kInvalid, "request.malformed", std::string("\"gid\" ") + kGidRule);
  error.details = R"({"pointer":"/gid"})";
  return error;
}

Result<OperationPtr> tx_finish(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::string gid = reader.text("gid");
  if (!reader.failed() && !is_gid(gid)) reader.fail("request.malformed", "gid", kGidRule);
  if (!reader.has("outcome")) reader.fail("request.missing_key", "outcome", "is required (commit or rollback)");
  const bool commit = reader.word("outcome", false, parse_commit, "commit, rollback");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  traits.inside = Operation::Inside::kNone;
  return std::make_unique<Operation>("tx_finish", traits,
                                     [gid, commit](Context context) { return finish(context, gid, commit); });
}

Result<OperationPtr> prepared_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("prepared_list", Operation::Traits{},
                                     [page](Context context) { return list_prepared(context, page); });
}

}  // namespace cala::engine
