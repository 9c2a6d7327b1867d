#include "store_contract/contract.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "core/posting/moved.h"
#include "postgres_cluster.h"
#include "store/postgres/postgres_store.h"
#include "store/rows.h"
#include "store_contract/postgres_sql.h"

#if __has_include("store/sqlite/sqlite_store.h")
#include <sqlite3.h>

#include "store/sqlite/sqlite_store.h"
#define CALA_HAVE_EMBEDDED 1
#endif

namespace cala::tests {

using base::Result;
using base::Uuid;
using store::Access;
using store::StatementId;

namespace {

template <typename T>
std::string rows_json(const std::vector<T> &values) {
  base::JsonWriter out;
  out.begin_array();
  for (const T &value : values) store::write_row(out, value);
  out.end_array();
  return out.take();
}

template <typename T>
void sort_distinct(std::vector<T> &values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

#ifdef CALA_HAVE_EMBEDDED
// For every connection that is opened from here on.
int read_in_reverse(sqlite3 *database, char **, const void *) {
  return sqlite3_exec(database, "PRAGMA reverse_unordered_selects = ON", nullptr, nullptr, nullptr);
}
void set_reverse(bool reverse) {
  sqlite3_reset_auto_extension();
  if (reverse) sqlite3_auto_extension(reinterpret_cast<void (*)()>(read_in_reverse));
}
#else
void set_reverse(bool) {}
#endif

}  // namespace

void StoreContract::SetUp() {
  set_reverse(GetParam() == "sqlite_in_reverse");
  if (is_postgres()) {
    const std::optional<std::string> connection = postgres_connection();
    if (!connection) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    connection_string_ = *connection;
    schema_ = "contract_" + base::new_uuid().text().substr(24);
  } else {
    std::string pattern = (std::filesystem::temp_directory_path() / "cala-contract-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  store_ = open_again();
  if (!store_) GTEST_SKIP() << "the " << GetParam() << " store is not in this build";
  const Result<store::MigrationReport> migrated = store_->migrate();
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  if (const char *plans = std::getenv("CALA_TEST_PLANS"); plans != nullptr && is_postgres()) set_plans(plans);
}

// In all sessions of the test, and in the functions that have a mode of their own.
void StoreContract::set_plans(const std::string &mode) {
  setenv("PGOPTIONS", ("-c plan_cache_mode=" + mode).c_str(), 1);
  const auto sql = SqlConnection::open(connection_string_);
  ASSERT_NE(sql, nullptr);
  ASSERT_EQ(sql->run("SHOW plan_cache_mode"), mode);
  const std::string done = sql->run(
      "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = '" + schema_ +
      "'::regnamespace AND p.proconfig::text LIKE '%plan_cache_mode%' LOOP EXECUTE format('ALTER FUNCTION %s SET "
      "plan_cache_mode = " +
      mode + "', f); END LOOP; END $$");
  ASSERT_EQ(done, "");
}

void StoreContract::TearDown() {
  readers_.clear();
  store_.reset();
  set_reverse(false);
  if (!schema_.empty()) {
    if (const auto sql = SqlConnection::open(connection_string_))
      sql->run("DROP SCHEMA IF EXISTS " + schema_ + " CASCADE");
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<store::Store> StoreContract::open_again() {
  if (is_postgres()) {
    Result<std::unique_ptr<store::Store>> opened =
        store::postgres::open_postgres({connection_string_, schema_, "cala_contract"});
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return opened ? opened.take() : nullptr;
  }
#ifdef CALA_HAVE_EMBEDDED
  store::SqliteOptions options;
  options.path = folder_ + "/ledger.db";
  options.durable = false;
  options.typed_postings = GetParam() == "sqlite";
  Result<std::unique_ptr<store::Store>> opened = store::open_sqlite(options);
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  return opened ? opened.take() : nullptr;
#else
  return nullptr;
#endif
}

void StoreContract::forget_ledger() {
  readers_.clear();
  store_.reset();
  if (is_postgres()) {
    SqlConnection::open(connection_string_)->run("DROP SCHEMA " + schema_ + " CASCADE");
  } else {
    for (const auto &file : std::filesystem::directory_iterator(folder_)) std::filesystem::remove_all(file.path());
  }
  store_ = open_again();
}

std::unique_ptr<store::Session> StoreContract::session(Access access) {
  Result<std::unique_ptr<store::Session>> connected = store_->connect(access);
  EXPECT_TRUE(connected.ok()) << connected.error().message;
  return connected ? connected.take() : nullptr;
}

Result<std::string> StoreContract::call(StatementId id, const std::string &document, bool writes) {
  const Access access = writes ? Access::kWrite : Access::kRead;
  std::unique_ptr<store::Session> on = writes ? session(access) : reader();
  if (base::Outcome begun = on->begin(access); !begun) return std::move(begun.error());
  Result<store::Answer> answer = on->execute_and_commit(store::Call{id, document, writes});
  if (!answer) {
    on->rollback();
    return std::move(answer.error());
  }
  if (!writes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    readers_.push_back(std::move(on));
  }
  return std::get<std::string>(answer.take());
}

// One that has prepared its statements, when there is one: a list is read in many pages.
std::unique_ptr<store::Session> StoreContract::reader() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!readers_.empty()) {
      std::unique_ptr<store::Session> idle = std::move(readers_.back());
      readers_.pop_back();
      return idle;
    }
  }
  return session(Access::kRead);
}

base::Json StoreContract::rows(StatementId id, const std::string &document) {
  const Result<std::string> text = call(id, document);
  EXPECT_TRUE(text.ok()) << text.error().message;
  Result<base::Json> json = base::Json::parse(text ? *text : R"({"rows":[]})");
  EXPECT_TRUE(json.ok()) << *text;
  return json.take();
}

std::vector<std::string> StoreContract::column(StatementId id, const std::string &document, std::string_view key) {
  const base::Json found = rows(id, document);
  std::vector<std::string> out;
  for (const base::JsonView row : found.root().get("rows")) {
    const base::JsonView value = row.get(key);
    out.emplace_back(value.present() && value.is_string() ? std::string(value.string()) : value.text());
  }
  return out;
}

std::vector<std::string> StoreContract::pages(StatementId id, const std::string &filters, std::int64_t size, bool desc,
                                              std::string_view key) {
  std::vector<std::string> out;
  std::string after = "null";
  for (int page = 0; page < 100; ++page) {
    const base::Json found = rows(id, R"({"first":)" + std::to_string(size) + R"(,"after":)" + after + R"(,"desc":)" +
                                          (desc ? "true" : "false") + (filters.empty() ? "" : ",") + filters + "}");
    std::int64_t count = 0;
    for (const base::JsonView row : found.root().get("rows")) {
      ++count;
      const base::JsonView value = row.get(key);
      out.emplace_back(value.is_string() ? std::string(value.string()) : value.text());
      after = row.get("cursor").text();
    }
    EXPECT_LE(count, size);
    if (count == 0) return out;
  }
  ADD_FAILURE() << "the list does not end";
  return out;
}

core::Account StoreContract::account(const std::string &code) const {
  core::Account out;
  out.id = base::new_uuid();
  out.code = code;
  out.name = "Account " + code;
  out.created_at = out.modified_at = base::Timestamp::from_micros(kNow);
  return out;
}

core::Journal StoreContract::journal(const std::string &name) const {
  core::Journal out;
  out.id = base::new_uuid();
  out.name = name;
  out.created_at = out.modified_at = base::Timestamp::from_micros(kNow);
  return out;
}

core::TxTemplate StoreContract::tx_template(const std::string &code) const {
  core::TxTemplate out;
  out.id = base::new_uuid();
  out.code = code;
  out.params = {{"amount", core::ParamType::kDecimal, "decimal('1.50')", std::nullopt}};
  out.transaction.effective = "date()";
  out.transaction.journal_id = "uuid('00000000-0000-0000-0000-000000000001')";
  core::TxTemplateEntry entry;
  entry.entry_type = "'A_DR'";
  entry.account_id = "params.account";
  entry.layer = "SETTLED";
  entry.direction = "DEBIT";
  entry.units = "params.amount";
  entry.currency = "'USD'";
  out.entries = {entry};
  out.created_at = out.modified_at = base::Timestamp::from_micros(kNow);
  return out;
}

std::string write_document(const std::string &insert, const std::string &update, const std::string &events,
                           std::int64_t now_micros, const std::string &guard) {
  base::JsonWriter out;
  out.begin_object().key("insert").raw(insert).key("update").raw(update).key("events").raw(events);
  out.key("now").integer(now_micros);
  if (!guard.empty()) out.key("guard").string(guard);
  return out.end_object().take();
}

template <typename T>
Result<std::string> StoreContract::write(StatementId id, const std::vector<T> &insert, const std::vector<T> &update) {
  base::JsonWriter events;
  events.begin_array();
  for (const auto *rows : {&insert, &update}) {
    for (const T &row : *rows) {
      events.begin_object().key("type").string("row_written").key("subject_id").string(row.id.text());
      events.key("payload").string(R"({"a":"\"quoted\""})").end_object();
    }
  }
  events.end_array();
  return call(id, write_document(rows_json(insert), rows_json(update), events.text(), kNow), true);
}

template Result<std::string> StoreContract::write(StatementId, const std::vector<core::Account> &,
                                                  const std::vector<core::Account> &);
template Result<std::string> StoreContract::write(StatementId, const std::vector<core::AccountSet> &,
                                                  const std::vector<core::AccountSet> &);
template Result<std::string> StoreContract::write(StatementId, const std::vector<core::Journal> &,
                                                  const std::vector<core::Journal> &);
template Result<std::string> StoreContract::write(StatementId, const std::vector<core::TxTemplate> &,
                                                  const std::vector<core::TxTemplate> &);

core::Account StoreContract::add_account(const std::string &code) {
  const core::Account added = account(code);
  const Result<std::string> written = write<core::Account>(StatementId::kAccountWrite, {added});
  EXPECT_TRUE(written.ok()) << written.error().message;
  return added;
}

core::Journal StoreContract::add_journal(const std::string &name) {
  const core::Journal added = journal(name);
  const Result<std::string> written = write<core::Journal>(StatementId::kJournalWrite, {added});
  EXPECT_TRUE(written.ok()) << written.error().message;
  return added;
}

core::TxTemplate StoreContract::add_tx_template(const std::string &code) {
  const core::TxTemplate added = tx_template(code);
  const Result<std::string> written = write<core::TxTemplate>(StatementId::kTxTemplateWrite, {added});
  EXPECT_TRUE(written.ok()) << written.error().message;
  return added;
}

core::Journal StoreContract::main_journal() {
  if (!journal_) journal_ = add_journal("Main");
  return *journal_;
}

core::TxTemplate StoreContract::main_tx_template() {
  if (!tx_template_) tx_template_ = add_tx_template("TRANSFER");
  return *tx_template_;
}

core::PostedTransaction StoreContract::sketch(const core::Journal &in, const core::TxTemplate &by,
                                              const std::vector<EntrySketch> &entries) const {
  core::PostedTransaction out;
  out.transaction.id = base::new_uuid();
  out.transaction.journal_id = in.id;
  out.transaction.tx_template_id = by.id;
  out.transaction.tx_template_code = by.code;
  out.transaction.effective = base::Date{20454};  // 2026-01-01
  out.transaction.correlation_id = out.transaction.id.text();
  for (const EntrySketch &from : entries) {
    core::Entry entry;
    entry.transaction_id = out.transaction.id;
    entry.journal_id = in.id;
    entry.account_id = from.account_id;
    entry.entry_type = "TEST_" + std::to_string(out.entries.size() + 1);
    entry.sequence = static_cast<std::int32_t>(out.entries.size()) + 1;
    entry.layer = from.layer;
    entry.direction = from.direction;
    entry.units = core::Decimal::parse(from.units).value();
    entry.currency = core::Currency::parse(from.currency).value();
    out.entries.push_back(entry);
  }
  return out;
}

core::PostedTransaction StoreContract::transfer(const Uuid &from, const Uuid &to, const std::string &units) {
  return sketch(main_journal(), main_tx_template(),
                {{from, core::Direction::kDebit, units}, {to, core::Direction::kCredit, units}});
}

store::PostingRead StoreContract::read_of(const std::vector<core::PostedTransaction> &postings, bool host) {
  store::PostingRead read;
  read.host = host;
  for (const core::PostedTransaction &posting : postings) {
    read.transaction_ids.push_back(posting.transaction.id);
    if (posting.transaction.external_id) read.external_ids.push_back(*posting.transaction.external_id);
    read.journal_ids.push_back(posting.transaction.journal_id);
    read.tx_template_ids.push_back(posting.transaction.tx_template_id);
    for (const core::Entry &entry : posting.entries) read.keys.push_back(core::key_of(entry));
  }
  sort_distinct(read.journal_ids);
  sort_distinct(read.tx_template_ids);
  sort_distinct(read.keys);
  return read;
}

store::PostingWrite StoreContract::write_of(const store::PostingState &state,
                                            std::vector<core::PostedTransaction> &postings, std::int64_t now_micros) {
  store::PostingWrite write;
  const base::Timestamp now = base::Timestamp::from_micros(now_micros);
  write.guard = state.guard;
  write.ticket = state.ticket;
  std::map<core::BalanceKey, core::Balance> held;
  std::map<core::BalanceKey, std::int64_t> versions;
  for (const core::Balance &balance : state.balances) {
    held[balance.key] = balance;
    versions[balance.key] = balance.version;
  }
  std::set<core::BalanceKey> touched;
  for (core::PostedTransaction &posting : postings) {
    posting.transaction.created_at = posting.transaction.modified_at = now;
    posting.transaction.entry_ids.clear();
    for (core::Entry &entry : posting.entries) {
      const core::BalanceKey key = core::key_of(entry);
      core::Balance &balance = held.try_emplace(key, core::empty_balance(key, now)).first->second;
      entry.id = state.ticket->next_entry_id(now);
      entry.created_at = now;
      EXPECT_TRUE(core::fold(balance, entry).ok());
      entry.account_version = balance.version;
      posting.transaction.entry_ids.push_back(entry.id);
      write.entries.push_back(entry);
      write.moves.push_back({write.entries.size() - 1, balance});
      touched.insert(key);
    }
    write.transactions.push_back(posting.transaction);
  }
  for (const core::BalanceKey &key : touched) {
    write.balances.push_back(held[key]);
    write.balance_versions.push_back(versions[key]);
  }
  return write;
}

store::PostingState take_state(Result<store::Answer> answer) {
  EXPECT_TRUE(answer.ok()) << answer.error().code << ": " << answer.error().message;
  if (!answer) return {};
  return std::get<store::PostingState>(answer.take());
}

store::PostingState read_state(store::Session &on, const store::PostingRead &request) {
  return take_state(on.execute(request));
}

base::Outcome StoreContract::post(store::Session &on, std::vector<core::PostedTransaction> &postings,
                                  std::int64_t now_micros) {
  if (base::Outcome begun = on.begin(Access::kWrite); !begun) return begun;
  Result<store::Answer> read = on.execute(read_of(postings));
  if (!read) {
    on.rollback();
    return std::move(read.error());
  }
  const auto state = std::get<store::PostingState>(read.take());
  Result<store::Answer> written = on.execute_and_commit(write_of(state, postings, now_micros));
  if (written) return {};
  on.rollback();
  return std::move(written.error());
}

core::PostedTransaction StoreContract::post_transfer(const Uuid &from, const Uuid &to, const std::string &units,
                                                     std::int64_t now_micros) {
  std::vector<core::PostedTransaction> postings = {transfer(from, to, units)};
  const base::Outcome posted = post(*session(), postings, now_micros);
  EXPECT_TRUE(posted.ok()) << posted.error().code << ": " << posted.error().message;
  return postings[0];
}

std::string StoreContract::balance_key(const Uuid &account_id) const {
  return R"("account_id":")" + account_id.text() + R"(","journal_id":")" + journal_->id.text() +
         R"(","currency":"USD")";
}

core::Balance StoreContract::balance(const Uuid &account_id) {
  const base::Json found = rows(StatementId::kBalanceFind, R"({"keys":[{)" + balance_key(account_id) + "}]}");
  const base::JsonView row = found.root().get("rows").first();
  if (!row.present()) return {};
  Result<core::Balance> read = store::balance_of(row);
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read ? read.take() : core::Balance{};
}

}  // namespace cala::tests
