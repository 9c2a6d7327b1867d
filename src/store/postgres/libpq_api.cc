#include "store/postgres/libpq_api.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <string>

namespace cala::store::postgres {
namespace {

#if defined(__APPLE__)
constexpr const char *kLibraries[] = {"libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib",
                                      "/usr/local/opt/libpq/lib/libpq.5.dylib"};
#else
constexpr const char *kLibraries[] = {"libpq.so.5"};
#endif

// Deep binding keeps libpq on its own OpenSSL in programs, such as Node, that export another; sanitizers cannot live
// with it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CALA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CALA_SANITIZED 1
#endif
#endif
#if defined(RTLD_DEEPBIND) && !defined(CALA_SANITIZED)
constexpr int kOpenFlags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
#else
constexpr int kOpenFlags = RTLD_NOW | RTLD_LOCAL;
#endif

base::Error missing(const std::string &what) {
  return base::make_error(base::Status::kUnavailable, "store.libpq_missing",
                          what +
                              "; install it with \"apt-get install libpq5\" on Debian and Ubuntu or "
                              "\"brew install libpq\" on macOS");
}

template <typename Function>
bool find(void *library, const char *name, Function &out) {
  void *symbol = dlsym(library, name);
  static_assert(sizeof symbol == sizeof out);
  std::memcpy(&out, &symbol, sizeof out);
  return symbol != nullptr;
}

base::Result<const LibpqApi *> load() {
  void *library = nullptr;
  for (const char *name : kLibraries) {
    if (library == nullptr) library = dlopen(name, kOpenFlags);
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
