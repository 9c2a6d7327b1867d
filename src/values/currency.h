// Currency: an ISO 4217 or crypto code from a fixed table, held as a small number. A plain value, ordered by code.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cala::values {

class Currency {
 public:
  constexpr Currency() = default;
  static std::optional<Currency> parse(std::string_view code);  // case-sensitive, "USD"
  std::string_view code() const;
  int exponent() const;  // the customary number of decimals; informative, never enforced
  friend auto operator<=>(const Currency &, const Currency &) = default;

 private:
  constexpr explicit Currency(std::uint16_t index) : index_(index) {}
  std::uint16_t index_ = 0;  // into the table, which is sorted by code
};

}  // namespace cala::values
