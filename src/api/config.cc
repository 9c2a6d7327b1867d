#include "api/config.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/json.h"
#include "engine/request.h"
#include "store/schema_name.h"

namespace cala::api {

namespace {

using engine::RequestReader;

template <typename Read>
void read_part(RequestReader &reader, const char *key, Read read) {
  const base::JsonView part = reader.optional_object(key);
  if (!part.present()) return;
  RequestReader inner(part, std::string("/") + key);
  read(inner);
  reader.adopt(inner.finish());
}

}  // namespace

base::Result<live::Config> read_config(std::string_view text) {
  base::Result<base::Json> json = base::Json::parse(text.empty() ? "{}" : text);
  if (!json) return std::move(json.error());
  RequestReader reader(json->root());
  live::Config config;
  config.store = reader.optional_text("store").value_or(config.store);
  if (reader.has("migrate")) config.migrate = reader.boolean("migrate", false);
  config.schema = reader.optional_text("schema").value_or(config.schema);
  if (!store::is_schema_name(config.schema)) {
    reader.fail(
        "request.malformed", "schema",
        "must be [a-z_][a-z0-9_]*, 63 characters at most, and none of PostgreSQL's own: pg_ or information_schema");
  }
  read_part(reader, "pool", [&](RequestReader &pool) {
    config.pool_max = static_cast<std::size_t>(pool.integer("max", 10, 1, 1000));
    config.pool_timeout = std::chrono::milliseconds(pool.integer("timeout_ms", 30'000, 0, 3'600'000));
  });
  read_part(reader, "clock", [&](RequestReader &clock) { config.manual_clock = clock.optional_instant("manual"); });
  read_part(reader, "commit", [&](RequestReader &commit) {
    config.durable = commit.boolean("durable", true);
    config.group_max = static_cast<std::size_t>(commit.integer("group_max", 500, 1, 10'000));
  });
  config.queue_max = static_cast<std::size_t>(reader.integer("queue_max", 65536, 1, 1048576));
  config.lazy = reader.boolean("lazy", false);
  config.failover_wait = std::chrono::milliseconds(reader.integer("failover_wait_ms", 30'000, 0, 3'600'000));
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return config;
}

}  // namespace cala::api
