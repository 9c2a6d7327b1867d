#include "core/tx_template/balance_proof.h"

#include <algorithm>
#include <vector>

#include "core/tx_template/symbolic.h"

namespace cala::core {

using namespace cel;  // NOLINT(google-build-using-namespace): it reads the language's own trees

namespace {

// A currency or layer: the word, where it is known.
std::optional<std::string_view> word_of(const Program &program) {
  const Expr &expr = *program.plan().root;
  if (expr.is_constant() && expr.constant.is(Kind::kString)) return expr.constant.as_text();
  return std::nullopt;
}

using Word = std::optional<std::string_view>;
bool may_be_same(const Word &a, const Word &b) { return !a || !b || *a == *b; }

struct Side {
  Word currency;
  Word layer;
  std::optional<Polynomial> amount;  // signed, credit is positive
  std::size_t group = 0;             // of a group: the index of one of its sides
};

std::optional<Polynomial> signed_units(const EntryPrograms &entry, Atoms &atoms) {
  const auto units = polynomial_of(*entry.units->plan().root, atoms);
  return units ? Polynomial::multiply(*units, sign_of(*entry.direction->plan().root, atoms)) : std::nullopt;
}

std::size_t root_of(std::vector<Side> &sides, std::size_t i) {
  while (sides[i].group != i) i = sides[i].group = sides[sides[i].group].group;
  return i;
}

// Gives entries that could ever meet in one currency and layer the same group.
void join_groups(std::vector<Side> &sides) {
  for (std::size_t i = 0; i < sides.size(); ++i) {
    sides[i].group = i;
    for (std::size_t j = 0; j < i; ++j) {
      if (may_be_same(sides[i].currency, sides[j].currency) && may_be_same(sides[i].layer, sides[j].layer))
        sides[root_of(sides, j)].group = i;
    }
  }
  for (std::size_t i = 0; i < sides.size(); ++i) sides[i].group = root_of(sides, i);
}

using Group = std::vector<const Side *>;

std::string where(const Group &group) {
  const Side &first = *group.front();
  const bool same = std::all_of(group.begin(), group.end(), [&](const Side *side) {
    return side->currency && side->layer && side->currency == first.currency && side->layer == first.layer;
  });
  return same ? " in " + std::string(*first.currency) + " " + std::string(*first.layer) : std::string();
}

// Whether an amount is zero wherever the atom is.
bool is_multiple(const Polynomial &amount, Atom atom) {
  const auto &terms = amount.terms();
  return std::all_of(terms.begin(), terms.end(),
                     [&](const auto &term) { return std::binary_search(term.first.begin(), term.first.end(), atom); });
}

// Why the sum of a group is not zero for any posting that moves something in it.
std::optional<std::string> verdict(const Polynomial &sum, const Group &group) {
  if (sum.is_zero()) return std::nullopt;
  if (const auto constant = sum.as_constant()) {
    const bool debits = constant->is_negative();
    return std::string(debits ? "debits exceed credits by " : "credits exceed debits by ") + constant->abs().text() +
           where(group) + ", whatever the params";
  }
  if (sum.terms().size() > 1) return std::nullopt;
  bool one_sided = true;
  for (const Atom atom : sum.terms().begin()->first) {
    if (kind_of_atom(atom) == AtomKind::kSign) {
      one_sided = false;
    } else if (!std::all_of(group.begin(), group.end(),
                            [&](const Side *side) { return is_multiple(*side->amount, atom); })) {
      return std::nullopt;
    }
  }
  const bool debits = sum.terms().begin()->second.is_negative();
  const std::string which =
      !one_sided ? "debits and credits differ" : (debits ? "debits exceed credits" : "credits exceed debits");
  return which + where(group) + ", whatever the params, unless nothing is posted";
}

std::optional<std::string> verdict_of(const Group &group) {
  Polynomial sum;
  for (const Side *side : group) {
    if (!side->amount || !sum.add(*side->amount)) return std::nullopt;
  }
  return verdict(sum, group);
}

}  // namespace

std::optional<std::string> provably_unbalanced(std::span<const EntryPrograms> entries) {
  constexpr std::size_t kMostEntries = 1000;
  if (entries.size() > kMostEntries) return std::nullopt;
  Atoms atoms;
  std::vector<Side> sides;
  for (const EntryPrograms &entry : entries) {
    sides.push_back({word_of(*entry.currency), word_of(*entry.layer), signed_units(entry, atoms), 0});
  }
  join_groups(sides);
  std::vector<Group> groups(sides.size());
  for (const Side &side : sides) groups[side.group].push_back(&side);
  for (const Side &side : sides) {  // the first entry's group first
    if (&side != groups[side.group].front()) continue;
    if (auto reason = verdict_of(groups[side.group])) return reason;
  }
  return std::nullopt;
}

}  // namespace cala::core
