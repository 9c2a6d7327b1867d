#include "platform/module.h"

#include <windows.h>

#include <cstddef>
#include <string>

#include "platform/windows/wide_text.h"

namespace cala::platform {

namespace {

constexpr const char *kLibpqNames[] = {"libpq.dll"};

// The folders of the variable PATH, in which PostgreSQL's installer puts libpq's; unlike LoadLibrary's own search
// without the current folder, where anybody may have put a file of that name.
std::wstring found_in_path(const std::wstring &name) {
  std::wstring folders(GetEnvironmentVariableW(L"PATH", nullptr, 0), L'\0');
  folders.resize(GetEnvironmentVariableW(L"PATH", folders.data(), static_cast<DWORD>(folders.size())));
  if (folders.empty()) return {};
  std::wstring path(SearchPathW(folders.c_str(), name.c_str(), nullptr, 0, nullptr, nullptr), L'\0');
  path.resize(
      SearchPathW(folders.c_str(), name.c_str(), nullptr, static_cast<DWORD>(path.size()), path.data(), nullptr));
  return path;
}

void *own_function(HMODULE module, const char *name) { return reinterpret_cast<void *>(GetProcAddress(module, name)); }

// The modules that a module was linked with, by their names in its file; they are loaded as long as it is.
void *function_of_needed(HMODULE module, const char *name) {
  const auto *image = reinterpret_cast<const std::byte *>(module);
  const auto *start = reinterpret_cast<const IMAGE_DOS_HEADER *>(image);
  const auto *header = reinterpret_cast<const IMAGE_NT_HEADERS *>(image + start->e_lfanew);
  const DWORD imports = header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
  if (imports == 0) return nullptr;
  const auto *needed = reinterpret_cast<const IMAGE_IMPORT_DESCRIPTOR *>(image + imports);
  for (; needed->Name != 0; ++needed) {
    HMODULE other = GetModuleHandleA(reinterpret_cast<const char *>(image + needed->Name));
    void *found = other != nullptr ? own_function(other, name) : nullptr;
    if (found != nullptr) return found;
  }
  return nullptr;
}

}  // namespace

// The program's folder, the system's and those that the program added come first. What the module needs is looked for
// beside it.
void *load_module(const char *name) {
  const std::wstring file = wide(name);
  if (void *module = LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)) return module;
  const std::wstring path = found_in_path(file);
  return path.empty() ? nullptr : LoadLibraryExW(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
}

void *hold_loaded_module(const char *name) {
  HMODULE module = nullptr;
  return GetModuleHandleExW(0, wide(name).c_str(), &module) != 0 ? module : nullptr;
}

void let_go_of_module(void *module) { FreeLibrary(static_cast<HMODULE>(module)); }

void *find_in_module(void *module, const char *name) {
  void *found = own_function(static_cast<HMODULE>(module), name);
  return found != nullptr ? found : function_of_needed(static_cast<HMODULE>(module), name);
}

void *find_in_program(const char *name) { return find_in_module(GetModuleHandleW(nullptr), name); }

std::span<const char *const> libpq_names() { return kLibpqNames; }

}  // namespace cala::platform
