// Who may be in which account set. Pure: what the store knows comes in as a MembershipState.
//
// A member, account or set, reaches every set above it by one path only; no set is above itself; sets are at most 16
// memberships deep; and nothing is attached or detached that has history in the set's journal, so that no balance ever
// needs to be filled in.
#pragma once

#include <cstddef>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"

namespace cala::core {

inline constexpr std::size_t kMaxSetDepth = 16;

struct Membership {
  base::Uuid account_set_id;
  base::Uuid member_id;
  bool member_is_set = false;
};

// What is stored about the sets and members of a request.
struct MembershipState {
  struct Holder {
    base::Uuid id;
    bool is_set = false;
    base::Uuid journal_id;  // of a set
  };
  struct History {
    base::Uuid member_id;
    base::Uuid journal_id;  // where it, or an account below it, has entries
  };
  std::vector<Holder> holders;  // those that the request names, sets and accounts, as far as they exist
  std::vector<History> history;
  // Every membership of whoever is at, below or above a set or member of the request.
  std::vector<Membership> memberships;
};

// All additions as one final graph. Of several reasons to refuse the first of these counts, and then the first
// addition: a set is missing; journals; history; a cycle; a second path between sets; a second path of an account;
// depth; an account is missing, or a set. A cycle, a path and a depth name the first addition by which, with those
// before it, they come about. Details: index, and the ids.
base::Outcome check_additions(const MembershipState &state, const std::vector<Membership> &additions);
// Those of the wanted memberships that are not there yet, each once.
std::vector<Membership> missing_memberships(const MembershipState &state, const std::vector<Membership> &wanted);
base::Outcome check_removal(const MembershipState &state, const Membership &removal);

}  // namespace cala::core
