#include "store/sqlite/posting_plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "store/rows.h"
#include "store/sqlite/entry_id.h"
#include "store/sqlite/layer_text.h"

namespace cala::store::sqlite {

namespace {

using base::Error;

Error bad_plan(std::string message) {
  return base::make_error(base::Status::kInternal, "store.plan", std::move(message));
}

// Walks the write once. Open balances are in the order of write.balances; each is moved by an entry.
class Planner {
 public:
  Planner(const PostingWrite &write, const SqliteTicket &ticket) : write_(write), ticket_(ticket) {}

  base::Result<PostingPlan> run() {
    plan_.seen = ticket_.seen();
    plan_.guard = write_.guard;
    if (write_.balances.size() != write_.balance_versions.size()) {
      return bad_plan("a posting's balances and their versions are not of one length");
    }
    if (base::Outcome outcome = open_balances(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = add_transactions(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = add_entries(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = close_balances(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = add_buckets(); !outcome) return std::move(outcome.error());
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

  // Entries first, each with its account's balance, numbered as their ids say;
  // behind them a row for each balance of a set.
  base::Outcome add_entries() {
    plan_.entries.reserve(write_.moves.size());
    for (const bool of_sets : {false, true}) {
      for (const core::BalanceMove &move : write_.moves) {
        if (move.entry >= write_.entries.size()) return bad_plan("a posting moves a balance by an entry that it lacks");
        if ((move.after.key.account_id != write_.entries[move.entry].account_id) != of_sets) continue;
        if (!of_sets && move.entry != plan_.entries.size()) return bad_plan("a posting's moves are not in order");
        if (base::Outcome outcome = add_move(move, of_sets); !outcome) return outcome;
      }
      if (plan_.entries.size() < write_.entries.size()) return bad_plan("an entry of a posting moves no balance");
    }
    return {};
  }

  base::Outcome add_move(const core::BalanceMove &move, bool of_set) {
    const core::Entry &entry = write_.entries[move.entry];
    const core::Balance &after = move.after;
    const std::size_t at = index_of(after.key);
    if (at == plan_.balances.size()) return bad_plan("a posting moves a balance that its balances lack");
    const std::int64_t entry_n = ticket_.next_entry_n + static_cast<std::int64_t>(move.entry);
    const std::int64_t n = ticket_.next_entry_n + static_cast<std::int64_t>(plan_.entries.size());
    if (entry.id != entry_id(entry_n, entry.created_at, ticket_.salt) || after.entry_id != entry.id ||
        after.modified_at != entry.created_at) {
      return bad_plan("entry " + entry.id.text() + " does not have the id that the store gave for it");
    }
    base::Result<std::string> state = layers_text(after, ticket_.salt);
    if (!state) return std::move(state.error());
    PlannedBalance &balance = plan_.balances[at];
    PlannedEntry &planned = plan_.entries.emplace_back();
    planned.row = &entry;
    planned.n = n;
    planned.transaction_n = transaction_n(entry_n);
    planned.balance_n = balance.n;
    planned.version = after.version;
    planned.prev_n = balance.head_n;
    planned.skip_n = extend_trail(trails_[at], after.version - 1, n);
    planned.entry_n = of_set ? entry_n : 0;
    planned.state = state.take();
    balance.head_n = n;
    balance.entry_n = planned.entry_n;
    return {};
  }

  std::int64_t transaction_n(std::int64_t entry_n) const {
    const auto after = std::upper_bound(
        plan_.transactions.begin(), plan_.transactions.end(), entry_n,
        [](std::int64_t n, const PlannedTransaction &transaction) { return n < transaction.first_entry_n; });
    return std::prev(after)->n;
  }

  base::Outcome add_buckets() {
    plan_.buckets.reserve(write_.buckets.size());
    for (const core::Bucket &bucket : write_.buckets) {
      const std::size_t at = index_of(bucket.key);
      if (at == plan_.balances.size()) return bad_plan("a posting has a bucket of a balance that its balances lack");
      base::JsonWriter sums;
      write_row(sums, bucket.sums);
      plan_.buckets.push_back({&bucket, plan_.balances[at].n, sums.take()});
    }
    add_dates();
    return {};
  }

  // Of all rows that move a balance with buckets.
  void add_dates() {
    std::unordered_map<std::int64_t, std::int32_t> effective;
    std::unordered_set<std::int64_t> dated;
    for (const PlannedBucket &bucket : plan_.buckets) dated.insert(bucket.balance_n);
    for (const PlannedTransaction &transaction : plan_.transactions) {
      effective[transaction.n] = transaction.row->effective.days;
    }
    for (const PlannedEntry &entry : plan_.entries) {
      if (!dated.contains(entry.balance_n)) continue;
      plan_.dates.push_back({entry.balance_n, effective[entry.transaction_n], entry.n});
    }
  }

  base::Outcome close_balances() {
    for (std::size_t i = 0; i < plan_.balances.size(); ++i) {
      PlannedBalance &balance = plan_.balances[i];
      const std::int64_t entry_at = balance.head_n - ticket_.next_entry_n;
      if (entry_at < 0) return bad_plan("a posting has a balance that none of its entries moves");
      balance.trail = trail_text(trails_[i]);
      balance.state = plan_.entries[static_cast<std::size_t>(entry_at)].state;
    }
    return {};
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
  const auto *ticket = static_cast<const SqliteTicket *>(write.ticket.get());
  if (ticket == nullptr) return bad_plan("a posting's write has no ticket from its read");
  base::Result<PostingPlan> plan = Planner(write, *ticket).run();
  if (!plan) return plan;
  plan->velocity = velocity_rows(write);
  plan->holds = hold_rows(write);
  std::vector<std::string> payloads = warning_payloads(write);
  for (std::size_t i = 0; i < payloads.size() && i < plan->transactions.size(); ++i) {
    plan->transactions[i].warnings = std::move(payloads[i]);
  }
  return plan;
}

}  // namespace cala::store::sqlite
