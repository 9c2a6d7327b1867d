#include "platform/fork_generation.h"

namespace cala::platform {

// No process here is a copy of another.
std::uint64_t fork_generation() { return 1; }

}  // namespace cala::platform
