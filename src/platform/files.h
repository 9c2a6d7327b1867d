// Facts about files, each asked in one call. Paths are UTF-8. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

namespace cala::platform {

// Which file a path names: two names of one file have the same, a file in the place of a deleted one has another.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t file = 0;
  friend bool operator==(const FileIdentity &, const FileIdentity &) = default;
};

std::optional<FileIdentity> identity_of(const std::string &path);  // none: there is no such file, or it cannot be asked

bool may_read(const std::string &path);

// Why a file, or what is in a folder, may not be written to; none where it may.
std::error_code refuses_writing(const std::string &path);

}  // namespace cala::platform
