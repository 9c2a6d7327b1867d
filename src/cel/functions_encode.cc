// base64.encode and base64.decode (RFC 4648, the padding may be left out).
#include <array>

#include "cel/functions.h"

namespace cala::cel {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Value encode(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view from = args[0].as_text();
  const std::size_t size = (from.size() + 2) / 3 * 4;
  auto *to = static_cast<char *>(runtime.arena.allocate(size + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t out = 0;
  for (std::size_t at = 0; at < from.size(); at += 3) {
    const auto byte = [&](std::size_t i) {
      return at + i < from.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(from[at + i])) : 0U;
    };
    const std::uint32_t group = byte(0) << 16U | byte(1) << 8U | byte(2);
    to[out++] = kAlphabet[group >> 18U];
    to[out++] = kAlphabet[(group >> 12U) & 63U];
    to[out++] = at + 1 < from.size() ? kAlphabet[(group >> 6U) & 63U] : '=';
    to[out++] = at + 2 < from.size() ? kAlphabet[group & 63U] : '=';
  }
  return Value::string({to, out});
}

constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  for (auto &digit : digits) digit = 255;
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}();

Value decode(Runtime &runtime, const Value *args, std::size_t) {
  const Value wrong = Runtime::fail(FailureCode::kInvalidArgument, "the text is not base64");
  std::string_view from = args[0].as_text();
  if (from.size() % 4 == 0) {
    for (int i = 0; i < 2 && from.ends_with('='); ++i) from.remove_suffix(1);
  }
  if (from.size() % 4 == 1) return wrong;
  auto *to = static_cast<char *>(runtime.arena.allocate(from.size() + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t out = 0;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : from) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == 255) return wrong;
    group = (group << 6U | digit) & 0xFFFFU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    to[out++] = static_cast<char>((group >> bits) & 0xFFU);
  }
  return Value::bytes({to, out});
}

constexpr Overload kFunctions[] = {
    {"base64.encode", kGlobal, "y>s", encode, kWalksText},
    {"base64.decode", kGlobal, "s>y", decode, kWalksText},
};

}  // namespace

std::span<const Overload> encoding_functions() { return kFunctions; }

}  // namespace cala::cel
