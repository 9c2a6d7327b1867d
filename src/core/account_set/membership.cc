#include "core/account_set/membership.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/json.h"

namespace cala::core {

namespace {

using base::Outcome;
using base::Status;
using base::Uuid;

const char *key_of(const Membership &membership) {
  return membership.member_is_set ? "member_account_set_id" : "account_id";
}

std::string name_of(const Membership &membership) {
  return (membership.member_is_set ? "account set " : "account ") + membership.member_id.text();
}

// Says which membership of the request is refused; more: further details.
base::Error refuse(Status status, const char *code, std::string message, const Membership &membership,
                   std::size_t index, const std::vector<std::pair<const char *, std::string>> &more = {},
                   std::size_t depth = 0) {
  base::Error error = base::make_error(status, code, std::move(message));
  base::JsonWriter out;
  out.begin_object().key("index").integer(static_cast<std::int64_t>(index));
  out.key("account_set_id").string(membership.account_set_id.text());
  out.key(key_of(membership)).string(membership.member_id.text());
  for (const auto &[key, value] : more) out.key(key).string(value);
  if (depth > 0) out.key("depth").integer(static_cast<std::int64_t>(depth)).key("max").integer(kMaxSetDepth);
  error.details = out.end_object().take();
  return error;
}

using Holders = std::unordered_map<Uuid, const MembershipState::Holder *, base::UuidHash>;

Holders by_id(const MembershipState &state) {
  Holders holders;
  for (const MembershipState::Holder &holder : state.holders) holders[holder.id] = &holder;
  return holders;
}

const MembershipState::Holder *find_set(const Holders &holders, const Uuid &id) {
  const auto found = holders.find(id);
  return found != holders.end() && found->second->is_set ? found->second : nullptr;
}

const MembershipState::Holder *find_account(const Holders &holders, const Uuid &id) {
  const auto found = holders.find(id);
  return found != holders.end() && !found->second->is_set ? found->second : nullptr;
}

base::Error missing(const char *noun, const char *name, const Uuid &id, std::size_t index) {
  base::Error error = base::make_error(Status::kNotFound, std::string(noun) + ".not_found",
                                       "there is no " + std::string(name) + " with id \"" + id.text() + "\"");
  base::JsonWriter out;
  out.begin_object().key("id").string(id.text()).key("index").integer(static_cast<std::int64_t>(index));
  error.details = out.end_object().take();
  return error;
}

// The sets exist, the journals agree, and no member has history: for additions and removals alike.
Outcome check_sets(const Holders &holders, const std::vector<Membership> &memberships) {
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const Membership &one = memberships[i];
    if (find_set(holders, one.account_set_id) == nullptr) {
      return missing("account_set", "account set", one.account_set_id, i);
    }
    if (one.member_is_set && find_set(holders, one.member_id) == nullptr) {
      return missing("account_set", "account set", one.member_id, i);
    }
  }
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const Membership &one = memberships[i];
    if (!one.member_is_set) continue;
    const Uuid &journal_id = find_set(holders, one.account_set_id)->journal_id;
    const Uuid &other = find_set(holders, one.member_id)->journal_id;
    if (journal_id == other) continue;
    return refuse(Status::kRejected, "membership.journal_mismatch",
                  name_of(one) + " and account set " + one.account_set_id.text() + " are of different journals", one, i,
                  {{"journal_id", journal_id.text()}, {"member_journal_id", other.text()}});
  }
  return {};
}

Outcome check_history(const MembershipState &state, const Holders &holders,
                      const std::vector<Membership> &memberships) {
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const Membership &one = memberships[i];
    const Uuid &journal_id = find_set(holders, one.account_set_id)->journal_id;
    const bool has_history = std::any_of(state.history.begin(), state.history.end(), [&](const auto &history) {
      return history.member_id == one.member_id && history.journal_id == journal_id;
    });
    if (!has_history) continue;
    return refuse(Status::kRejected, "membership.has_history",
                  name_of(one) + " has entries in journal " + journal_id.text() +
                      "; members are added and removed before they have any",
                  one, i, {{"journal_id", journal_id.text()}});
  }
  return {};
}

// The sets and members as small numbers, with the memberships that there are and the first few
// of those that are to come.
class Graph {
 public:
  Graph(const MembershipState &state, const std::vector<Membership> &additions) {
    for (const Membership &one : state.memberships) edges_.push_back(edge_of(one));
    stored_ = edges_.size();
    for (const Membership &one : additions) edges_.push_back(edge_of(one));
    parents_.resize(is_set_.size());
    visited_.resize(is_set_.size());
  }

  // The graph with the first `count` additions. Cycles are looked for first: the others count on there being none.
  bool has_cycle(std::size_t count) {
    take(count);
    return sorted().size() < is_set_.size();
  }
  // Does a set, or an account, reach a set by two paths?
  bool has_second_path(std::size_t count, bool of_sets) {
    take(count);
    for (std::size_t node = 0; node < is_set_.size(); ++node) {
      if (is_set_[node] == of_sets && reaches_twice(node)) return true;
    }
    return false;
  }
  // Memberships of sets in sets, one above the other.
  std::size_t depth(std::size_t count) {
    take(count);
    std::vector<std::size_t> depths(is_set_.size());
    std::size_t deepest = 0;
    for (const std::size_t node : sorted()) {
      if (!is_set_[node]) continue;
      for (const std::size_t parent : parents_[node]) {
        depths[parent] = std::max(depths[parent], depths[node] + 1);
        deepest = std::max(deepest, depths[parent]);
      }
    }
    return deepest;
  }

 private:
  struct Edge {
    std::size_t set = 0;
    std::size_t member = 0;
  };

  Edge edge_of(const Membership &one) {
    const std::size_t set = number_of(one.account_set_id, true);
    return {set, number_of(one.member_id, one.member_is_set)};
  }
  std::size_t number_of(const Uuid &id, bool is_set) {
    const auto [at, added] = numbers_.emplace(id, is_set_.size());
    if (added) is_set_.push_back(is_set);
    return at->second;
  }
  void take(std::size_t count) {
    for (std::vector<std::size_t> &parents : parents_) parents.clear();
    for (std::size_t i = 0; i < stored_ + count; ++i) parents_[edges_[i].member].push_back(edges_[i].set);
  }
  // Members before the sets above them; without those that are on or above a cycle.
  std::vector<std::size_t> sorted() const {
    std::vector<std::size_t> members(is_set_.size());
    for (const std::vector<std::size_t> &parents : parents_) {
      for (const std::size_t parent : parents) ++members[parent];
    }
    std::vector<std::size_t> order;
    for (std::size_t node = 0; node < members.size(); ++node) {
      if (members[node] == 0) order.push_back(node);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const std::size_t parent : parents_[order[i]]) {
        if (--members[parent] == 0) order.push_back(parent);
      }
    }
    return order;
  }
  // Ends at the first set that it meets again, so that no graph makes it walk more steps than there are sets.
  bool reaches_twice(std::size_t from) {
    ++walk_;
    std::vector<std::size_t> waiting = {from};
    while (!waiting.empty()) {
      const std::size_t node = waiting.back();
      waiting.pop_back();
      for (const std::size_t parent : parents_[node]) {
        if (visited_[parent] == walk_) return true;
        visited_[parent] = walk_;
        waiting.push_back(parent);
      }
    }
    return false;
  }

  std::unordered_map<Uuid, std::size_t, base::UuidHash> numbers_;
  std::vector<bool> is_set_;
  std::vector<Edge> edges_;
  std::size_t stored_ = 0;
  std::vector<std::vector<std::size_t>> parents_;
  std::vector<std::size_t> visited_;
  std::size_t walk_ = 0;
};

// Which of `count` additions makes it wrong, where all of them do: what is wrong stays wrong with more of them.
template <typename IsWrong>
std::size_t first_wrong(std::size_t count, IsWrong is_wrong) {
  std::size_t right = 0;
  std::size_t wrong = count;
  while (wrong - right > 1) {
    const std::size_t middle = right + (wrong - right) / 2;
    (is_wrong(middle) ? wrong : right) = middle;
  }
  return wrong - 1;
}

Outcome check_graph(const MembershipState &state, const std::vector<Membership> &additions) {
  Graph graph(state, additions);
  const std::size_t all = additions.size();
  const auto cycle = [&](std::size_t count) { return graph.has_cycle(count); };
  if (cycle(all)) {
    const std::size_t at = first_wrong(all, cycle);
    return refuse(Status::kRejected, "membership.cycle",
                  name_of(additions[at]) + " is account set " + additions[at].account_set_id.text() +
                      ", or above it, and cannot be below it too",
                  additions[at], at);
  }
  for (const bool of_sets : {true, false}) {
    const auto second_path = [&](std::size_t count) { return graph.has_second_path(count, of_sets); };
    if (!second_path(all)) continue;
    const std::size_t at = first_wrong(all, second_path);
    return refuse(Status::kRejected, "membership.duplicate_path",
                  name_of(additions[at]) + ", or a member of it, would be in an account set twice, by way of " +
                      additions[at].account_set_id.text() + " and by another",
                  additions[at], at);
  }
  const auto too_deep = [&](std::size_t count) { return graph.depth(count) > kMaxSetDepth; };
  if (!too_deep(all)) return {};
  const std::size_t at = first_wrong(all, too_deep);
  const std::size_t depth = graph.depth(at + 1);
  return refuse(Status::kRejected, "membership.depth",
                "account sets would be " + std::to_string(depth) + " memberships deep, and " +
                    std::to_string(kMaxSetDepth) + " are the most",
                additions[at], at, {}, depth);
}

Outcome check_accounts(const Holders &holders, const std::vector<Membership> &memberships) {
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const Membership &one = memberships[i];
    if (one.member_is_set || find_account(holders, one.member_id) != nullptr) continue;
    if (find_set(holders, one.member_id) == nullptr) return missing("account", "account", one.member_id, i);
    return refuse(Status::kRejected, "account.is_set",
                  "account " + one.member_id.text() + " is an account set; name it as member_account_set_id", one, i);
  }
  return {};
}

}  // namespace

Outcome check_additions(const MembershipState &state, const std::vector<Membership> &additions) {
  const Holders holders = by_id(state);
  if (Outcome sets = check_sets(holders, additions); !sets) return sets;
  if (Outcome unused = check_history(state, holders, additions); !unused) return unused;
  // An id of the other kind would be taken for what it is not.
  Outcome accounts = check_accounts(holders, additions);
  if (!accounts && accounts.error().code == "account.is_set") return accounts;
  if (Outcome graph = check_graph(state, additions); !graph) return graph;
  return accounts;
}

std::vector<Membership> missing_memberships(const MembershipState &state, const std::vector<Membership> &wanted) {
  std::set<std::tuple<Uuid, Uuid, bool>> there;
  const auto key = [](const Membership &one) {
    return std::tuple(one.account_set_id, one.member_id, one.member_is_set);
  };
  for (const Membership &one : state.memberships) there.insert(key(one));
  std::vector<Membership> missing;
  for (const Membership &one : wanted) {
    if (there.insert(key(one)).second) missing.push_back(one);
  }
  return missing;
}

Outcome check_removal(const MembershipState &state, const Membership &removal) {
  const Holders holders = by_id(state);
  if (Outcome sets = check_sets(holders, {removal}); !sets) return sets;
  if (Outcome accounts = check_accounts(holders, {removal}); !accounts) return accounts;
  const bool is_member = std::any_of(state.memberships.begin(), state.memberships.end(), [&](const Membership &one) {
    return one.account_set_id == removal.account_set_id && one.member_id == removal.member_id;
  });
  if (!is_member) {
    return refuse(Status::kNotFound, "membership.not_found",
                  name_of(removal) + " is no member of account set " + removal.account_set_id.text(), removal, 0);
  }
  return check_history(state, holders, {removal});
}

}  // namespace cala::core
