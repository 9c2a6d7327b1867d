// Replays: is a posting the one that was posted before under the same id or external id? Pure.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "core/posting/transaction.h"

namespace cala::core {

// The first field, as a path such as "entries/0/units", in which `again` (prepared anew, at the first one's instant)
// differs from what was posted; nullopt when it is the same posting. Amounts are compared by value, metadata as JSON.
std::optional<std::string> first_difference(const PostedTransaction &posted, const PostedTransaction &again);

// kConflict "transaction.replay_differs", naming the field.
base::Error replay_differs(const PostedTransaction &posted, const std::string &field);

}  // namespace cala::core
