#include "runtime/fork_guard.h"

#include <string>

#include "platform/fork_generation.h"

namespace cala::runtime {

bool forked_since(std::uint64_t born) { return platform::fork_generation() != born; }

base::Error forked_error(std::string_view what) {
  std::string message(what);
  message += " was made before fork; open a new one in this process";
  return base::make_error(base::Status::kForked, "process.forked", std::move(message));
}

}  // namespace cala::runtime
