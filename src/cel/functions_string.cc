// Functions that build strings: charAt, substring, replace, split, join, trim, case, reverse, quote. Positions count
// code points.
#include <charconv>
#include <string>

#include "cel/functions.h"
#include "cel/operators.h"
#include "cel/text_search.h"
#include "cel/utf8.h"

namespace cala::cel {

namespace {

Value index_error(Runtime &runtime, std::int64_t index) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, index);
  return runtime.fail_with(FailureCode::kIndexOutOfRange, {digits, static_cast<std::size_t>(end.ptr - digits)});
}

// The byte offset of a code point's index, up to and with the end of the text.
bool offset_at(Runtime &runtime, std::string_view text, std::int64_t index, std::size_t &offset) {
  if (index < 0 || static_cast<std::uint64_t>(index) > text.size()) return false;
  runtime.charge(searched(static_cast<std::size_t>(index)));  // each a code point
  offset = offset_of_code_point(text, static_cast<std::size_t>(index));
  return offset != std::string_view::npos;
}

Value char_at(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view text = args[0].as_text();
  std::size_t at = 0;
  if (!offset_at(runtime, text, args[1].as_int(), at)) return index_error(runtime, args[1].as_int());
  return Value::string(at == text.size() ? std::string_view() : text.substr(at, utf8_length(text[at])));
}

Value substring(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  std::size_t begin = 0;
  std::size_t end = text.size();
  if (!offset_at(runtime, text, args[1].as_int(), begin)) return index_error(runtime, args[1].as_int());
  if (count == 3 && !offset_at(runtime, text, args[2].as_int(), end)) return index_error(runtime, args[2].as_int());
  if (begin > end)
    return Runtime::fail(FailureCode::kInvalidArgument, "invalid substring range: the start is behind the end");
  return Value::string(text.substr(begin, end - begin));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

template <typename Change>
Value changed(Runtime &runtime, std::string_view text, Change change) {
  auto *to = static_cast<char *>(runtime.arena.allocate(text.size() + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  for (std::size_t i = 0; i < text.size(); ++i) to[i] = change(text[i]);
  return Value::string({to, text.size()});
}

Value lower_ascii(Runtime &runtime, const Value *args, std::size_t) {
  return changed(runtime, args[0].as_text(), lower);
}
Value upper_ascii(Runtime &runtime, const Value *args, std::size_t) {
  return changed(runtime, args[0].as_text(), upper);
}

Value reverse(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view text = args[0].as_text();
  auto *to = static_cast<char *>(runtime.arena.allocate(text.size() + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t out = text.size();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_length(text[at]);
    if (length > text.size() - at) length = text.size() - at;
    out -= length;
    text.copy(to + out, length, at);
    at += length;
  }
  return Value::string({to, text.size()});
}

// Unicode's White_Space property.
bool is_space(std::uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

Value trim(Runtime &runtime, const Value *args, std::size_t) {
  std::string_view text = args[0].as_text();
  while (!text.empty() && is_space(decode_utf8(text, 0))) text.remove_prefix(utf8_length(text[0]));
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0U) == 0x80U) --last;
    if (!is_space(decode_utf8(text, last))) break;
    text = text.substr(0, last);
  }
  if (!runtime.charge(parsed(args[0].as_text().size() - text.size()))) return Runtime::out_of_steps();
  return Value::string(text);
}

// Calls found(position) for each place of `wanted` in text, at most `most` times; an empty one is found between all
// code points.
template <typename Found>
void each_place(std::string_view text, std::string_view wanted, std::int64_t most, Found found) {
  const TextSearch search(wanted);
  std::size_t at = 0;
  while (most != 0 && at <= text.size()) {
    const std::size_t place = search.find(text, at);
    if (place == std::string_view::npos) return;
    found(place);
    if (most > 0) --most;
    at = place + wanted.size();
    if (wanted.empty()) at = place == text.size() ? place + 1 : place + utf8_length(text[place]);
  }
}

Value replace(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  const std::string_view wanted = args[1].as_text();
  const std::string_view with = args[2].as_text();
  const std::int64_t most = count == 4 ? args[3].as_int() : -1;
  std::size_t places = 0;
  each_place(text, wanted, most, [&](std::size_t) { ++places; });
  if (!runtime.charge(places)) return Runtime::out_of_steps();
  if (places > 0 && with.size() > Arena::kEvaluationBudget / places) return Runtime::out_of_memory();
  const std::size_t size = text.size() - places * wanted.size() + places * with.size();
  auto *to = static_cast<char *>(runtime.arena.allocate(size + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t copied = 0;
  std::size_t out = 0;
  each_place(text, wanted, most, [&](std::size_t place) {
    out += text.copy(to + out, place - copied, copied);
    out += with.copy(to + out, with.size());
    copied = place + wanted.size();
  });
  out += text.copy(to + out, text.size() - copied, copied);
  return Value::string({to, out});
}

// An empty separator splits between code points.
Value split(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  const std::string_view separator = args[1].as_text();
  const std::int64_t limit = count == 3 ? args[2].as_int() : -1;
  if (limit == 0) return Value::list(nullptr, 0);
  std::size_t pieces = 1;
  const auto inner = [&](std::size_t place) { return !separator.empty() || (place > 0 && place < text.size()); };
  const std::int64_t most = limit < 0 || separator.empty() ? -1 : limit - 1;
  each_place(text, separator, most, [&](std::size_t place) { pieces += inner(place) ? 1 : 0; });
  if (separator.empty() && text.empty()) return Value::list(nullptr, 0);
  if (limit > 0 && pieces > static_cast<std::size_t>(limit)) pieces = static_cast<std::size_t>(limit);
  auto *items = runtime.arena.allocate_array<Value>(pieces);
  if (items == nullptr) return Runtime::out_of_memory();
  if (!runtime.charge(pieces)) return Runtime::out_of_steps();
  std::size_t made = 0;
  std::size_t from = 0;
  each_place(text, separator, most, [&](std::size_t place) {
    if (!inner(place) || made + 1 >= pieces) return;
    items[made++] = Value::string(text.substr(from, place - from));
    from = place + separator.size();
  });
  items[made++] = Value::string(text.substr(from));
  return Value::list(items, made);
}

Value join(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view separator = count == 2 ? args[1].as_text() : std::string_view();
  std::size_t size = 0;
  ListCursor measure(args[0], &runtime);
  Value item;
  while (measure.next(item)) {
    if (!item.is(Kind::kString)) return Runtime::fail(FailureCode::kNoSuchOverload, "join");
    size += item.as_text().size() + separator.size();
    if (!runtime.charge(1 + copied(item.as_text().size() + separator.size()))) return Runtime::out_of_steps();
    if (size > Arena::kEvaluationBudget) return Runtime::out_of_memory();
  }
  auto *to = static_cast<char *>(runtime.arena.allocate(size + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t out = 0;
  bool first = true;
  for (ListCursor cursor(args[0]); cursor.next(item); first = false) {
    if (!first) out += separator.copy(to + out, separator.size());
    out += item.as_text().copy(to + out, item.as_text().size());
  }
  return Value::string({to, out});
}

Value quote(Runtime &runtime, const Value *args, std::size_t) {
  constexpr std::string_view kPlain = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kEscaped = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char c : args[0].as_text()) {
    const std::size_t at = c == '\0' ? std::string_view::npos : kPlain.find(c);
    if (at != std::string_view::npos) out += '\\';
    out += at == std::string_view::npos ? c : kEscaped[at];
  }
  out += '"';
  return runtime.text(out);
}

Value concatenated_size(Runtime &, const Value *args, std::size_t) {
  return Value::integer(static_cast<std::int64_t>(count_code_points(args[0].as_text())));
}

Value byte_size(Runtime &, const Value *args, std::size_t) {
  return Value::integer(static_cast<std::int64_t>(args[0].as_text().size()));
}

constexpr Overload kFunctions[] = {
    {"size", kGlobal, "s>i", concatenated_size, kWalksText},
    {"size", kGlobal, "y>i", byte_size, kNoCost},
    {"size", kMember, "s>i", concatenated_size, kWalksText},
    {"size", kMember, "y>i", byte_size, kNoCost},
    {"charAt", kMember, "si>s", char_at, kOwnCost},
    {"substring", kMember, "si>s", substring, kOwnCost},
    {"substring", kMember, "sii>s", substring, kOwnCost},
    {"lowerAscii", kMember, "s>s", lower_ascii, kWalksText},
    {"upperAscii", kMember, "s>s", upper_ascii, kWalksText},
    {"reverse", kMember, "s>s", reverse, kParsesText},
    {"trim", kMember, "s>s", trim, kOwnCost},
    {"replace", kMember, "sss>s", replace, kParsesText},
    {"replace", kMember, "sssi>s", replace, kParsesText},
    {"split", kMember, "ss>l", split, kParsesText},
    {"split", kMember, "ssi>l", split, kParsesText},
    {"join", kMember, "l>s", join, kOwnCost},
    {"join", kMember, "ls>s", join, kOwnCost},
    {"strings.quote", kGlobal, "s>s", quote, kParsesText},
    {"format", kMember, "sl>s", format_text, kOwnCost},
    {"format", kMember, "cs>s", format_calendar, kOwnCost},
    {"format", kGlobal, "cs>s", format_calendar, kOwnCost},
};

}  // namespace

std::span<const Overload> string_functions() { return kFunctions; }

}  // namespace cala::cel
