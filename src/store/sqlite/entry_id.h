// Entry ids are computed, not stored: tttttttt-tttt-7nnn-[8-b]nnn-nnnnssssssss, where t is the entry's instant in
// milliseconds (48 bits), n its number in cala_entries (42 bits) and s the ledger's salt (32 bits). A version 7 UUID by
// its form. The views in migrations/0001_02_rows.sql compute the same. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "base/uuid.h"

namespace cala::store::sqlite {

inline constexpr std::int64_t kMaxEntryN = (std::int64_t{1} << 42) - 1;

base::Uuid entry_id(std::int64_t n, base::Timestamp created_at, std::uint32_t salt);

// The number inside an id; nullopt when no ledger with this salt could have made it.
std::optional<std::int64_t> entry_n_of(const base::Uuid &id, std::uint32_t salt);

}  // namespace cala::store::sqlite
