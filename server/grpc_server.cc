#include "grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <set>
#include <system_error>

#include "document.h"
#include "json.h"
#include "log.h"
#include "outbox.grpc.pb.h"

namespace outbox {
namespace {

namespace proto = cala::outbox::v1;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How soon a stream sees that its client has gone.
constexpr milliseconds kLook{200};
constexpr int kThreadsBesides = 32;

grpc::StatusCode code_of(const Fault &fault) {
  switch (fault.status) {
    case CALA_INVALID: return grpc::StatusCode::INVALID_ARGUMENT;
    case CALA_NOT_FOUND:
      return fault.code == "event.pruned" ? grpc::StatusCode::OUT_OF_RANGE : grpc::StatusCode::NOT_FOUND;
    case CALA_CONFLICT: return grpc::StatusCode::ABORTED;
    case CALA_REJECTED:
    case CALA_PERMISSION:
    case CALA_UNSUPPORTED: return grpc::StatusCode::FAILED_PRECONDITION;
    case CALA_BUSY:
    case CALA_NO_MEMORY: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case CALA_TIMEOUT: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case CALA_CANCELLED: return grpc::StatusCode::CANCELLED;
    case CALA_CLOSED:
    case CALA_UNAVAILABLE:
    case CALA_OUTCOME_UNKNOWN: return grpc::StatusCode::UNAVAILABLE;
    default: return grpc::StatusCode::INTERNAL;
  }
}

grpc::Status refuse(grpc::ServerContext &context, const Fault &fault) {
  context.AddTrailingMetadata("cala-code", fault.code);
  context.AddTrailingMetadata("cala-error-bin", fault.document);
  return {code_of(fault), fault.message};
}

Wanted wanted_of(const proto::ListenRequest &request) {
  Wanted wanted;
  switch (request.from_case()) {
    case proto::ListenRequest::kStart: wanted.from = "\"start\""; break;
    case proto::ListenRequest::kAfter: wanted.from = std::to_string(request.after()); break;
    default: wanted.from = "\"now\"";
  }
  wanted.name = request.name();
  wanted.types.assign(request.types().begin(), request.types().end());
  wanted.journal_id = request.journal_id();
  wanted.entries = request.entries();
  wanted.balances = request.balances();
  return wanted;
}

// Calls whose client may be taking nothing, and since when.
class Writers {
 public:
  struct Call {
    grpc::ServerContext *context;
    std::atomic<Clock::rep> writing_since{0};  // 0: not writing
  };

  void add(Call *call) {
    const std::lock_guard lock(mutex_);
    calls_.insert(call);
  }
  void remove(Call *call) {
    const std::lock_guard lock(mutex_);
    calls_.erase(call);
  }
  void cut_stalled(milliseconds stall) {
    const Clock::rep now = Clock::now().time_since_epoch().count();
    const Clock::rep limit = std::chrono::duration_cast<Clock::duration>(stall).count();
    const std::lock_guard lock(mutex_);
    for (Call *call : calls_) {
      const Clock::rep since = call->writing_since.load();
      if (since == 0 || now - since < limit) continue;
      log_info("grpc " + call->context->peer() + " takes nothing: let go");
      call->context->TryCancel();
    }
  }

 private:
  std::mutex mutex_;
  std::set<Call *> calls_;
};

class Service final : public proto::Outbox::Service {
 public:
  Service(const Options &options, Feed &feed, const Access &access) : options_(options), feed_(feed), access_(access) {}

  grpc::Status Listen(grpc::ServerContext *context, const proto::ListenRequest *request,
                      grpc::ServerWriter<proto::Heard> *writer) override;
  grpc::Status Ack(grpc::ServerContext *context, const proto::AckRequest *request,
                   proto::AckResponse *response) override;

  void tick() { writers_.cut_stalled(options_.stall); }

 private:
  bool admits(const grpc::ServerContext &context) const;
  void pass_on(Stream &stream, Writers::Call &call, grpc::ServerWriter<proto::Heard> &writer);

  const Options options_;
  Feed &feed_;
  const Access &access_;
  Writers writers_;
};

bool Service::admits(const grpc::ServerContext &context) const {
  const auto &metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  return access_.allows(found == metadata.end() ? std::string_view{}
                                                : std::string_view(found->second.data(), found->second.size()));
}

Fault unauthenticated() {
  return make_fault(CALA_PERMISSION, "server.unauthenticated", "a token is needed: authorization: Bearer TOKEN");
}

grpc::Status deny(grpc::ServerContext &context) {
  log_info("grpc " + context.peer() + " refused: no token, or none of ours");
  refuse(context, unauthenticated());
  return {grpc::StatusCode::UNAUTHENTICATED, unauthenticated().message};
}

grpc::Status Service::Listen(grpc::ServerContext *context, const proto::ListenRequest *request,
                             grpc::ServerWriter<proto::Heard> *writer) {
  if (!admits(*context)) return deny(*context);
  Fault fault;
  const Wanted wanted = wanted_of(*request);
  const auto stream = feed_.listen(wanted, fault);
  const std::string who = "grpc " + context->peer() + (wanted.name.empty() ? "" : " as " + json::quote(wanted.name));
  if (!stream) {
    log_info(who + " refused: " + fault.code + ": " + fault.message);
    return refuse(*context, fault);
  }
  log_info(who + " listens behind " + std::to_string(stream->reached()));
  Writers::Call call{context};
  writers_.add(&call);
  pass_on(*stream, call, *writer);
  writers_.remove(&call);
  const bool gone = stream->fault().status == CALA_OK;
  log_info(who + " ends behind " + std::to_string(stream->reached()) + " after " + std::to_string(stream->events()) +
           " events: " + (gone ? "the client has gone" : stream->fault().code));
  return gone ? grpc::Status::CANCELLED : refuse(*context, stream->fault());
}

void Service::pass_on(Stream &stream, Writers::Call &call, grpc::ServerWriter<proto::Heard> &writer) {
  const auto write = [&](const proto::Heard &heard) {
    call.writing_since = Clock::now().time_since_epoch().count();
    grpc::WriteOptions how;
    if (stream.has_more()) how.set_buffer_hint();
    const bool written = writer.Write(heard, how);
    call.writing_since = 0;
    return written;
  };
  const auto write_reached = [&] {
    proto::Heard heard;
    heard.mutable_reached()->set_place(stream.reached());
    return write(heard);
  };
  if (!write_reached()) return;
  Clock::time_point told = Clock::now();
  while (!call.context->IsCancelled()) {
    std::string_view event;
    switch (stream.next(std::min(kLook, options_.heartbeat), event)) {
      case Stream::Heard::kEvent: {
        proto::Heard heard;
        fill(*heard.mutable_event(), event);
        if (!write(heard)) return;
        told = Clock::now();
        break;
      }
      case Stream::Heard::kQuiet:
        if (Clock::now() - told < options_.heartbeat) break;
        if (!write_reached()) return;
        told = Clock::now();
        break;
      case Stream::Heard::kEnded: return;
    }
  }
}

grpc::Status Service::Ack(grpc::ServerContext *context, const proto::AckRequest *request,
                          proto::AckResponse *response) {
  if (!admits(*context)) return deny(*context);
  Fault fault;
  const std::string answer = feed_.ack(request->name(), std::to_string(request->place()), fault);
  if (answer.empty()) return refuse(*context, fault);
  fill(*response, answer);
  return grpc::Status::OK;
}

// What gRPC has to say goes into our log; while it starts, into the reason why it does not.
std::mutex starting_mutex;
bool starting = false;
std::string said_at_start;

void log_of_grpc(gpr_log_func_args *args) {
  if (args->severity != GPR_LOG_SEVERITY_ERROR) return;
  const std::lock_guard lock(starting_mutex);
  if (starting) {
    said_at_start = args->message;
  } else {
    log_info(std::string("grpc says: ") + args->message);
  }
}

void set_starting(bool is_starting) {
  const std::lock_guard lock(starting_mutex);
  starting = is_starting;
}

// The system's word, where what gRPC said has one.
std::string reason_at_start() {
  constexpr std::string_view kBefore = "os_error:\"";
  const std::lock_guard lock(starting_mutex);
  const std::size_t found = said_at_start.find(kBefore);
  if (found == std::string::npos) return said_at_start;
  const std::size_t begin = found + kBefore.size();
  return said_at_start.substr(begin, said_at_start.find('"', begin) - begin);
}

class Server final : public GrpcServer {
 public:
  Server(const Options &options, Feed &feed, const Access &access) : service_(options, feed, access) {}

  bool start(const Options &options, std::string &error);
  int port() const override { return port_; }
  void set_serving(bool serving) override {
    server_->GetHealthCheckService()->SetServingStatus(serving);
    server_->GetHealthCheckService()->SetServingStatus(proto::Outbox::service_full_name(), serving);
  }
  void tick() override { service_.tick(); }
  void stop(milliseconds grace) override { server_->Shutdown(std::chrono::system_clock::now() + grace); }

 private:
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

bool credentials_of(const Options &options, std::shared_ptr<grpc::ServerCredentials> &out, std::string &error) {
  if (options.tls_cert.empty()) {
    out = grpc::InsecureServerCredentials();
    return true;
  }
  std::string certificate, key, authorities;
  for (const auto &[path, text] : {std::pair{&options.tls_cert, &certificate}, std::pair{&options.tls_key, &key},
                                   std::pair{&options.tls_client_ca, &authorities}}) {
    if (path->empty() || read_file(*path, *text)) continue;
    error = *path + ": " + std::generic_category().message(errno);
    return false;
  }
  grpc::SslServerCredentialsOptions tls(authorities.empty()
                                            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_key_cert_pairs.push_back({key, certificate});
  tls.pem_root_certs = authorities;
  out = grpc::SslServerCredentials(tls);
  return true;
}

bool Server::start(const Options &options, std::string &error) {
  gpr_set_log_function(log_of_grpc);
  grpc::EnableDefaultHealthCheckService(true);
  std::shared_ptr<grpc::ServerCredentials> credentials;
  if (!credentials_of(options, credentials, error)) return false;
  const Address address = parse_address(options.grpc);
  const bool is_v6 = address.host.find(':') != std::string::npos;
  const int streams = static_cast<int>(options.max_streams);
  grpc::ServerBuilder builder;
  builder.AddListeningPort((is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port),
                           credentials, &port_);
  builder.RegisterService(&service_);
  grpc::ResourceQuota quota("cala-outbox-server");
  quota.SetMaxThreads(streams + kThreadsBesides);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(64 << 10);
  // Two servers at one port would share its clients silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams + kThreadsBesides);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600000);
  set_starting(true);
  server_ = builder.BuildAndStart();
  set_starting(false);
  if (server_ && port_ > 0) {
    set_serving(true);
    return true;
  }
  error = "--grpc " + options.grpc + " cannot be served: " + reason_at_start() +
          (options.tls_cert.empty() ? "" : " (do --tls-cert and --tls-key fit?)");
  return false;
}

}  // namespace

std::unique_ptr<GrpcServer> GrpcServer::start(const Options &options, Feed &feed, const Access &access,
                                              std::string &error) {
  auto server = std::make_unique<Server>(options, feed, access);
  if (!server->start(options, error)) return nullptr;
  return server;
}

}  // namespace outbox
