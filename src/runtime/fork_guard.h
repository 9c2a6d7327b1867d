// Fork guard: tells a forked child that a handle was made in its parent. A handle remembers what
// platform::fork_generation() was when it was born.
// Rules for the child: an inherited handle answers kForked before it touches a lock, because a thread that no longer
// exists may hold it. Its free takes no lock, joins nothing, talks to no socket and runs no destructor of what it holds
// (a PQfinish in the child would end the parent's connection): it may close descriptors, which the parent does not
// notice, and leaks the rest (`leak`).
// Thread rule: everything here is lock-free and safe from every thread.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace cala::runtime {

// born: what platform::fork_generation() was then.
bool forked_since(std::uint64_t born);

// "<what> was made before fork; open a new one in this process".
base::Error forked_error(std::string_view what);

// Gives up an owner (a smart pointer, a container) without running its destructor, ever.
template <typename T>
void leak(T &owner) {
  using Owner = std::remove_reference_t<T>;
  struct Box {
    alignas(Owner) unsigned char bytes[sizeof(Owner)];
  };
  Box *box = new (std::nothrow) Box;
  if (box != nullptr) new (box->bytes) Owner(std::move(owner));
}

}  // namespace cala::runtime
