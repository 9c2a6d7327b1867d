#include "base/inflate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <thread>

#include "platform/fork_generation.h"

namespace cala::base {

namespace {

constexpr std::size_t kLongest = 15;  // bits in a word of a code
constexpr std::size_t kShort = 10;    // those of so many are looked up at once

// The least significant bit of a byte comes first. Behind the end are zeros, and `over` is set.
class Bits {
 public:
  explicit Bits(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  // Without taking them, at most kLongest.
  std::size_t next(std::size_t count) {
    for (; held_count_ <= 48 && at_ < bytes_.size(); held_count_ += 8)
      held_ |= std::uint64_t{bytes_[at_++]} << held_count_;
    return held_ & ((std::uint64_t{1} << count) - 1);
  }

  void drop(std::size_t count) {
    over = over || count > held_count_;
    held_ >>= count;
    held_count_ -= std::min(count, held_count_);
  }

  std::size_t take(std::size_t count) {
    const std::size_t value = next(count);
    drop(count);
    return value;
  }

  void drop_rest_of_byte() { drop(held_count_ % 8); }

  bool over = false;

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint64_t held_ = 0;
  std::size_t held_count_ = 0;
};

// A code by the lengths of its words: those of one length are numbered on, in the order of their symbols.
class Code {
 public:
  explicit Code(std::span<const std::uint8_t> lengths) {
    for (const std::uint8_t length : lengths) ++words_[length];
    words_[0] = 0;
    std::array<std::size_t, kLongest + 2> place{};  // of the next symbol of a length
    std::array<std::size_t, kLongest + 2> word{};
    for (std::size_t length = 1; length <= kLongest; ++length) {
      place[length + 1] = place[length] + words_[length];
      word[length + 1] = (word[length] + words_[length]) * 2;
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const std::size_t length = lengths[symbol];
      if (length == 0) continue;
      symbols_[place[length]++] = static_cast<std::uint16_t>(symbol);
      note_short(word[length]++, length, symbol);
    }
  }

  // The next symbol, or kNone where no word begins like this.
  std::size_t read(Bits &bits) const {
    const std::size_t seen = bits.next(kLongest);
    if (const Short &found = short_[seen % short_.size()]; found.length != 0) {
      bits.drop(found.length);
      return found.symbol;
    }
    std::size_t word = 0;
    std::size_t first = 0;
    std::size_t before = 0;
    for (std::size_t length = 1; length <= kLongest; ++length) {
      word |= seen >> (length - 1) & 1U;
      const std::size_t count = words_[length];
      if (word >= first && word - first < count) {
        bits.drop(length);
        return symbols_[before + word - first];
      }
      before += count;
      first = (first + count) * 2;
      word *= 2;
    }
    return kNone;
  }

  static constexpr std::size_t kNone = 1000;

 private:
  struct Short {
    std::uint16_t symbol = 0;
    std::uint16_t length = 0;
  };

  // A word's first bit is its highest and comes first.
  void note_short(std::size_t word, std::size_t length, std::size_t symbol) {
    if (length > kShort || word >> length != 0) return;
    std::size_t turned = 0;
    for (std::size_t i = 0; i < length; ++i) turned |= (word >> i & 1U) << (length - 1 - i);
    const Short found{static_cast<std::uint16_t>(symbol), static_cast<std::uint16_t>(length)};
    for (; turned < short_.size(); turned += std::size_t{1} << length) short_[turned] = found;
  }

  std::array<std::size_t, kLongest + 1> words_{};  // of each length
  std::array<std::uint16_t, 320> symbols_{};
  std::array<Short, std::size_t{1} << kShort> short_{};
};

class Inflater {
 public:
  Inflater(std::span<const std::uint8_t> packed, std::span<char> out) : bits_(packed), out_(out) {}

  bool run() {
    for (bool last = false; !last;) {
      last = bits_.take(1) == 1;
      const std::size_t kind = bits_.take(2);
      const bool ok = kind == 0 ? stored() : kind == 1 ? fixed() : kind == 2 && described();
      if (!ok || bits_.over) return false;
    }
    return at_ == out_.size();
  }

 private:
  bool stored() {
    bits_.drop_rest_of_byte();
    std::size_t size = bits_.take(8);
    size |= bits_.take(8) << 8U;
    std::size_t check = bits_.take(8);
    check |= bits_.take(8) << 8U;
    if ((size ^ check) != 0xffff || out_.size() - at_ < size) return false;
    for (; size > 0 && !bits_.over; --size) out_[at_++] = static_cast<char>(bits_.take(8));
    return true;
  }

  bool fixed() {
    std::array<std::uint8_t, 288 + 30> lengths{};
    std::fill_n(lengths.begin(), 144, std::uint8_t{8});
    std::fill_n(lengths.begin() + 144, 112, std::uint8_t{9});
    std::fill_n(lengths.begin() + 256, 24, std::uint8_t{7});
    std::fill_n(lengths.begin() + 280, 8, std::uint8_t{8});
    std::fill_n(lengths.begin() + 288, 30, std::uint8_t{5});
    const std::span<const std::uint8_t> all(lengths);
    return symbols(Code(all.first(288)), Code(all.subspan(288)));
  }

  // The lengths of both codes come first, run-length packed, in a code whose lengths come before.
  bool described() {
    constexpr std::array<std::uint8_t, 19> kOrder = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const std::size_t literals = bits_.take(5) + 257;
    const std::size_t distances = bits_.take(5) + 1;
    const std::size_t count = bits_.take(4) + 4;
    std::array<std::uint8_t, 320> lengths{};
    for (std::size_t i = 0; i < count; ++i) lengths[kOrder[i]] = static_cast<std::uint8_t>(bits_.take(3));
    const Code of_lengths(std::span<const std::uint8_t>(lengths).first(kOrder.size()));
    lengths.fill(0);
    for (std::size_t i = 0; i < literals + distances;) {
      const std::size_t symbol = of_lengths.read(bits_);
      std::size_t times = 1;
      std::uint8_t length = 0;
      if (symbol < 16) {
        length = static_cast<std::uint8_t>(symbol);
      } else if (symbol == 16) {
        if (i == 0) return false;
        length = lengths[i - 1];
        times = bits_.take(2) + 3;
      } else if (symbol == 17) {
        times = bits_.take(3) + 3;
      } else if (symbol == 18) {
        times = bits_.take(7) + 11;
      } else {
        return false;
      }
      if (bits_.over || times > literals + distances - i) return false;
      for (; times > 0; --times) lengths[i++] = length;
    }
    const std::span<const std::uint8_t> all(lengths);
    return symbols(Code(all.first(literals)), Code(all.subspan(literals, distances)));
  }

  // Characters, and copies of what was there before, until the symbol that ends a block.
  bool symbols(const Code &literals, const Code &distances) {
    while (true) {
      const std::size_t symbol = literals.read(bits_);
      if (symbol == 256) return true;
      if (symbol < 256) {
        if (at_ == out_.size()) return false;
        out_[at_++] = static_cast<char>(symbol);
        continue;
      }
      if (symbol > 285) return false;
      const std::size_t length = symbol == 285 ? 258 : 3 + stepped(symbol - 257, 4);
      const std::size_t distance_symbol = distances.read(bits_);
      if (distance_symbol > 29) return false;
      const std::size_t distance = 1 + stepped(distance_symbol, 2);
      if (bits_.over || distance > at_ || length > out_.size() - at_) return false;
      for (std::size_t i = 0; i < length; ++i, ++at_) out_[at_] = out_[at_ - distance];
    }
  }

  // The sizes of lengths and distances: `same` symbols have no bits behind them, twice; of each next `same` the steps
  // are twice as wide.
  std::size_t stepped(std::size_t symbol, std::size_t same) {
    if (symbol < same * 2) return symbol;
    const std::size_t more = symbol / same - 1;
    return ((same + symbol % same) << more) + bits_.take(more);
  }

  Bits bits_;
  std::span<char> out_;
  std::size_t at_ = 0;
};

}  // namespace

bool inflate(std::span<const std::uint8_t> packed, std::span<char> out) { return Inflater(packed, out).run(); }

bool PackedText::unpacked() {
  constexpr std::uint64_t kDone = ~std::uint64_t{0};
  constexpr std::uint64_t kDamaged = kDone - 1;
  for (;;) {
    std::uint64_t seen = state_.load(std::memory_order_acquire);
    if (seen == kDone || seen == kDamaged) return seen == kDone;
    const std::uint64_t own = platform::fork_generation();
    if (seen == own) {
      std::this_thread::yield();
    } else if (state_.compare_exchange_strong(seen, own, std::memory_order_acquire)) {
      const bool whole = inflate(packed_, place_);
      state_.store(whole ? kDone : kDamaged, std::memory_order_release);
      return whole;
    }
  }
}

}  // namespace cala::base
