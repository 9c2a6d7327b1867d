// What cala.h says about the library itself.
#include <array>
#include <cstdlib>

#include "cala.h"

#define CALA_TEXT_OF(x) #x
#define CALA_TEXT(x) CALA_TEXT_OF(x)

namespace cala::api {
const char *api_document();  // abi/api.json
}

extern "C" {

const char *cala_version(void) {
  return CALA_TEXT(CALA_VERSION_MAJOR) "." CALA_TEXT(CALA_VERSION_MINOR) "." CALA_TEXT(CALA_VERSION_PATCH);
}

int32_t cala_abi_version(void) { return CALA_VERSION_MAJOR << 16 | CALA_VERSION_MINOR; }

const char *cala_api(void) { return cala::api::api_document(); }

const char *cala_status_name(cala_status status) {
  static constexpr std::array<const char *, 17> kNames = {
      "CALA_OK",          "CALA_MISUSE",         "CALA_INVALID",     "CALA_NOT_FOUND", "CALA_CONFLICT",
      "CALA_REJECTED",    "CALA_BUSY",           "CALA_TIMEOUT",     "CALA_CANCELLED", "CALA_CLOSED",
      "CALA_UNAVAILABLE", "CALA_PERMISSION",     "CALA_UNSUPPORTED", "CALA_NO_MEMORY", "CALA_INTERNAL",
      "CALA_FORKED",      "CALA_OUTCOME_UNKNOWN"};
  if (status < 0 || static_cast<std::size_t>(status) >= kNames.size()) return "CALA_UNKNOWN";
  return kNames[static_cast<std::size_t>(status)];
}

void cala_free(void *memory) { std::free(memory); }

}  // extern "C"
