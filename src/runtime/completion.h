// Completion: one finished piece of work (or a log entry) on its way to the program, and CompletionList, the FIFO it
// waits in. A completion is its own list node, so queueing never allocates and so never fails.
// Invariants: a completion is queued at most once in its life; what its methods answer no longer changes once it is
// pushed. Thread rule: after the push only the reading thread calls it, so it needs no lock of its own; the list is
// guarded by whoever owns it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace cala::runtime {

// The `type` of a framed message. Append only: wrappers skip what they do not know.
enum class MessageType : std::uint16_t { kCompletion = 1, kLog = 2, kShutdown = 3, kDropped = 4, kEvent = 5 };

class Completion {
 public:
  Completion() = default;
  Completion(const Completion &) = delete;
  Completion &operator=(const Completion &) = delete;
  virtual ~Completion();

  virtual std::uint64_t tag() const = 0;
  virtual std::int32_t status() const = 0;
  virtual std::uint16_t type() const { return static_cast<std::uint16_t>(MessageType::kCompletion); }

  // Appends the message's data. Called only when a reader asks for it, on the reader's thread, at most once a message.
  virtual void append_data(std::string &out) const = 0;

  // Its bytes are in the reader's buffer. On the reader's thread, once a message that is read; never after that.
  virtual void was_read() noexcept {}

  // Calls the program's callback, on the draining thread, with no lock held. The program may leave through it without
  // returning (Ruby's throw is a longjmp): an implementation keeps nothing with a destructor alive across the call.
  virtual void deliver() = 0;

 private:
  friend class CompletionList;
  friend class Queue;
  std::shared_ptr<Completion> next_;
  std::atomic<bool> pushed_{false};
  bool holds_place_ = false;  // it came through Queue::push, not push_log
};

class CompletionList {
 public:
  CompletionList() = default;
  CompletionList(const CompletionList &) = delete;
  CompletionList &operator=(const CompletionList &) = delete;
  ~CompletionList();

  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  const std::shared_ptr<Completion> &front() const { return head_; }
  void push_back(std::shared_ptr<Completion> completion) noexcept;
  std::shared_ptr<Completion> pop_front() noexcept;
  std::shared_ptr<Completion> remove(const Completion *completion) noexcept;  // null when it is not in the list
  void take_all(CompletionList &from) noexcept;                               // appends everything, leaves `from` empty

 private:
  std::shared_ptr<Completion> head_;
  Completion *tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cala::runtime
