#include "watching.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cala::bench {

namespace {

constexpr const char *kPage = "1000";

const std::string kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";

// How much is told: the metrics are always scraped.
struct Watch {
  const char *name;
  const char *level;
  std::size_t sampled;  // of ten traces
};
constexpr Watch kWatches[] = {
    {"level info, one trace in ten sampled", "info", 1},
    {"everything: each trace sampled, level debug", "debug", 10},
};

std::vector<std::string> traces(std::size_t sampled) {
  std::vector<std::string> out;
  while (out.size() < 10) out.push_back(kTrace + (out.size() < sampled ? "01" : "00"));
  return out;
}

class Queue {
 public:
  Queue() {
    cala_error *error = nullptr;
    const cala_status status = cala_queue_new(&queue_, &error);
    if (status != CALA_OK) fail("no queue", status, error);
  }
  ~Queue() { cala_queue_free(queue_); }
  Queue(const Queue &) = delete;
  Queue &operator=(const Queue &) = delete;
  cala_queue *get() const { return queue_; }

 private:
  cala_queue *queue_ = nullptr;
};

// A listener, and a thread that takes its events.
class Listener {
 public:
  Listener(const Books &books, const std::string &options) {
    cala_error *error = nullptr;
    const cala_status status = cala_listener_open(books.ledger(), options.data(), options.size(), queue_.get(), take,
                                                  this, &listener_, &error);
    if (status != CALA_OK) fail("no listener", status, error);
    reader_ = std::thread([this] { cala_queue_run(queue_.get()); });
  }
  ~Listener() {
    cala_queue_stop(queue_.get());
    reader_.join();
    cala_listener_free(listener_);
  }
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;

  void await(int count) const {
    while (heard_ < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  static void take(void *user, cala_status status, const char *, size_t) {
    auto *self = static_cast<Listener *>(user);
    if (status != CALA_OK) fail(std::string("a listener ended: ") + cala_status_name(status));
    self->heard_.fetch_add(1);
  }

  Queue queue_;
  cala_listener *listener_ = nullptr;
  std::atomic<int> heard_{0};
  std::thread reader_;
};

std::string options_of(const std::string &from, bool entries) {
  return R"({"from":)" + from + R"(,"types":["transaction_created"],"entries":)" + (entries ? "true" : "false") + "}";
}

long long number_after(const std::string &text, const char *key) {
  const std::size_t at = text.rfind(key);
  return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + std::string(key).size());
}

// All pages; how many events were in them.
int read_pages(const Books &books, bool entries) {
  int events = 0;
  for (long long place = 0;;) {
    const std::string page = books.ask(
        cala_event_list, R"({"types":["transaction_created"],"limit":)" + std::string(kPage) + R"(,"entries":)" +
                             (entries ? "true" : "false") + R"(,"after":)" + std::to_string(place) + "}");
    for (std::size_t at = page.find(R"("subject_id":)"); at != std::string::npos;
         at = page.find(R"("subject_id":)", at + 1))
      ++events;
    const long long next = number_after(page, R"("place":)");
    if (next <= place) return events;
    place = next;
  }
}

void print_reading(const char *how, bool entries, int events, double seconds) {
  std::printf("| %s | %s | %d | %.0f |\n", how, entries ? "with entries" : "without", events, events / seconds);
  std::fflush(stdout);
}

double median(const std::vector<double> &values) { return percentile(values, 0.5); }

// Postings while one listener hears them.
void hear_round(const Books &books, LedgerWork &work, int callers, int batch, int postings) {
  const Listener listener(books, options_of("\"now\"", true));
  const Clock::time_point begin = Clock::now();
  const int posted = work.round(callers, batch, postings).postings;
  const double posting = seconds_since(begin);
  listener.await(posted);
  const double hearing = seconds_since(begin);
  std::printf("| %d callers, batches of %d | %.0f | %.0f | %.1f |\n", callers, batch, posted / posting,
              posted / hearing, (hearing - posting) * 1000);
  std::fflush(stdout);
}

// Reads a ledger's log and scrapes its metrics while it is told to.
class Watcher {
 public:
  explicit Watcher(Books &books) : books_(books) {
    reader_ = std::thread([this] { cala_queue_run(queue_.get()); });
    scraper_ = std::thread([this] {
      for (int ticks = 1; !ended_; ++ticks) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        if (ticks % 100 == 0 && watching_) books_.ask(cala_ledger_metrics, R"({"format":"openmetrics"})");
      }
    });
  }
  ~Watcher() {
    ended_ = true;
    scraper_.join();
    look_away();
    cala_queue_stop(queue_.get());
    reader_.join();
  }
  Watcher(const Watcher &) = delete;
  Watcher &operator=(const Watcher &) = delete;

  void look(const Watch &watch) {
    const std::string options = R"({"level":")" + std::string(watch.level) + R"(","slow_ms":250})";
    cala_error *error = nullptr;
    const cala_status status = cala_ledger_log(
        books_.ledger(), options.data(), options.size(), queue_.get(), [](void *, int32_t, const char *, size_t) {},
        nullptr, &error);
    if (status != CALA_OK) fail("no log", status, error);
    books_.trace(traces(watch.sampled));
    watching_ = true;
  }
  void look_away() {
    watching_ = false;
    books_.trace({});
    cala_ledger_log(books_.ledger(), nullptr, 0, nullptr, nullptr, nullptr, nullptr);
  }

 private:
  Books &books_;
  Queue queue_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> watching_{false};
  std::thread reader_;
  std::thread scraper_;
};

struct Cost {
  double seconds = 0;
  double client = 0;
  double server = 0;
};

Cost cost_of(LedgerWork &work, const Meter &meter, int callers, int batch, int postings) {
  const double server = meter.server_seconds();
  const double client = client_seconds();
  const Measured measured = work.round(callers, batch, postings);
  std::this_thread::sleep_for(std::chrono::microseconds(200));  // for what is still to be read of the log
  return {measured.seconds / measured.postings, (client_seconds() - client) / measured.postings,
          (meter.server_seconds() - server) / measured.postings};
}

// Postings that fill a slice of time.
int slice_of(LedgerWork &work, int callers, int batch, double seconds) {
  double posting = 0;
  for (int postings = callers * batch, i = 0; i < 5; ++i, postings *= 4) {
    const Measured measured = work.round(callers, batch, postings);
    posting = measured.seconds / measured.postings;
    if (measured.seconds > seconds) break;
  }
  const int operations = static_cast<int>(seconds / posting / batch);
  return std::max(operations, callers) * batch;
}

// The median of ratios, and between which two of them it is by 95 %.
std::string middle_of(std::vector<double> ratios) {
  if (ratios.empty()) return "";
  std::sort(ratios.begin(), ratios.end());
  const auto count = static_cast<double>(ratios.size());
  const auto at = [&](double rank) { return ratios[static_cast<std::size_t>(std::clamp(rank, 0.0, count - 1))]; };
  char text[64];
  std::snprintf(text, sizeof text, "%.3f (%.3f to %.3f)", median(ratios), at(count / 2 - std::sqrt(count)),
                at(count / 2 + std::sqrt(count)));
  return text;
}

}  // namespace

void hear_events(const Books &books, LedgerWork &work, int preloaded, int postings, int rounds) {
  std::printf("| reading | | events | events/s |\n|---|---|---|---|\n");
  for (int round = 0; round < rounds; ++round) {
    for (const bool entries : {false, true}) {
      Clock::time_point begin = Clock::now();
      const int events = read_pages(books, entries);
      print_reading("event_list, pages of 1,000", entries, events, seconds_since(begin));
      begin = Clock::now();
      const Listener listener(books, options_of("\"start\"", entries));
      listener.await(preloaded);
      print_reading("a listener from the start", entries, preloaded, seconds_since(begin));
    }
    preloaded = read_pages(books, false);
  }
  std::printf("\n| posting | posted/s | heard/s | heard after the last answer, ms |\n|---|---|---|---|\n");
  for (int round = 0; round < rounds; ++round) {
    hear_round(books, work, 64, 1, postings);
    hear_round(books, work, 4, 100, postings);
    hear_round(books, work, 1, 1000, postings);
  }
}

// A round is a slice of time without anybody and one with each watch, in an order that turns.
void watch(Books &books, LedgerWork &work, const Meter &meter, int callers, int batch, int rounds) {
  constexpr std::size_t kinds = std::size(kWatches) + 1;  // the last: nobody watches
  const int postings = slice_of(work, callers, batch, callers > 1 ? 0.2 : 0.05);
  std::vector<double> times[kinds], clients[kinds], servers[kinds];
  Watcher watcher(books);
  for (int round = 0; round < rounds; ++round) {
    Cost costs[kinds];
    for (std::size_t i = 0; i < kinds; ++i) {
      const std::size_t kind = (i + static_cast<std::size_t>(round)) % kinds;
      if (kind < std::size(kWatches)) watcher.look(kWatches[kind]);
      costs[kind] = cost_of(work, meter, callers, batch, postings);
      if (kind < std::size(kWatches)) watcher.look_away();
    }
    const Cost &plain = costs[kinds - 1];
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      times[kind].push_back(costs[kind].seconds / plain.seconds);
      clients[kind].push_back(costs[kind].client / plain.client);
      if (plain.server > 0) servers[kind].push_back(costs[kind].server / plain.server);
    }
  }
  for (std::size_t kind = 0; kind < std::size(kWatches); ++kind)
    std::printf("| %d callers, batches of %d | %s | %s | %s | %s |\n", callers, batch, kWatches[kind].name,
                middle_of(times[kind]).c_str(), middle_of(clients[kind]).c_str(), middle_of(servers[kind]).c_str());
  std::fflush(stdout);
}

}  // namespace cala::bench
