#include "growth.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace cala::bench {

namespace {

constexpr int kFillBatch = 500;
constexpr int kCallers = 64;
constexpr int kMeasured = 6400;  // postings by these callers at each mark
constexpr int kQuestions = 300;

struct Question {
  const char *name;
  OperationFn operation;
  std::function<std::string(int account)> request;
};

class Growth {
 public:
  Growth(const Books &books, LedgerWork &work) : books_(books), work_(work) {}

  void print_header() const {
    std::printf("| postings | filling/s | %d callers/s | resident MiB | store MiB | bytes a posting |", kCallers);
    for (const Question &each : questions_) std::printf(" %s |", each.name);
    std::printf("\n|---|---|---|---|---|---|");
    for (std::size_t i = 0; i < questions_.size(); ++i) std::printf("---|");
    std::printf("\n");
  }

  void fill_to(int target) {
    const int from = postings_;
    const Clock::time_point begin = Clock::now();
    while (postings_ < target) postings_ += work_.round(1, kFillBatch, std::min(target - postings_, 50000)).postings;
    filling_ = postings_ > from ? (postings_ - from) / seconds_since(begin) : 0;
  }

  void print_row(const std::optional<double> &store_bytes) {
    const Measured measured = work_.round(kCallers, 1, std::min(kMeasured, std::max(postings_ / 10, kCallers)));
    postings_ += measured.postings;
    std::printf("| %d | %.0f | %.0f | %.0f | %.0f | %.0f |", postings_, filling_, measured.postings / measured.seconds,
                resident_memory().value_or(0), store_bytes.value_or(0) / 1048576, store_bytes.value_or(0) / postings_);
    for (const Question &each : questions_) {
      const std::vector<double> times = ask(each);
      std::printf(" %.2f, %.2f |", percentile(times, 0.5), percentile(times, 0.99));
    }
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  // The same accounts at each mark, all of which have entries.
  std::vector<double> ask(const Question &question) const {
    std::mt19937 random(1);
    std::vector<double> times;
    for (int i = 0; i < kQuestions; ++i) {
      const int account =
          pair_of(static_cast<unsigned>(random()) % static_cast<unsigned>(postings_) + 1, books_.accounts()).first;
      const std::string request = question.request(account);
      const Clock::time_point begin = Clock::now();
      books_.ask(question.operation, request);
      times.push_back(seconds_since(begin) * 1000);
    }
    return times;
  }

  static std::string key(int account) {
    return R"("journal_id":")" + Books::journal_id() + R"(","account_id":")" + Books::account_id(account) +
           R"(","currency":"USD")";
  }
  static std::string account_only(int account) { return R"("account_id":")" + Books::account_id(account) + '"'; }
  // Half of its newest version.
  std::string earlier_version(int account) const {
    const std::string balance = books_.ask(cala_balance_find, '{' + key(account) + '}');
    const std::size_t at = balance.find(R"("version":)");
    const long long newest = at == std::string::npos ? 1 : std::atoll(balance.c_str() + at + 10);
    return std::to_string(std::max(newest / 2, 1LL));
  }

  const Books &books_;
  LedgerWork &work_;
  int postings_ = 0;
  double filling_ = 0;
  const std::vector<Question> questions_ = {
      {"balance_find ms (p50, p99)", cala_balance_find, [](int account) { return '{' + key(account) + '}'; }},
      {"balance_at version", cala_balance_at,
       [this](int account) { return '{' + key(account) + R"(,"version":)" + earlier_version(account) + '}'; }},
      {"balance_at instant", cala_balance_at,
       [](int account) { return '{' + key(account) + R"(,"recorded_at":"9999-01-01T00:00:00Z"})"; }},
      {"transaction_list of the journal, 100", cala_transaction_list,
       [](int) { return R"({"first":100,"order":"desc","journal_id":")" + Books::journal_id() + R"("})"; }},
      {"transaction_list of an account, 100", cala_transaction_list,
       [](int account) { return R"({"first":100,"order":"desc",)" + account_only(account) + '}'; }},
      {"entry_list of an account, 100", cala_entry_list,
       [](int account) { return R"({"first":100,"order":"desc",)" + account_only(account) + '}'; }},
  };
};

}  // namespace

void grow(const Books &books, LedgerWork &work, int postings,
          const std::function<std::optional<double>()> &store_bytes) {
  Growth growth(books, work);
  growth.print_header();
  for (const int mark : {postings / 10, postings / 2, postings}) {
    growth.fill_to(mark);
    growth.print_row(store_bytes());
  }
}

}  // namespace cala::bench
