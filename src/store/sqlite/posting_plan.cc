#include "store/sqlite/posting_plan.h"

#include <algorithm>

#include "store/sqlite/entry_id.h"
#include "store/sqlite/layer_text.h"

namespace cala::store::sqlite {

namespace {

using base::Error;

Error bad_plan(std::string message) {
  return base::make_error(base::Status::kInternal, "store.plan", std::move(message));
}

// Walks the write once. Open balances are the ones touched, in the order of write.balances.
class Planner {
 public:
  Planner(const PostingWrite &write, const SqliteTicket &ticket) : write_(write), ticket_(ticket) {}

  base::Result<PostingPlan> run() {
    plan_.seen = ticket_.seen();
    plan_.guard = write_.guard;
    if (write_.entries.size() != write_.history.size() || write_.balances.size() != write_.balance_versions.size()) {
      return bad_plan("a posting's entries, history and balances are not of one length");
    }
    if (base::Outcome outcome = open_balances(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = add_transactions(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = add_entries(); !outcome) return std::move(outcome.error());
    close_balances();
    return std::move(plan_);
  }

 private:
  base::Outcome open_balances() {
    std::int64_t next_n = ticket_.next_balance_n;
    plan_.balances.reserve(write_.balances.size());
    trails_.reserve(write_.balances.size());
    for (std::size_t i = 0; i < write_.balances.size(); ++i) {
      const SqliteTicket::Place *place = ticket_.find(write_.balances[i].key);
      if (place == nullptr || place->account_n == 0 || place->journal_n == 0) {
        return bad_plan("a posting touches a balance that its read did not name");
      }
      PlannedBalance balance;
      balance.row = &write_.balances[i];
      balance.account_n = place->account_n;
      balance.journal_n = place->journal_n;
      balance.version_read = write_.balance_versions[i];
      balance.n = balance.version_read == 0 || place->balance_n == 0 ? next_n++ : place->balance_n;
      balance.head_n = place->head_n;
      plan_.balances.push_back(std::move(balance));
      trails_.push_back(place->trail);
    }
    return {};
  }

  base::Outcome add_transactions() {
    std::int64_t n = ticket_.next_transaction_n;
    std::int64_t entry_n = ticket_.next_entry_n;
    std::size_t at = 0;
    plan_.transactions.reserve(write_.transactions.size());
    for (const core::Transaction &transaction : write_.transactions) {
      PlannedTransaction planned;
      planned.row = &transaction;
      planned.n = n++;
      planned.tx_template_n = tx_template_n(transaction.tx_template_id);
      planned.first_entry_n = entry_n;
      planned.own_correlation = transaction.correlation_id == transaction.id.text();
      for (; at < write_.entries.size() && write_.entries[at].transaction_id == transaction.id; ++at) {
        ++planned.entry_count;
        if (write_.entries[at].sequence != planned.entry_count)
          return bad_plan("a posting's entries are not in sequence");
      }
      if (planned.entry_count > 0) planned.journal_n = journal_n(write_.entries[at - 1]);
      entry_n += planned.entry_count;
      plan_.transactions.push_back(planned);
    }
    if (at != write_.entries.size()) return bad_plan("a posting's entries are not grouped by its transactions");
    return {};
  }

  std::int64_t tx_template_n(const base::Uuid &id) const {
    for (const auto &[known, n] : ticket_.tx_templates) {
      if (known == id) return n;
    }
    return 0;
  }

  std::int64_t journal_n(const core::Entry &entry) const {
    const SqliteTicket::Place *place = ticket_.find({entry.account_id, entry.currency, entry.journal_id});
    return place == nullptr ? 0 : place->journal_n;
  }

  base::Outcome add_entries() {
    std::int64_t n = ticket_.next_entry_n;
    auto transaction = plan_.transactions.begin();
    plan_.entries.reserve(write_.entries.size());
    for (std::size_t i = 0; i < write_.entries.size(); ++i, ++n) {
      while (n >= transaction->first_entry_n + transaction->entry_count) ++transaction;
      if (base::Outcome outcome = add_entry(i, n, transaction->n); !outcome) return outcome;
    }
    return {};
  }

  base::Outcome add_entry(std::size_t i, std::int64_t n, std::int64_t transaction_n) {
    const core::Entry &entry = write_.entries[i];
    const core::Balance &after = write_.history[i];
    const std::size_t at = index_of(after.key);
    if (at == plan_.balances.size()) return bad_plan("a posting's history has a balance that its balances lack");
    if (entry.id != entry_id(n, entry.created_at, ticket_.salt) || after.entry_id != entry.id ||
        after.modified_at != entry.created_at) {
      return bad_plan("entry " + entry.id.text() + " does not have the id that the store gave for it");
    }
    base::Result<std::string> state = layers_text(after, ticket_.salt);
    if (!state) return std::move(state.error());
    PlannedBalance &balance = plan_.balances[at];
    PlannedEntry planned{&entry, n, transaction_n, balance.n, balance.head_n, 0, state.take()};
    planned.skip_n = extend_trail(trails_[at], after.version - 1, n);
    balance.head_n = n;
    plan_.entries.push_back(std::move(planned));
    return {};
  }

  void close_balances() {
    for (std::size_t i = 0; i < plan_.balances.size(); ++i) {
      PlannedBalance &balance = plan_.balances[i];
      balance.trail = trail_text(trails_[i]);
      const std::int64_t entry_at = balance.head_n - ticket_.next_entry_n;
      if (entry_at >= 0) balance.state = plan_.entries[static_cast<std::size_t>(entry_at)].state;
    }
    std::erase_if(plan_.balances, [](const PlannedBalance &balance) { return balance.state.empty(); });
  }

  std::size_t index_of(const core::BalanceKey &key) const {
    const auto at = std::lower_bound(
        write_.balances.begin(), write_.balances.end(), key,
        [](const core::Balance &balance, const core::BalanceKey &wanted) { return balance.key < wanted; });
    if (at == write_.balances.end() || at->key != key) return plan_.balances.size();
    return static_cast<std::size_t>(at - write_.balances.begin());
  }

  const PostingWrite &write_;
  const SqliteTicket &ticket_;
  PostingPlan plan_;
  std::vector<std::vector<std::int64_t>> trails_;  // beside plan_.balances
};

}  // namespace

base::Result<PostingPlan> plan_posting(const PostingWrite &write) {
  const auto *ticket = static_cast<const SqliteTicket *>(write.ticket);
  if (ticket == nullptr) return bad_plan("a posting's write has no ticket from its read");
  return Planner(write, *ticket).run();
}

}  // namespace cala::store::sqlite
