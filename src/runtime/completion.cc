#include "runtime/completion.h"

#include <utility>

namespace cala::runtime {

Completion::~Completion() = default;

CompletionList::~CompletionList() {
  // One by one: the chain of next_ pointers would otherwise be destroyed recursively, a stack frame for each.
  while (pop_front() != nullptr) {
  }
}

void CompletionList::push_back(std::shared_ptr<Completion> completion) noexcept {
  Completion *last = completion.get();
  if (tail_ == nullptr) {
    head_ = std::move(completion);
  } else {
    tail_->next_ = std::move(completion);
  }
  tail_ = last;
  ++size_;
}

std::shared_ptr<Completion> CompletionList::pop_front() noexcept {
  std::shared_ptr<Completion> first = std::move(head_);
  if (first == nullptr) return first;
  head_ = std::move(first->next_);
  if (head_ == nullptr) tail_ = nullptr;
  --size_;
  return first;
}

std::shared_ptr<Completion> CompletionList::remove(const Completion *completion) noexcept {
  Completion *before = nullptr;
  for (std::shared_ptr<Completion> *at = &head_; *at != nullptr; before = at->get(), at = &(*at)->next_) {
    if (at->get() != completion) continue;
    std::shared_ptr<Completion> found = std::move(*at);
    *at = std::move(found->next_);
    if (tail_ == found.get()) tail_ = before;
    --size_;
    return found;
  }
  return nullptr;
}

void CompletionList::take_all(CompletionList &from) noexcept {
  if (from.empty()) return;
  if (tail_ == nullptr) {
    head_ = std::move(from.head_);
  } else {
    tail_->next_ = std::move(from.head_);
  }
  tail_ = std::exchange(from.tail_, nullptr);
  size_ += std::exchange(from.size_, 0);
}

}  // namespace cala::runtime
