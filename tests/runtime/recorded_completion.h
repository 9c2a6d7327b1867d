// A completion that counts what became of it, and what the queue tests share.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/queue.h"

namespace cala::runtime {

class RecordedCompletion final : public Completion {
 public:
  explicit RecordedCompletion(std::uint64_t tag, std::string data = "{}", std::function<void()> callback = {})
      : tag_(tag), data_(std::move(data)), callback_(std::move(callback)) {}

  std::uint64_t tag() const override { return tag_; }
  std::int32_t status() const override { return status_; }
  std::uint16_t type() const override { return static_cast<std::uint16_t>(type_); }
  void append_data(std::string &out) const override {
    ++rendered;
    out += data_;
  }
  void deliver() override {
    ++deliveries;
    if (callback_) callback_();
  }

  std::shared_ptr<RecordedCompletion> with(MessageType type, std::int32_t status) && {
    auto changed = std::make_shared<RecordedCompletion>(tag_, data_, callback_);
    changed->type_ = type;
    changed->status_ = status;
    return changed;
  }

  mutable std::atomic<int> rendered{0};
  std::atomic<int> deliveries{0};

 private:
  std::uint64_t tag_;
  std::string data_;
  std::function<void()> callback_;
  MessageType type_ = MessageType::kCompletion;
  std::int32_t status_ = 0;
};

struct ReadMessage {
  MessageHeader header;
  std::string data;
};

inline std::shared_ptr<Queue> make_queue() { return Queue::create().take(); }

inline std::shared_ptr<RecordedCompletion> make_completion(std::uint64_t tag, std::string data = "{}",
                                                           std::function<void()> callback = {}) {
  return std::make_shared<RecordedCompletion>(tag, std::move(data), std::move(callback));
}

inline std::shared_ptr<RecordedCompletion> push_one(Queue &queue, std::uint64_t tag, std::string data = "{}",
                                                    std::function<void()> callback = {}) {
  auto completion = make_completion(tag, std::move(data), std::move(callback));
  if (queue.reserve().ok()) queue.push(completion);
  return completion;
}

inline std::vector<ReadMessage> parse_messages(const unsigned char *buffer, std::size_t used) {
  std::vector<ReadMessage> messages;
  for (std::size_t at = 0; at < used;) {
    ReadMessage message;
    std::memcpy(&message.header, buffer + at, sizeof message.header);
    message.data.assign(reinterpret_cast<const char *>(buffer) + at + message.header.header_len,
                        message.header.data_len);
    at += message.header.message_len;
    messages.push_back(std::move(message));
  }
  return messages;
}

// Everything that one read with a buffer of `cap` bytes hands over; empty when the queue refuses.
inline std::vector<ReadMessage> read_messages(Queue &queue, std::size_t cap = 65536) {
  std::vector<unsigned char> buffer(cap);
  std::size_t used = 0;
  if (!queue.read(buffer.data(), cap, &used).ok()) return {};
  return parse_messages(buffer.data(), used);
}

inline bool readable(int descriptor, int timeout_ms = 0) {
  pollfd watched{descriptor, POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1 && (watched.revents & POLLIN) != 0;
}

}  // namespace cala::runtime
