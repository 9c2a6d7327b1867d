// Connection: one libpq connection as the ledger wants it: connected within a limit of time, silent, in UTF-8, with
// session settings that do not surprise. It knows nothing of transactions; Session and Store do.
//
// One thread at a time, but for canceller().cancel(). A process that was forked may destroy a connection of its
// parent's: nothing is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/postgres/canceller.h"
#include "store/postgres/libpq_api.h"

namespace cala::store::postgres {

struct ConnectionTarget {
  std::string connection_string;  // libpq's: URI or key=value; may hold a password, so it is never part of a message
  std::string application_name;   // where the string names none
  bool durable = true;            // commits wait for the disk, whatever the role's settings say
};

// kInvalid "config.store" when libpq cannot read the string.
base::Outcome check_connection_string(const LibpqApi &api, const std::string &connection_string);

class Connection {
 public:
  static base::Result<std::unique_ptr<Connection>> open(const LibpqApi &api, const ConnectionTarget &target);
  ~Connection();

  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  const LibpqApi &api() const { return api_; }
  PGconn *raw() const { return connection_; }
  bool is_alive() const { return api_.PQstatus(connection_) == CONNECTION_OK; }
  // Looks, without waiting, whether the server hung up since the last answer.
  bool is_alive_now();
  // Runs statements without parameters and gives the first value of the last one, empty when it has none.
  base::Result<std::string> run(const std::string &sql);
  // What a result says went wrong. A standby's refusal to write is kUnavailable: another server is the primary, or this
  // one soon.
  base::Error error_of(const PGresult *result) const;
  Canceller &canceller() { return *canceller_; }

 private:
  struct Place;

  Connection(const LibpqApi &api, PGconn *connection);
  // place: the one of several that is tried, null for what the string says.
  static base::Result<std::unique_ptr<Connection>> open(const LibpqApi &api, const ConnectionTarget &target,
                                                        const Place *place);
  static std::vector<Place> places_of(const LibpqApi &api, const ConnectionTarget &target);
  base::Outcome await_connection(int timeout_ms);
  base::Outcome settle(bool durable);
  enum class Late : bool { kNo, kYes };  // its time was over
  base::Error unreachable(Late late) const;

  const LibpqApi &api_;
  PGconn *connection_;
  std::optional<Canceller> canceller_;  // once it is connected
  std::uint64_t owner_;                 // the process, as platform::fork_generation names it
};

}  // namespace cala::store::postgres
