// A proof that a template can never balance: its entries' units are taken as polynomials over what only a posting knows
// (params, calls, fields), signed by direction, and summed over the entries that could meet in one currency and layer.
// A sum that is a constant other than zero is a proof, and so is one product that is zero only where nothing moves:
// each of its factors is in every product of every entry of the group. Whatever cannot be decided is no proof. Pure;
// bounded by the size of the expressions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cel/cel.h"

namespace cala::core {

// All four compiled with the same params.
struct EntryPrograms {
  const cel::Program *units = nullptr;
  const cel::Program *currency = nullptr;
  const cel::Program *layer = nullptr;
  const cel::Program *direction = nullptr;
};

// Why no posting of these entries balances ("debits exceed credits by 10 in USD SETTLED, whatever the params"),
// or nullopt.
std::optional<std::string> provably_unbalanced(std::span<const EntryPrograms> entries);

}  // namespace cala::core
