// Sources: what a batch's postings are made from, as far as the store has been asked: tx templates, transactions that
// are voided, holds that are captured or released. Makes each posting as it is at an instant. Pure.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/hold/hold.h"
#include "core/posting/originals.h"
#include "core/posting/transaction.h"
#include "core/posting/void.h"
#include "core/tx_template/compiled.h"

namespace cala::core {

struct AskedPosting {
  base::Uuid id;
  bool id_given = false;  // by the caller; otherwise drawn by the library when the operation was made
  std::string tx_template_code;
  base::JsonView params;                // an object, or absent; borrowed
  std::optional<AskedVoid> voids{};     // then it has no template
  std::optional<AskedHold> hold{};      // what it posts becomes a hold
  std::optional<AskedHoldStep> step{};  // of a hold; then it has no template
};

struct MadePosting {
  PostedTransaction posting;
  std::optional<Hold> hold;  // after it, of a posting that makes one or is a step of one
};

class Sources {
 public:
  void add_template(CompiledTxTemplatePtr tx_template);
  void add_originals(const std::vector<base::Uuid> &asked, std::vector<PostedTransaction> found) {
    originals_.add(asked, std::move(found));
  }
  void add_holds(const std::vector<base::Uuid> &asked, std::vector<Hold> found);

  // Whether a posting is by a tx template that it has not been given yet.
  bool lacks_template(const AskedPosting &asked) const;
  // What the store must tell of transactions next, so that a posting can be made; of a hold that is captured or
  // released, its own and what may be the answer already.
  void name_missing_originals(const AskedPosting &asked, std::vector<base::Uuid> &missing) const;
  bool knows_hold(const base::Uuid &id) const { return holds_.contains(id); }
  // Null where it is not there.
  const Hold *hold(const base::Uuid &id) const;
  std::vector<base::Uuid> tx_template_ids() const;
  // Forgets templates that the store no longer has; answers their codes.
  std::vector<std::string> drop_stale_templates(const std::vector<base::Uuid> &stored);

  // The posting under an id, at an instant. What is the same capture, release or void again is made as it was then,
  // which the store will show to be a replay.
  base::Result<MadePosting> make(const AskedPosting &asked, const base::Uuid &id, base::Timestamp now) const;
  // What limits count a posting as: of a void what it takes back in the end, if that was a void itself; of a capture or
  // a release what it takes from its hold. Null where it is neither.
  const PostedTransaction *counted_as(const AskedPosting &asked) const;

 private:
  base::Result<MadePosting> make_void(const AskedVoid &asked, const base::Uuid &id, base::Timestamp now) const;
  base::Result<MadePosting> make_step(const AskedPosting &asked, const base::Uuid &id, base::Timestamp now) const;

  std::unordered_map<std::string, CompiledTxTemplatePtr> templates_;
  Originals originals_;
  std::unordered_map<base::Uuid, std::optional<Hold>, base::UuidHash> holds_;
};

}  // namespace cala::core
