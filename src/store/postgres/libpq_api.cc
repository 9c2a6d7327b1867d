#include "store/postgres/libpq_api.h"

#include <atomic>
#include <cstring>
#include <string>

#include "platform/module.h"

namespace cala::store::postgres {
namespace {

base::Error missing(const std::string &what) {
  return base::make_error(base::Status::kUnavailable, "store.libpq_missing",
                          what +
                              "; install it with \"apt-get install libpq5\" on Debian and Ubuntu, with "
                              "\"brew install libpq\" on macOS, on Windows with PostgreSQL itself, whose folder bin "
                              "then is to be in the PATH");
}

template <typename Function>
bool find(void *library, const char *name, Function &out) {
  void *symbol = platform::find_in_module(library, name);
  static_assert(sizeof symbol == sizeof out);
  std::memcpy(&out, &symbol, sizeof out);
  return symbol != nullptr;
}

base::Result<const LibpqApi *> load() {
  void *library = nullptr;
  for (const char *name : platform::libpq_names()) {
    if (library == nullptr) library = platform::load_module(name);
  }
  if (library == nullptr) return missing("PostgreSQL's client library libpq cannot be loaded");
  auto api = std::make_unique<LibpqApi>();
#define CALA_LIBPQ_FIND(name)                                                                      \
  if (!find(library, #name, api->name)) {                                                          \
    return missing("PostgreSQL's client library libpq is too old: version 14 or later is needed"); \
  }
  CALA_LIBPQ_FUNCTIONS(CALA_LIBPQ_FIND)
#undef CALA_LIBPQ_FIND
  return api.release();
}

}  // namespace

base::Result<const LibpqApi *> load_libpq() {
  // Two threads that come first both load; the loser's table is lost, the library is the same.
  static std::atomic<const LibpqApi *> loaded{nullptr};
  if (const LibpqApi *api = loaded.load(std::memory_order_acquire)) return api;
  base::Result<const LibpqApi *> api = load();
  if (api) loaded.store(*api, std::memory_order_release);
  return api;
}

}  // namespace cala::store::postgres
