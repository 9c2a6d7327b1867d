// Posting: the one path on which money moves. It takes any number of postings, all or nothing or each with an outcome of its own, so
// that independent callers' postings can be committed as one group without a change here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "engine/flow.h"
#include "engine/operation.h"
#include "engine/render.h"

namespace cala::engine {

struct Posting {
  base::Uuid id;
  bool id_given = false;  // by the caller; otherwise drawn by the library when the operation was made
  std::string tx_template_code;
  base::JsonView params;  // an object, or absent; the request that holds it outlives the operation
};

enum class Outcomes { kAllOrNothing, kEach };

// One posting's outcome, in the order of the postings.
using PostingOutcome = base::Result<PostingResult>;

// Where kEach leaves the outcomes; filled when the flow has ended without an error of its own.
struct PostingOutcomes {
  std::vector<PostingOutcome> items;
};

// kAllOrNothing ends with the first error in the documented order, or renders {transaction, entries, replayed} (single) or
// {results: [...]}. kEach ends with an error only when the store failed, else fills `out` and renders nothing.
Flow post(Context context, std::shared_ptr<const std::vector<Posting>> postings, Outcomes mode, bool single,
          PostingOutcomes *out);

}  // namespace cala::engine
