// Regular expressions in the syntax and with the meaning of RE2, for matches(): our own, because the library must not
// depend on another's. A pattern becomes a program of at most kMaxInstructions that walks the text once, keeping a set
// of places, so the time is bounded by text times program whatever the pattern; there is no backtracking and no
// recursion. Only whether a match exists is told. Immutable once compiled, shared between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cala::cel {

inline constexpr std::size_t kMaxPattern = 1024;

// Code points from..to, both in the set.
struct CodeRange {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
};

// A sorted list of ranges that do not touch.
class CodeSet {
 public:
  void add(std::uint32_t from, std::uint32_t to) { ranges_.push_back({from, to}); }
  void add(const CodeSet &other) { ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end()); }
  std::size_t add_other_cases();  // answers how many letters it looked at
  void tidy();                    // sorts and joins; add nothing after it without another tidy()
  void negate();
  bool contains(std::uint32_t code) const;
  const std::vector<CodeRange> &ranges() const { return ranges_; }

 private:
  std::vector<CodeRange> ranges_;
};

class Regex {
 public:
  static constexpr std::size_t kMaxInstructions = 10'000;

  enum class Op : std::uint8_t { kChar, kAny, kAnyNotNewline, kSet, kSplit, kJump, kAssert, kMatch };
  enum class Assertion : std::uint8_t { kTextBegin, kTextEnd, kLineBegin, kLineEnd, kWordBoundary, kNotWordBoundary };

  // Jumps are relative, so that a piece of program may be copied or moved.
  struct Instruction {
    Op op = Op::kMatch;
    Assertion assertion = Assertion::kTextBegin;
    std::uint32_t argument = 0;  // of kChar the code point, of kSet an index
    std::int32_t first = 1;      // of kSplit and kJump
    std::int32_t second = 1;     // of kSplit
  };

  // nullptr, with why set, when the pattern is not one. `work` becomes what that took:
  // ranges, letters and instructions handled.
  static std::unique_ptr<Regex> compile(std::string_view pattern, std::string &why, std::size_t *work = nullptr);
  bool found_in(std::string_view text) const;  // anywhere in it; text is valid UTF-8
  // The same, adding to `work` each instruction that a character met; nullopt once that passes `most`.
  std::optional<bool> found_in(std::string_view text, std::size_t &work, std::size_t most) const;
  std::size_t size() const { return program_.size(); }

 private:
  friend class RegexParser;
  std::vector<Instruction> program_;
  std::vector<CodeSet> sets_;
};

// "L", "Lu", "Greek": the code points of a general category or script; false when there is none of that name.
bool unicode_class(std::string_view name, CodeSet &set);
// The next code point that is the same letter in another case, around a ring; the code point itself when there is none.
std::uint32_t next_case(std::uint32_t code);

}  // namespace cala::cel
