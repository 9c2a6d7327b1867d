// Posting: the one path on which money moves. It takes any number of units, each of one or more postings that are made
// all or none: one operation's, or those of independent operations that are committed as a group.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/posting/batch.h"
#include "engine/flow.h"
#include "engine/operation.h"
#include "engine/render.h"
#include "engine/request.h"

namespace cala::engine {

// What one operation posts: all of it or nothing.
struct PostingUnit {
  std::vector<core::AskedPosting> postings;
  bool single = false;                        // answers {transaction, entries, replayed}, else {results: [...]}
  std::shared_ptr<const base::Json> request;  // holds what the postings borrow
};
using PostingUnitPtr = std::shared_ptr<const PostingUnit>;

// Ends with the unit's outcome: of several errors the first in the documented order.
Flow post(Context context, PostingUnitPtr unit);

// What became of a unit of a group.
struct UnitOutcome {
  std::optional<base::Result<Render>> result;  // none: it was left out, to be posted after this group
  bool settled = false;                        // the result holds whatever becomes of the group's transaction
  bool alone = false;                          // left out, and to be posted by itself
};
using GroupOutcomes = std::vector<UnitOutcome>;  // beside the units

// Posts units as if one after the other, each with its own outcome, in one transaction: one that is refused is not
// written, and one with an id or an external id of an earlier one is left out. Ends with an error only when the store
// failed; what is not settled has then no outcome. Units that are settled already are passed over.
// `out` outlives the flow.
Flow post_group(Context context, std::vector<PostingUnitPtr> units, GroupOutcomes *out);

// Releases up to so many holds that have expired, each as if by itself, in one transaction.
Flow expire_holds(Context context, std::int64_t limit);

// {id?, tx_template_code, params?}
core::AskedPosting read_posting(RequestReader &reader);

// Which transactions an outcome that is unknown is of: whoever does not know asks with these ids, which may be the
// library's own.
base::Error naming_ids(const base::Error &error, const PostingUnit &unit);

}  // namespace cala::engine
