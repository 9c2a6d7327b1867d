#include "load.h"

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace cala::bench {

namespace {

struct Request {
  Clock::time_point due;
  Clock::time_point answered;
  cala_status status = CALA_OK;
  bool started = false;
};

// The queue that answers come through, and the thread that takes them.
class Answers {
 public:
  Answers() {
    cala_error *error = nullptr;
    const cala_status status = cala_queue_new(&queue_, &error);
    if (status != CALA_OK) fail("no queue", status, error);
    reader_ = std::thread([this] { cala_queue_run(queue_); });
  }
  ~Answers() {
    cala_queue_stop(queue_);
    reader_.join();
    cala_queue_free(queue_);
  }
  Answers(const Answers &) = delete;
  Answers &operator=(const Answers &) = delete;

  cala_queue *queue() const { return queue_; }

 private:
  cala_queue *queue_ = nullptr;
  std::thread reader_;
};

struct Answer {
  Request *request;
  std::atomic<int> *open;
};

void take_answer(void *user, cala_op *op) {
  const auto *answer = static_cast<Answer *>(user);
  answer->request->answered = Clock::now();
  answer->request->status = cala_op_status(op);
  cala_op_free(op);
  answer->open->fetch_sub(1);
}

// False when the queue is full.
bool start(const Books &books, unsigned number, cala_queue *queue, Answer &answer) {
  const std::string request = books.posting(number);
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  const cala_status made = cala_transaction_post(books.ledger(), nullptr, request.data(), request.size(), &op, &error);
  if (made != CALA_OK) fail("a posting was not made", made, error);
  answer.open->fetch_add(1);
  const cala_status started = cala_op_start(op, queue, take_answer, &answer);
  if (started == CALA_OK) return true;
  answer.open->fetch_sub(1);
  cala_op_free(op);
  if (started != CALA_BUSY) fail(std::string("a posting did not start: ") + cala_status_name(started));
  return false;
}

Load summary(const std::vector<Request> &requests, Clock::time_point begin) {
  Load load;
  std::vector<double> latencies;
  Clock::time_point end = begin;
  for (const Request &request : requests) {
    if (!request.started) {
      ++load.refused;
      continue;
    }
    ++load.started;
    end = std::max(end, request.answered);
    if (request.status != CALA_OK) {
      ++load.failed;
      continue;
    }
    ++load.answered;
    latencies.push_back(std::chrono::duration<double, std::milli>(request.answered - request.due).count());
  }
  load.seconds = std::chrono::duration<double>(end - begin).count();
  load.p50_ms = percentile(latencies, 0.5);
  load.p99_ms = percentile(latencies, 0.99);
  load.max_ms = percentile(latencies, 1);
  return load;
}

}  // namespace

Load open_load(const Books &books, unsigned first, double rate, double seconds) {
  const int count = std::max(static_cast<int>(rate * seconds), 1);
  std::vector<Request> requests(static_cast<std::size_t>(count));
  std::vector<Answer> answers(requests.size());
  std::atomic<int> open{0};
  prctl(PR_SET_TIMERSLACK, 1000);
  double late = 0;
  const Clock::time_point begin = Clock::now();
  {
    const Answers reader;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Request &request = requests[i];
      const std::chrono::duration<double> after(static_cast<double>(i) / rate);
      request.due = begin + std::chrono::duration_cast<Clock::duration>(after);
      std::this_thread::sleep_until(request.due);
      late = std::max(late, seconds_since(request.due) * 1000);
      answers[i] = {&request, &open};
      request.started = start(books, first + static_cast<unsigned>(i), reader.queue(), answers[i]);
    }
    while (open.load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  Load load = summary(requests, begin);
  load.offered = rate;
  load.late_ms = late;
  return load;
}

}  // namespace cala::bench
