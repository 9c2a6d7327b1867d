// What can go wrong while an expression runs, and how it is said. A failure travels inside a Value (Value::failure), so
// an error that && or || absorbs costs nothing; its text is made only when it leaves the evaluator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cel/value.h"

namespace cala::cel {

enum class FailureCode : std::uint8_t {
  kNoSuchOverload,    // detail: the function or operator
  kUnknownVariable,   // detail: its name
  kUnknownFunction,   // detail: its name
  kNoSuchKey,         // detail: the key
  kNoSuchParam,       // detail: its name
  kMissingParam,      // detail: its name; declared, but neither supplied nor defaulted
  kNoFieldSelection,  // detail: the type
  kIndexOutOfRange,   // detail: the index
  kInvalidArgument,   // detail: what was wrong
  kOverflow,          // detail: the type
  kDivideByZero,
  kModulusByZero,
  kRange,         // detail: the type
  kDecimalRange,  // detail: the operation
  kConversion,    // detail: the target type
  kInvalidUtf8,
  kUnsupportedKey,
  kRepeatedKey,  // detail: the key
  kBadRegex,     // detail: why
  kPatternTooLong,
  kFormat,     // detail: the whole sentence after "error during formatting: "
  kNoneValue,  // optional.none() dereferenced
  kStepLimit,
  kMemoryLimit,
  kSharedStepLimit,  // of all that share one
  kSharedMemoryLimit,
  kDepthLimit,
};

// "no such overload: size(int)": one line, without the source.
std::string failure_text(FailureCode code, std::string_view detail);

// The Error that evaluate() answers: cel.eval, or param.missing, with {"expression", "line", "column"}.
base::Error failure_error(const Value &failure, std::string_view source);

struct SourcePlace {
  std::uint32_t line = 1;    // from 1
  std::uint32_t column = 1;  // from 1, in code points
};
SourcePlace place_of(std::string_view source, std::uint32_t position);

// At most 120 bytes of the source around a position, cut at code points.
std::string_view excerpt_of(std::string_view source, std::uint32_t position);

base::Error compile_error(std::string_view source, std::uint32_t position, std::string message,
                          std::string_view hint = {});

}  // namespace cala::cel
