#include "core/cel/balance_proof.h"

#include <algorithm>
#include <vector>

#include "core/cel/symbolic.h"

namespace cala::core::cel {

namespace {

// A currency or layer: a word that is known, or the structure of what decides it.
struct Word {
  bool known = false;
  std::string text;
};

Word word_of(const Program &program) {
  const Expr &expr = *program.plan().root;
  if (expr.is_constant() && expr.constant.is(Kind::kString)) return {true, std::string(expr.constant.as_text())};
  return {false, structure_of(expr, expr.step_count)};
}

bool may_be_same(const Word &a, const Word &b) { return !a.known || !b.known || a.text == b.text; }

struct Side {
  Word currency;
  Word layer;
  std::optional<Polynomial> amount;  // signed, credit is positive
  std::size_t group = 0;
};

std::optional<Polynomial> signed_units(const EntryPrograms &entry) {
  const auto units = polynomial_of(*entry.units->plan().root);
  return units ? Polynomial::multiply(*units, sign_of(*entry.direction->plan().root)) : std::nullopt;
}

// Gives entries that could ever meet in one currency and layer the same group.
void join_groups(std::vector<Side> &sides) {
  for (std::size_t i = 0; i < sides.size(); ++i) sides[i].group = i;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!may_be_same(sides[i].currency, sides[j].currency) || !may_be_same(sides[i].layer, sides[j].layer)) continue;
      const std::size_t from = sides[j].group;
      for (Side &side : sides) {
        if (side.group == from) side.group = sides[i].group;
      }
    }
  }
}

std::string where(const std::vector<Side> &sides, std::size_t group) {
  const auto first = std::find_if(sides.begin(), sides.end(), [&](const Side &side) { return side.group == group; });
  const bool same = std::all_of(sides.begin(), sides.end(), [&](const Side &side) {
    return side.group != group || (side.currency.known && side.layer.known &&
                                   side.currency.text == first->currency.text && side.layer.text == first->layer.text);
  });
  return same ? " in " + first->currency.text + " " + first->layer.text : std::string();
}

bool decides(char first) { return first == kIndicator; }

// The sum of a group that cannot be zero for any posting that moves something.
std::optional<std::string> verdict(const Polynomial &sum, const std::string &place) {
  if (sum.is_zero()) return std::nullopt;
  if (const auto constant = sum.as_constant()) {
    const bool debits = constant->is_negative();
    return std::string(debits ? "debits exceed credits by " : "credits exceed debits by ") + constant->abs().text() +
           place + ", whatever the params";
  }
  if (sum.terms().size() > 1) return std::nullopt;
  const Monomial &only = sum.terms().begin()->first;
  if (std::any_of(only.begin(), only.end(), [](const std::string &atom) { return decides(atom[0]); }))
    return std::nullopt;
  const bool one_sided =
      std::all_of(only.begin(), only.end(), [](const std::string &atom) { return atom[0] != kSign; });
  const bool debits = sum.terms().begin()->second.is_negative();
  const std::string which =
      !one_sided ? "debits and credits differ" : (debits ? "debits exceed credits" : "credits exceed debits");
  return which + place + ", whatever the params, unless nothing is posted";
}

}  // namespace

std::optional<std::string> provably_unbalanced(std::span<const EntryPrograms> entries) {
  constexpr std::size_t kMostEntries = 500;
  if (entries.size() > kMostEntries) return std::nullopt;
  std::vector<Side> sides;
  for (const EntryPrograms &entry : entries) {
    sides.push_back({word_of(*entry.currency), word_of(*entry.layer), signed_units(entry), 0});
  }
  join_groups(sides);
  for (std::size_t i = 0; i < sides.size(); ++i) {
    std::optional<Polynomial> sum = Polynomial();
    bool first = true;
    for (std::size_t j = 0; j < sides.size(); ++j) {
      if (sides[j].group != sides[i].group) continue;
      first = first && j >= i;
      sum = sum && sides[j].amount ? Polynomial::add(*sum, *sides[j].amount) : std::nullopt;
    }
    if (!first || !sum) continue;
    if (auto reason = verdict(*sum, where(sides, sides[i].group))) return reason;
  }
  return std::nullopt;
}

}  // namespace cala::core::cel
