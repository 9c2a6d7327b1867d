#include "live/log.h"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace cala::live {

using runtime::MessageType;
using runtime::Queue;

void LogEar::hear(MessageType type, const char *data, std::size_t length) const {
  if (is_called() && !replaced_.load(std::memory_order_acquire)) {
    fn_(user_, static_cast<std::int32_t>(type), data, length);
  }
}

std::uint64_t LogEar::take_dropped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(dropped_, 0);
}

std::uint64_t LogEar::dropped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return dropped_;
}

void LogEars::give(Queue &queue, LogEars **out) {
  std::shared_ptr<LogEars> ears(new LogEars(queue));
  *out = ears.get();
  queue.set_dropped_callback(dropped, *out, std::move(ears));
}

// Those whose ledger is gone, and who have nothing to be told of any more, go.
void LogEars::add(std::shared_ptr<LogEar> ear) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(ears_,
                [](const std::shared_ptr<LogEar> &each) { return each.use_count() == 1 && each->dropped() == 0; });
  ears_.push_back(std::move(ear));
}

// Whoever is told goes to the end, so that nobody waits behind one who loses again and again.
LogEar *LogEars::next_that_lost(std::uint64_t *lost, std::uint64_t *lost_by_others) {
  const std::lock_guard<std::mutex> lock(mutex_);
  called_.reset();
  for (std::size_t i = 0; i < ears_.size() && called_ == nullptr; ++i) {
    *lost = ears_[i]->take_dropped();
    if (*lost > 0) called_ = ears_[i];
  }
  if (called_ == nullptr) return nullptr;
  std::erase(ears_, called_);
  for (const std::shared_ptr<LogEar> &other : ears_) *lost_by_others += other->dropped();
  ears_.push_back(called_);
  return called_.get();
}

// For the queue, which counts those of all ledgers; nothing here has a destructor. The program may leave its callback
// by a longjmp: what the others lost is on its way before.
void LogEars::dropped(void *of, std::uint64_t /*count*/) {
  auto *ears = static_cast<LogEars *>(of);
  std::uint64_t lost = 0;
  std::uint64_t lost_by_others = 0;
  const LogEar *ear = ears->next_that_lost(&lost, &lost_by_others);
  if (ear == nullptr) return;
  if (lost_by_others > 0) ears->queue_.tell_dropped_again(lost_by_others);
  char digits[24];
  *std::to_chars(digits, digits + sizeof digits - 1, lost).ptr = '\0';
  ear->hear(MessageType::kDropped, digits, std::char_traits<char>::length(digits));
}

class QueueLog::Record final : public runtime::Completion {
 public:
  Record(std::shared_ptr<const LogEar> ear, std::string text) : ear_(std::move(ear)), text_(std::move(text)) {}

  std::uint64_t tag() const override {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(ear_->user()));
  }
  std::int32_t status() const override { return 0; }
  std::uint16_t type() const override { return static_cast<std::uint16_t>(MessageType::kLog); }
  void append_data(std::string &out) const override { out += text_; }
  void deliver() override { ear_->hear(MessageType::kLog, text_.data(), text_.size()); }

 private:
  const std::shared_ptr<const LogEar> ear_;
  const std::string text_;
};

QueueLog::QueueLog(std::shared_ptr<Queue> queue, LogEars &ears, LogFn fn, void *user)
    : queue_(std::move(queue)), ear_(std::make_shared<LogEar>(fn, user)) {
  if (ear_->is_called()) ears.add(ear_);
}

void QueueLog::replaced() noexcept { ear_->replace(); }

bool QueueLog::take(const engine::LogEntry &entry) noexcept {
  Queue::LogPlace place = Queue::LogPlace::kFree;
  if (ear_->was_dropped([&] { return place = queue_->place_for_log(); })) return false;
  if (place == Queue::LogPlace::kClosed) return true;
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
    auto record = std::make_shared<Record>(ear_, out.take());
    return !ear_->was_dropped([&] { return queue_->push_log(std::move(record)); });
  } catch (...) {
    ear_->was_dropped([&] {
      queue_->drop_log();
      return Queue::LogPlace::kFull;
    });
    return false;
  }
}

}  // namespace cala::live
