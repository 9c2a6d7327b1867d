// The operations on accounts.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/rejection.h"
#include "engine/answers.h"
#include "engine/ensure.h"
#include "engine/entity_write.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::JsonView;
using base::Outcome;
using base::Result;
using core::Account;
using store::StatementId;

constexpr const char *kNoun = "account";

// An account to be, and the set that it will be in from its birth.
struct NewAccount {
  Account account;
  std::optional<base::Uuid> account_set_id;
};

Account read_account(RequestReader &reader) {
  Account account;
  account.id = reader.optional_uuid("id").value_or(base::Uuid{});
  account.code = reader.name("code");
  account.name = reader.name("name");
  account.external_id = reader.optional_text("external_id");
  account.normal_balance_type =
      reader.word("normal_balance_type", core::Direction::kCredit, core::parse_direction, "debit, credit");
  account.status = reader.word("status", core::LockStatus::kActive, core::parse_lock_status, "active, locked");
  account.description = reader.optional_text("description");
  account.metadata = reader.optional_json("metadata");
  account.balance_rollup = reader.word("balance_rollup", core::BalanceRollup::kSynchronous, core::parse_balance_rollup,
                                       "synchronous, eventually_consistent");
  account.floors = read_floors(reader);
  return account;
}

NewAccount read_new_account(RequestReader &reader) {
  NewAccount created;
  created.account = read_account(reader);
  created.account_set_id = reader.optional_uuid("account_set_id");
  return created;
}

// Columns in which no two accounts may agree.
struct UniqueColumn {
  const char *name;
  std::optional<std::string> (*value)(const Account &);
};
constexpr UniqueColumn kUniqueColumns[] = {
    {"id", [](const Account &a) { return std::optional<std::string>(a.id.text()); }},
    {"code", [](const Account &a) { return std::optional<std::string>(a.code); }},
    {"external_id", [](const Account &a) { return a.external_id; }},
};

// The first account of the batch whose value in the column another one of the batch has too.
Outcome refuse_repeats(const std::vector<NewAccount> &accounts) {
  for (const UniqueColumn &column : kUniqueColumns) {
    std::unordered_map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      const std::optional<std::string> value = column.value(accounts[i].account);
      if (value && !seen.emplace(*value, i).second) {
        return already_exists(kNoun, column.name, *value, static_cast<std::int64_t>(i));
      }
    }
  }
  return {};
}

Lookup lookup_of(const UniqueColumn &column, const std::vector<Account> &accounts) {
  Lookup lookup{column.name, {}};
  for (const Account &account : accounts) {
    if (std::optional<std::string> value = column.value(account)) lookup.keys.push_back(std::move(*value));
  }
  return lookup;
}

// The first account, in the batch's order, that is there already in that column.
Outcome refuse_taken(const UniqueColumn &column, const std::vector<Account> &accounts,
                     const std::vector<Account> &stored, bool batch) {
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const std::optional<std::string> value = column.value(accounts[i]);
    if (!value) continue;
    for (const Account &other : stored) {
      if (column.value(other) == value) {
        return already_exists(kNoun, column.name, *value, batch ? static_cast<std::int64_t>(i) : -1);
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
    if (one.account_set_id) out.push_back({*one.account_set_id, one.account.id, false});
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
  for (const UniqueColumn &column : kUniqueColumns) {
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
  EntityWrite<Account> write(StatementId::kAccountWrite, kNoun, now);
  for (const Account &account : accounts) write.insert(account);
  for (const core::Membership &membership : memberships) write.join(membership);
  if (accounts.empty()) co_return render_accounts(std::move(accounts), batch);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_accounts(std::move(accounts), batch);
}

Result<OperationPtr> make_create(std::vector<NewAccount> accounts, bool batch) {
  for (NewAccount &one : accounts) {
    if (one.account.id.is_nil()) one.account.id = base::new_uuid();
  }
  if (Outcome distinct = refuse_repeats(accounts); !distinct) return std::move(distinct.error());
  return std::make_unique<Operation>(
      batch ? "account_create_many" : "account_create", Operation::Traits{.access = store::Access::kWrite},
      [accounts = std::move(accounts), batch](Context context) { return create_accounts(context, accounts, batch); });
}

Flow find_account(Context, Lookup lookup) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup));
  Result<Rows<Account>> rows = rows_of(std::move(answer), store::account_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty() || rows->items.front().is_set) co_return not_found(kNoun, lookup);
  co_return render_accounts(std::move(rows->items), false);
}

Flow find_accounts(Context, std::vector<base::Uuid> ids) {
  std::vector<Account> found;
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup_ids(ids)));
  Result<Rows<Account>> rows = rows_of(std::move(answer), store::account_of);
  if (!rows) co_return std::move(rows.error());
  std::unordered_map<base::Uuid, const Account *, base::UuidHash> by_id;
  for (const Account &account : rows->items) {
    if (!account.is_set) by_id[account.id] = &account;
  }
  for (const base::Uuid &id : ids) {
    const auto at = by_id.find(id);
    if (at != by_id.end()) found.push_back(*at->second);
  }
  co_return render_accounts(std::move(found), true);
}

Flow list_accounts(Context, Page page, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kAccountList, document));
  Result<Rows<Account>> rows = rows_of(std::move(answer), store::account_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

// What an update asks for: absent fields stay, null ones are cleared.
struct AccountChange {
  base::Uuid id;
  std::optional<std::string> code;
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> external_id;
  std::optional<core::Direction> normal_balance_type;
  std::optional<core::LockStatus> status;
  std::optional<std::optional<std::string>> description;
  std::optional<std::optional<std::string>> metadata;
  FloorsChange floors;
};

template <typename T, typename U>
void apply_field(T &field, const std::optional<U> &change, const char *name, std::vector<std::string> &fields) {
  if (!change || field == *change) return;
  field = *change;
  fields.emplace_back(name);
}

std::vector<std::string> apply(Account &account, const AccountChange &change) {
  std::vector<std::string> fields;
  apply_field(account.code, change.code, "code", fields);
  apply_field(account.name, change.name, "name", fields);
  apply_field(account.normal_balance_type, change.normal_balance_type, "normal_balance_type", fields);
  apply_field(account.status, change.status, "status", fields);
  apply_field(account.external_id, change.external_id, "external_id", fields);
  apply_field(account.description, change.description, "description", fields);
  apply_field(account.metadata, change.metadata, "metadata", fields);
  apply(account.floors, change.floors, fields);
  return fields;
}

bool changed(const std::vector<std::string> &fields, const char *name) {
  return std::find(fields.begin(), fields.end(), name) != fields.end();
}

base::Error is_a_set(const base::Uuid &id) {
  return core::rejection(base::Status::kRejected, "account.is_set",
                         "account " + id.text() + " is an account set; it is changed by account_set_update",
                         {{"account_id", id.text()}});
}

Flow change_account(Context context, AccountChange change) {
  const Lookup lookup = lookup_ids({change.id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup));
  Result<Rows<Account>> rows = rows_of(std::move(answer), store::account_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  std::vector<Account> accounts = {rows->items.front()};
  Account &account = accounts.front();
  if (account.is_set) {
    co_return is_a_set(account.id);
  }
  const std::vector<std::string> fields = apply(account, change);
  if (fields.empty()) co_return render_accounts(std::move(accounts), false);
  for (const UniqueColumn &column : kUniqueColumns) {
    if (!changed(fields, column.name)) continue;
    const Lookup taken = lookup_of(column, accounts);
    if (taken.keys.empty()) continue;
    Result<store::Answer> others = co_await ask(find_call(StatementId::kAccountFind, taken));
    Result<Rows<Account>> stored = rows_of(std::move(others), store::account_of);
    if (!stored) co_return std::move(stored.error());
    Outcome free = refuse_taken(column, accounts, stored->items, false);
    if (!free) co_return std::move(free.error());
  }
  account.version += 1;
  account.modified_at = std::max(account.modified_at, context.ledger->now());
  EntityWrite<Account> write(StatementId::kAccountWrite, kNoun, account.modified_at);
  write.update(account, fields);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_accounts(std::move(accounts), false);
}

Result<OperationPtr> make_change(std::string_view name, AccountChange change) {
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite},
      [change = std::move(change)](Context context) { return change_account(context, change); });
}

Result<OperationPtr> make_lock(std::string_view name, const RequestPtr &request, core::LockStatus status) {
  RequestReader reader(request->root());
  AccountChange change;
  change.id = reader.uuid("id");
  change.status = status;
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change(name, std::move(change));
}

}  // namespace

Result<OperationPtr> account_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<NewAccount> accounts = {read_new_account(reader)};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_create(std::move(accounts), false);
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
  return make_create(std::move(accounts), true);
}

Result<OperationPtr> account_ensure(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Ensure<Account> what{
      {kNoun, StatementId::kAccountFind, StatementId::kAccountWrite, store::account_of}, {}, {}, {}, {}, {}};
  what.keep = read_on_difference(reader);
  what.entity = read_account(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  what.id_given = !what.entity.id.is_nil();
  if (what.id_given) what.keys.push_back(lookup_ids({what.entity.id}));
  if (!what.id_given) what.entity.id = base::new_uuid();
  what.keys.push_back({"code", {what.entity.code}});
  if (what.entity.external_id) what.keys.push_back({"external_id", {*what.entity.external_id}});
  what.compared = fields_of(request->root());
  return make_ensure("account_ensure", std::move(what));
}

Result<OperationPtr> account_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Lookup lookup = read_lookup(reader, {"id", "code", "external_id"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("account_find", Operation::Traits{},
                                     [lookup](Context context) { return find_account(context, lookup); });
}

Result<OperationPtr> account_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<base::Uuid> ids = reader.uuids("ids", kMaxBatch);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("account_find_many", Operation::Traits{},
                                     [ids](Context context) { return find_accounts(context, ids); });
}

Result<OperationPtr> account_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  const std::optional<std::string> prefix = reader.optional_text("code_prefix");
  const bool by_status = reader.has("status");
  const auto status = reader.word("status", core::LockStatus::kActive, core::parse_lock_status, "active, locked");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  if (prefix) document.key("code_prefix").string(*prefix);
  if (by_status) document.key("status").string(core::text_of(status));
  document.end_object();
  return std::make_unique<Operation>(
      "account_list", Operation::Traits{},
      [page, text = document.take()](Context context) { return list_accounts(context, page, text); });
}

Result<OperationPtr> account_update(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  AccountChange change;
  change.id = reader.uuid("id");
  change.code = reader.optional_name("code");
  change.name = reader.optional_name("name");
  if (reader.any("external_id").present()) change.external_id = reader.optional_text("external_id");
  if (reader.has("normal_balance_type")) {
    change.normal_balance_type =
        reader.word("normal_balance_type", core::Direction::kCredit, core::parse_direction, "debit, credit");
  }
  if (reader.any("description").present()) change.description = reader.optional_text("description");
  if (reader.any("metadata").present()) change.metadata = reader.optional_json("metadata");
  change.floors = read_floors_change(reader);
  for (const char *key : {"code", "name", "normal_balance_type"}) {
    if (reader.is_null(key)) reader.fail("request.malformed", key, "cannot be cleared");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_change("account_update", std::move(change));
}

Result<OperationPtr> account_lock(Ledger &, const RequestPtr &request) {
  return make_lock("account_lock", request, core::LockStatus::kLocked);
}

Result<OperationPtr> account_unlock(Ledger &, const RequestPtr &request) {
  return make_lock("account_unlock", request, core::LockStatus::kActive);
}

}  // namespace cala::engine
