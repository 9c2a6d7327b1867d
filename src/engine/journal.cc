// The operations on journals.
#include <algorithm>
#include <utility>

#include "engine/answers.h"
#include "engine/ensure.h"
#include "engine/entity_write.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::Journal;
using store::StatementId;

constexpr const char *kNoun = "journal";

Render render_journal(Journal journal) {
  return [journal = std::move(journal)](base::JsonWriter &out) { render(out, journal); };
}

Flow create_journal(Context context, Journal journal) {
  journal.created_at = journal.modified_at = context.ledger->now();
  std::vector<Lookup> unique = {lookup_ids({journal.id})};
  if (journal.code) unique.push_back({"code", {*journal.code}});
  for (const Lookup &lookup : unique) {
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kJournalFind, lookup));
    Result<Rows<Journal>> rows = rows_of(std::move(answer), store::journal_of);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(kNoun, lookup.by, lookup.keys.front(), -1);
  }
  EntityWrite<Journal> write(StatementId::kJournalWrite, kNoun, journal.created_at);
  write.insert(journal);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_journal(std::move(journal));
}

Flow find_journal(Context, Lookup lookup) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kJournalFind, lookup));
  Result<Rows<Journal>> rows = rows_of(std::move(answer), store::journal_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  co_return render_journal(std::move(rows->items.front()));
}

Flow list_journals(Context, Page page, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kJournalList, document));
  Result<Rows<Journal>> rows = rows_of(std::move(answer), store::journal_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

core::MaxScale read_max_scale(RequestReader &reader) {
  Result<core::MaxScale> scale = core::MaxScale::parse(reader.any("max_scale"), reader.pointer_to("max_scale"));
  if (scale) return scale.take();
  reader.adopt(std::move(scale.error()));
  return {};
}

struct JournalChange {
  base::Uuid id;
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> description;
  std::optional<core::LockStatus> status;
  std::optional<core::MaxScale> max_scale;
};

std::vector<std::string> apply(Journal &journal, const JournalChange &change) {
  std::vector<std::string> fields;
  if (change.name && *change.name != journal.name) {
    journal.name = *change.name;
    fields.emplace_back("name");
  }
  if (change.status && *change.status != journal.status) {
    journal.status = *change.status;
    fields.emplace_back("status");
  }
  if (change.max_scale && *change.max_scale != journal.max_scale) {
    journal.max_scale = *change.max_scale;
    fields.emplace_back("max_scale");
  }
  if (change.description && *change.description != journal.description) {
    journal.description = *change.description;
    fields.emplace_back("description");
  }
  return fields;
}

Flow change_journal(Context context, JournalChange change) {
  const Lookup lookup = lookup_ids({change.id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kJournalFind, lookup));
  Result<Rows<Journal>> rows = rows_of(std::move(answer), store::journal_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  Journal journal = rows->items.front();
  const std::vector<std::string> fields = apply(journal, change);
  if (fields.empty()) co_return render_journal(std::move(journal));
  journal.version += 1;
  journal.modified_at = std::max(journal.modified_at, context.ledger->now());
  EntityWrite<Journal> write(StatementId::kJournalWrite, kNoun, journal.modified_at);
  write.update(journal, fields);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_journal(std::move(journal));
}

Journal read_journal(RequestReader &reader) {
  Journal journal;
  journal.id = reader.optional_uuid("id").value_or(base::Uuid{});
  journal.name = reader.name("name");
  journal.code = reader.optional_name("code");
  journal.description = reader.optional_text("description");
  journal.status = reader.word("status", core::LockStatus::kActive, core::parse_lock_status, "active, locked");
  journal.effective_balances = reader.boolean("effective_balances", false);
  if (reader.has("max_scale")) journal.max_scale = read_max_scale(reader);
  return journal;
}

Result<OperationPtr> make_change(std::string_view name, JournalChange change) {
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite},
      [change = std::move(change)](Context context) { return change_journal(context, change); });
}

Result<OperationPtr> make_lock(std::string_view name, const RequestPtr &request, core::LockStatus status) {
  RequestReader reader(request->root());
  JournalChange change;
  change.id = reader.uuid("id");
  change.status = status;
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change(name, std::move(change));
}

}  // namespace

Result<OperationPtr> journal_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Journal journal = read_journal(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (journal.id.is_nil()) journal.id = base::new_uuid();
  return std::make_unique<Operation>(
      "journal_create", Operation::Traits{.access = store::Access::kWrite},
      [journal = std::move(journal)](Context context) { return create_journal(context, journal); });
}

Result<OperationPtr> journal_ensure(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Ensure<Journal> what{
      {kNoun, StatementId::kJournalFind, StatementId::kJournalWrite, store::journal_of}, {}, {}, {}, {}, {}};
  what.keep = read_on_difference(reader);
  what.entity = read_journal(reader);
  what.id_given = !what.entity.id.is_nil();
  if (!what.id_given && !what.entity.code) {
    reader.fail("request.missing_key", "id", "is required (one of: id, code), or it could not be found again");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (what.id_given) what.keys.push_back(lookup_ids({what.entity.id}));
  if (!what.id_given) what.entity.id = base::new_uuid();
  if (what.entity.code) what.keys.push_back({"code", {*what.entity.code}});
  what.compared = fields_of(request->root());
  return make_ensure("journal_ensure", std::move(what));
}

Result<OperationPtr> journal_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Lookup lookup = read_lookup(reader, {"id", "code"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("journal_find", Operation::Traits{},
                                     [lookup](Context context) { return find_journal(context, lookup); });
}

Result<OperationPtr> journal_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  const bool by_status = reader.has("status");
  const auto status = reader.word("status", core::LockStatus::kActive, core::parse_lock_status, "active, locked");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  if (by_status) document.key("status").string(core::text_of(status));
  document.end_object();
  return std::make_unique<Operation>(
      "journal_list", Operation::Traits{},
      [page, text = document.take()](Context context) { return list_journals(context, page, text); });
}

Result<OperationPtr> journal_update(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  JournalChange change;
  change.id = reader.uuid("id");
  change.name = reader.optional_name("name");
  if (reader.is_null("name")) reader.fail("request.malformed", "name", "cannot be cleared");
  if (reader.is_null("max_scale")) reader.fail("request.malformed", "max_scale", "cannot be cleared");
  if (reader.has("max_scale")) change.max_scale = read_max_scale(reader);
  if (reader.any("description").present()) change.description = reader.optional_text("description");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change("journal_update", std::move(change));
}

Result<OperationPtr> journal_lock(Ledger &, const RequestPtr &request) {
  return make_lock("journal_lock", request, core::LockStatus::kLocked);
}

Result<OperationPtr> journal_unlock(Ledger &, const RequestPtr &request) {
  return make_lock("journal_unlock", request, core::LockStatus::kActive);
}

}  // namespace cala::engine
