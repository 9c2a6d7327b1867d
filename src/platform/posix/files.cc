#include "platform/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace cala::platform {

std::optional<FileIdentity> identity_of(const std::string &path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileIdentity{static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino)};
}

bool may_read(const std::string &path) { return access(path.c_str(), R_OK) == 0; }

std::error_code refuses_writing(const std::string &path) {
  if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) return {};
  return {errno, std::generic_category()};
}

}  // namespace cala::platform
