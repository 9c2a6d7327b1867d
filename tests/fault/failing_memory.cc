// The linker sends every malloc of the executable to the functions here (--wrap in tests/CMakeLists.txt); SQLite and
// cJSON are part of it, the shared libraries are not.
#include "failing_memory.h"

#include <atomic>
#include <cstdlib>
#include <new>

extern "C" {
void *__real_malloc(std::size_t size);                     // NOLINT: the linker's name
void *__real_calloc(std::size_t count, std::size_t size);  // NOLINT
void *__real_realloc(void *memory, std::size_t size);      // NOLINT
}

namespace cala::tests {
namespace {

constinit std::atomic<long> left{0};  // until the one that fails; 0 and below: none does

constinit std::atomic<bool> for_good{false};

bool fails() {
  if (left.load() > 0) return left.fetch_sub(1) == 1;
  return for_good.load();
}

void *allocate(std::size_t size) { return fails() ? nullptr : __real_malloc(size == 0 ? 1 : size); }

}  // namespace

void fail_allocation(std::size_t nth) { left.store(static_cast<long>(nth)); }

void fail_allocations_from(std::size_t nth) {
  left.store(static_cast<long>(nth));
  for_good.store(true);
}

bool allocation_is_to_fail() { return left.load() > 0; }

bool allocation_failed() {
  for_good.store(false);
  return left.exchange(0) <= 0;
}

}  // namespace cala::tests

extern "C" {
void *__wrap_malloc(std::size_t size) {  // NOLINT
  return cala::tests::fails() ? nullptr : __real_malloc(size);
}
void *__wrap_calloc(std::size_t count, std::size_t size) {  // NOLINT
  return cala::tests::fails() ? nullptr : __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, std::size_t size) {  // NOLINT
  return cala::tests::fails() ? nullptr : __real_realloc(memory, size);
}
}

// Every form that pairs with a delete below: the sanitizers' own would take them for mismatched.
void *operator new(std::size_t size) {
  if (void *memory = cala::tests::allocate(size)) return memory;
  throw std::bad_alloc();
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return cala::tests::allocate(size); }
void *operator new[](std::size_t size) { return operator new(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return cala::tests::allocate(size); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, const std::nothrow_t &) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, const std::nothrow_t &) noexcept { std::free(memory); }
