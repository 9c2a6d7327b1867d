// JSON that the library wrote, taken apart without being copied, and text for requests. What is not JSON is not looked
// for: the parts of a broken text are any parts of it, never more.
//
// Thread rule: pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace outbox::json {

// Each member of an object, with the text of its value; each item of a list. Any other value has none.
void members(std::string_view object, const std::function<void(std::string_view key, std::string_view value)> &each);
void items(std::string_view list, const std::function<void(std::string_view value)> &each);

inline bool is_string(std::string_view value) { return value.size() >= 2 && value.front() == '"'; }
std::string unquote(std::string_view string);
std::string quote(std::string_view text);

// The text of a member; "" when there is none.
std::string text_of(std::string_view object, std::string_view key);

}  // namespace outbox::json
