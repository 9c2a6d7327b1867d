// Arena: memory that is given out piece by piece and freed all at once. Everything that an evaluation builds (strings,
// lists, maps) lives in one; scalars need none. It asks the heap for nothing until something is built, and it refuses,
// by returning nullptr, once the bytes given out since start_budget() pass the budget: no input can grow it without
// bound. One thread at a time. Values that point into an Arena die with it, or with reset().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cala::cel {

class Arena {
 public:
  static constexpr std::size_t kEvaluationBudget = std::size_t{4} << 20;

  Arena() = default;
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  // nullptr when the budget is spent. The memory is aligned for any scalar.
  void *allocate(std::size_t bytes) {
    const std::size_t size = (bytes + (bytes == 0 ? 16U : 15U)) & ~std::size_t{15U};
    if (size > remaining_budget_ || size < bytes) return nullptr;
    remaining_budget_ -= size;
    if (size > left_) return allocate_block(size);
    char *at = next_;
    next_ += size;
    left_ -= size;
    return at;
  }
  // Beside the budget: for what grows with a JSON document that is there anyway.
  void *allocate_uncounted(std::size_t bytes) {
    const std::size_t budget = remaining_budget_;
    remaining_budget_ = SIZE_MAX;
    void *at = allocate(bytes);
    remaining_budget_ = budget;
    return at;
  }
  template <typename T>
  T *allocate_array(std::size_t count) {
    if (count > kEvaluationBudget) return nullptr;
    return static_cast<T *>(allocate(count * sizeof(T)));
  }
  // A copy of text, or a view with a null data() when the budget is spent.
  std::string_view copy(std::string_view text);

  void start_budget(std::size_t bytes = kEvaluationBudget) { remaining_budget_ = bytes; }
  std::size_t remaining_budget() const { return remaining_budget_; }

  // Forgets everything built and keeps the first block for reuse.
  void reset();

 private:
  struct Block {
    Block *next;
    std::size_t size;
  };
  void *allocate_block(std::size_t size);

  Block *blocks_ = nullptr;
  char *next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t remaining_budget_ = kEvaluationBudget;
};

}  // namespace cala::cel
