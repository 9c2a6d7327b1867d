// Expressions as polynomials with exact coefficients over atoms. An atom is what is not known before a posting,
// identified by its structure: the same atom is the same value in one evaluation. Used by the balance proof only, which
// shares one Atoms.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cel/plan.h"
#include "core/values.h"

namespace cala::core {

enum class AtomKind : std::uint32_t {
  kPlain,
  kIndicator,  // 0 or 1, depending on a condition
  kSign,       // 1 or -1, an unknown direction
};

// A number for each atom, with its kind in the lowest bits.
using Atom = std::uint32_t;
constexpr AtomKind kind_of_atom(Atom atom) { return static_cast<AtomKind>(atom & 3U); }

class Atoms {
 public:
  // Equal structures are one atom; one that is too long to be kept is an atom of its own.
  Atom of(AtomKind kind, const std::string &structure);
  // False once the proof has become too long: then nothing is proved.
  bool spend(std::size_t work);

 private:
  std::unordered_map<std::string, Atom> known_;
  Atom next_ = 0;
  std::size_t left_ = 32'000'000;  // bytes of structures, terms times 64
};

// A sorted list of atoms, with repetitions; empty: the constant term.
using Monomial = std::vector<Atom>;

class Polynomial {
 public:
  static Polynomial constant(const Decimal &value);
  static Polynomial atom(Atom atom);

  // Each answers false, or nullopt, when the result is too large to follow, or inexact.
  bool add(const Polynomial &other);
  static std::optional<Polynomial> multiply(const Polynomial &a, const Polynomial &b);
  void negate();

  bool is_zero() const { return terms_.empty(); }
  const std::map<Monomial, Decimal> &terms() const { return terms_; }
  std::optional<Decimal> as_constant() const;

 private:
  bool put(const Monomial &monomial, const Decimal &coefficient);
  std::map<Monomial, Decimal> terms_;
};

std::optional<Polynomial> polynomial_of(const cel::Expr &expr, Atoms &atoms, int depth = 0);
// +1 for CREDIT, -1 for DEBIT, an unknown sign for what a posting decides.
Polynomial sign_of(const cel::Expr &direction, Atoms &atoms);

}  // namespace cala::core
