#include "cel/arena.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace cala::cel {

namespace {
constexpr std::size_t kFirstBlock = 4096;
constexpr std::size_t kHeader = 16;
}  // namespace

Arena::~Arena() {
  while (blocks_ != nullptr) {
    Block *next = blocks_->next;
    std::free(blocks_);
    blocks_ = next;
  }
}

void *Arena::allocate_block(std::size_t size) {
  static_assert(sizeof(Block) <= kHeader);
  std::size_t room = blocks_ == nullptr ? kFirstBlock : blocks_->size * 2;
  if (room > kEvaluationBudget) room = kEvaluationBudget;
  if (room < size) room = size;
  void *memory = std::malloc(kHeader + room);
  if (memory == nullptr) throw std::bad_alloc();
  blocks_ = new (memory) Block{blocks_, room};
  next_ = static_cast<char *>(memory) + kHeader;
  left_ = room;
  void *at = next_;
  next_ += size;
  left_ -= size;
  return at;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return std::string_view("");
  auto *to = static_cast<char *>(allocate(text.size()));
  if (to == nullptr) return {};
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::reset() {
  while (blocks_ != nullptr && blocks_->next != nullptr) {
    Block *next = blocks_->next;
    std::free(blocks_);
    blocks_ = next;
  }
  if (blocks_ != nullptr) {
    next_ = reinterpret_cast<char *>(blocks_) + kHeader;
    left_ = blocks_->size;
  }
  remaining_budget_ = kEvaluationBudget;
}

}  // namespace cala::cel
