#include "base/json_scan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <forward_list>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"

namespace cala::base {
namespace {

constexpr std::int64_t kMaxExactInteger = std::int64_t{1} << 53;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Four hexadecimal digits, or a number above 0xFFFF.
std::uint32_t utf16_unit(std::string_view text, std::size_t at) {
  std::uint32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = i < text.size() ? hex_value(text[i]) : -1;
    if (digit < 0) return UINT32_MAX;
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  return unit;
}

// raw is the inside of a string that was scanned, so every escape is whole.
std::string unescaped(std::string_view raw) {
  std::string out;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '\\') {
      out += raw[at];
      continue;
    }
    const char letter = raw[++at];
    if (letter != 'u') {
      constexpr std::string_view letters = "bfnrt";
      const std::size_t control = letters.find(letter);
      out += control == std::string_view::npos ? letter : "\b\f\n\r\t"[control];
      continue;
    }
    std::uint32_t code = utf16_unit(raw, at + 1);
    at += 4;
    if (is_high_surrogate(code)) {
      code = 0x10000 + ((code - 0xD800) << 10) + (utf16_unit(raw, at + 3) - 0xDC00);
      at += 6;
    }
    append_utf8(out, code);
  }
  return out;
}

void append_pointer_part(std::string &pointer, std::string_view key) {
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

// A number that from_chars called out of range is too large unless it is too small:
// tells by the place of its first digit.
bool is_too_large(std::string_view number) {
  constexpr std::int64_t saturated = 1'000'000'000'000;
  if (number.front() == '-') number.remove_prefix(1);
  const std::size_t mark = number.find_first_of("eE");
  std::int64_t exponent = 0;
  if (mark != std::string_view::npos) {
    for (const char c : number.substr(mark + 1)) {
      if (is_digit(c)) exponent = std::min(saturated, exponent * 10 + (c - '0'));
    }
    if (number[mark + 1] == '-') exponent = -exponent;
    number = number.substr(0, mark);
  }
  const auto point = static_cast<std::int64_t>(std::min(number.find('.'), number.size()));
  const auto first = static_cast<std::int64_t>(std::min(number.find_first_not_of("0."), number.size()));
  return point - first + exponent > 0;
}

class Scanner {
 public:
  enum class Rules { kOurs, kGrammarAlone };

  explicit Scanner(std::string_view text, Rules rules = Rules::kOurs) : text_(text), rules_(rules) {}

  bool scan() {
    if (text_.size() > kJsonMaxSize) return fail_at(kJsonMaxSize, "the text is longer than 64 MiB");
    skip_space();
    if (!value()) return false;
    skip_space();
    return at_end() || fail("expected the end of the text");
  }

  std::vector<JsonFraction> take_fractions() { return std::move(fractions_); }

  Error error() const {
    JsonWriter details;
    details.begin_object().key("pointer").string(pointer());
    details.key("offset").integer(static_cast<std::int64_t>(at_)).end_object();
    Error error = make_error(Status::kInvalid, "request.malformed",
                             "malformed JSON at byte " + std::to_string(at_) + ": " + failure_);
    error.details = details.take();
    return error;
  }

 private:
  struct Key {
    std::string_view name;  // unescaped
    std::size_t offset;
  };

  // Where the scan is in one open array or object. at_child says whether it is inside a child or between two.
  struct Frame {
    bool is_object = false;
    bool at_child = false;
    std::size_t index = 0;
    std::string_view key;
  };

  bool at_end() const { return at_ == text_.size(); }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool next_is_digit() const { return at_ < text_.size() && is_digit(text_[at_]); }

  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  bool fail(const char *failure) {
    failure_ = at_end() ? "the text ends too early" : failure;
    return false;
  }

  bool fail_at(std::size_t offset, const char *failure) {
    at_ = offset;
    failure_ = failure;
    return false;
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool value() {
    if (at_end()) return fail("expected a value");
    switch (text_[at_]) {
      case '{': return open(true) && object() && close();
      case '[': return open(false) && array() && close();
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  bool word(std::string_view word) {
    for (const char c : word) {
      if (!take(c)) return fail("expected a value");
    }
    return true;
  }

  bool open(bool is_object) {
    if (depth_ == kJsonMaxDepth) return fail("nested deeper than 64 levels");
    frames_[depth_++] = Frame{is_object, false, 0, {}};
    ++at_;
    skip_space();
    return true;
  }

  bool close() {
    ++at_;
    --depth_;
    return true;
  }

  Frame &frame() { return frames_[depth_ - 1]; }

  // Stops before the closing bracket.
  bool array() {
    if (next_is(']')) return true;
    for (;;) {
      frame().at_child = true;
      if (!value()) return false;
      frame().at_child = false;
      ++frame().index;
      skip_space();
      if (next_is(']')) return true;
      if (!take(',')) return fail("expected ',' or ']'");
      skip_space();
    }
  }

  // Stops before the closing brace.
  bool object() {
    const std::size_t first_key = keys_.size();
    while (!next_is('}')) {
      if (!member()) return false;
      skip_space();
      if (next_is('}')) break;
      if (!take(',')) return fail("expected ',' or '}'");
      skip_space();
      if (next_is('}')) return fail("expected a key");
    }
    if (!keys_differ(first_key)) return false;
    keys_.resize(first_key);
    return true;
  }

  bool member() {
    const std::size_t start = at_;
    if (!next_is('"')) return fail("expected a key");
    if (!string()) return false;
    std::string_view name = text_.substr(start + 1, at_ - start - 2);
    if (name.find('\\') != std::string_view::npos) name = unescaped_keys_.emplace_front(unescaped(name));
    keys_.push_back(Key{name, start});
    skip_space();
    if (!take(':')) return fail("expected ':'");
    skip_space();
    frame().key = name;
    frame().at_child = true;
    if (!value()) return false;
    frame().at_child = false;
    return true;
  }

  // Sorts the keys of an object that ends here, so that equal ones are neighbours, and names the first that came again.
  bool keys_differ(std::size_t first_key) {
    if (rules_ == Rules::kGrammarAlone) return true;
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
    std::sort(begin, keys_.end(),
              [](const Key &a, const Key &b) { return std::pair(a.name, a.offset) < std::pair(b.name, b.offset); });
    const Key *repeated = nullptr;
    for (std::size_t i = first_key + 1; i < keys_.size(); ++i) {
      const bool equal = keys_[i].name == keys_[i - 1].name;
      if (equal && (repeated == nullptr || keys_[i].offset < repeated->offset)) repeated = &keys_[i];
    }
    if (repeated == nullptr) return true;
    frame().key = repeated->name;
    frame().at_child = true;
    return fail_at(repeated->offset, "the key appears twice in its object");
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte == '\\') {
        if (!escape()) return false;
      } else if (byte < 0x20) {
        return fail("a control character in a string must be escaped");
      } else if (byte < 0x80) {
        ++at_;
      } else {
        const std::size_t length = utf8_sequence_length(text_.substr(at_));
        if (length == 0) return fail("the text is not valid UTF-8");
        at_ += length;
      }
    }
    return fail("the text ends inside a string");
  }

  bool escape() {
    const std::size_t start = at_++;
    if (at_end()) return fail("expected an escape");
    constexpr std::string_view letters = "\"\\/bfnrt";
    const char letter = text_[at_];
    if (letters.find(letter) != std::string_view::npos) {
      ++at_;
      return true;
    }
    if (letter != 'u') return fail_at(start, "the escape in a string is unknown");
    const std::uint32_t unit = utf16_unit(text_, at_ + 1);
    if (unit == UINT32_MAX) return fail_at(start, "\\u must be followed by four hexadecimal digits");
    if (unit == 0) return fail_at(start, "\\u0000 is not allowed in a string");
    at_ += 5;
    if (is_low_surrogate(unit)) return fail_at(start, "a low surrogate stands alone");
    if (!is_high_surrogate(unit)) return true;
    const bool paired = text_.substr(at_, 2) == "\\u" && is_low_surrogate(utf16_unit(text_, at_ + 2));
    if (!paired) return fail_at(start, "a high surrogate stands alone");
    at_ += 6;
    return true;
  }

  bool digits() {
    const std::size_t start = at_;
    while (next_is_digit()) ++at_;
    return at_ != start;
  }

  bool number() {
    const std::size_t start = at_;
    const bool negative = take('-');
    if (!negative && !next_is_digit()) return fail("expected a value");
    if (take('0')) {
      if (next_is_digit()) return fail("a number must not start with a needless zero");
    } else if (!digits()) {
      return fail("expected a digit");
    }
    const std::size_t integer_end = at_;
    if (take('.') && !digits()) return fail("expected a digit after the point");
    if (take('e') || take('E')) {
      if (!take('-')) take('+');
      if (!digits()) return fail("expected a digit in the exponent");
    }
    const std::string_view token = text_.substr(start, at_ - start);
    if (rules_ == Rules::kGrammarAlone) return true;
    const bool ok = at_ == integer_end ? integer(token, start) : fraction(token, start);
    ++numbers_;
    return ok;
  }

  bool integer(std::string_view token, std::size_t start) {
    std::int64_t value = 0;
    const auto read = std::from_chars(token.data(), token.data() + token.size(), value);
    if (read.ec == std::errc()) {
      if (value >= -kMaxExactInteger && value <= kMaxExactInteger) return true;
      fractions_.push_back(JsonFraction{start, token.size(), numbers_, static_cast<double>(value), value});
      return true;
    }
    return fail_at(start, "an integer beyond 64 bits: send it as a string");
  }

  bool fraction(std::string_view token, std::size_t start) {
    double value = 0;
    const auto read = std::from_chars(token.data(), token.data() + token.size(), value);
    if (read.ec == std::errc::result_out_of_range) {
      if (is_too_large(token)) return fail_at(start, "the number is too large");
      value = 0;
    }
    fractions_.push_back(JsonFraction{start, token.size(), numbers_, value, std::nullopt});
    return true;
  }

  std::string pointer() const {
    std::string pointer;
    for (std::size_t i = 0; i < depth_; ++i) {
      const Frame &frame = frames_[i];
      if (frame.at_child) append_pointer_part(pointer, frame.is_object ? frame.key : std::to_string(frame.index));
    }
    return pointer;
  }

  std::string_view text_;
  Rules rules_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t numbers_ = 0;
  const char *failure_ = "";
  std::array<Frame, kJsonMaxDepth> frames_;
  std::vector<Key> keys_;  // of all open objects, the innermost last
  std::forward_list<std::string> unescaped_keys_;
  std::vector<JsonFraction> fractions_;
};

}  // namespace

Result<std::vector<JsonFraction>> scan_json(std::string_view text) {
  Scanner scanner(text);
  if (!scanner.scan()) return scanner.error();
  return scanner.take_fractions();
}

bool is_json(std::string_view text) { return Scanner(text, Scanner::Rules::kGrammarAlone).scan(); }

}  // namespace cala::base
