#include "platform/windows/wide_text.h"

#include <windows.h>

namespace cala::platform {

std::wstring wide(std::string_view utf8) {
  const int size = static_cast<int>(utf8.size());
  std::wstring out(utf8.size(), L'\0');  // never more units than bytes
  const int units =
      size == 0 ? 0 : MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, out.data(), size);
  out.resize(static_cast<std::size_t>(units));
  return out;
}

}  // namespace cala::platform
