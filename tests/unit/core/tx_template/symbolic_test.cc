// Polynomials over what is not known before a posting.
#include "core/tx_template/symbolic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/cel.h"

namespace cala::core {
namespace {

const std::vector<cel::ParamSpec> kParams = {
    {"a", ParamType::kDecimal}, {"b", ParamType::kDecimal}, {"yes", ParamType::kBoolean}};

class Symbolic : public ::testing::Test {
 protected:
  const cel::Expr &tree(const std::string &source) {
    cel::CompileOptions options;
    options.params = kParams;
    auto program = cel::compile(source, options);
    EXPECT_TRUE(program.ok()) << source;
    kept_.push_back(program.take());
    return *kept_.back()->plan().root;
  }
  std::optional<Polynomial> polynomial(const std::string &source) { return polynomial_of(tree(source), atoms_); }
  // Whether the two are one polynomial.
  bool same(const std::string &one, const std::string &other) {
    std::optional<Polynomial> left = polynomial(one), right = polynomial(other);
    EXPECT_TRUE(left && right) << one << ", " << other;
    if (!left || !right) return false;
    right->negate();
    return left->add(*right) && left->is_zero();
  }

  Atoms atoms_;
  std::vector<cel::ProgramPtr> kept_;
};

Decimal number(int n) { return Decimal::from_int(n); }

TEST(Polynomial, CancelsOut) {
  Polynomial sum = Polynomial::atom(4);
  EXPECT_FALSE(sum.is_zero());
  EXPECT_EQ(sum.as_constant(), std::nullopt);
  Polynomial other = Polynomial::atom(4);
  other.negate();
  EXPECT_TRUE(sum.add(other));
  EXPECT_TRUE(sum.is_zero());
  EXPECT_EQ(sum.as_constant()->text(), "0");
  EXPECT_TRUE(sum.add(Polynomial::constant(number(7))));
  EXPECT_EQ(sum.as_constant()->text(), "7");
}

TEST(Polynomial, AnIndicatorIsItsOwnSquareAndASignSquaresToOne) {
  Atoms atoms;
  const Polynomial indicator = Polynomial::atom(atoms.of(AtomKind::kIndicator, "c"));
  const Polynomial sign = Polynomial::atom(atoms.of(AtomKind::kSign, "d"));
  const Polynomial plain = Polynomial::atom(atoms.of(AtomKind::kPlain, "x"));
  EXPECT_EQ(Polynomial::multiply(indicator, indicator)->terms(), indicator.terms());
  EXPECT_EQ(Polynomial::multiply(sign, sign)->as_constant()->text(), "1");
  EXPECT_EQ(Polynomial::multiply(plain, plain)->terms().begin()->first.size(), 2U);
}

TEST(Polynomial, TooManyTermsOrFactorsAreNotFollowed) {
  Polynomial sum;
  bool followed = true;
  for (Atom atom = 0; atom < 65 && followed; ++atom) followed = sum.add(Polynomial::atom(atom << 2U));
  EXPECT_FALSE(followed);
  Polynomial power = Polynomial::atom(4);
  for (int factors = 1; factors < 8; ++factors) power = Polynomial::multiply(power, Polynomial::atom(4)).value();
  EXPECT_FALSE(Polynomial::multiply(power, Polynomial::atom(4)).has_value());
}

TEST(Atoms, OfOneKindAndStructureAreOne) {
  Atoms atoms;
  EXPECT_EQ(atoms.of(AtomKind::kPlain, "x"), atoms.of(AtomKind::kPlain, "x"));
  EXPECT_NE(atoms.of(AtomKind::kPlain, "x"), atoms.of(AtomKind::kPlain, "y"));
  EXPECT_NE(atoms.of(AtomKind::kPlain, "x"), atoms.of(AtomKind::kSign, "x"));
  EXPECT_EQ(kind_of_atom(atoms.of(AtomKind::kIndicator, "z")), AtomKind::kIndicator);
  const std::string too_long(10'000, 'x');
  EXPECT_NE(atoms.of(AtomKind::kPlain, too_long), atoms.of(AtomKind::kPlain, too_long));
}

TEST(Atoms, AProofThatIsTooLongEnds) {
  Atoms atoms;
  EXPECT_TRUE(atoms.spend(31'000'000));
  EXPECT_FALSE(atoms.spend(1'000'000));
  EXPECT_FALSE(atoms.spend(0));
}

TEST_F(Symbolic, ArithmeticIsMultipliedOut) {
  EXPECT_TRUE(same("(params.a + 1) * (params.b - 1)", "params.a * params.b - params.a + params.b - 1"));
  EXPECT_TRUE(same("decimal.Mul(params.a, params.b)", "params.b * params.a"));
  EXPECT_TRUE(same("-params.a", "decimal.Sub('0', params.a)"));
  EXPECT_FALSE(same("params.a * params.a", "params.a"));
}

TEST_F(Symbolic, AChoiceIsTheSameWhereItsConditionIs) {
  EXPECT_TRUE(same("params.yes ? params.a : params.b", "params.b + (params.yes ? params.a - params.b : decimal('0'))"));
  EXPECT_FALSE(same("params.yes ? params.a : params.b", "!params.yes ? params.a : params.b"));
}

TEST_F(Symbolic, DirectionsAreSigns) {
  EXPECT_EQ(sign_of(tree("CREDIT"), atoms_).as_constant()->text(), "1");
  EXPECT_EQ(sign_of(tree("DEBIT"), atoms_).as_constant()->text(), "-1");
  Polynomial one = sign_of(tree("params.yes ? DEBIT : CREDIT"), atoms_);
  EXPECT_EQ(one.as_constant(), std::nullopt);
  EXPECT_TRUE(one.add(sign_of(tree("params.yes ? CREDIT : DEBIT"), atoms_)));
  EXPECT_TRUE(one.is_zero()) << "the one is the other's opposite";
}

}  // namespace
}  // namespace cala::core
