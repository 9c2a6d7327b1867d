// The operations on accounts.
#include "core/account/account.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/rejection.h"
#include "engine/ensure.h"
#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::JsonView;
using base::Outcome;
using base::Result;
using core::Account;
using store::StatementId;

Outcome refuse_a_set(const Account &account) {
  if (!account.is_set) return {};
  return core::rejection(base::Status::kRejected, "account.is_set",
                         "account " + account.id.text() + " is an account set; it is changed by account_set_update",
                         {{"account_id", account.id.text()}});
}

constexpr const char *kKeys[] = {"id", "code", "external_id"};
constexpr Noun<Account> kAccounts = {"account",
                                     StatementId::kAccountFind,
                                     StatementId::kAccountList,
                                     StatementId::kAccountWrite,
                                     store::account_of,
                                     kKeys,
                                     refuse_a_set};

// An account to be, and the set that it will be in from its birth.
struct NewAccount {
  Account account;
  std::optional<base::Uuid> account_set_id;
};

NewAccount read_new_account(RequestReader &reader) {
  NewAccount created;
  created.account = read_new<Account>(reader);
  created.account_set_id = reader.optional_uuid("account_set_id");
  return created;
}

// The first account of the batch whose value in the column another one of the batch has too.
Outcome refuse_repeats(const std::vector<NewAccount> &accounts) {
  for (const char *column : kKeys) {
    std::unordered_map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      const std::optional<std::string> value = key_of(accounts[i].account, column);
      if (value && !seen.emplace(*value, i).second) {
        return already_exists(kAccounts.name, column, *value, static_cast<std::int64_t>(i));
      }
    }
  }
  return {};
}

Lookup lookup_of(const char *column, const std::vector<Account> &accounts) {
  Lookup lookup{column, {}};
  for (const Account &account : accounts) {
    if (std::optional<std::string> value = key_of(account, column)) lookup.keys.push_back(std::move(*value));
  }
  return lookup;
}

// The first account, in the batch's order, that is there already in that column.
Outcome refuse_taken(const char *column, const std::vector<Account> &accounts, const std::vector<Account> &stored,
                     bool batch) {
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const std::optional<std::string> value = key_of(accounts[i], column);
    if (!value) continue;
    for (const Account &other : stored) {
      if (key_of(other, column) == value) {
        return already_exists(kAccounts.name, column, *value, batch ? static_cast<std::int64_t>(i) : -1);
      }
    }
  }
  return {};
}

Render render_accounts(std::vector<Account> accounts, bool batch) {
  return [accounts = std::move(accounts), batch](base::JsonWriter &out) {
    if (!batch) return render(out, accounts.front());
    out.begin_object().key("accounts");
    render_array(out, accounts);
    out.end_object();
  };
}

// Those of the batch that are born into a set.
std::vector<core::Membership> memberships_of(const std::vector<NewAccount> &created) {
  std::vector<core::Membership> out;
  for (const NewAccount &one : created) {
    if (one.account_set_id) out.push_back({.account_set_id = *one.account_set_id, .member_id = one.account.id});
  }
  return out;
}

// The first set, in the batch's order, that is not there.
Outcome refuse_missing_sets(const std::vector<NewAccount> &created, const std::vector<core::AccountSet> &sets,
                            bool batch) {
  for (std::size_t i = 0; i < created.size(); ++i) {
    const std::optional<base::Uuid> &id = created[i].account_set_id;
    if (!id) continue;
    if (std::any_of(sets.begin(), sets.end(), [&id](const core::AccountSet &set) { return set.id == *id; })) continue;
    base::Error missing = not_found("account_set", lookup_ids({*id}));
    if (batch) {
      base::JsonWriter details;
      details.begin_object().key("id").string(id->text()).key("index").integer(static_cast<std::int64_t>(i));
      missing.details = details.end_object().take();
    }
    return missing;
  }
  return {};
}

Flow create_accounts(Context context, std::vector<NewAccount> created, bool batch) {
  const std::vector<core::Membership> memberships = memberships_of(created);
  std::vector<Account> accounts;
  accounts.reserve(created.size());
  for (NewAccount &one : created) accounts.push_back(std::move(one.account));
  const base::Timestamp now = context.ledger->now();
  for (Account &account : accounts) account.created_at = account.modified_at = now;
  for (const char *column : kKeys) {
    const Lookup lookup = lookup_of(column, accounts);
    if (lookup.keys.empty()) continue;
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup));
    Result<Rows<Account>> stored = rows_of(std::move(answer), store::account_of);
    if (!stored) co_return std::move(stored.error());
    Outcome free = refuse_taken(column, accounts, stored->items, batch);
    if (!free) co_return std::move(free.error());
  }
  if (!memberships.empty()) {
    std::vector<base::Uuid> ids;
    ids.reserve(memberships.size());
    for (const core::Membership &one : memberships) ids.push_back(one.account_set_id);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup_ids(ids)));
    Result<Rows<core::AccountSet>> sets = rows_of(std::move(answer), store::account_set_of);
    if (!sets) co_return std::move(sets.error());
    if (Outcome found = refuse_missing_sets(created, sets->items, batch); !found) co_return std::move(found.error());
  }
  EntityWrite<Account> write(kAccounts.write, kAccounts.name, now);
  for (const Account &account : accounts) write.insert(account);
  for (const core::Membership &membership : memberships) write.join(membership);
  if (accounts.empty()) co_return render_accounts(std::move(accounts), batch);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_accounts(std::move(accounts), batch);
}

Result<OperationPtr> make_create_accounts(std::vector<NewAccount> accounts, bool batch) {
  for (NewAccount &one : accounts) {
    if (one.account.id.is_nil()) one.account.id = base::new_uuid();
  }
  if (Outcome distinct = refuse_repeats(accounts); !distinct) return std::move(distinct.error());
  return std::make_unique<Operation>(
      batch ? "account_create_many" : "account_create", Operation::Traits{.access = store::Access::kWrite},
      [accounts = std::move(accounts), batch](Context context) { return create_accounts(context, accounts, batch); });
}

}  // namespace

Result<OperationPtr> account_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<NewAccount> accounts = {read_new_account(reader)};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_create_accounts(std::move(accounts), false);
}

Result<OperationPtr> account_create_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<NewAccount> accounts;
  for (const JsonView item : reader.array("accounts", kMaxBatch)) {
    RequestReader one(item, "/accounts/" + std::to_string(accounts.size()));
    accounts.push_back(read_new_account(one));
    reader.adopt(one.finish());
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_create_accounts(std::move(accounts), true);
}

Result<OperationPtr> account_ensure(Ledger &, const RequestPtr &request) {
  Result<Ensure<Account>> what = read_ensured(kAccounts, request, read_new<Account>);
  if (!what) return std::move(what.error());
  return make_ensure("account_ensure", what.take());
}

Result<OperationPtr> account_find(Ledger &, const RequestPtr &request) {
  return make_find("account_find", kAccounts, request, {"id", "code", "external_id"});
}

Result<OperationPtr> account_find_many(Ledger &, const RequestPtr &request) {
  return make_find_many("account_find_many", kAccounts, request, "accounts");
}

Result<OperationPtr> account_list(Ledger &, const RequestPtr &request) {
  return make_list("account_list", kAccounts, request, [](RequestReader &reader, base::JsonWriter &document) {
    if (const auto prefix = reader.optional_text("code_prefix")) document.key("code_prefix").string(*prefix);
    by_status(reader, document);
  });
}

Result<OperationPtr> account_update(Ledger &, const RequestPtr &request) {
  return make_update("account_update", kAccounts, request);
}

Result<OperationPtr> account_lock(Ledger &, const RequestPtr &request) {
  return make_lock("account_lock", kAccounts, request, core::LockStatus::kLocked);
}

Result<OperationPtr> account_unlock(Ledger &, const RequestPtr &request) {
  return make_lock("account_unlock", kAccounts, request, core::LockStatus::kActive);
}

}  // namespace cala::engine
