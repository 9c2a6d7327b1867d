#include "http_server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <sstream>
#include <thread>

#include "json.h"
#include "log.h"

namespace outbox {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{200};
constexpr std::size_t kThreadsBesides = 16;  // they tell who is one too many
constexpr std::size_t kChunk = std::size_t{64} << 10;

int status_of(const Fault &fault) {
  switch (fault.status) {
    case CALA_INVALID: return 400;
    case CALA_NOT_FOUND: return fault.code == "event.pruned" ? 410 : 404;
    case CALA_CONFLICT:
    case CALA_REJECTED: return 409;
    case CALA_BUSY:
    case CALA_TIMEOUT:
    case CALA_CLOSED:
    case CALA_UNAVAILABLE:
    case CALA_OUTCOME_UNKNOWN: return 503;
    default: return 500;
  }
}

void answer(httplib::Response &response, int status, const std::string &document) {
  response.status = status;
  if (status == 503) response.set_header("Retry-After", "1");
  response.set_content(document + "\n", "application/json");
}

bool is_place(const std::string &text) {
  return !text.empty() && text.size() <= 16 && text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_true(const std::string &text) { return text == "true" || text == "1"; }

// What a request asks for; false with what is wrong with it.
bool read_wanted(const httplib::Request &request, Wanted &wanted, Fault &fault) {
  const auto refuse = [&](const std::string &text) {
    fault = make_fault(CALA_INVALID, "server.malformed", text);
    return false;
  };
  for (const auto &[key, value] : request.params) {
    if (key == "after") {
      if (value != "start" && value != "now" && !is_place(value)) return refuse("after is start, now or a place");
      wanted.from = is_place(value) ? value : json::quote(value);
    } else if (key == "name") {
      wanted.name = value;
    } else if (key == "journal_id") {
      wanted.journal_id = value;
    } else if (key == "entries") {
      wanted.entries = is_true(value);
    } else if (key == "balances") {
      wanted.balances = is_true(value);
    } else if (key == "types") {
      std::istringstream types(value);
      for (std::string type; std::getline(types, type, ',');) wanted.types.push_back(type);
    } else {
      return refuse("there is no parameter " + key + ": after, types, journal_id, entries, balances and name are");
    }
  }
  // What a client sends that was cut off.
  const std::string last = request.get_header_value("Last-Event-ID");
  if (!last.empty() && !is_place(last)) return refuse("Last-Event-ID is no place");
  if (!last.empty()) wanted.from = last;
  return true;
}

// One answer that goes on.
class Answering {
 public:
  Answering(std::unique_ptr<Stream> stream, std::string who, milliseconds heartbeat)
      : stream_(std::move(stream)), who_(std::move(who)), heartbeat_(heartbeat) {
    log_info(who_ + " listens behind " + std::to_string(stream_->reached()));
  }
  ~Answering() {
    log_info(who_ + " ends behind " + std::to_string(stream_->reached()) + " after " +
             std::to_string(stream_->events()) + " events: " +
             (stream_->fault().status == CALA_OK ? "the client has gone, or took nothing" : stream_->fault().code));
  }
  Answering(const Answering &) = delete;
  Answering &operator=(const Answering &) = delete;

  // Writes what there is, or after a while nothing; false when the client has gone.
  bool go_on(httplib::DataSink &sink) {
    std::string text;
    if (!begun_) {
      begun_ = true;
      return tell_reached("retry: 1000\n", sink);
    }
    std::string_view event;
    Stream::Heard heard = stream_->next(std::min(kLook, heartbeat_), event);
    while (heard == Stream::Heard::kEvent) {
      text.append("id: ").append(json::text_of(event, "place")).append("\ndata: ").append(event).append("\n\n");
      if (!stream_->has_more() || text.size() >= kChunk) break;
      heard = stream_->next(milliseconds(0), event);
    }
    if (!text.empty()) {
      told_ = Clock::now();
      if (!sink.write(text.data(), text.size())) return false;
    }
    if (heard == Stream::Heard::kEnded) return end(sink);
    if (Clock::now() - told_ >= heartbeat_) return tell_reached(":\n", sink);
    return !text.empty() || sink.is_writable();
  }

 private:
  // An id without data moves what the client sends as Last-Event-ID.
  bool tell_reached(const std::string &before, httplib::DataSink &sink) {
    told_ = Clock::now();
    const std::string text = before + "id: " + std::to_string(stream_->reached()) + "\n\n";
    return sink.write(text.data(), text.size());
  }
  bool end(httplib::DataSink &sink) {
    const std::string text = "event: end\ndata: " + stream_->fault().document + "\n\n";
    if (!sink.write(text.data(), text.size())) return false;
    sink.done();
    return true;
  }

  const std::unique_ptr<Stream> stream_;
  const std::string who_;
  const milliseconds heartbeat_;
  bool begun_ = false;
  Clock::time_point told_ = Clock::now();
};

class Server final : public HttpServer {
 public:
  Server(const Options &options, Feed &feed, const Access &access) : options_(options), feed_(feed), access_(access) {}
  ~Server() override {
    if (server_) server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  bool start(std::string &error);
  int port() const override { return port_; }
  void set_serving(bool serving) override { serving_ = serving; }

 private:
  using Handler = void (Server::*)(const httplib::Request &, httplib::Response &);
  httplib::Server::Handler calls(Handler handler);
  bool refuses(const httplib::Request &request, httplib::Response &response) const;
  void give_events(const httplib::Request &request, httplib::Response &response);
  void acknowledge(const httplib::Request &request, httplib::Response &response);

  const Options options_;
  Feed &feed_;
  const Access &access_;
  // Nobody is asked who they are, being on this machine; a page of the web in its browser must not be let in by that.
  const bool trusts_machine_ = options_.token.empty() && options_.token_file.empty() &&
                               options_.tls_client_ca.empty() && is_loopback(parse_address(options_.http));
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  std::atomic<bool> serving_{true};
  int port_ = 0;
};

std::string client_of(const httplib::Request &request) {
  return "http " + request.remote_addr + ":" + std::to_string(request.remote_port);
}

httplib::Server::Handler Server::calls(Handler handler) {
  return [this, handler](const httplib::Request &request, httplib::Response &response) {
    (this->*handler)(request, response);
  };
}

// What a browser says of a request that a page of another origin has it make. We serve no page, so none is of ours,
// unless a proxy makes it so.
bool is_of_other_page(const httplib::Request &request) {
  const std::string site = request.get_header_value("Sec-Fetch-Site");
  return request.has_header("Origin") || (!site.empty() && site != "none" && site != "same-origin");
}

// A name that an attacker has made lead to this machine is none of it.
bool names_this_machine(const httplib::Request &request) {
  const std::string host = request.get_header_value("Host");
  return is_loopback(parse_address(host)) || is_loopback(parse_address(host + ":80"));
}

// Before anything of the body is read, which httplib bounds only where its length is told and it is not compressed.
bool Server::refuses(const httplib::Request &request, httplib::Response &response) const {
  const auto refuse = [&](int status, cala_status kind, const char *code, const char *text) {
    log_info(client_of(request) + " refused: " + code + ": " + text);
    answer(response, status, make_fault(kind, code, text).document);
    return true;
  };
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (is_of_other_page(request)) {
    return refuse(403, CALA_PERMISSION, "server.other_origin", "pages of other origins are not let in");
  }
  if (request.has_header("Transfer-Encoding") || (!reads && !request.has_header("Content-Length"))) {
    return refuse(411, CALA_INVALID, "server.malformed", "a body needs its Content-Length, and no Transfer-Encoding");
  }
  if (request.has_header("Content-Encoding")) {
    return refuse(415, CALA_INVALID, "server.malformed", "a body may not be compressed");
  }
  if (reads && request.path == "/health") return false;
  if (trusts_machine_ && !names_this_machine(request)) {
    return refuse(403, CALA_PERMISSION, "server.other_host",
                  "without tokens the Host has to be 127.0.0.1, [::1] or localhost");
  }
  if (access_.allows(request.get_header_value("Authorization"))) return false;
  response.set_header("WWW-Authenticate", "Bearer");
  return refuse(401, CALA_PERMISSION, "server.unauthenticated", "a token is needed: Authorization: Bearer TOKEN");
}

void Server::give_events(const httplib::Request &request, httplib::Response &response) {
  Fault fault;
  Wanted wanted;
  std::unique_ptr<Stream> stream;
  const std::string who = client_of(request);
  // A place that was pruned is told before the answer begins.
  if (read_wanted(request, wanted, fault) && feed_.has_events_behind(wanted, fault)) {
    stream = feed_.listen(wanted, fault);
  }
  if (!stream) {
    log_info(who + " refused: " + fault.code + ": " + fault.message);
    return answer(response, status_of(fault), fault.document);
  }
  const auto answering = std::make_shared<Answering>(
      std::move(stream), who + (wanted.name.empty() ? "" : " as " + json::quote(wanted.name)), options_.heartbeat);
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
  response.set_chunked_content_provider(
      "text/event-stream", [answering](std::size_t, httplib::DataSink &sink) { return answering->go_on(sink); });
}

void Server::acknowledge(const httplib::Request &request, httplib::Response &response) {
  Fault fault;
  const std::string place = request.get_param_value("place");
  if (!is_place(place)) {
    fault = make_fault(CALA_INVALID, "server.malformed", "name and place are needed, and place is a number");
    return answer(response, 400, fault.document);
  }
  const std::string kept = feed_.ack(request.get_param_value("name"), place, fault);
  if (kept.empty()) return answer(response, status_of(fault), fault.document);
  answer(response, 200, kept);
}

bool Server::start(std::string &error) {
  const char *authorities = options_.tls_client_ca.empty() ? nullptr : options_.tls_client_ca.c_str();
  if (options_.tls_cert.empty()) {
    server_ = std::make_unique<httplib::Server>();
  } else {
    server_ = std::make_unique<httplib::SSLServer>(options_.tls_cert.c_str(), options_.tls_key.c_str(), authorities);
  }
  if (!server_->is_valid()) {
    error = "--http: --tls-cert, --tls-key or --tls-client-ca cannot be used";
    return false;
  }
  const std::size_t threads = options_.max_streams + kThreadsBesides;
  server_->new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
  server_->set_keep_alive_max_count(1);
  server_->set_read_timeout(std::chrono::seconds(5));
  server_->set_write_timeout(options_.stall);
  server_->set_payload_max_length(std::size_t{64} << 10);
  server_->set_tcp_nodelay(true);
  // Not the port of another server, which would share its clients.
  const auto stall = static_cast<unsigned>(options_.stall.count());
  server_->set_socket_options([stall](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
#ifdef TCP_USER_TIMEOUT
    // Connections have it from here: a client that vanished without a word confirms nothing that is written to it.
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall, sizeof stall);
#else
    (void)stall;
#endif
  });
  server_->set_pre_routing_handler([this](const httplib::Request &request, httplib::Response &response) {
    return refuses(request, response) ? httplib::Server::HandlerResponse::Handled
                                      : httplib::Server::HandlerResponse::Unhandled;
  });
  server_->Get("/events", calls(&Server::give_events));
  server_->Post("/ack", calls(&Server::acknowledge));
  server_->Get("/health", [this](const httplib::Request &, httplib::Response &response) {
    answer(response, serving_ ? 200 : 503, serving_ ? R"({"status":"healthy"})" : R"({"status":"unhealthy"})");
  });
  const Address address = parse_address(options_.http);
  port_ = address.port == 0 ? server_->bind_to_any_port(address.host)
                            : (server_->bind_to_port(address.host, address.port) ? address.port : -1);
  if (port_ <= 0) {
    error = "--http " + options_.http + " cannot be served: the address is not ours or taken";
    return false;
  }
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  return true;
}

}  // namespace

std::unique_ptr<HttpServer> HttpServer::start(const Options &options, Feed &feed, const Access &access,
                                              std::string &error) {
  auto server = std::make_unique<Server>(options, feed, access);
  if (!server->start(error)) return nullptr;
  return server;
}

}  // namespace outbox
