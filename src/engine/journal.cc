// The operations on journals.
#include "core/journal/journal.h"

#include <optional>
#include <string>
#include <vector>

#include "engine/ensure.h"
#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::Journal;
using store::StatementId;

constexpr const char *kKeys[] = {"id", "code"};
constexpr Noun<Journal> kJournals = {
    "journal", StatementId::kJournalFind, StatementId::kJournalList, StatementId::kJournalWrite, store::journal_of,
    kKeys};

// closing(closed_until) gives until when the journal is closed then.
template <typename Closing>
OperationPtr make_closing(std::string_view name, const base::Uuid &id, Closing closing) {
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite}, [id, closing](Context context) {
        return change(context, kJournals, id, [closing](Journal &journal) -> std::vector<std::string> {
          const std::optional<base::Date> until = closing(journal.closed_until);
          if (until == journal.closed_until) return {};
          journal.closed_until = until;
          return {"closed_until"};
        });
      });
}

}  // namespace

Result<OperationPtr> journal_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Journal journal = read_new<Journal>(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_create("journal_create", kJournals, std::move(journal));
}

Result<OperationPtr> journal_ensure(Ledger &, const RequestPtr &request) {
  Result<Ensure<Journal>> what = read_ensured(kJournals, request, read_new<Journal>);
  if (!what) return std::move(what.error());
  return make_ensure("journal_ensure", what.take());
}

Result<OperationPtr> journal_find(Ledger &, const RequestPtr &request) {
  return make_find("journal_find", kJournals, request, {"id", "code"});
}

Result<OperationPtr> journal_list(Ledger &, const RequestPtr &request) {
  return make_list("journal_list", kJournals, request, by_status);
}

Result<OperationPtr> journal_update(Ledger &, const RequestPtr &request) {
  return make_update("journal_update", kJournals, request);
}

Result<OperationPtr> journal_lock(Ledger &, const RequestPtr &request) {
  return make_lock("journal_lock", kJournals, request, core::LockStatus::kLocked);
}

Result<OperationPtr> journal_unlock(Ledger &, const RequestPtr &request) {
  return make_lock("journal_unlock", kJournals, request, core::LockStatus::kActive);
}

Result<OperationPtr> journal_close(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const base::Uuid id = reader.uuid("id");
  const base::Date until = reader.date("until");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_closing("journal_close", id,
                      [until](std::optional<base::Date> closed) { return core::closed_at_least(closed, until); });
}

Result<OperationPtr> journal_reopen(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const base::Uuid id = reader.uuid("id");
  std::optional<base::Date> until;
  if (!reader.is_null("until")) until = reader.date("until");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_closing("journal_reopen", id,
                      [until](std::optional<base::Date> closed) { return core::closed_at_most(closed, until); });
}

}  // namespace cala::engine
