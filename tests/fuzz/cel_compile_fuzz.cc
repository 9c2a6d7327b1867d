// Any bytes as an expression: compiled or refused, with a place inside the source and details that are JSON.
// The first byte chooses the options.
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

void check_error(const cala::base::Error &error) {
  require(error.code == "cel.compile" || error.code == "cel.coerce" || error.code == "currency.unknown");
  require(cala::base::is_valid_utf8(error.message));
  // A NUL in the source is written as JSON has it but is not read back by us.
  const bool readable = error.details.find("\\u0000") == std::string::npos;
  require(error.details.empty() || !readable || cala::base::Json::parse(error.details).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  if (size == 0) return 0;
  static const std::vector<cel::ParamSpec> params = {
      {"amount", cel::ParamType::kDecimal}, {"memo", cel::ParamType::kString}, {"order", cel::ParamType::kJson}};
  const std::uint8_t choice = data[0];
  cel::CompileOptions options;
  if ((choice & 1U) != 0) options.params = params;
  options.context = (choice & 2U) != 0;
  options.check = (choice & 4U) != 0;
  options.macros = (choice & 8U) == 0;
  if ((choice & 16U) != 0) options.container = "a.b";
  options.as = static_cast<cel::ResultAs>((choice >> 5U) % 8 * 2 % 13);
  const std::string_view source(reinterpret_cast<const char *>(data + 1), size - 1);
  const auto program = cel::compile(source, options);
  if (!program) {
    check_error(program.error());
  } else {
    require((*program)->source() == source);
  }
  return 0;
}
