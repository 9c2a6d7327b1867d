#include "platform/module.h"

#include <dlfcn.h>

namespace cala::platform {

namespace {

#ifdef __APPLE__
constexpr const char *kLibpqNames[] = {"libpq.5.dylib", "/opt/homebrew/opt/libpq/lib/libpq.5.dylib",
                                       "/usr/local/opt/libpq/lib/libpq.5.dylib"};
#else
constexpr const char *kLibpqNames[] = {"libpq.so.5"};
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

}  // namespace

void *load_module(const char *name) { return dlopen(name, kOpenFlags); }

void *hold_loaded_module(const char *name) { return dlopen(name, RTLD_LAZY | RTLD_NOLOAD); }

void let_go_of_module(void *module) { dlclose(module); }

void *find_in_module(void *module, const char *name) { return dlsym(module, name); }

void *find_in_program(const char *name) { return dlsym(RTLD_DEFAULT, name); }

std::span<const char *const> libpq_names() { return kLibpqNames; }

}  // namespace cala::platform
