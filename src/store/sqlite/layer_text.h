// The state texts of cala_balances and cala_entries: a balance's layers right after one entry, as short as they can be.
// The form is described at cala_entries in migrations/0001_01_tables.sql. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/balance/balance.h"

namespace cala::store::sqlite {

// The state of `balance` right after its last entry, balance.entry_id. kInternal "store.entry_id" when a layer names an
// entry whose id this ledger (its salt) did not make.
base::Result<std::string> layers_text(const core::Balance &balance, std::uint32_t salt);

// Fills in the layers; the balance's entry_id, created_at and modified_at must be there.
// False when the text is not ours.
bool read_layers(std::string_view text, std::uint32_t salt, core::Balance &balance);

// The numbers of a trail: "[4,6,7]". False when the text is not ours.
bool read_trail(std::string_view text, std::vector<std::int64_t> &trail);
std::string trail_text(const std::vector<std::int64_t> &trail);

// Moves a trail from the head of `version` (0: no head yet) to a new head: answers the number that the new head skips
// to, 0 when there is none.
std::int64_t extend_trail(std::vector<std::int64_t> &trail, std::int64_t version, std::int64_t new_head);

}  // namespace cala::store::sqlite
