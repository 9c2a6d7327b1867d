#include "platform/files.h"

#include <sys/stat.h>
#include <unistd.h>

namespace cala::platform {

std::optional<FileIdentity> identity_of(const std::string &path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileIdentity{static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino)};
}

bool may_read(const std::string &path) { return access(path.c_str(), R_OK) == 0; }

}  // namespace cala::platform
