// What an evaluation remembers of the JSON lists and objects that it has looked into: their sizes, and once they were
// looked into a second time their items in a row and their members hashed. Opening is by need, once for each, and takes
// room in proportion to the JSON, beside the arena's budget. Lives as long as one evaluation, or all those of a
// posting; the JSON outlives it.
#pragma once

#include <cstddef>

#include "base/json.h"
#include "cel/arena.h"
#include "cel/value.h"

namespace cala::cel {

class JsonIndex {
 public:
  struct Seen {
    base::JsonView view;
    bool walked = false;
    bool counted = false;
    std::size_t size = 0;  // once counted
    Value whole;           // once opened: a list or map that is no view; absent before
  };

  // What is known of this list or object, made now if it is new.
  Seen &seen(base::JsonView view, Arena &arena);
  // Opens what was counted, and answers the steps that it was worth.
  static std::size_t open(Seen &seen, Arena &arena);

 private:
  void grow(Arena &arena);

  Seen **table_ = nullptr;  // open addressing, by the node's address
  std::size_t slots_ = 0;
  std::size_t count_ = 0;
};

}  // namespace cala::cel
