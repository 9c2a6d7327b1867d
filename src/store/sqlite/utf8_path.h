// Paths are UTF-8, whatever the system has.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cala::store::sqlite {

inline std::filesystem::path path_of(std::string_view utf8) {
  return std::u8string_view(reinterpret_cast<const char8_t *>(utf8.data()), utf8.size());
}

inline std::string text_of(const std::filesystem::path &path) {
  const std::u8string text = path.u8string();
  return {reinterpret_cast<const char *>(text.data()), text.size()};
}

}  // namespace cala::store::sqlite
