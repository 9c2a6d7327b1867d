// Reading the outbox: what event_list and listeners share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "engine/operation.h"
#include "engine/request.h"

namespace cala::engine {

inline constexpr std::int64_t kLastPlace = 9007199254740991;  // numbers up to here are exact in every language

struct EventQuery {
  std::int64_t after = 0;
  std::int64_t limit = 100;
  std::optional<std::vector<std::string>> types;
  std::optional<base::Uuid> journal_id;
  bool entries = false;
  bool balances = false;
};
// types, journal_id, entries, balances.
EventQuery read_event_filters(RequestReader &reader);

// kNotFound "event.pruned": what is behind a place before this one was deleted.
base::Error events_pruned(std::int64_t place);

// One page, each event as the document that it is shown as.
struct ReadEvents {
  struct One {
    std::int64_t place = 0;
    std::string text;
  };
  std::vector<One> events;
  std::int64_t place = 0;  // to read on from
  bool more = false;
  std::int64_t behind = 0;  // what is left to read, in numbers of the order
};
// Its answer is put into out; when it fails, out is as it was.
OperationPtr read_events(const EventQuery &query, std::shared_ptr<ReadEvents> out);

// Where a listener begins: at its kept place, where it has a name and was there before, else at `place` or at the
// newest event.
struct ListenerStart {
  std::optional<std::string> name;
  std::int64_t place = 0;
  bool newest = false;

  std::string request() const;  // of listener_place
};
// name, from.
ListenerStart read_listener_start(RequestReader &reader);

}  // namespace cala::engine
