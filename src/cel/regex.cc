#include "cel/regex.h"

#include <algorithm>
#include <array>

#include "cel/utf8.h"

namespace cala::cel {

void CodeSet::tidy() {
  std::sort(ranges_.begin(), ranges_.end(), [](const CodeRange &a, const CodeRange &b) { return a.from < b.from; });
  std::size_t kept = 0;
  for (const CodeRange &range : ranges_) {
    if (kept > 0 && range.from <= ranges_[kept - 1].to + 1) {
      ranges_[kept - 1].to = std::max(ranges_[kept - 1].to, range.to);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

void CodeSet::negate() {
  tidy();
  std::vector<CodeRange> out;
  std::uint32_t next = 0;
  for (const CodeRange &range : ranges_) {
    if (range.from > next) out.push_back({next, range.from - 1});
    next = range.to + 1;
  }
  if (next <= 0x10FFFF) out.push_back({next, 0x10FFFF});
  ranges_ = std::move(out);
}

bool CodeSet::contains(std::uint32_t code) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), code,
                                      [](std::uint32_t wanted, const CodeRange &range) { return wanted < range.from; });
  return after != ranges_.begin() && code <= std::prev(after)->to;
}

namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;  // in front of the text, and behind it

bool is_word(std::uint32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= '0' && code <= '9') || code == '_';
}

bool holds(Regex::Assertion assertion, std::uint32_t before, std::uint32_t after) {
  switch (assertion) {
    case Regex::Assertion::kTextBegin: return before == kNone;
    case Regex::Assertion::kTextEnd: return after == kNone;
    case Regex::Assertion::kLineBegin: return before == kNone || before == '\n';
    case Regex::Assertion::kLineEnd: return after == kNone || after == '\n';
    case Regex::Assertion::kWordBoundary: return is_word(before) != is_word(after);
    case Regex::Assertion::kNotWordBoundary: return is_word(before) == is_word(after);
  }
  return false;
}

// Places in a program, each once: a sparse set in three arrays that the caller lends.
class Places {
 public:
  Places(std::uint32_t *dense, std::uint32_t *sparse) : dense_(dense), sparse_(sparse) {}
  bool add(std::uint32_t place) {
    const std::uint32_t at = sparse_[place];
    if (at < count_ && dense_[at] == place) return false;
    sparse_[place] = count_;
    dense_[count_++] = place;
    return true;
  }
  void clear() { count_ = 0; }
  std::uint32_t count() const { return count_; }
  std::uint32_t operator[](std::uint32_t i) const { return dense_[i]; }

 private:
  std::uint32_t *dense_;
  std::uint32_t *sparse_;
  std::uint32_t count_ = 0;
};

class Walk {
 public:
  // room has five numbers for each instruction, zeroed.
  Walk(const std::vector<Regex::Instruction> &program, const std::vector<CodeSet> &sets, std::uint32_t *room)
      : program_(program),
        sets_(sets),
        now_(room, room + program.size()),
        next_(room + 2 * program.size(), room + 3 * program.size()),
        stack_(room + 4 * program.size()) {}

  // Whether there is a match; nullopt: it took more than `most` to tell.
  std::optional<bool> run(std::string_view text, std::size_t most) {
    std::uint32_t before = kNone;
    for (std::size_t at = 0;;) {
      if (work_ > most) return std::nullopt;
      const std::uint32_t after = at < text.size() ? decode_utf8(text, at) : kNone;
      if (enter(0, before, after)) return true;
      if (after == kNone) return false;
      at += utf8_length(text[at]);
      const std::uint32_t behind = at < text.size() ? decode_utf8(text, at) : kNone;
      if (advance(after, behind)) return true;
      before = after;
    }
  }
  std::size_t work() const { return work_; }

 private:
  // Adds a place and all that follow from it without taking a character. True: a match.
  bool enter(std::uint32_t place, std::uint32_t before, std::uint32_t after) {
    return follow(now_, place, before, after);
  }

  bool follow(Places &places, std::uint32_t place, std::uint32_t before, std::uint32_t after) {
    std::uint32_t depth = 0;
    if (places.add(place)) stack_[depth++] = place;
    while (depth > 0) {
      const std::uint32_t at = stack_[--depth];
      ++work_;
      const Regex::Instruction &instruction = program_[at];
      const auto go = [&](std::int32_t by) {
        const auto to = static_cast<std::uint32_t>(static_cast<std::int64_t>(at) + by);
        if (places.add(to)) stack_[depth++] = to;
      };
      switch (instruction.op) {
        case Regex::Op::kMatch: return true;
        case Regex::Op::kJump: go(instruction.first); break;
        case Regex::Op::kSplit:
          go(instruction.first);
          go(instruction.second);
          break;
        case Regex::Op::kAssert:
          if (holds(instruction.assertion, before, after)) go(1);
          break;
        default: break;
      }
    }
    return false;
  }

  bool takes(const Regex::Instruction &instruction, std::uint32_t code) const {
    switch (instruction.op) {
      case Regex::Op::kChar: return instruction.argument == code;
      case Regex::Op::kAny: return true;
      case Regex::Op::kAnyNotNewline: return code != '\n';
      case Regex::Op::kSet: return sets_[instruction.argument].contains(code);
      default: return false;
    }
  }

  bool advance(std::uint32_t code, std::uint32_t behind) {
    next_.clear();
    work_ += 1 + now_.count();
    for (std::uint32_t i = 0; i < now_.count(); ++i) {
      const std::uint32_t place = now_[i];
      if (takes(program_[place], code) && follow(next_, place + 1, code, behind)) return true;
    }
    std::swap(now_, next_);
    return false;
  }

  const std::vector<Regex::Instruction> &program_;
  const std::vector<CodeSet> &sets_;
  Places now_;
  Places next_;
  std::uint32_t *stack_;
  std::size_t work_ = 0;
};

}  // namespace

bool Regex::found_in(std::string_view text) const {
  std::size_t work = 0;
  return found_in(text, work, SIZE_MAX).value_or(false);
}

std::optional<bool> Regex::found_in(std::string_view text, std::size_t &work, std::size_t most) const {
  constexpr std::size_t kSmall = 64;
  std::array<std::uint32_t, kSmall * 5> small;
  std::vector<std::uint32_t> large;
  if (program_.size() > kSmall) large.resize(program_.size() * 5);
  if (program_.size() <= kSmall) small.fill(0);
  work += program_.size();
  Walk walk(program_, sets_, program_.size() <= kSmall ? small.data() : large.data());
  const std::optional<bool> found = walk.run(text, most);
  work += walk.work();
  return found;
}

}  // namespace cala::cel
