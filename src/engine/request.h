// What requests of several nouns have alike beside the fields of entities:
// pages and their cursors, and the keys of balances.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/balance/balance.h"
#include "core/request.h"

namespace cala::engine {

using core::pointer_below;
using core::RequestReader;

// The three members of a page request.
struct Page {
  std::int64_t first = 100;
  std::optional<std::string> after;  // the store's cursor
  bool descending = false;
};
// noun names the list, so that a cursor of another list is refused.
Page read_page(RequestReader &reader, std::string_view noun);
std::string encode_cursor(std::string_view noun, std::string_view cursor);

inline constexpr std::size_t kMaxBatch = 10000;

// {journal_id, account_id, currency}, and "keys": an array of them.
core::BalanceKey read_balance_key(RequestReader &reader);
std::vector<core::BalanceKey> read_balance_keys(RequestReader &reader);

}  // namespace cala::engine
