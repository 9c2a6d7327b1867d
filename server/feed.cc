#include "feed.h"

#include <cstring>
#include <utility>

#include "json.h"

namespace outbox {
namespace {

constexpr std::int32_t kOperationMs = 30000;
constexpr std::size_t kFirstBuffer = std::size_t{64} << 10;

// The head of a record of cala_queue_read.
struct Record {
  std::uint32_t record_len;
  std::uint16_t header_len;
  std::uint16_t type;
  std::uint64_t tag;
  std::int32_t status;
  std::uint32_t data_len;
};

std::string document_of(cala_status status, const std::string &code, const std::string &message, bool retryable,
                        const std::string &details) {
  return "{\"status\":" + std::to_string(status) + ",\"code\":" + json::quote(code) +
         ",\"message\":" + json::quote(message) + ",\"retryable\":" + (retryable ? "true" : "false") +
         ",\"details\":" + details + "}";
}

Fault fault_of(const cala_error *error) {
  Fault fault{cala_error_status(error), cala_error_code(error), cala_error_message(error), {}};
  fault.document =
      document_of(fault.status, fault.code, fault.message, cala_error_retryable(error) == 1, cala_error_details(error));
  return fault;
}

Fault take_fault(cala_error *error) {
  Fault fault = fault_of(error);
  cala_error_free(error);
  return fault;
}

std::string options_of(const Wanted &wanted, std::int64_t buffer) {
  std::string text = "{\"buffer\":" + std::to_string(buffer);
  if (!wanted.from.empty()) text += ",\"from\":" + wanted.from;
  if (!wanted.name.empty()) text += ",\"name\":" + json::quote(wanted.name);
  if (!wanted.journal_id.empty()) text += ",\"journal_id\":" + json::quote(wanted.journal_id);
  if (wanted.entries) text += ",\"entries\":true";
  if (wanted.balances) text += ",\"balances\":true";
  if (!wanted.types.empty()) {
    std::string types;
    for (const std::string &type : wanted.types) types += (types.empty() ? "" : ",") + json::quote(type);
    text += ",\"types\":[" + types + "]";
  }
  return text + "}";
}

}  // namespace

Fault make_fault(cala_status status, std::string code, std::string message) {
  std::string document = document_of(status, code, message,
                                     status == CALA_BUSY || status == CALA_CLOSED || status == CALA_UNAVAILABLE, "{}");
  return {status, std::move(code), std::move(message), std::move(document)};
}

// ---- Stream

Stream::Stream(Feed &feed, cala_queue *queue, cala_listener *listener)
    : feed_(feed),
      queue_(queue),
      listener_(listener),
      buffer_(kFirstBuffer / 8),
      place_(cala_listener_reached(listener)) {}

Stream::~Stream() {
  cala_listener_free(listener_);
  feed_.leave(queue_);
  cala_queue_free(queue_);
}

std::int64_t Stream::reached() const {
  if (has_more()) return place_;
  const std::int64_t reached = cala_listener_reached(listener_);
  return reached > place_ ? reached : place_;
}

// Whether something was there.
bool Stream::read() {
  at_ = used_ = 0;
  for (;;) {
    const cala_status status = cala_queue_read(queue_, buffer_.data(), buffer_.size() * 8, &used_);
    if (status == CALA_OK) return used_ > 0;
    const std::size_t needed = used_;
    used_ = 0;
    if (status != CALA_INVALID || needed <= buffer_.size() * 8) {
      fault_ = make_fault(status, "server.queue", "the events could not be taken out of their queue");
      return false;
    }
    buffer_.resize((needed + 7) / 8);
  }
}

Stream::Heard Stream::take(std::string_view &event) {
  const char *bytes = reinterpret_cast<const char *>(buffer_.data()) + at_;
  Record record;
  std::memcpy(&record, bytes, sizeof record);
  at_ += record.record_len;
  const std::string_view data(bytes + record.header_len, record.data_len);
  if (record.type != CALA_RECORD_EVENT) return Heard::kQuiet;
  if (record.status != CALA_OK) {
    fault_ = {record.status, json::text_of(data, "code"), json::text_of(data, "message"), std::string(data)};
    return Heard::kEnded;
  }
  event = data;
  place_ = std::strtoll(json::text_of(data, "place").c_str(), nullptr, 10);
  ++events_;
  return Heard::kEvent;
}

Stream::Heard Stream::next(std::chrono::milliseconds wait, std::string_view &event) {
  for (bool waited = false;;) {
    if (fault_.status != CALA_OK) return Heard::kEnded;
    while (has_more()) {
      const Heard heard = take(event);
      if (heard != Heard::kQuiet) return heard;
    }
    if (feed_.stopping()) {
      fault_ = make_fault(CALA_CLOSED, "server.stopping", "the server stops: connect again, behind the last place");
      continue;
    }
    if (read() || fault_.status != CALA_OK) continue;
    if (waited) return Heard::kQuiet;
    cala_queue_wait(queue_, static_cast<std::int32_t>(wait.count()));
    waited = true;
  }
}

// ---- Feed

std::unique_ptr<Feed> Feed::open(const Options &options, Fault &fault) {
  std::string config = "{\"migrate\":false,\"store\":" + json::quote(options.store);
  if (!options.schema.empty()) config += ",\"schema\":" + json::quote(options.schema);
  config += "}";
  cala_ledger *ledger = nullptr;
  cala_error *error = nullptr;
  if (cala_ledger_open(config.data(), config.size(), &ledger, &error) != CALA_OK) {
    fault = take_fault(error);
    return nullptr;
  }
  return std::unique_ptr<Feed>(new Feed(ledger, options));
}

Feed::~Feed() { cala_ledger_free(ledger_); }

bool Feed::enter(Fault &fault) {
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    fault = make_fault(CALA_CLOSED, "server.stopping", "the server stops: connect again");
  } else if (streams_ >= options_.max_streams) {
    fault = make_fault(CALA_BUSY, "server.too_many_streams",
                       "the server has " + std::to_string(options_.max_streams) + " streams already (--max-streams)");
  } else {
    ++streams_;
    return true;
  }
  return false;
}

void Feed::leave(cala_queue *queue) {
  const std::lock_guard lock(mutex_);
  queues_.erase(queue);
  --streams_;
}

std::unique_ptr<Stream> Feed::listen(const Wanted &wanted, Fault &fault) {
  if (!enter(fault)) return nullptr;
  const std::string options = options_of(wanted, options_.buffer);
  cala_queue *queue = nullptr;
  cala_listener *listener = nullptr;
  cala_error *error = nullptr;
  if (cala_queue_new(&queue, &error) != CALA_OK || cala_listener_open(ledger_, options.data(), options.size(), queue,
                                                                      nullptr, nullptr, &listener, &error) != CALA_OK) {
    fault = take_fault(error);
    cala_queue_free(queue);
    leave(nullptr);
    return nullptr;
  }
  auto stream = std::make_unique<Stream>(*this, queue, listener);
  const std::lock_guard lock(mutex_);
  queues_.insert(queue);
  return stream;
}

std::string Feed::run(Maker maker, const std::string &request, Fault &fault) {
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  std::string answer;
  if (maker(ledger_, nullptr, request.data(), request.size(), &op, &error) != CALA_OK ||
      cala_op_run(op, kOperationMs, &error) != CALA_OK) {
    fault = take_fault(error);
  } else {
    answer = cala_op_result(op, nullptr);
  }
  cala_op_free(op);
  return answer;
}

std::string Feed::ack(std::string_view name, std::string_view place, Fault &fault) {
  return run(cala_listener_ack, "{\"name\":" + json::quote(name) + ",\"place\":" + std::string(place) + "}", fault);
}

bool Feed::has_events_behind(const Wanted &wanted, Fault &fault) {
  if (!wanted.name.empty() || wanted.from.empty() || wanted.from == "\"now\"") return true;
  const std::string after = wanted.from == "\"start\"" ? "0" : wanted.from;
  return !run(cala_event_list, "{\"limit\":1,\"after\":" + after + "}", fault).empty();
}

std::string Feed::health(Fault &fault) { return run(cala_ledger_health, "{\"timeout_ms\":2000}", fault); }

void Feed::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (cala_queue *queue : queues_) cala_queue_wake(queue);
}

bool Feed::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

std::size_t Feed::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

}  // namespace outbox
