#include "store/sqlite/layer_text.h"

#include <charconv>
#include <optional>

#include "base/json.h"
#include "store/sqlite/entry_id.h"

namespace cala::store::sqlite {

namespace {

using core::Balance;
using core::Decimal;
using core::LayerAmounts;

bool is_plain_zero(const Decimal &amount) { return amount.is_zero() && amount.scale() == 0; }

bool is_untouched(const Balance &balance, const LayerAmounts &layer) {
  return layer.entry_id.is_nil() && is_plain_zero(layer.debit) && is_plain_zero(layer.credit) &&
         layer.modified_at == balance.created_at;
}

base::Error foreign_entry(const base::Uuid &id) {
  return base::make_error(base::Status::kInternal, "store.entry_id",
                          "a balance names entry " + id.text() + ", whose id this ledger did not make");
}

// What a layer says beyond its amounts, when another entry than the head moved it last.
base::Outcome append_mover(std::string &out, const LayerAmounts &layer, std::uint32_t salt) {
  out += ',';
  if (layer.entry_id.is_nil()) {
    out += "null";
  } else {
    const std::optional<std::int64_t> n = entry_n_of(layer.entry_id, salt);
    if (!n || entry_id(*n, layer.modified_at, salt) != layer.entry_id) return foreign_entry(layer.entry_id);
    base::append_integer(out, *n);
  }
  out += ',';
  base::append_integer(out, layer.modified_at.micros());
  return {};
}

// Reads the texts above, and nothing more general than them.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  bool integer(std::int64_t &value) {
    const char *end = rest_.data() + rest_.size();
    const std::from_chars_result read = std::from_chars(rest_.data(), end, value);
    if (read.ec != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    return true;
  }
  bool amount(Decimal &value) {
    if (!take("\"")) return false;
    const std::size_t end = rest_.find('"');
    if (end == std::string_view::npos) return false;
    const std::optional<Decimal> parsed = Decimal::parse(rest_.substr(0, end));
    if (!parsed) return false;
    value = *parsed;
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_mover(Scanner &in, std::uint32_t salt, LayerAmounts &layer) {
  std::int64_t n = 0;
  const bool moved = !in.take("null");
  if (moved && !in.integer(n)) return false;
  std::int64_t micros = 0;
  if (!in.take(",") || !in.integer(micros)) return false;
  layer.modified_at = base::Timestamp::from_micros(micros);
  layer.entry_id = moved ? entry_id(n, layer.modified_at, salt) : base::Uuid{};
  return true;
}

bool read_layer(Scanner &in, std::uint32_t salt, const Balance &balance, LayerAmounts &layer) {
  if (in.take("0")) return true;
  if (!in.take("[") || !in.amount(layer.debit) || !in.take(",") || !in.amount(layer.credit)) return false;
  layer.entry_id = balance.entry_id;
  layer.modified_at = balance.modified_at;
  if (in.take(",") && !read_mover(in, salt, layer)) return false;
  return in.take("]");
}

}  // namespace

base::Result<std::string> layers_text(const Balance &balance, std::uint32_t salt) {
  std::size_t used = core::kLayerCount;
  while (used > 0 && is_untouched(balance, balance.layers[used - 1])) --used;
  std::string out = "[";
  for (std::size_t i = 0; i < used; ++i) {
    const LayerAmounts &layer = balance.layers[i];
    if (i > 0) out += ',';
    if (is_untouched(balance, layer)) {
      out += '0';
      continue;
    }
    out += "[\"";
    layer.debit.append_to(out);
    out += "\",\"";
    layer.credit.append_to(out);
    out += '"';
    const bool by_head = layer.entry_id == balance.entry_id && layer.modified_at == balance.modified_at;
    if (!by_head) {
      if (base::Outcome mover = append_mover(out, layer, salt); !mover) return std::move(mover.error());
    }
    out += ']';
  }
  out += ']';
  return out;
}

bool read_layers(std::string_view text, std::uint32_t salt, Balance &balance) {
  for (LayerAmounts &layer : balance.layers) layer = LayerAmounts{{}, {}, {}, balance.created_at};
  Scanner in(text);
  if (!in.take("[")) return false;
  if (in.take("]")) return in.done();
  for (std::size_t i = 0; i < core::kLayerCount; ++i) {
    if (i > 0 && !in.take(",")) break;
    if (!read_layer(in, salt, balance, balance.layers[i])) return false;
  }
  return in.take("]") && in.done();
}

bool read_trail(std::string_view text, std::vector<std::int64_t> &trail) {
  trail.clear();
  Scanner in(text);
  if (!in.take("[")) return false;
  if (in.take("]")) return in.done();
  do {
    std::int64_t n = 0;
    if (!in.integer(n)) return false;
    trail.push_back(n);
  } while (in.take(","));
  return in.take("]") && in.done();
}

std::string trail_text(const std::vector<std::int64_t> &trail) {
  std::string out = "[";
  for (std::size_t i = 0; i < trail.size(); ++i) {
    if (i > 0) out += ',';
    base::append_integer(out, trail[i]);
  }
  out += ']';
  return out;
}

// A trail has one number for each set bit of its version. Adding one to the version clears the trailing ones, so their
// numbers go; what then is last is where the new version, its lowest bit cleared, leads.
std::int64_t extend_trail(std::vector<std::int64_t> &trail, std::int64_t version, std::int64_t new_head) {
  for (std::int64_t bits = version; (bits & 1) != 0 && !trail.empty(); bits >>= 1) trail.pop_back();
  const std::int64_t skip = trail.empty() ? 0 : trail.back();
  trail.push_back(new_head);
  return skip;
}

}  // namespace cala::store::sqlite
