#include <algorithm>
#include <map>
#include <optional>

#include "base/json.h"
#include "cel/regex.h"
#include "cel/utf8.h"

namespace cala::cel {

namespace {

constexpr std::uint32_t kMaxRepeat = 1000;

struct NamedRanges {
  std::string_view name;
  std::string_view pairs;  // from, to, from, to
};
constexpr NamedRanges kPosix[] = {
    {"alnum", "09AZaz"},
    {"alpha", "AZaz"},
    {"ascii", std::string_view("\0\x7F", 2)},
    {"blank", "\t\t  "},
    {"cntrl", std::string_view("\0\x1F\x7F\x7F", 4)},
    {"digit", "09"},
    {"graph", "!~"},
    {"lower", "az"},
    {"print", " ~"},
    {"punct", "!/:@[`{~"},
    {"space", "\t\r  "},
    {"upper", "AZ"},
    {"word", "09AZaz__"},
    {"xdigit", "09AFaf"},
};

void add_pairs(std::string_view pairs, CodeSet &set) {
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
    set.add(static_cast<unsigned char>(pairs[i]), static_cast<unsigned char>(pairs[i + 1]));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

// Builds the program as it reads: what an operator applies to is always the end of what was built.
class RegexParser {
 public:
  RegexParser(std::string_view pattern, Regex &regex) : rest_(pattern), regex_(regex) {}

  bool run(std::string &why) {
    groups_.push_back({0, {}, {}});
    while (!rest_.empty() && why_.empty()) step();
    if (why_.empty() && groups_.size() > 1) why_ = "missing closing )";
    if (why_.empty()) close_alternatives();
    regex_.program_.push_back({});
    if (why_.empty() && regex_.program_.size() > Regex::kMaxInstructions) why_ = "pattern too large - compile failed";
    why = why_;
    return why_.empty();
  }
  std::size_t work() const { return work_; }

 private:
  struct Flags {
    bool fold = false;
    bool dot_newline = false;
    bool multi_line = false;
  };
  struct Group {
    std::size_t begin;
    std::vector<std::size_t> ends;  // of the alternatives before the last
    Flags outer;                    // to come back to behind the group
  };

  std::vector<Regex::Instruction> &code() { return regex_.program_; }
  void fail(std::string_view why, std::string_view what = {}) {
    if (!why_.empty()) return;
    why_ = why;
    // It was cut out of the pattern by bytes.
    std::size_t whole = what.size();
    while (whole > 0 && !base::is_valid_utf8(what.substr(0, whole))) --whole;
    if (whole > 0) why_ += ": " + std::string(what.substr(0, whole));
  }
  bool take(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  std::uint32_t take_code() {
    const std::uint32_t code_point = decode_utf8(rest_, 0);
    rest_.remove_prefix(std::min(utf8_length(rest_[0]), rest_.size()));
    return code_point;
  }

  void step() {
    if (regex_.program_.size() > Regex::kMaxInstructions) return fail("pattern too large - compile failed");
    const char c = rest_.front();
    switch (c) {
      case '(': return open_group();
      case ')': return close_group();
      case '|': return alternative();
      case '*':
      case '+':
      case '?': return simple_repeat(c);
      case '{': return counted_repeat();
      case '^': return assertion(1, flags_.multi_line ? Regex::Assertion::kLineBegin : Regex::Assertion::kTextBegin);
      case '$': return assertion(1, flags_.multi_line ? Regex::Assertion::kLineEnd : Regex::Assertion::kTextEnd);
      case '.':
        rest_.remove_prefix(1);
        return atom({flags_.dot_newline ? Regex::Op::kAny : Regex::Op::kAnyNotNewline, {}, 0, 1, 1});
      case '[': return char_class();
      case '\\': return escape();
      default: return literal(take_code());
    }
  }

  // Gives a class its other cases, if they are wanted, then turns it round, if it is a negative one.
  struct Class {
    bool negative = false;
    bool fold = false;
  };
  void complete(CodeSet &set, Class how) {
    work_ += 1 + set.ranges().size();
    if (how.fold) work_ += set.add_other_cases();
    how.negative ? set.negate() : set.tidy();
  }

  bool perl_class(char letter, CodeSet &set) {
    switch (letter) {
      case 'd':
      case 'D': add_pairs("09", set); break;
      case 'w':
      case 'W': add_pairs("09AZaz__", set); break;
      case 's':
      case 'S': add_pairs("\t\n\f\r  ", set); break;
      default: return false;
    }
    complete(set, {.negative = letter == 'D' || letter == 'W' || letter == 'S', .fold = flags_.fold});
    return true;
  }

  void atom(const Regex::Instruction &instruction) {
    start_atom();
    code().push_back(instruction);
  }
  void start_atom() {
    atom_ = code().size();
    has_atom_ = true;
    repeated_ = false;
  }

  void literal(std::uint32_t code_point) {
    if (flags_.fold && next_case(code_point) != code_point) {
      CodeSet set;
      set.add(code_point, code_point);
      complete(set, {.fold = true});
      return set_atom(std::move(set));
    }
    atom({Regex::Op::kChar, {}, code_point, 1, 1});
  }

  void set_atom(CodeSet set) {
    regex_.sets_.push_back(std::move(set));
    atom({Regex::Op::kSet, {}, static_cast<std::uint32_t>(regex_.sets_.size() - 1), 1, 1});
  }

  void assertion(std::size_t length, Regex::Assertion kind) {
    rest_.remove_prefix(length);
    atom({Regex::Op::kAssert, kind, 0, 1, 1});
  }

  // Groups and alternatives.

  void open_group() {
    const std::string_view start = rest_;
    rest_.remove_prefix(1);
    const Flags outer = flags_;
    if (take("?")) {
      if (take("P<") || take("<")) {
        if (!group_name()) return fail("invalid named capture group", start.substr(0, 20));
      } else if (bool group = false; !read_flags(group)) {
        return fail("invalid or unsupported Perl syntax", start.substr(0, std::min<std::size_t>(3, start.size())));
      } else if (!group) {
        repeated_ = false;
        return;
      }
    }
    groups_.push_back({code().size(), {}, outer});
    has_atom_ = false;
  }

  bool group_name() {
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos || end == 0) return false;
    for (const char c : rest_.substr(0, end)) {
      const bool word = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!word) return false;
    }
    rest_.remove_prefix(end + 1);
    return true;
  }

  // (?i) until the group ends, (?i:...) for a group of its own.
  bool read_flags(bool &group) {
    bool on = true;
    bool any = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      switch (c) {
        case 'i':
          flags_.fold = on;
          any = true;
          break;
        case 's':
          flags_.dot_newline = on;
          any = true;
          break;
        case 'm':
          flags_.multi_line = on;
          any = true;
          break;
        case 'U': any = true; break;  // which match is preferred does not matter here
        case '-':
          if (!on) return false;
          on = false;
          any = false;
          break;
        case ':': group = true; return on || any;
        case ')': group = false; return on || any;
        default: return false;
      }
    }
    return false;
  }

  void close_group() {
    if (groups_.size() == 1) return fail("unexpected )");
    rest_.remove_prefix(1);
    close_alternatives();
    const Group group = std::move(groups_.back());
    groups_.pop_back();
    flags_ = group.outer;
    atom_ = group.begin;
    has_atom_ = true;
    repeated_ = false;
  }

  void alternative() {
    rest_.remove_prefix(1);
    groups_.back().ends.push_back(code().size());
    has_atom_ = false;
  }

  // a|b|c stands as a, b, c; it becomes: split, a, jump to the end, split, b, jump to the end, c.
  void close_alternatives() {
    Group &group = groups_.back();
    if (group.ends.empty()) return;
    const std::vector<Regex::Instruction> pieces(code().begin() + static_cast<std::ptrdiff_t>(group.begin),
                                                 code().end());
    work_ += pieces.size() / 4;
    code().resize(group.begin);
    std::vector<std::size_t> ends = group.ends;
    ends.push_back(group.begin + pieces.size());
    const std::size_t whole = pieces.size() + 2 * (ends.size() - 1);
    std::size_t from = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const std::size_t to = ends[i] - group.begin;
      const bool last = i + 1 == ends.size();
      if (!last) code().push_back({Regex::Op::kSplit, {}, 0, 1, static_cast<std::int32_t>(to - from + 2)});
      code().insert(code().end(), pieces.begin() + static_cast<std::ptrdiff_t>(from),
                    pieces.begin() + static_cast<std::ptrdiff_t>(to));
      if (!last)
        code().push_back(
            {Regex::Op::kJump, {}, 0, static_cast<std::int32_t>(whole - (code().size() - group.begin)), 1});
      from = to;
    }
    group.ends.clear();
  }

  // Repetition.

  bool may_repeat(std::string_view what) {
    if (!has_atom_) fail("no argument for repetition operator", what);
    if (repeated_) fail("bad repetition operator", std::string(last_repeat_) + std::string(what));
    return why_.empty();
  }

  void simple_repeat(char c) {
    const std::string_view what = rest_.substr(0, 1);
    if (!may_repeat(what)) return;
    rest_.remove_prefix(1);
    take("?");  // lazy: which match is preferred does not matter here
    work_ += (code().size() - atom_) / 8;
    const auto length = static_cast<std::int32_t>(code().size() - atom_);
    const auto front = code().begin() + static_cast<std::ptrdiff_t>(atom_);
    if (c == '+') {
      code().push_back({Regex::Op::kSplit, {}, 0, -length, 1});
    } else if (c == '*') {
      code().insert(front, {Regex::Op::kSplit, {}, 0, 1, length + 2});
      code().push_back({Regex::Op::kJump, {}, 0, -(length + 1), 1});
    } else {
      code().insert(front, {Regex::Op::kSplit, {}, 0, 1, length + 1});
    }
    repeated_ = true;
    last_repeat_ = what;
  }

  static bool take_number(std::string_view &text, std::uint32_t &number) {
    if (text.empty() || !is_digit(text.front())) return false;
    if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;  // {01} is no count
    number = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
      number = std::min<std::uint32_t>(number * 10 + static_cast<std::uint32_t>(text.front() - '0'), kMaxRepeat + 1);
    return true;
  }

  // {n}, {n,} or {n,m}; anything else is a literal brace.
  void counted_repeat() {
    std::string_view ahead = rest_.substr(1);
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    bool open = false;
    bool counted = take_number(ahead, least);
    most = least;
    if (counted && ahead.starts_with(',')) {
      ahead.remove_prefix(1);
      open = !take_number(ahead, most);
    }
    counted = counted && ahead.starts_with('}');
    if (!counted) {
      rest_.remove_prefix(1);
      return literal('{');
    }
    const std::string_view what = rest_.substr(0, rest_.size() - ahead.size() + 1);
    if (least > kMaxRepeat || (!open && (most > kMaxRepeat || most < least)))
      return fail("invalid repetition size", what);
    if (!may_repeat(what)) return;
    rest_.remove_prefix(what.size());
    take("?");
    repeat(least, open ? std::nullopt : std::optional<std::uint32_t>(most));
    repeated_ = true;
    last_repeat_ = what;
  }

  void repeat(std::uint32_t least, std::optional<std::uint32_t> most) {
    const std::vector<Regex::Instruction> piece(code().begin() + static_cast<std::ptrdiff_t>(atom_), code().end());
    const std::size_t copies = most.value_or(least + 1);
    if (piece.size() * (copies + 1) + atom_ > Regex::kMaxInstructions)
      return fail("pattern too large - compile failed");
    work_ += piece.size() * (copies + 1) / 8;
    const auto length = static_cast<std::int32_t>(piece.size());
    code().resize(atom_);
    for (std::uint32_t i = 0; i < least; ++i) code().insert(code().end(), piece.begin(), piece.end());
    if (!most) {
      code().push_back({Regex::Op::kSplit, {}, 0, 1, length + 2});
      code().insert(code().end(), piece.begin(), piece.end());
      code().push_back({Regex::Op::kJump, {}, 0, -(length + 1), 1});
      return;
    }
    for (std::uint32_t i = least; i < *most; ++i) {
      const auto left = static_cast<std::int32_t>(*most - i);
      code().push_back({Regex::Op::kSplit, {}, 0, 1, (length + 1) * left});
      code().insert(code().end(), piece.begin(), piece.end());
    }
  }

  // Escapes and classes.

  void escape() {
    const std::string_view start = rest_;
    rest_.remove_prefix(1);
    if (rest_.empty()) return fail("trailing \\");
    if (take("Q")) return quoted();
    if (take("A")) return assertion(0, Regex::Assertion::kTextBegin);
    if (take("z")) return assertion(0, Regex::Assertion::kTextEnd);
    if (take("b")) return assertion(0, Regex::Assertion::kWordBoundary);
    if (take("B")) return assertion(0, Regex::Assertion::kNotWordBoundary);
    CodeSet set;
    if (perl_class(rest_.front(), set)) {
      rest_.remove_prefix(1);
      return set_atom(std::move(set));
    }
    if (rest_.front() == 'p' || rest_.front() == 'P') {
      if (!named_class(set)) return fail("invalid character class range", start.substr(0, 12));
      return set_atom(std::move(set));
    }
    if (const auto code_point = escaped_code()) return literal(*code_point);
    fail("invalid escape sequence", start.substr(0, 2));
  }

  void quoted() {
    while (!rest_.empty() && !take("\\E")) literal(take_code());
  }

  // \pL, \p{Greek}, \P{^Greek}; at the p.
  bool named_class(CodeSet &set) {
    bool negative = rest_.front() == 'P';
    rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    std::string_view name = rest_.substr(0, utf8_length(rest_[0]));
    if (rest_.front() == '{') {
      const std::size_t end = rest_.find('}');
      if (end == std::string_view::npos) return false;
      name = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
    } else {
      rest_.remove_prefix(std::min(name.size(), rest_.size()));
    }
    if (name.starts_with('^')) {
      negative = !negative;
      name.remove_prefix(1);
    }
    const std::string key = std::string(1, negative ? '^' : '=') + (flags_.fold ? 'i' : ' ') + std::string(name);
    const auto known = named_.find(key);
    if (known != named_.end()) {
      set = known->second;
      work_ += 1 + set.ranges().size() / 4;
      return true;
    }
    if (!unicode_class(name, set)) return false;
    complete(set, {.negative = negative, .fold = flags_.fold});
    named_.emplace(key, set);
    return true;
  }

  std::optional<std::uint32_t> octal(std::size_t most) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < most && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '7'; ++i) {
      number = number * 8 + static_cast<std::uint32_t>(rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return number;
  }

  std::optional<std::uint32_t> hexadecimal() {
    const auto digit = [](char c) -> std::uint32_t {
      if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
      if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a') + 10;
      return c >= 'A' && c <= 'F' ? static_cast<std::uint32_t>(c - 'A') + 10 : 16;
    };
    const bool braces = take("{");
    std::uint32_t number = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && digit(rest_.front()) < 16 && (braces || digits < 2); ++digits) {
      number = number * 16 + digit(rest_.front());
      if (number > 0x10FFFF) return std::nullopt;
      rest_.remove_prefix(1);
    }
    const bool ended = braces ? digits > 0 && take("}") : digits == 2;
    return ended ? std::optional<std::uint32_t>(number) : std::nullopt;
  }

  // What an escape of one character stands for; behind the backslash.
  std::optional<std::uint32_t> escaped_code() {
    const char c = rest_.front();
    constexpr std::string_view kLetters = "aftnrv";
    constexpr std::string_view kMeanings = "\a\f\t\n\r\v";
    if (c == '0') {
      rest_.remove_prefix(1);
      return octal(2);
    }
    if (c >= '1' && c <= '7') return rest_.size() > 1 && rest_[1] >= '0' && rest_[1] <= '7' ? octal(3) : std::nullopt;
    rest_.remove_prefix(1);
    if (c == 'x') return hexadecimal();
    if (const std::size_t at = kLetters.find(c); at != std::string_view::npos && c != '\0')
      return static_cast<std::uint32_t>(kMeanings[at]);
    const bool punctuation =
        static_cast<unsigned char>(c) < 0x80 && !is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z');
    return punctuation ? std::optional<std::uint32_t>(static_cast<unsigned char>(c)) : std::nullopt;
  }

  void char_class() {
    const std::string_view start = rest_;
    rest_.remove_prefix(1);
    const bool negative = take("^");
    CodeSet set;
    bool first = true;
    while (first || !rest_.starts_with(']')) {
      if (rest_.empty()) return fail("missing closing ]", start.substr(0, 20));
      if (!class_item(set, start)) return;
      first = false;
    }
    rest_.remove_prefix(1);
    complete(set, {.negative = negative});
    set_atom(std::move(set));
  }

  bool class_item(CodeSet &set, std::string_view start) {
    if (rest_.starts_with("[:")) {
      const std::size_t end = rest_.find(":]");
      if (end != std::string_view::npos) return posix_class(set, end);
    }
    if (rest_.size() > 1 && rest_.front() == '\\') {
      CodeSet inner;
      if (perl_class(rest_[1], inner)) {
        rest_.remove_prefix(2);
        set.add(inner);
        return true;
      }
      if (rest_[1] == 'p' || rest_[1] == 'P') {
        rest_.remove_prefix(1);
        if (!named_class(inner)) return fail("invalid character class range", start.substr(0, 20)), false;
        set.add(inner);
        return true;
      }
    }
    const auto from = class_code(start);
    if (!from) return false;
    std::uint32_t to = *from;
    if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
      rest_.remove_prefix(1);
      const auto end = class_code(start);
      if (!end) return false;
      if (*end < *from) return fail("invalid character class range", start.substr(0, 20)), false;
      to = *end;
    }
    CodeSet range;
    range.add(*from, to);
    complete(range, {.fold = flags_.fold});
    set.add(range);
    return true;
  }

  std::optional<std::uint32_t> class_code(std::string_view start) {
    if (rest_.empty()) return fail("missing closing ]", start.substr(0, 20)), std::nullopt;
    if (rest_.front() != '\\') return take_code();
    const std::string_view escape_start = rest_;
    rest_.remove_prefix(1);
    if (rest_.empty()) return fail("trailing \\"), std::nullopt;
    const auto code_point = escaped_code();
    if (!code_point) fail("invalid escape sequence", escape_start.substr(0, 2));
    return code_point;
  }

  bool posix_class(CodeSet &set, std::size_t end) {
    const std::string_view whole = rest_.substr(0, end + 2);
    std::string_view name = rest_.substr(2, end - 2);
    const bool negative = name.starts_with('^');
    if (negative) name.remove_prefix(1);
    const auto found =
        std::find_if(std::begin(kPosix), std::end(kPosix), [&](const NamedRanges &each) { return each.name == name; });
    if (found == std::end(kPosix)) return fail("invalid character class range", whole.substr(0, 20)), false;
    CodeSet inner;
    add_pairs(found->pairs, inner);
    complete(inner, {.negative = negative, .fold = flags_.fold});
    set.add(inner);
    rest_.remove_prefix(end + 2);
    return true;
  }

  std::string_view rest_;
  Regex &regex_;
  Flags flags_;
  std::vector<Group> groups_;
  std::size_t atom_ = 0;  // where what an operator applies to begins
  bool has_atom_ = false;
  bool repeated_ = false;
  std::string_view last_repeat_;
  std::map<std::string, CodeSet> named_;  // the same class is made once
  std::size_t work_ = 0;
  std::string why_;
};

std::unique_ptr<Regex> Regex::compile(std::string_view pattern, std::string &why, std::size_t *work) {
  auto regex = std::make_unique<Regex>();
  RegexParser parser(pattern, *regex);
  const bool whole = parser.run(why);
  if (work != nullptr) *work = parser.work();
  return whole ? std::move(regex) : nullptr;
}

}  // namespace cala::cel
