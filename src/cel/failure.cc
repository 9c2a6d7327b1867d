#include "cel/failure.h"

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"

namespace cala::cel {

namespace {

// With a colon and the detail after it where there is one.
std::string_view stem(FailureCode code) {
  switch (code) {
    case FailureCode::kNoSuchOverload: return "no such overload";
    case FailureCode::kUnknownVariable: return "unknown variable";
    case FailureCode::kUnknownFunction: return "unknown function";
    case FailureCode::kNoSuchKey: return "no such key";
    case FailureCode::kNoSuchParam: return "no such param";
    case FailureCode::kMissingParam: return "the param has no value and no default";
    case FailureCode::kNoFieldSelection: return "the type does not support field selection";
    case FailureCode::kIndexOutOfRange: return "index out of range";
    case FailureCode::kInvalidArgument: return "invalid_argument";
    case FailureCode::kOverflow: return "return error for overflow";
    case FailureCode::kDivideByZero: return "divide by zero";
    case FailureCode::kModulusByZero: return "modulus by zero";
    case FailureCode::kRange: return "range error";
    case FailureCode::kDecimalRange: return "the exact result does not fit a decimal of 38 digits";
    case FailureCode::kConversion: return "Type conversion error";
    case FailureCode::kInvalidUtf8: return "invalid UTF-8";
    case FailureCode::kUnsupportedKey: return "unsupported key type";
    case FailureCode::kRepeatedKey: return "Failed with repeated key";
    case FailureCode::kBadRegex: return "invalid regular expression";
    case FailureCode::kPatternTooLong: return "the pattern is longer than 1024 bytes";
    case FailureCode::kFormat: return "error during formatting";
    case FailureCode::kNoneValue: return "optional.none() dereference";
    case FailureCode::kStepLimit: return "the evaluation took more than 1000000 steps";
    case FailureCode::kMemoryLimit: return "the evaluation built more than 4 MiB";
    case FailureCode::kSharedStepLimit: return "the posting's expressions took more than 4000000 steps together";
    case FailureCode::kSharedMemoryLimit: return "the posting's expressions built more than 16 MiB together";
    case FailureCode::kDepthLimit: return "the value is nested too deeply";
  }
  return "error";
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string place_details(std::string_view source, std::uint32_t position, std::string_view hint) {
  const SourcePlace place = place_of(source, position);
  base::JsonWriter writer;
  writer.begin_object().key("line").integer(place.line).key("column").integer(place.column);
  const std::string_view excerpt = excerpt_of(source, position);
  if (base::is_valid_utf8(excerpt)) writer.key("expression").string(excerpt);
  if (!hint.empty()) writer.key("hint").string(hint);
  return writer.end_object().take();
}

}  // namespace

std::string failure_text(FailureCode code, std::string_view detail) {
  constexpr std::size_t kLongest = 512;
  std::string text(stem(code));
  if (detail.empty()) return text;
  text += ": ";
  text += base::utf8_prefix(detail, kLongest);
  return text;
}

SourcePlace place_of(std::string_view source, std::uint32_t position) {
  SourcePlace place;
  const std::size_t end = std::min<std::size_t>(position, source.size());
  for (std::size_t i = 0; i < end; ++i) {
    if (source[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if (!is_continuation(source[i])) {
      ++place.column;
    }
  }
  return place;
}

std::string_view excerpt_of(std::string_view source, std::uint32_t position) {
  constexpr std::size_t kSpan = 120;
  if (source.size() <= kSpan) return source;
  std::size_t begin = std::min<std::size_t>(position, source.size());
  begin = begin > kSpan / 2 ? begin - kSpan / 2 : 0;
  begin = std::min(begin, source.size() - kSpan);
  std::size_t end = begin + kSpan;
  while (begin < end && is_continuation(source[begin])) ++begin;
  while (end < source.size() && end > begin && is_continuation(source[end])) --end;
  return source.substr(begin, end - begin);
}

base::Error failure_error(const Value &failure, std::string_view source) {
  const FailureCode code = failure.failure_code();
  if (code == FailureCode::kMissingParam) {
    base::Error error = base::make_error(
        base::Status::kInvalid, "param.missing",
        "param '" + std::string(failure.as_text()) + "' is read but was not supplied and has no default");
    base::JsonWriter writer;
    writer.begin_object().key("param").string(failure.as_text()).end_object();
    error.details = writer.take();
    return error;
  }
  base::Error error = base::make_error(base::Status::kInvalid, "cel.eval", failure_text(code, failure.as_text()));
  error.details = place_details(source, failure.failure_position(), {});
  return error;
}

base::Error compile_error(std::string_view source, std::uint32_t position, std::string message, std::string_view hint) {
  const SourcePlace place = place_of(source, position);
  std::string text = std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + std::move(message);
  if (!hint.empty()) {
    text += " (";
    text += hint;
    text += ")";
  }
  base::Error error = base::make_error(base::Status::kInvalid, "cel.compile", std::move(text));
  error.details = place_details(source, position, hint);
  return error;
}

}  // namespace cala::cel
