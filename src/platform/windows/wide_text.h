// What Windows' functions take: UTF-16.
#pragma once

#include <string>
#include <string_view>

namespace cala::platform {

// Empty for what is empty or no UTF-8.
std::wstring wide(std::string_view utf8);

}  // namespace cala::platform
