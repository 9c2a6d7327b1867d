// The lexer: one token at a time from UTF-8 source, no allocation but for string literals that have escapes. Token
// texts point into the source or the arena. After an error it stays at the error.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cel/arena.h"
#include "cel/value.h"

namespace cala::cel {

enum class TokenKind : std::uint8_t {
  kEnd,
  kError,  // Token::text says why
  kIdent,
  kQuotedIdent,  // `any-text`, only after a dot
  kLiteral,      // Token::value; null, true and false too
  kMinusMin,     // 9223372036854775808, a literal only behind a minus
  kIn,
  kDot,
  kComma,
  kColon,
  kQuestion,
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kNot,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kAnd,
  kOr,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t position = 0;
  std::string_view text;
  Value value;
};

class Lexer {
 public:
  Lexer(std::string_view source, Arena &arena) : source_(source), arena_(arena) {}
  Token next();

 private:
  Token error(std::uint32_t position, std::string_view why);
  Token punctuation(std::uint32_t start);
  Token word(std::uint32_t start);
  Token quoted_ident(std::uint32_t start);
  Token number(std::uint32_t start);
  Token hexadecimal(std::uint32_t start);
  struct Prefix {
    bool raw = false;
    bool bytes = false;
  };
  Token text_literal(std::uint32_t start, Prefix prefix);
  Token integer(std::uint32_t start, std::string_view digits, int base);
  void skip_blanks();
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  std::string_view source_;
  Arena &arena_;
  std::uint32_t at_ = 0;
};

// A word that may not be a variable but may be a field: as, break, const, ...
bool is_reserved_word(std::string_view word);

// The double that the text says, or nullopt: not a number, or too large. What is too small is zero.
std::optional<double> parse_double(std::string_view text);

// Takes the escapes of a literal's inside; false, with *why set, where one is wrong. to has room for text.size() bytes.
struct Unescaped {
  std::size_t size = 0;
  const char *why = nullptr;
};
Unescaped unescape(std::string_view text, bool bytes, char *to);

}  // namespace cala::cel
