#include "store/kept_json.h"

#include "base/json.h"
#include "base/json_repair.h"
#include "base/json_scan.h"

namespace cala::store {

std::string kept_json(std::string_view text) {
  if (base::is_json(text)) return std::string(text);
  std::string repaired = base::repaired_json(text);
  if (base::is_json(repaired)) return repaired;
  base::JsonWriter out;
  out.string(text);
  return out.take();
}

}  // namespace cala::store
