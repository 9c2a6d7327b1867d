// Any bytes as a cel_evaluate request: answered with JSON, or refused with a code that the operation has.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "engine/cel_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view request(reinterpret_cast<const char *>(data), size);
  const auto parsed = cala::base::Json::parse(request);
  if (!parsed) return 0;
  const auto answer = cala::engine::evaluate_document(parsed->root(), cala::base::Timestamp{1700000000, 0});
  if (!answer) {
    const std::string_view code = answer.error().code;
    if (!code.starts_with("cel.") && !code.starts_with("request.")) std::abort();
    return 0;
  }
  // A NUL in the answer is written as JSON has it but is not read back by us.
  if (answer->find("\\u0000") == std::string::npos && !cala::base::Json::parse(*answer).ok()) std::abort();
  return 0;
}
