#include "core/tx_template/symbolic.h"

#include <algorithm>

#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::core {

using namespace cel;  // NOLINT(google-build-using-namespace): it reads the language's own trees

namespace {

constexpr std::size_t kMaxTerms = 64;
constexpr std::size_t kMaxDegree = 8;
constexpr std::size_t kMaxKey = 8192;
constexpr int kMaxSymbolicDepth = 48;

void append_value(const Value &value, std::string &out) {
  out += kind_letter(value.kind());
  std::string text;
  if (value.is(Kind::kList) || value.is(Kind::kMap)) {
    if (!to_json(value, text)) text = "#" + std::to_string(reinterpret_cast<std::uintptr_t>(value.list_items()));
  } else if (value.is(Kind::kBytes)) {
    text = value.as_text();
  } else {
    append_value_text(value, text);
  }
  out += std::to_string(text.size()) + ":" + text;
}

void append_structure(const Expr &expr, std::size_t step_count, std::string &out);

void append_items(const Expr *const *items, std::uint32_t count, std::string &out) {
  out += '(';
  for (std::uint32_t i = 0; i < count && out.size() < kMaxKey; ++i) {
    if (items[i]->optional_item) out += '?';
    append_structure(*items[i], items[i]->step_count, out);
    out += ',';
  }
  out += ')';
}

void append_step(const Step &step, std::string &out) {
  out += '.';
  out += std::to_string(static_cast<int>(step.kind)) + "/" + std::to_string(static_cast<int>(step.op)) + "/" +
         std::to_string(static_cast<int>(step.macro)) + "/" + std::to_string(step.slot);
  out += step.name;
  if (step.overloads.count > 0) out += step.overloads.first->name;
  if (step.regex != nullptr) out += "#" + std::to_string(reinterpret_cast<std::uintptr_t>(step.regex));
  append_items(step.items, step.item_count, out);
}

void append_structure(const Expr &expr, std::size_t step_count, std::string &out) {
  if (out.size() >= kMaxKey) return;
  out += std::to_string(static_cast<int>(expr.leaf)) + "_" + std::to_string(expr.index);
  if (expr.leaf == LeafKind::kConstant) append_value(expr.constant, out);
  if (expr.leaf == LeafKind::kCall) out += expr.overloads.first->name;
  append_items(expr.items, expr.item_count, out);
  for (std::size_t i = 0; i < step_count; ++i) append_step(expr.steps[i], out);
}

std::optional<Decimal> constant_decimal(const Value &value) {
  Decimal exact;
  if (to_exact(value, exact)) return exact;
  if (value.is(Kind::kString)) return Decimal::parse(value.as_text());
  return std::nullopt;
}

std::optional<Polynomial> combine(Operator op, Polynomial a, Polynomial b, Atoms &atoms) {
  const std::size_t work = op == Operator::kMultiply ? a.terms().size() * b.terms().size() : b.terms().size();
  if (!atoms.spend(64 * work)) return std::nullopt;
  if (op == Operator::kMultiply) return Polynomial::multiply(a, b);
  if (op == Operator::kSubtract) b.negate();
  return a.add(b) ? std::optional(std::move(a)) : std::nullopt;
}

Operator operator_of(std::string_view function) {
  if (function == "decimal.Add") return Operator::kAdd;
  if (function == "decimal.Sub") return Operator::kSubtract;
  return function == "decimal.Mul" ? Operator::kMultiply : Operator::kNone;
}

std::string structure_of(const Expr &expr, std::size_t step_count) {
  std::string out;
  append_structure(expr, step_count, out);
  return out;
}

// c ? a : b is b + [c] * (a - b).
std::optional<Polynomial> chosen(const std::string &condition, const Step &step, Atoms &atoms, int depth) {
  const auto yes = polynomial_of(*step.items[0], atoms, depth + 1);
  auto no = polynomial_of(*step.items[1], atoms, depth + 1);
  if (!yes || !no) return std::nullopt;
  const auto difference = combine(Operator::kSubtract, *yes, *no, atoms);
  if (!difference) return std::nullopt;
  const auto part = Polynomial::multiply(Polynomial::atom(atoms.of(AtomKind::kIndicator, condition)), *difference);
  return part && no->add(*part) ? std::move(no) : std::nullopt;
}

Polynomial leaf_polynomial(const Expr &expr, Atoms &atoms) {
  if (expr.leaf == LeafKind::kConstant) {
    if (const auto known = constant_decimal(expr.constant)) return Polynomial::constant(*known);
  }
  return Polynomial::atom(atoms.of(AtomKind::kPlain, structure_of(expr, 0)));
}

std::optional<Polynomial> stepped(const Expr &expr, std::size_t index, Polynomial before, Atoms &atoms, int depth) {
  const Step &step = expr.steps[index];
  if (step.kind == StepKind::kNegate) {
    before.negate();
    return before;
  }
  if (step.kind == StepKind::kConditional) return chosen(structure_of(expr, index), step, atoms, depth);
  Operator op = Operator::kNone;
  if (step.kind == StepKind::kArithmetic) op = step.op;
  if (step.kind == StepKind::kCall && step.overloads.count > 0 && step.item_count == 1)
    op = operator_of(step.overloads.first->name);
  if (op == Operator::kAdd || op == Operator::kSubtract || op == Operator::kMultiply) {
    auto other = polynomial_of(*step.items[0], atoms, depth + 1);
    return other ? combine(op, std::move(before), std::move(*other), atoms) : std::nullopt;
  }
  const std::string key = structure_of(expr, index + 1);
  if (key.size() >= kMaxKey) return std::nullopt;
  return Polynomial::atom(atoms.of(AtomKind::kPlain, key));
}

}  // namespace

Atom Atoms::of(AtomKind kind, const std::string &structure) {
  spend(structure.size());
  const auto fresh = [&] { return next_++ << 2U | static_cast<Atom>(kind); };
  if (structure.size() >= kMaxKey) return fresh();
  const auto [found, is_new] = known_.try_emplace(static_cast<char>('0' + static_cast<int>(kind)) + structure, 0);
  if (is_new) found->second = fresh();
  return found->second;
}

bool Atoms::spend(std::size_t work) {
  left_ -= std::min(left_, work);
  return left_ > 0;
}

bool Polynomial::put(const Monomial &monomial, const Decimal &coefficient) {
  const auto found = terms_.find(monomial);
  if (found == terms_.end()) {
    if (!coefficient.is_zero()) terms_.emplace(monomial, coefficient);
    return terms_.size() <= kMaxTerms;
  }
  const auto sum = Decimal::add(found->second, coefficient);
  if (!sum) return false;
  if (sum->is_zero()) {
    terms_.erase(found);
  } else {
    found->second = *sum;
  }
  return true;
}

Polynomial Polynomial::constant(const Decimal &value) {
  Polynomial out;
  out.put({}, value);
  return out;
}

Polynomial Polynomial::atom(Atom atom) {
  Polynomial out;
  out.terms_.emplace(Monomial{atom}, Decimal::from_int(1));
  return out;
}

bool Polynomial::add(const Polynomial &other) {
  for (const auto &[monomial, coefficient] : other.terms_) {
    if (!put(monomial, coefficient)) return false;
  }
  return true;
}

std::optional<Polynomial> Polynomial::multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial out;
  for (const auto &[left, left_coefficient] : a.terms_) {
    for (const auto &[right, right_coefficient] : b.terms_) {
      Monomial both;
      std::merge(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
      // 0 and 1 are their own squares; 1 and -1 square to 1.
      both.erase(std::unique(both.begin(), both.end(),
                             [](Atom x, Atom y) { return x == y && kind_of_atom(x) == AtomKind::kIndicator; }),
                 both.end());
      for (std::size_t i = 0; i + 1 < both.size();) {
        const bool pair = both[i] == both[i + 1] && kind_of_atom(both[i]) == AtomKind::kSign;
        if (pair)
          both.erase(both.begin() + static_cast<std::ptrdiff_t>(i), both.begin() + static_cast<std::ptrdiff_t>(i + 2));
        if (!pair) ++i;
      }
      const auto product = Decimal::mul(left_coefficient, right_coefficient);
      if (!product || both.size() > kMaxDegree || !out.put(both, *product)) return std::nullopt;
    }
  }
  return out;
}

void Polynomial::negate() {
  for (auto &[monomial, coefficient] : terms_) coefficient = coefficient.negated();
}

std::optional<Decimal> Polynomial::as_constant() const {
  if (terms_.empty()) return Decimal();
  if (terms_.size() == 1 && terms_.begin()->first.empty()) return terms_.begin()->second;
  return std::nullopt;
}

std::optional<Polynomial> polynomial_of(const Expr &expr, Atoms &atoms, int depth) {
  if (depth > kMaxSymbolicDepth) return std::nullopt;
  std::optional<Polynomial> out = leaf_polynomial(expr, atoms);
  for (std::size_t i = 0; i < expr.step_count && out; ++i) {
    if (!atoms.spend(64 * (1 + out->terms().size()))) return std::nullopt;
    out = stepped(expr, i, std::move(*out), atoms, depth);
  }
  return out;
}

Polynomial sign_of(const Expr &direction, Atoms &atoms) {
  const auto known = [](const Expr &expr) {
    return expr.is_constant() && expr.constant.is(Kind::kString) ? expr.constant.as_text() : std::string_view();
  };
  const auto sign = [&](std::size_t steps) {
    return Polynomial::atom(atoms.of(AtomKind::kSign, structure_of(direction, steps)));
  };
  if (known(direction) == "CREDIT") return Polynomial::constant(Decimal::from_int(1));
  if (known(direction) == "DEBIT") return Polynomial::constant(Decimal::from_int(-1));
  if (direction.step_count > 0 && direction.steps[direction.step_count - 1].kind == StepKind::kConditional) {
    const Step &choice = direction.steps[direction.step_count - 1];
    const std::string_view yes = known(*choice.items[0]);
    const std::string_view no = known(*choice.items[1]);
    Polynomial chosen_sign = sign(direction.step_count - 1);
    if (yes == "DEBIT" && no == "CREDIT") chosen_sign.negate();
    if ((yes == "DEBIT" && no == "CREDIT") || (yes == "CREDIT" && no == "DEBIT")) return chosen_sign;
  }
  return sign(direction.step_count);
}

}  // namespace cala::core
