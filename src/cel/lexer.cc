#include "cel/lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cala::cel {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_quote(char c) { return c == '"' || c == '\''; }

constexpr std::string_view kReserved[] = {"as",        "break",  "const",  "continue", "else", "for",
                                          "function",  "if",     "import", "let",      "loop", "package",
                                          "namespace", "return", "var",    "void",     "while"};

}  // namespace

bool is_reserved_word(std::string_view word) {
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

std::optional<double> parse_double(std::string_view text) {
  double number = 0;
  const char *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (stop != end || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const std::size_t exponent = text.find_first_of("eE");
    const bool tiny =
        exponent != std::string_view::npos ? text.substr(exponent + 1).front() == '-' : text.find('.') < 300;
    if (!tiny) return std::nullopt;
    return text.front() == '-' ? -0.0 : 0.0;
  }
  if (error != std::errc()) return std::nullopt;
  return number;
}

Token Lexer::error(std::uint32_t position, std::string_view why) {
  Token token;
  token.kind = TokenKind::kError;
  token.position = position;
  token.text = why;
  return token;
}

void Lexer::skip_blanks() {
  while (at_ < source_.size()) {
    const char c = source_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++at_;
    } else if (c == '/' && peek(1) == '/') {
      while (at_ < source_.size() && source_[at_] != '\n') ++at_;
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  skip_blanks();
  const std::uint32_t start = at_;
  if (at_ >= source_.size()) {
    Token token;
    token.position = start;
    return token;
  }
  const char c = source_[at_];
  if (is_word_start(c)) return word(start);
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(start);
  if (is_quote(c)) return text_literal(start, {});
  if (c == '`') return quoted_ident(start);
  return punctuation(start);
}

Token Lexer::punctuation(std::uint32_t start) {
  Token token;
  token.position = start;
  const auto take = [&](TokenKind kind, std::uint32_t length) {
    token.kind = kind;
    token.text = source_.substr(start, length);
    at_ = start + length;
    return token;
  };
  const char second = peek(1);
  switch (source_[start]) {
    case '.': return take(TokenKind::kDot, 1);
    case ',': return take(TokenKind::kComma, 1);
    case ':': return take(TokenKind::kColon, 1);
    case '?': return take(TokenKind::kQuestion, 1);
    case '(': return take(TokenKind::kLeftParen, 1);
    case ')': return take(TokenKind::kRightParen, 1);
    case '[': return take(TokenKind::kLeftBracket, 1);
    case ']': return take(TokenKind::kRightBracket, 1);
    case '{': return take(TokenKind::kLeftBrace, 1);
    case '}': return take(TokenKind::kRightBrace, 1);
    case '+': return take(TokenKind::kPlus, 1);
    case '-': return take(TokenKind::kMinus, 1);
    case '*': return take(TokenKind::kStar, 1);
    case '/': return take(TokenKind::kSlash, 1);
    case '%': return take(TokenKind::kPercent, 1);
    case '!': return second == '=' ? take(TokenKind::kNotEqual, 2) : take(TokenKind::kNot, 1);
    case '<': return second == '=' ? take(TokenKind::kLessEqual, 2) : take(TokenKind::kLess, 1);
    case '>': return second == '=' ? take(TokenKind::kGreaterEqual, 2) : take(TokenKind::kGreater, 1);
    case '=': return second == '=' ? take(TokenKind::kEqual, 2) : error(start, "'=' is no operator: equality is '=='");
    case '&': return second == '&' ? take(TokenKind::kAnd, 2) : error(start, "'&' is no operator: and is '&&'");
    case '|': return second == '|' ? take(TokenKind::kOr, 2) : error(start, "'|' is no operator: or is '||'");
    default: return error(start, "unexpected character");
  }
}

Token Lexer::word(std::uint32_t start) {
  Prefix prefix;
  for (std::size_t ahead = 0; ahead < 3; ++ahead) {
    const char c = peek(ahead);
    if (is_quote(c)) {
      at_ = start + static_cast<std::uint32_t>(ahead);
      return text_literal(start, prefix);
    }
    if ((c == 'r' || c == 'R') && !prefix.raw) {
      prefix.raw = true;
    } else if ((c == 'b' || c == 'B') && !prefix.bytes) {
      prefix.bytes = true;
    } else {
      break;
    }
  }
  while (is_word(peek())) ++at_;
  Token token;
  token.position = start;
  token.text = source_.substr(start, at_ - start);
  token.kind = TokenKind::kLiteral;
  if (token.text == "true" || token.text == "false") {
    token.value = Value::boolean(token.text == "true");
  } else if (token.text == "null") {
    token.value = Value::null();
  } else {
    token.kind = token.text == "in" ? TokenKind::kIn : TokenKind::kIdent;
  }
  return token;
}

Token Lexer::quoted_ident(std::uint32_t start) {
  std::uint32_t end = start + 1;
  const auto allowed = [](char c) { return is_word(c) || c == '.' || c == '-' || c == '/' || c == ' '; };
  while (end < source_.size() && allowed(source_[end])) ++end;
  if (end >= source_.size() || source_[end] != '`')
    return error(start, "a name in backticks holds letters, digits and _ . - / only");
  if (end == start + 1) return error(start, "a name in backticks is not empty");
  Token token;
  token.kind = TokenKind::kQuotedIdent;
  token.position = start;
  token.text = source_.substr(start + 1, end - start - 1);
  at_ = end + 1;
  return token;
}

Token Lexer::integer(std::uint32_t start, std::string_view digits, int base) {
  std::uint64_t number = 0;
  const auto [stop, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  const bool is_unsigned = peek() == 'u' || peek() == 'U';
  if (is_unsigned) ++at_;
  if (is_word(peek())) return error(start, "a number is followed by a letter");
  if (digits.empty() || failed != std::errc() || stop != digits.data() + digits.size()) {
    return error(start,
                 is_unsigned ? "the number is out of the range of uint" : "the number is out of the range of int");
  }
  Token token;
  token.kind = TokenKind::kLiteral;
  token.position = start;
  token.text = source_.substr(start, at_ - start);
  if (is_unsigned) {
    token.value = Value::unsigned_integer(number);
  } else if (number <= static_cast<std::uint64_t>(INT64_MAX)) {
    token.value = Value::integer(static_cast<std::int64_t>(number));
  } else if (number == static_cast<std::uint64_t>(INT64_MAX) + 1) {
    token.kind = TokenKind::kMinusMin;
  } else {
    return error(start, "the number is out of the range of int");
  }
  return token;
}

Token Lexer::hexadecimal(std::uint32_t start) {
  at_ = start + 2;
  while (is_hex(peek())) ++at_;
  return integer(start, source_.substr(start + 2, at_ - start - 2), 16);
}

Token Lexer::number(std::uint32_t start) {
  if (source_[start] == '0' && (peek(1) == 'x' || peek(1) == 'X')) return hexadecimal(start);
  while (is_digit(peek())) ++at_;
  bool fraction = false;
  if (peek() == '.' && is_digit(peek(1))) {
    fraction = true;
    ++at_;
    while (is_digit(peek())) ++at_;
  }
  const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
  if ((peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
    fraction = true;
    at_ += static_cast<std::uint32_t>(1 + sign);
    while (is_digit(peek())) ++at_;
  }
  const std::string_view text = source_.substr(start, at_ - start);
  if (!fraction) return integer(start, text, 10);
  if (is_word(peek())) return error(start, "a number is followed by a letter");
  const auto parsed = parse_double(text);
  if (!parsed) return error(start, "the number is out of the range of double");
  Token token;
  token.kind = TokenKind::kLiteral;
  token.position = start;
  token.text = text;
  token.value = Value::number(*parsed);
  return token;
}

Token Lexer::text_literal(std::uint32_t start, Prefix prefix) {
  const char quote = source_[at_];
  const bool triple = peek(1) == quote && peek(2) == quote;
  const std::uint32_t width = triple ? 3 : 1;
  const std::uint32_t begin = at_ + width;
  std::uint32_t end = begin;
  bool escapes = false;
  for (;; ++end) {
    if (end >= source_.size()) return error(start, "the string is not closed");
    const char c = source_[end];
    if (c == quote && (!triple || source_.substr(end, 3) == source_.substr(at_, 3))) break;
    if (!triple && (c == '\n' || c == '\r')) return error(start, "the string is not closed on its line");
    if (c == '\\' && !prefix.raw) {
      escapes = true;
      ++end;
    }
  }
  std::string_view text = source_.substr(begin, end - begin);
  if (escapes) {
    auto *to = static_cast<char *>(arena_.allocate(text.size()));
    if (to == nullptr) return error(start, "the expression's strings are too long");
    const Unescaped result = unescape(text, prefix.bytes, to);
    if (result.why != nullptr) return error(start, result.why);
    text = {to, result.size};
  }
  Token token;
  token.kind = TokenKind::kLiteral;
  token.position = start;
  token.text = text;
  token.value = prefix.bytes ? Value::bytes(text) : Value::string(text);
  at_ = end + width;
  return token;
}

}  // namespace cala::cel
