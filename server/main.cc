// cala-outbox-server: docs/outbox-server.md.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "access.h"
#include "feed.h"
#include "grpc_server.h"
#include "http_server.h"
#include "json.h"
#include "log.h"
#include "options.h"

namespace {

using namespace outbox;
using Clock = std::chrono::steady_clock;

int fail(const std::string &text, int exit_code = 1) {
  std::fprintf(stderr, "cala-outbox-server: %s\n", text.c_str());
  return exit_code;
}

// Blocked in every thread, so that main alone takes them.
sigset_t blocked_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

void stop_with_stdin() {
  std::thread([] {
    char bytes[256];
    while (read(STDIN_FILENO, bytes, sizeof bytes) > 0) {
    }
    kill(getpid(), SIGTERM);
  }).detach();
}

std::string with_port(const std::string &address, int port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

// Looks after the servers: how the ledger is, and once a second for clients that take nothing.
class Keeper {
 public:
  Keeper(Feed &feed, GrpcServer *grpc, HttpServer *http, Clock::duration health)
      : feed_(feed), grpc_(grpc), http_(http), health_(health), thread_([this] { run(); }) {}
  ~Keeper() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (Clock::time_point look_at{}; !ended_;) {
      lock.unlock();
      if (grpc_ != nullptr) grpc_->tick();
      if (Clock::now() >= look_at) {
        look();
        look_at = Clock::now() + health_;
      }
      lock.lock();
      changed_.wait_for(lock, std::min(health_, Clock::duration(std::chrono::seconds(1))), [this] { return ended_; });
    }
  }
  void look() {
    Fault fault;
    const std::string status = json::text_of(feed_.health(fault), "status");
    const bool serving = status == "healthy" || status == "degraded";
    if (serving != serving_)
      log_info(serving ? "the ledger can be read again" : "the ledger cannot be read: streams wait");
    serving_ = serving;
    if (grpc_ != nullptr) grpc_->set_serving(serving);
    if (http_ != nullptr) http_->set_serving(serving);
  }

  Feed &feed_;
  GrpcServer *const grpc_;
  HttpServer *const http_;
  const Clock::duration health_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  bool serving_ = true;
  std::thread thread_;
};

// Ends the process at a time, unless it is gone by then.
class Cutter {
 public:
  explicit Cutter(Clock::time_point at) : thread_([this, at] { run(at); }) {}
  ~Cutter() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void run(Clock::time_point at) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, at, [this] { return ended_; })) return;
    log_info("cuts connections that asked for nothing");
    std::_Exit(0);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

void wait_for_end(const sigset_t &signals, Access &access) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    if (signal != SIGHUP) return;
    std::string error;
    if (access.load(error)) {
      log_info("the tokens were read again");
    } else {
      log_error(error + "; the old ones hold");
    }
  }
}

int serve(const Options &options, const sigset_t &signals) {
  Access access(options.token, options.token_file);
  std::string error;
  if (!access.load(error)) return fail(error);
  Fault fault;
  const auto feed = Feed::open({options.store, options.schema, options.max_streams, options.buffer}, fault);
  if (!feed) return fail(fault.code + ": " + fault.message);
  std::string ready = "ready";
  std::unique_ptr<GrpcServer> grpc;
  if (!options.grpc.empty()) {
    grpc = GrpcServer::start(options, *feed, access, error);
    if (!grpc) return fail(error);
    ready += " grpc=" + with_port(options.grpc, grpc->port());
  }
  std::unique_ptr<HttpServer> http;
  if (!options.http.empty()) {
    http = HttpServer::start(options, *feed, access, error);
    if (!http) return fail(error);
    ready += " http=" + with_port(options.http, http->port());
  }
  {
    const Keeper keeper(*feed, grpc.get(), http.get(), options.health);
    std::printf("%s\n", ready.c_str());
    std::fflush(stdout);
    log_info(ready + (options.tls_cert.empty() ? "" : " tls"));
    wait_for_end(signals, access);
    log_info("stops, with " + std::to_string(feed->streams()) + " streams");
  }
  if (grpc) grpc->set_serving(false);
  feed->stop();
  const Clock::time_point cut_at = Clock::now() + options.grace;
  if (grpc) grpc->stop(options.grace);
  while (feed->streams() > 0 && Clock::now() < cut_at) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (feed->streams() > 0) {
    // They wait for clients that take nothing, and there is nothing of ours to be put away.
    log_info("cuts " + std::to_string(feed->streams()) + " streams");
    std::_Exit(0);
  }
  {
    // The threads of HTTP wait for a client as long as it sends a byte now and then.
    const Cutter cutter(std::max(cut_at, Clock::now() + std::chrono::seconds(1)));
    http.reset();
    grpc.reset();
  }
  log_info("has stopped");
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  const auto read = read_options(argc, argv);
  if (const auto *said = std::get_if<Said>(&read)) {
    if (said->exit_code != 0) return fail(said->text, said->exit_code);
    std::fputs(said->text.c_str(), stdout);
    return 0;
  }
  const auto &options = std::get<Options>(read);
  const sigset_t signals = blocked_signals();
  set_quiet(options.quiet);
  if (options.stop_with_stdin) stop_with_stdin();
  return serve(options, signals);
}
