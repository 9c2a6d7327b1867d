#include "engine/request.h"

#include "base/utf8.h"
#include "values/terms.h"

namespace cala::engine {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

}  // namespace

std::string encode_cursor(std::string_view noun, std::string_view cursor) {
  std::string out;
  const std::string plain = std::string(noun) + ":" + std::string(cursor);
  for (const char c : plain) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

Page read_page(RequestReader &reader, std::string_view noun) {
  Page page;
  page.first = reader.integer("first", 100, 1, 1000);
  const std::optional<std::string> order = reader.optional_text("order");
  page.descending = order && core::is_word(*order, "desc");
  if (order && !page.descending && !core::is_word(*order, "asc")) {
    reader.fail("request.malformed", "order", "must be asc or desc");
  }
  const std::optional<std::string> after = reader.optional_text("after");
  if (!after) return page;
  const std::optional<std::string> plain = from_hex(*after);
  const std::string prefix = std::string(noun) + ":";
  if (!plain || !plain->starts_with(prefix) || !base::is_valid_utf8(*plain)) {
    reader.fail("request.malformed", "after", "is not a cursor of this list");
    return page;
  }
  page.after = plain->substr(prefix.size());
  return page;
}

core::BalanceKey read_balance_key(RequestReader &reader) {
  core::BalanceKey key;
  key.journal_id = reader.uuid("journal_id");
  key.account_id = reader.uuid("account_id");
  key.currency = reader.currency("currency");
  return key;
}

std::vector<core::BalanceKey> read_balance_keys(RequestReader &reader) {
  std::vector<core::BalanceKey> keys;
  for (const base::JsonView item : reader.array("keys", kMaxBatch)) {
    RequestReader one(item, "/keys/" + std::to_string(keys.size()));
    keys.push_back(read_balance_key(one));
    reader.adopt(one.finish());
  }
  return keys;
}

}  // namespace cala::engine
