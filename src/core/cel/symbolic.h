// Expressions as polynomials with exact coefficients over atoms. An atom is what is not known before a posting, identified by its
// structure: two atoms with the same key are the same value in one evaluation. Used by the balance proof only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/cel/plan.h"
#include "core/decimal/decimal.h"

namespace cala::core::cel {

// A sorted list of atoms' keys, with repetitions; empty: the constant term.
using Monomial = std::vector<std::string>;

class Polynomial {
 public:
  static Polynomial constant(const Decimal &value);
  static Polynomial atom(std::string key);

  // Each answers nullopt when the result is too large to follow, or inexact.
  static std::optional<Polynomial> add(const Polynomial &a, const Polynomial &b);
  static std::optional<Polynomial> multiply(const Polynomial &a, const Polynomial &b);
  Polynomial negated() const;

  bool is_zero() const { return terms_.empty(); }
  const std::map<Monomial, Decimal> &terms() const { return terms_; }
  std::optional<Decimal> as_constant() const;

 private:
  bool put(const Monomial &monomial, const Decimal &coefficient);
  std::map<Monomial, Decimal> terms_;
};

// An atom that is 0 or 1, depending on a condition, starts with this.
inline constexpr char kIndicator = '?';
// An atom that is 1 or -1, an unknown direction, starts with this.
inline constexpr char kSign = '+';

// The structure of an expression up to and without steps[step_count]: equal texts mean equal values.
std::string structure_of(const Expr &expr, std::size_t step_count);
std::optional<Polynomial> polynomial_of(const Expr &expr, int depth = 0);
// +1 for CREDIT, -1 for DEBIT, an unknown sign for what a posting decides.
Polynomial sign_of(const Expr &direction);

}  // namespace cala::core::cel
