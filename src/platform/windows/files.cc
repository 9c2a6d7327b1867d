#include "platform/files.h"

#include <windows.h>

#include "platform/windows/wide_text.h"

namespace cala::platform {

namespace {

constexpr DWORD kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

HANDLE open_for(const std::string &path, DWORD access) {
  return CreateFileW(wide(path).c_str(), access, kShareAll, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS,
                     nullptr);
}

}  // namespace

std::optional<FileIdentity> identity_of(const std::string &path) {
  const HANDLE file = open_for(path, FILE_READ_ATTRIBUTES);
  if (file == INVALID_HANDLE_VALUE) return std::nullopt;
  BY_HANDLE_FILE_INFORMATION found{};
  const bool known = GetFileInformationByHandle(file, &found) != 0;
  CloseHandle(file);
  if (!known) return std::nullopt;
  return FileIdentity{found.dwVolumeSerialNumber,
                      static_cast<std::uint64_t>(found.nFileIndexHigh) << 32 | found.nFileIndexLow};
}

bool may_read(const std::string &path) {
  const HANDLE file = open_for(path, GENERIC_READ);
  if (file == INVALID_HANDLE_VALUE) return false;
  CloseHandle(file);
  return true;
}

// Of a folder the same right is that to add files.
std::error_code refuses_writing(const std::string &path) {
  static_assert(FILE_WRITE_DATA == FILE_ADD_FILE);
  const HANDLE file = open_for(path, FILE_WRITE_DATA);
  if (file == INVALID_HANDLE_VALUE) return {static_cast<int>(GetLastError()), std::system_category()};
  CloseHandle(file);
  return {};
}

}  // namespace cala::platform
