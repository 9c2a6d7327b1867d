// The ledger as this server uses it, through cala.h alone: streams of events, and a few operations.
//
// A Stream is a listener with a queue of its own, so each takes events at its own pace and what it does not take waits
// in the ledger. Its owner's thread alone uses it. A Feed is safe from every thread and outlives its streams.
#pragma once

#include <cala.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace outbox {

// Why something is refused, or ends. document: the same as JSON, as cala_queue_read has a failed operation.
struct Fault {
  cala_status status = CALA_OK;
  std::string code;
  std::string message;
  std::string document;
};
Fault make_fault(cala_status status, std::string code, std::string message);

struct Wanted {
  std::string from;  // JSON: "start", "now" or a place; empty is "now"
  std::string name;
  std::vector<std::string> types;
  std::string journal_id;
  bool entries = false;
  bool balances = false;
};

class Feed;

class Stream {
 public:
  enum class Heard { kEvent, kQuiet, kEnded };

  Stream(Feed &feed, cala_queue *queue, cala_listener *listener);
  ~Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  // The next event, which is valid until the next call; kQuiet when none came within wait; kEnded when none will come,
  // because of fault().
  Heard next(std::chrono::milliseconds wait, std::string_view &event);
  bool has_more() const { return at_ < used_; }  // another is at hand
  const Fault &fault() const { return fault_; }
  // The place up to which next() has given everything; before an event that it has read ahead.
  std::int64_t reached() const;
  std::int64_t events() const { return events_; }

 private:
  bool read();
  Heard take(std::string_view &event);

  Feed &feed_;
  cala_queue *const queue_;
  cala_listener *const listener_;
  std::vector<std::uint64_t> buffer_;
  std::size_t at_ = 0, used_ = 0;
  std::int64_t place_;  // of the last event that was given, or where it began
  std::int64_t events_ = 0;
  Fault fault_;
};

class Feed {
 public:
  struct Options {
    std::string store;
    std::string schema;
    std::size_t max_streams = 100;
    std::int64_t buffer = 500;
  };

  static std::unique_ptr<Feed> open(const Options &options, Fault &fault);
  ~Feed();
  Feed(const Feed &) = delete;
  Feed &operator=(const Feed &) = delete;

  std::unique_ptr<Stream> listen(const Wanted &wanted, Fault &fault);
  // Answers, as JSON; empty with a fault.
  std::string ack(std::string_view name, std::string_view place, Fault &fault);
  // False where the events behind the place were pruned. A stream finds that out, too, but later.
  bool has_events_behind(const Wanted &wanted, Fault &fault);
  std::string health(Fault &fault);

  // No stream is opened any more, and each ends after what it has read.
  void stop();
  bool stopping() const;
  std::size_t streams() const;
  std::size_t max_streams() const { return options_.max_streams; }

 private:
  friend class Stream;
  using Maker = cala_status (*)(cala_ledger *, cala_tx *, const char *, std::size_t, cala_op **, cala_error **);

  Feed(cala_ledger *ledger, const Options &options) : ledger_(ledger), options_(options) {}
  std::string run(Maker maker, const std::string &request, Fault &fault);
  bool enter(Fault &fault);
  void leave(cala_queue *queue);

  cala_ledger *const ledger_;
  const Options options_;
  mutable std::mutex mutex_;
  std::set<cala_queue *> queues_;
  std::size_t streams_ = 0;
  bool stopping_ = false;
};

}  // namespace outbox
