// Any text as a format: of a list's values, of an instant, of a regular expression, of a duration. The answer is UTF-8
// or an error.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cel/cel.h"

namespace cel = cala::cel;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<cel::ProgramPtr> compiled() {
  std::vector<cel::VariableSpec> variables;
  for (const char *name : {"text", "when"}) {
    cel::VariableSpec variable;
    variable.name = name;
    variables.push_back(variable);
  }
  cel::CompileOptions options;
  options.variables = variables;
  std::vector<cel::ProgramPtr> programs;
  for (const char *source :
       {"text.format([1, -2.5, 'x', b'\\xff\\x00', [null, {'a': 1u}], decimal('1.50'), duration('90m'), when, true])",
        "when.format(text)", "date(when).format(text)", "'aXb1 \\u00e9\\n'.matches(text)", "string(duration(text))",
        "string(timestamp(text))", "when.getHours(text)", "strings.quote(text) + text.reverse() + text.trim()",
        "text.split('').join('-').replace('', text.substring(0, min(size(text), 2)))", "base64.decode(text)",
        "string(double(text))", "string(int(text))"}) {
    auto program = cel::compile(source, options);
    require(program.ok());
    programs.push_back(program.take());
  }
  return programs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  static const auto *const programs = new std::vector<cel::ProgramPtr>(compiled());
  if (size < 8) return 0;
  std::int64_t seconds = 0;
  for (int i = 0; i < 8; ++i) seconds = static_cast<std::int64_t>(static_cast<std::uint64_t>(seconds) << 8U | data[i]);
  const std::string_view text(reinterpret_cast<const char *>(data + 8), size - 8);
  if (!cala::base::is_valid_utf8(text)) return 0;
  const std::int64_t span = cala::base::Timestamp::kMaxSeconds - cala::base::Timestamp::kMinSeconds;
  const auto nanos = static_cast<std::int32_t>(static_cast<std::uint64_t>(seconds) % 1'000'000'000U);
  seconds = cala::base::Timestamp::kMinSeconds +
            static_cast<std::int64_t>(static_cast<std::uint64_t>(seconds) % static_cast<std::uint64_t>(span));
  const std::vector<cel::Value> values = {cel::Value::string(text), cel::Value::timestamp({seconds, nanos})};
  cel::Bindings bindings;
  bindings.variables = values;
  for (const cel::ProgramPtr &program : *programs) {
    cel::Arena arena;
    const auto value = cel::evaluate(*program, bindings, arena);
    if (value && value->is(cel::Kind::kString)) require(cala::base::is_valid_utf8(value->as_text()));
    if (!value) require(cala::base::is_valid_utf8(value.error().message));
  }
  return 0;
}
