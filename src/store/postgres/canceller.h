// Canceller: asks the server to give up the statement that runs on a connection. libpq's PQcancel waits for the server
// without limit, so it runs on a thread of its own, and nobody waits for that thread longer than the limits below.
//
// begin and end enclose each statement, on the connection's thread. The server forgets a request that comes before it
// has begun the statement, so it is asked again and again until the statement has ended, for as long as overdue() says.
// cancel() may come from any thread and returns at once.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace cala::store::postgres {

class Canceller {
 public:
  // The two functions outlive the process's use of libpq. handle: owned from now on; null: nothing can be cancelled.
  Canceller(decltype(&::PQcancel) send, decltype(&::PQfreeCancel) free, PGcancel *handle);
  ~Canceller();
  Canceller(const Canceller &) = delete;
  Canceller &operator=(const Canceller &) = delete;

  void begin();
  // Waits for a request that is on its way, so that it cannot hit a later statement. False when it is still on its way:
  // the connection should not be used again.
  bool end();
  void cancel() noexcept;  // what runs, or what runs next, until it is forgotten
  void forget();
  // It was asked long ago, and still there is no answer.
  bool overdue() const;

 private:
  struct State;
  void ask() noexcept;
  static void *send_requests(void *state);

  std::shared_ptr<State> state_;
};

}  // namespace cala::store::postgres
