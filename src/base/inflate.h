// Texts that the build packed (deflate, RFC 1951), so that the file of the library is smaller.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace cala::base {

// Fills `out` exactly; false when `packed` is cut off, damaged, or not of that length.
bool inflate(std::span<const std::uint8_t> packed, std::span<char> out);

// A packed text and its place, which it fills when it is asked for first. Thread-safe; a forked child does not wait for
// a thread of its parent that had begun, it begins anew.
class PackedText {
 public:
  constexpr PackedText(std::span<const std::uint8_t> packed, std::span<char> place) : packed_(packed), place_(place) {}

  bool unpacked();  // false when it is damaged

 private:
  std::span<const std::uint8_t> packed_;
  std::span<char> place_;
  std::atomic<std::uint64_t> state_{0};  // 0, the fork generation of who is at it, or how it ended
};

}  // namespace cala::base
