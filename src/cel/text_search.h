// Where a text stands in another, forwards or backwards, in time linear in both whatever they hold (the two-way
// algorithm of Crochemore and Perrin); std::string_view::find is quadratic at its worst.
#pragma once

#include <cstddef>
#include <string_view>

namespace cala::cel {

class TextSearch {
 public:
  enum class From { kFront, kBack };

  explicit TextSearch(std::string_view wanted, From from = From::kFront);
  // From the front, the first place at or behind `start`; from the back, the last place at or before it.
  // npos: there is none.
  std::size_t find(std::string_view text, std::size_t start) const;

 private:
  // Both texts as they are seen from the side that the search begins at.
  char wanted_at(std::size_t i) const { return from_ == From::kFront ? wanted_[i] : wanted_[wanted_.size() - 1 - i]; }
  char text_at(std::string_view text, std::size_t i) const {
    return from_ == From::kFront ? text[i] : text[text.size() - 1 - i];
  }
  struct Cut {
    std::size_t at;
    std::size_t period;
  };
  Cut greatest_suffix(bool reversed) const;
  std::size_t seek(std::string_view text, std::size_t start) const;

  std::string_view wanted_;
  From from_;
  Cut cut_{0, 1};
  bool periodic_ = false;
};

}  // namespace cala::cel
