// Batch: postings on their way from what was asked to what is written. The ledger's heart, and pure: it decides, who
// drives it asks the store. A batch has units, each of one or more postings that are made all or none: one operation's,
// or those of independent operations that are committed together. It goes through stages, and every posting of a unit
// passes a stage before any goes to the next, so that which of several errors is told is always the same one:
// templates, params, expressions and debits against credits; then replays; journals; accounts; balances and what must
// stay available of them; velocity limits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/account/account.h"
#include "core/balance/balance.h"
#include "core/balance/effective.h"
#include "core/journal/journal.h"
#include "core/posting/moved.h"
#include "core/posting/sources.h"
#include "core/posting/transaction.h"
#include "core/posting/trial.h"
#include "core/velocity/counting.h"

namespace cala::core {

// What a batch must know of the ledger: what it named in needs(), locked. Outlives the batch's use of it.
struct BatchState {
  std::vector<JournalState> journals;
  std::vector<AccountState> accounts;  // of the entries, and of every set above them in the entry's journal
  std::vector<Balance> balances;       // of both
  std::vector<PostedTransaction> existing;
  std::vector<Bucket>
      buckets;  // of the journals that keep them: those that the entries fall into, where they are there
};

// An effective date on which entries move a balance.
struct DatedKey {
  std::size_t key = 0;  // index of BatchNeeds::keys
  base::Date effective;
};

struct BatchNeeds {
  std::vector<base::Uuid> transaction_ids;
  std::vector<std::string> external_ids;
  std::vector<base::Uuid> tx_template_ids;
  std::vector<base::Uuid> journal_ids;  // sorted, distinct
  std::vector<BalanceKey> keys;         // sorted, distinct; of the entries' own accounts
  std::vector<DatedKey> dated;          // distinct; of all keys
};

// One balance moved by one entry: that of its account first, then of every set above it.
struct BalanceMove {
  std::size_t entry = 0;  // index of BatchWrite::entries
  Balance after;
};

// What was let pass with a warning.
struct TransactionWarnings {
  std::size_t transaction = 0;  // index of BatchWrite::transactions
  std::vector<VelocityWarning> warnings;
};

struct BatchWrite {
  std::vector<Transaction> transactions;
  std::vector<Entry> entries;                   // grouped by transaction, in order
  std::vector<BalanceMove> moves;               // in order of entries
  std::vector<Balance> balances;                // those touched, as they are at the end, sorted by key
  std::vector<std::int64_t> balance_versions;   // the version that each had when read, 0 = new
  std::vector<VelocityBalance> velocity;        // those that count something, sorted by key
  std::vector<std::int64_t> velocity_versions;  // as balance_versions
  std::vector<TransactionWarnings> warnings;    // of the transactions that have any
  std::vector<Bucket> buckets;                  // those touched, as they are at the end
  std::vector<HoldWrite> holds;                 // made, captured or released
};

// What a posting answers.
struct PostingResult {
  PostedTransaction posted;
  bool replayed = false;
  std::vector<VelocityWarning> warnings{};
  std::optional<Hold> hold{};  // of a posting that makes, captures or releases one: as it is now
};

// Gives entries their ids: asked once for each, in the order in which they will be written.
using EntryIds = std::function<base::Uuid(base::Timestamp created_at)>;

class Batch {
 public:
  // Each unit's postings; they outlive the batch.
  explicit Batch(const std::vector<std::span<const AskedPosting>> &units);

  // Codes of templates that it has not been given yet.
  std::vector<std::string> missing_templates() const;
  void add_template(CompiledTxTemplatePtr tx_template) { sources_.add_template(std::move(tx_template)); }
  // Holds that it has not been told of yet: those that are to be captured or released, which must be locked; and, once
  // it has been decided, those that are found to be there already.
  std::vector<base::Uuid> missing_holds() const;
  // What the store has of them.
  void add_holds(const std::vector<base::Uuid> &asked, std::vector<Hold> found);
  // Transactions that it has not been told of yet: those that are to be voided, and those that these void themselves;
  // of a hold that is to be captured or released, its own and what may be the answer already.
  std::vector<base::Uuid> missing_originals() const;
  // What the store has of them; one that is not there cannot be voided.
  void add_originals(const std::vector<base::Uuid> &asked, std::vector<PostedTransaction> found) {
    sources_.add_originals(asked, std::move(found));
  }
  // Forgets templates that the store no longer has; answers their codes.
  std::vector<std::string> drop_stale_templates(const std::vector<base::Uuid> &stored) {
    return sources_.drop_stale_templates(stored);
  }

  // The first stage; it can be gone through again, at a later instant. A unit that has an id or an external id of an
  // earlier one is left out, because it must see what became of that one.
  void prepare(base::Timestamp now);
  // Of units whose commit may have been lost: postings that are refused now were not then, on another day perhaps. They
  // are there, or what became of them stays unknown.
  std::vector<base::Uuid> doubtful();
  // They are prepared as of then from now on.
  void note_made(const std::vector<Transaction> &transactions);
  BatchNeeds needs() const;
  // The instant of what a unit by itself writes now that the balances are locked: not before anything they hold,
  // whatever the clock says, so that no balance goes back in time. In a group each unit has its own, but for a group of
  // captures and releases, which one operation makes: they have one, that none is left out.
  base::Timestamp stamp(const BatchState &state, base::Timestamp now) const;
  // Whether a hold that was to be captured when it was prepared has expired at this later instant.
  bool captures_too_late(base::Timestamp now) const;
  // What is attached to the accounts and sets of the state.
  void limit_by(VelocityBearers bearers) { counting_.limit_by(std::move(bearers)); }
  // The other stages. A unit that is refused leaves no trace in what the ones after it see.
  void decide(const BatchState &state, base::Timestamp now);
  // What velocity limits have counted must be known before it is decided: what of it is not. Then it is decided anew,
  // from the balances on, with what the store has of it; which may need more,
  // where a refusal moves a later unit's instant.
  std::vector<VelocityKey> velocity_needs() const { return counting_.needs(); }
  void decide_again(const std::vector<VelocityKey> &asked, std::vector<VelocityBalance> found, base::Timestamp now);
  // What is left, after what is to be written, of the limits that counted some of it.
  base::Result<std::vector<VelocityHeadroom>> headroom_after() const {
    return counting_.headroom_after(units_.front().stamp);
  }
  // Whether there is anything to write: not when everything was refused, replayed or left out.
  bool any_open() const;
  base::Result<BatchWrite> write(const EntryIds &next_entry_id);

  // Whether a unit's outcome is known, as far as the stages have come, and does not depend on what the batch writes:
  // refused for what the store holds, or posted before as a whole.
  bool settled(std::size_t unit) const;
  bool left_out(std::size_t unit) const;
  bool refused(std::size_t unit) const;
  bool alone(std::size_t unit) const;  // left out, and to be posted by itself
  // Whether the refusal of a unit says nothing, because its commit may have been lost: what became of it is unknown.
  bool unknown(std::size_t unit) const;
  // Of a unit that was not left out; once. An error says which posting of the unit it is about.
  base::Result<std::vector<PostingResult>> take_outcome(std::size_t unit);

 private:
  enum Stage { kPrepare, kReplay, kJournal, kAccount, kFold, kFloor, kMatch, kVelocity };

  struct Slot {
    const AskedPosting *asked = nullptr;
    std::size_t unit = 0;
    PostedTransaction posting;
    bool replayed = false;
    std::unique_ptr<base::Error> error;
    Stage stage = kPrepare;
    std::vector<VelocityWarning> warnings;
    std::optional<Hold> hold;  // after it
  };

  struct Unit {
    enum State : std::uint8_t { kOpen, kRefused, kNextGroup, kAlone };
    std::size_t begin = 0;
    std::size_t end = 0;
    State state = kOpen;
    State before_fold = kOpen;
    base::Timestamp stamp;
  };

  using Ids = std::unordered_set<base::Uuid, base::UuidHash>;

  bool open(const Slot &slot) const { return !slot.error && !slot.replayed && units_[slot.unit].state == Unit::kOpen; }
  bool writes(const Unit &unit) const;
  bool all_posted_before(const Unit &unit) const;
  const Slot &first_error(const Unit &unit) const;
  void close_if_refused(Unit &unit);
  void fail(std::size_t slot, Stage stage, base::Error error);
  void prepare_one(std::size_t slot, const base::Uuid &id, base::Timestamp now);
  void show_hold(std::size_t slot, const AskedHold &asked);
  void refuse_repeats(const Unit &unit);
  bool meets(const Unit &unit, Ids &ids, std::unordered_set<std::string> &external_ids) const;
  void index(const BatchState &state);
  void find_replay(std::size_t slot);
  const PostedTransaction *posted_before(const Transaction &mine) const;
  void check_journal(std::size_t slot);
  void check_accounts(std::size_t slot);
  bool set_stamp(Unit &unit, base::Timestamp now) const;
  void note_ahead(const Unit &unit);
  void fold_units(base::Timestamp now);
  void fold_unit(Unit &unit);
  // Folds one posting into what its unit moves and checks what must stay available after it.
  bool fold_posting(std::size_t slot, Trial::Moves &mine, base::Timestamp now);
  bool pass_limits(const Unit &unit);
  bool match_limits(const Unit &unit, std::vector<std::vector<VelocityHit>> &hits);
  bool keeps_dated(const Transaction &transaction) const;

  std::vector<Unit> units_;
  std::vector<Slot> slots_;
  Sources sources_;
  std::unordered_map<base::Uuid, const JournalState *, base::UuidHash> journals_;
  MovedAccounts accounts_;
  std::unordered_map<base::Uuid, const PostedTransaction *, base::UuidHash> existing_ids_;
  std::unordered_map<std::string, const PostedTransaction *> existing_external_ids_;
  Trial trial_;
  VelocityCounting counting_;
  std::unordered_map<base::Uuid, base::Timestamp, base::UuidHash> made_at_;  // found though they are refused now
  bool lost_commit_ = false;
  base::Timestamp now_;  // when it was prepared or decided last
};

}  // namespace cala::core
