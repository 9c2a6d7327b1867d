#include "live/log.h"

#include <charconv>
#include <string>
#include <utility>

#include "base/json.h"

namespace cala::live {

// Whom the records are for. They keep it until they are read.
struct QueueLog::Ear {
  Ear(LogFn called, void *with) : fn(called), user(with) {}

  const LogFn fn;
  void *const user;
  std::atomic<bool> replaced{false};

  void hear(runtime::MessageType type, const char *data, std::size_t length) const {
    if (fn != nullptr && !replaced.load(std::memory_order_acquire))
      fn(user, static_cast<std::int32_t>(type), data, length);
  }
  // For the queue; a callback may leave by longjmp, and nothing here has a destructor.
  static void dropped(void *ear, std::uint64_t count) {
    char digits[24];
    *std::to_chars(digits, digits + sizeof digits - 1, count).ptr = '\0';
    static_cast<const Ear *>(ear)->hear(runtime::MessageType::kDropped, digits, std::char_traits<char>::length(digits));
  }
};

class QueueLog::Record final : public runtime::Completion {
 public:
  Record(std::shared_ptr<const Ear> ear, std::string text) : ear_(std::move(ear)), text_(std::move(text)) {}

  std::uint64_t tag() const override {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(ear_->user));
  }
  std::int32_t status() const override { return 0; }
  std::uint16_t type() const override { return static_cast<std::uint16_t>(runtime::MessageType::kLog); }
  void append_data(std::string &out) const override { out += text_; }
  void deliver() override { ear_->hear(runtime::MessageType::kLog, text_.data(), text_.size()); }

 private:
  const std::shared_ptr<const Ear> ear_;
  const std::string text_;
};

QueueLog::QueueLog(std::shared_ptr<runtime::Queue> queue, LogFn fn, void *user)
    : queue_(std::move(queue)), ear_(std::make_shared<Ear>(fn, user)) {
  if (fn != nullptr) queue_->set_dropped_callback(Ear::dropped, ear_.get(), ear_);
}

void QueueLog::replaced() noexcept { ear_->replaced.store(true, std::memory_order_release); }

bool QueueLog::take(const engine::LogEntry &entry) noexcept {
  switch (queue_->place_for_log()) {
    case runtime::Queue::LogPlace::kFull: return false;
    case runtime::Queue::LogPlace::kClosed: return true;
    case runtime::Queue::LogPlace::kFree: break;
  }
  try {
    base::JsonWriter out;
    out.begin_object().key("at").string(clock_.now().micros_text());
    out.key("level").string(engine::level_name(entry.level())).key("event").string(entry.event());
    out.key("message").string(entry.message());
    for (const engine::LogEntry::Field &field : entry) {
      out.key(field.key);
      if (const auto *number = std::get_if<std::int64_t>(&field.value)) {
        out.integer(*number);
      } else {
        out.string(std::get<std::string_view>(field.value));
      }
    }
    out.end_object();
    return queue_->push_log(std::make_shared<Record>(ear_, out.take())) != runtime::Queue::LogPlace::kFull;
  } catch (...) {
    queue_->drop_log();
    return false;
  }
}

}  // namespace cala::live
