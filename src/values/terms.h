// The ledger's small closed sets of words, and their text in JSON (lower case out, either case in)
// and in CEL (upper case).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cala::values {

enum class Direction : std::uint8_t { kDebit, kCredit };
enum class Layer : std::uint8_t { kSettled, kPending, kEncumbrance };
enum class LockStatus : std::uint8_t { kActive, kLocked };
enum class BalanceRollup : std::uint8_t { kSynchronous, kEventuallyConsistent };
enum class HoldStatus : std::uint8_t { kOpen, kCaptured, kReleased, kExpired };

inline constexpr std::size_t kLayerCount = 3;
inline constexpr std::array<Layer, kLayerCount> kLayers = {Layer::kSettled, Layer::kPending, Layer::kEncumbrance};

std::string_view text_of(Direction value);
std::string_view text_of(Layer value);
std::string_view text_of(LockStatus value);
std::string_view text_of(BalanceRollup value);
std::string_view text_of(HoldStatus value);

// Whether a text is that word, which is in lower case, in all lower or all upper case.
bool is_word(std::string_view text, std::string_view word);

// The word that a text is, or nullopt.
std::optional<Direction> parse_direction(std::string_view text);
std::optional<Layer> parse_layer(std::string_view text);
std::optional<LockStatus> parse_lock_status(std::string_view text);
std::optional<BalanceRollup> parse_balance_rollup(std::string_view text);
std::optional<HoldStatus> parse_hold_status(std::string_view text);

// The type of an event that is meant, in lower case.
std::optional<std::string_view> parse_event_type(std::string_view text);

}  // namespace cala::values
