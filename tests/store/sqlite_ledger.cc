#include "store/sqlite_ledger.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "store/rows.h"

namespace cala::tests {

using base::Outcome;
using base::Result;
using base::Timestamp;
using store::Access;
using store::StatementId;

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cala-embedded-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Sketch transfer(std::size_t from, std::size_t to, std::string units) {
  Sketch sketch;
  sketch.entries = {{from, core::Direction::kDebit, units, core::Layer::kSettled, "USD"},
                    {to, core::Direction::kCredit, units, core::Layer::kSettled, "USD"}};
  return sketch;
}

namespace {

template <typename T>
std::string insert_document(const std::vector<T> &rows, std::int64_t now) {
  base::JsonWriter out;
  out.begin_object().key("insert").begin_array();
  for (const T &row : rows) store::write_row(out, row);
  out.end_array().key("now").integer(now).end_object();
  return out.take();
}

template <typename T>
void sort_distinct(std::vector<T> &values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

SqliteLedger::SqliteLedger(store::SqliteOptions options, std::size_t account_count) {
  open(options);
  fill(account_count);
}

SqliteLedger::SqliteLedger(const SqliteLedger &other, store::SqliteOptions options)
    : accounts(other.accounts), journal(other.journal), tx_template(other.tx_template), now_micros(other.now_micros) {
  open(options);
}

void SqliteLedger::open(const store::SqliteOptions &options) {
  Result<std::unique_ptr<store::Store>> opened = store::open_sqlite(options);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  store_ = opened.take();
  const Result<store::MigrationReport> migrated = store_->migrate();
  ASSERT_TRUE(migrated.ok()) << migrated.error().message;
  writer_ = session(Access::kWrite);
}

void SqliteLedger::fill(std::size_t account_count) {
  const Timestamp now = Timestamp::from_micros(now_micros);
  std::vector<core::Account> new_accounts;
  for (std::size_t i = 0; i < account_count; ++i) {
    core::Account account;
    account.id = base::new_uuid();
    account.code = "account-" + std::to_string(i);
    account.name = "Account " + std::to_string(i);
    account.normal_balance_type = i % 2 == 0 ? core::Direction::kDebit : core::Direction::kCredit;
    account.created_at = account.modified_at = now;
    accounts.push_back(account.id);
    new_accounts.push_back(std::move(account));
  }
  core::Journal new_journal;
  new_journal.id = journal = base::new_uuid();
  new_journal.name = "Main";
  new_journal.created_at = new_journal.modified_at = now;
  core::TxTemplate new_template;
  new_template.id = tx_template = base::new_uuid();
  new_template.code = "TRANSFER";
  new_template.transaction.effective = "date()";
  new_template.transaction.journal_id = "params.journal";
  new_template.created_at = new_template.modified_at = now;
  for (const auto &[id, document] :
       {std::pair(StatementId::kAccountWrite, insert_document(new_accounts, now_micros)),
        std::pair(StatementId::kJournalWrite, insert_document(std::vector{new_journal}, now_micros)),
        std::pair(StatementId::kTxTemplateWrite, insert_document(std::vector{new_template}, now_micros))}) {
    const Result<std::string> written = call(id, document, true);
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
}

std::unique_ptr<store::Session> SqliteLedger::session(Access access) {
  Result<std::unique_ptr<store::Session>> connected = store_->connect(access);
  EXPECT_TRUE(connected.ok()) << connected.error().message;
  return connected ? connected.take() : nullptr;
}

base::Uuid SqliteLedger::next_transaction_id() {
  if (id_seed == 0) return base::new_uuid();
  base::Uuid id;
  id_seed = id_seed * 6364136223846793005U + 1442695040888963407U;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(id_seed >> (8 * i));
  return id;
}

std::vector<core::PostedTransaction> SqliteLedger::draw(const std::vector<Sketch> &sketches) {
  now_micros += 1000;
  std::vector<core::PostedTransaction> postings;
  postings.reserve(sketches.size());
  for (const Sketch &sketch : sketches) postings.push_back(draw(sketch));
  return postings;
}

core::PostedTransaction SqliteLedger::draw(const Sketch &sketch) {
  core::PostedTransaction out;
  core::Transaction &transaction = out.transaction;
  transaction.id = next_transaction_id();
  transaction.journal_id = journal;
  transaction.tx_template_id = tx_template;
  transaction.tx_template_code = "TRANSFER";
  transaction.effective = base::Date{sketch.effective_days};
  transaction.correlation_id = sketch.correlation_id.empty() ? transaction.id.text() : sketch.correlation_id;
  if (!sketch.external_id.empty()) transaction.external_id = sketch.external_id;
  for (const EntrySketch &entry_sketch : sketch.entries) {
    core::Entry entry;
    entry.transaction_id = transaction.id;
    entry.journal_id = journal;
    entry.account_id = accounts[entry_sketch.account];
    entry.entry_type = entry_sketch.direction == core::Direction::kDebit ? "TRANSFER_DR" : "TRANSFER_CR";
    entry.sequence = static_cast<std::int32_t>(out.entries.size() + 1);
    entry.layer = entry_sketch.layer;
    entry.direction = entry_sketch.direction;
    entry.units = core::Decimal::parse(entry_sketch.units).value_or(core::Decimal());
    entry.currency = core::Currency::parse(entry_sketch.currency).value_or(core::Currency());
    out.entries.push_back(std::move(entry));
  }
  return out;
}

store::PostingRead read_request(const std::vector<core::PostedTransaction> &postings, bool host) {
  store::PostingRead read;
  read.host = host;
  for (const core::PostedTransaction &posting : postings) {
    read.transaction_ids.push_back(posting.transaction.id);
    if (posting.transaction.external_id) read.external_ids.push_back(*posting.transaction.external_id);
    read.tx_template_ids.push_back(posting.transaction.tx_template_id);
    read.journal_ids.push_back(posting.transaction.journal_id);
    for (const core::Entry &entry : posting.entries) {
      read.keys.push_back({entry.account_id, entry.currency, entry.journal_id});
    }
  }
  sort_distinct(read.tx_template_ids);
  sort_distinct(read.journal_ids);
  sort_distinct(read.keys);
  return read;
}

store::PostingWrite fold_postings(const store::PostingState &state, std::vector<core::PostedTransaction> postings,
                                  Timestamp now) {
  std::map<core::BalanceKey, std::pair<core::Balance, std::int64_t>> balances;
  for (const core::Balance &balance : state.balances) balances[balance.key] = {balance, balance.version};
  store::PostingWrite write;
  write.guard = state.guard;
  write.ticket = state.ticket;
  for (core::PostedTransaction &posting : postings) {
    posting.transaction.created_at = posting.transaction.modified_at = now;
    for (core::Entry &entry : posting.entries) {
      entry.created_at = now;
      entry.id = state.ticket->next_entry_id(now);
      posting.transaction.entry_ids.push_back(entry.id);
      const core::BalanceKey key{entry.account_id, entry.currency, entry.journal_id};
      auto &[balance, version_read] = balances.try_emplace(key, core::empty_balance(key, now), 0).first->second;
      EXPECT_TRUE(core::fold(balance, entry).ok());
      entry.account_version = balance.version;
      write.entries.push_back(entry);
      write.moves.push_back({write.entries.size() - 1, balance});
    }
    write.transactions.push_back(posting.transaction);
  }
  for (const auto &[key, held] : balances) {
    if (held.first.version == held.second) continue;
    write.balances.push_back(held.first);
    write.balance_versions.push_back(held.second);
  }
  return write;
}

Result<store::PostingWrite> SqliteLedger::prepare(const std::vector<Sketch> &sketches, store::Session &on,
                                                  store::PostingState &state, bool host) {
  std::vector<core::PostedTransaction> postings = draw(sketches);
  Result<store::Answer> read = on.execute(read_request(postings, host));
  if (!read) return std::move(read.error());
  state = std::get<store::PostingState>(read.take());
  return fold_postings(state, std::move(postings), Timestamp::from_micros(now_micros));
}

Outcome SqliteLedger::post(const std::vector<Sketch> &sketches) { return post(sketches, *writer_); }

Outcome SqliteLedger::post(const std::vector<Sketch> &sketches, store::Session &on) {
  if (Outcome begun = on.begin(Access::kWrite); !begun) return begun;
  store::PostingState state;
  Result<store::PostingWrite> write = prepare(sketches, on, state);
  if (!write) {
    on.rollback();
    return std::move(write.error());
  }
  const store::PostingWrite kept = keep_posted ? *write : store::PostingWrite{};
  Result<store::Answer> written = on.execute_and_commit(store::Request(write.take()));
  if (!written) {
    on.rollback();
    return std::move(written.error());
  }
  std::size_t at = 0;
  for (const core::Transaction &transaction : kept.transactions) {
    core::PostedTransaction &copy = posted.emplace_back();
    copy.transaction = transaction;
    for (; at < kept.entries.size() && kept.entries[at].transaction_id == transaction.id; ++at) {
      copy.entries.push_back(kept.entries[at]);
    }
  }
  return {};
}

Result<std::string> SqliteLedger::call(StatementId id, const std::string &document, bool writes) {
  const Access access = writes ? Access::kWrite : Access::kRead;
  if (Outcome begun = writer_->begin(access); !begun) return std::move(begun.error());
  Result<store::Answer> answer = writer_->execute_and_commit(store::Call{id, document, writes});
  if (answer) return std::get<std::string>(answer.take());
  writer_->rollback();
  return std::move(answer.error());
}

base::Json SqliteLedger::rows(StatementId id, const std::string &document) {
  const Result<std::string> text = call(id, document);
  EXPECT_TRUE(text.ok()) << text.error().message;
  Result<base::Json> json = base::Json::parse(text ? *text : R"({"rows":[]})");
  EXPECT_TRUE(json.ok()) << *text;
  return json.take();
}

std::int64_t SqliteLedger::count(const std::string &noun) {
  return rows(StatementId::kLedgerInfo, "{}").root().get(noun).integer().value_or(-1);
}

}  // namespace cala::tests
