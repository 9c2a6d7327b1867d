// The types that a param of a tx template or of a velocity limit may have.
#pragma once

#include <cstdint>

namespace cala::values {

enum class ParamType : std::uint8_t { kString, kInteger, kDecimal, kBoolean, kUuid, kDate, kTimestamp, kJson };

}  // namespace cala::values
