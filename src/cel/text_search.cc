#include "cel/text_search.h"

#include <algorithm>

namespace cala::cel {

TextSearch::TextSearch(std::string_view wanted, From from) : wanted_(wanted), from_(from) {
  if (wanted.size() < 2) return;
  const Cut plain = greatest_suffix(false);
  const Cut reversed = greatest_suffix(true);
  cut_ = plain.at > reversed.at ? plain : reversed;
  periodic_ = cut_.at + cut_.period <= wanted.size();
  for (std::size_t i = 0; periodic_ && i < cut_.at; ++i) periodic_ = wanted_at(i) == wanted_at(i + cut_.period);
  if (!periodic_) cut_.period = std::max(cut_.at, wanted.size() - cut_.at) + 1;
}

// Where the suffix that is greatest in the order of bytes, or the reverse of it, begins, and its period.
TextSearch::Cut TextSearch::greatest_suffix(bool reversed) const {
  std::size_t begin = 0;
  std::size_t candidate = 1;
  std::size_t same = 0;
  std::size_t period = 1;
  while (candidate + same < wanted_.size()) {
    const auto a = static_cast<unsigned char>(wanted_at(candidate + same));
    const auto b = static_cast<unsigned char>(wanted_at(begin + same));
    if (a == b) {
      if (++same == period) {
        candidate += period;
        same = 0;
      }
    } else if (reversed ? a > b : a < b) {
      candidate += same + 1;
      same = 0;
      period = candidate - begin;
    } else {
      begin = candidate++;
      same = 0;
      period = 1;
    }
  }
  return {begin, period};
}

std::size_t TextSearch::seek(std::string_view text, std::size_t start) const {
  const std::size_t size = wanted_.size();
  std::size_t known = 0;  // how much of the front is the same already, where the text repeats itself
  for (std::size_t at = start; at + size <= text.size();) {
    std::size_t i = std::max(cut_.at, known);
    while (i < size && wanted_at(i) == text_at(text, at + i)) ++i;
    if (i < size) {
      at += i - cut_.at + 1;
      known = 0;
      continue;
    }
    i = cut_.at;
    while (i > known && wanted_at(i - 1) == text_at(text, at + i - 1)) --i;
    if (i <= known) return at;
    at += cut_.period;
    known = periodic_ ? size - cut_.period : 0;
  }
  return std::string_view::npos;
}

std::size_t TextSearch::find(std::string_view text, std::size_t start) const {
  if (wanted_.size() > text.size()) return std::string_view::npos;
  if (from_ == From::kFront) {
    if (wanted_.size() < 2) return text.find(wanted_, start);
    return start > text.size() ? std::string_view::npos : seek(text, start);
  }
  if (wanted_.size() < 2) return text.rfind(wanted_, start);
  const std::size_t last = text.size() - wanted_.size();
  const std::size_t found = seek(text, last - std::min(last, start));
  return found == std::string_view::npos ? found : last - found;
}

}  // namespace cala::cel
