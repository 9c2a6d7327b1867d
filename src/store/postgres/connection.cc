#include "store/postgres/connection.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "platform/fork_generation.h"
#include "platform/socket.h"
#include "store/postgres/error_table.h"

namespace cala::store::postgres {
namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

constexpr int kOldestServer = 130000;  // pg_current_xact_id and xid8
constexpr int kDefaultConnectTimeoutMs = 10'000;
constexpr int kDefaultConnectTimeoutOfSeveralMs = 3'000;  // the others wait

// A lock that is never granted must end some time: a program that holds a ledger row and calls us waits for itself, and
// no deadlock detector sees that. Whoever sets lock_timeout for the role or in the connection string keeps it.
constexpr const char *kSettings = R"(
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET default_transaction_isolation = 'read committed';
SET standard_conforming_strings = on;
SET jit = off;
SELECT pg_catalog.set_config('lock_timeout', '30s', false) WHERE pg_catalog.current_setting('lock_timeout') = '0';
SELECT pg_catalog.set_config('idle_session_timeout', '0', false)
  WHERE pg_catalog.current_setting('idle_session_timeout', true) IS NOT NULL)";

// off: acknowledged before it is on the disk. Every other value waits for the disk, some for a standby's too:
// those are kept.
constexpr const char *kDurable =
    "SELECT pg_catalog.set_config('synchronous_commit', 'on', false) "
    "WHERE pg_catalog.current_setting('synchronous_commit') = 'off'";
constexpr const char *kNotDurable = "SET synchronous_commit = off";

void ignore_notice(void *, const PGresult *) {}

struct FreeOptions {
  const LibpqApi *api;
  void operator()(PQconninfoOption *options) const { api->PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string option(const Options &options, std::string_view keyword) {
  if (!options) return {};
  for (const PQconninfoOption *at = options.get(); at->keyword != nullptr; ++at) {
    if (keyword == at->keyword && at->val != nullptr) return at->val;
  }
  return {};
}

int connect_timeout_ms(const Options &options, int otherwise) {
  const std::string text = option(options, "connect_timeout");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds > 0 && seconds < 1'000'000 ? seconds * 1000 : otherwise;
}

std::vector<std::string> split(const std::string &list) {
  std::vector<std::string> out(1);
  for (const char c : list) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

// With PQERRORS_SQLSTATE a server's refusal ends its line in five characters, in every language.
std::string_view sqlstate_of_line(std::string_view message) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  const std::size_t space = message.rfind(' ');
  const std::string_view last = space == std::string_view::npos ? message : message.substr(space + 1);
  const auto is_part = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
  const bool fits = last.size() == 5 && std::all_of(last.begin(), last.end(), is_part);
  return fits ? last : std::string_view();
}

// There is a line for each address and each try; a refused login says more than what a try after it met.
std::string_view sqlstate_of(std::string_view message) {
  std::string_view found;
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    const std::string_view sqlstate = sqlstate_of_line(message.substr(0, end));
    if (!sqlstate.empty() && !found.starts_with("28")) found = sqlstate;
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return found;
}

// Why there was no answer, out of what the system may have said: libpq's own message may hold anything, these texts
// hold nothing.
std::string reason_in(std::string_view message) {
  for (const std::string &text : platform::unknown_host_texts()) {
    if (message.find(text) != std::string_view::npos) return ": the host's name is not known: " + text;
  }
  for (const std::string &text : platform::no_answer_texts()) {
    if (message.find(text) != std::string_view::npos) return ": " + text;
  }
  for (const std::string_view text : {"session is read-only", "session is not read-only",
                                      "server is in hot standby mode", "server is not in hot standby mode"}) {
    if (message.find(text) != std::string_view::npos) return ": " + std::string(text);
  }
  return {};
}

bool is_keyword(std::string_view text) {
  const auto is_part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), is_part);
}

bool knows(const Options &options, std::string_view keyword) {
  for (const PQconninfoOption *at = options.get(); at->keyword != nullptr; ++at) {
    if (keyword == at->keyword) return true;
  }
  return false;
}

// The keywords of a string before the first of which one cannot be sure that it is no part of a password.
std::vector<std::string_view> keywords_of(std::string_view text) {
  std::vector<std::string_view> keywords;
  const bool uri = text.find("://") < text.find('=');
  if (uri) text.remove_prefix(std::min(text.find('?'), text.size() - 1) + 1);
  if (uri && text.find('@') != std::string_view::npos) return {};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(uri ? "&" : " \t\n"), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::string_view keyword = pair.substr(0, std::min(pair.find('='), pair.size()));
    const bool plain = is_keyword(keyword) && keyword.size() < pair.size() && pair.find('\'') == std::string_view::npos;
    if (plain) keywords.push_back(keyword);
    if (!plain || (!uri && keyword == "password")) break;
  }
  return keywords;
}

// A parameter that libpq does not have; empty where there is none or it cannot be told from a secret.
std::string unknown_keyword(const LibpqApi &api, std::string_view connection_string) {
  const Options known(api.PQconninfoParse("", nullptr), FreeOptions{&api});
  if (!known) return {};
  for (const std::string_view keyword : keywords_of(connection_string)) {
    if (!knows(known, keyword)) return std::string(keyword);
  }
  return {};
}

// A password with an @ in a URI ends up in what libpq takes for the host.
bool is_safe_to_show(std::string_view text) { return text.find_first_of("@:%\n\r") == std::string_view::npos; }

std::string place_of(const Options &options) {
  std::string out;
  for (const char *keyword : {"host", "port", "dbname"}) {
    const std::string value = option(options, keyword);
    if (value.empty() || !is_safe_to_show(value)) continue;
    out += out.empty() ? " (" : ", ";
    out += std::string(keyword) + " " + value;
  }
  return out.empty() ? out : out + ")";
}

}  // namespace

Outcome check_connection_string(const LibpqApi &api, const std::string &connection_string) {
  char *message = nullptr;
  const Options options(api.PQconninfoParse(connection_string.c_str(), &message), FreeOptions{&api});
  api.PQfreemem(message);  // it quotes parts of the string
  if (options) return {};
  if (const std::string keyword = unknown_keyword(api, connection_string); !keyword.empty()) {
    return base::make_error(Status::kInvalid, "config.store",
                            "the connection string has a parameter that libpq does not know: \"" + keyword + '"');
  }
  return base::make_error(Status::kInvalid, "config.store",
                          "the connection string cannot be read; expected postgres://user@host:port/database or "
                          "key=value pairs (it is not shown because it may hold a password)");
}

Connection::Connection(const LibpqApi &api, PGconn *connection)
    : api_(api), connection_(connection), owner_(platform::fork_generation()) {}

Connection::~Connection() {
  if (platform::fork_generation() != owner_) {
    // PQfinish says goodbye on a socket that the parent still uses; let it say that to nobody.
    if (!platform::point_nowhere(api_.PQsocket(connection_))) return;
  }
  api_.PQfinish(connection_);
}

struct Connection::Place {
  std::string host;
  std::string address;
  std::string port;
};

// The places of a string that names several, where trying one after the other is all that is asked. libpq by itself
// would give the first that does not answer all the time that there is, and never come to the next.
std::vector<Connection::Place> Connection::places_of(const LibpqApi &api, const ConnectionTarget &target) {
  const Options options(api.PQconninfoParse(target.connection_string.c_str(), nullptr), FreeOptions{&api});
  const std::vector<std::string> hosts = split(option(options, "host"));
  const std::vector<std::string> addresses = split(option(options, "hostaddr"));
  const std::vector<std::string> ports = split(option(options, "port"));
  const std::size_t count = std::max(hosts.size(), addresses.size());
  const auto fits = [&](const std::vector<std::string> &list, bool one_for_all) {
    if (list.size() == 1 && (one_for_all || list[0].empty())) return true;
    return list.size() == count && std::find(list.begin(), list.end(), std::string()) == list.end();
  };
  if (count == 1 || !fits(hosts, false) || !fits(addresses, false) || !fits(ports, true)) return {};
  if (option(options, "target_session_attrs") == "prefer-standby") return {};
  if (const std::string balance = option(options, "load_balance_hosts"); !balance.empty() && balance != "disable") {
    return {};
  }
  std::vector<Place> places;
  for (std::size_t i = 0; i < count; ++i) {
    places.push_back({hosts[std::min(i, hosts.size() - 1)], addresses[std::min(i, addresses.size() - 1)],
                      ports[std::min(i, ports.size() - 1)]});
  }
  return places;
}

// As libpq: only who is not there, or not what is asked for, is passed over.
Result<std::unique_ptr<Connection>> Connection::open(const LibpqApi &api, const ConnectionTarget &target) {
  const std::vector<Place> places = places_of(api, target);
  if (places.empty()) return open(api, target, nullptr);
  for (std::size_t i = 0;; ++i) {
    Result<std::unique_ptr<Connection>> opened = open(api, target, &places[i]);
    if (opened || opened.error().code != "store.unreachable" || i + 1 == places.size()) return opened;
  }
}

Result<std::unique_ptr<Connection>> Connection::open(const LibpqApi &api, const ConnectionTarget &target,
                                                     const Place *place) {
  // What comes before dbname is a default that the connection string overrides; what comes after overrides it, unless
  // it is null.
  const char *keywords[] = {"keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "dbname",
                            "client_encoding",
                            "host",
                            "hostaddr",
                            "port",
                            "fallback_application_name",
                            nullptr};
  const char *values[] = {"5",
                          "2",
                          "3",
                          "10000",
                          target.connection_string.c_str(),
                          "UTF8",
                          place == nullptr ? nullptr : place->host.c_str(),
                          place == nullptr ? nullptr : place->address.c_str(),
                          place == nullptr ? nullptr : place->port.c_str(),
                          target.application_name.c_str(),
                          nullptr};
  PGconn *raw = api.PQconnectStartParams(keywords, values, 1);
  if (raw == nullptr) return base::make_error(Status::kNoMemory, "store.memory", "no memory for a connection");
  const auto finish = [&api](PGconn *made) { api.PQfinish(made); };
  std::unique_ptr<PGconn, decltype(finish)> held(raw, finish);  // until there is memory for what owns it
  std::unique_ptr<Connection> connection(new Connection(api, raw));
  held.release();  // NOLINT(bugprone-unused-return-value): the connection's now
  api.PQsetNoticeReceiver(raw, ignore_notice, nullptr);
  api.PQsetErrorVerbosity(raw, PQERRORS_SQLSTATE);
  const Options options(api.PQconninfo(raw), FreeOptions{&api});
  if (Outcome connected = connection->await_connection(
          connect_timeout_ms(options, place == nullptr ? kDefaultConnectTimeoutMs : kDefaultConnectTimeoutOfSeveralMs));
      !connected) {
    return std::move(connected.error());
  }
  api.PQsetErrorVerbosity(raw, PQERRORS_DEFAULT);
  if (Outcome settled = connection->settle(target.durable); !settled) return std::move(settled.error());
  return connection;
}

Outcome Connection::await_connection(int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  if (api_.PQstatus(connection_) == CONNECTION_BAD) return unreachable(Late::kNo);
  PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
  while (wants != PGRES_POLLING_OK) {
    if (wants == PGRES_POLLING_FAILED) return unreachable(Late::kNo);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return unreachable(Late::kYes);
    const auto what = wants == PGRES_POLLING_READING ? platform::WaitFor::kReadable : platform::WaitFor::kWritable;
    const int ready = platform::wait_for_socket(api_.PQsocket(connection_), what, static_cast<int>(left));
    if (ready < 0) return unreachable(Late::kNo);
    if (ready > 0) wants = api_.PQconnectPoll(connection_);
  }
  return {};
}

Outcome Connection::settle(bool durable) {
  const int version = api_.PQserverVersion(connection_);
  if (version < kOldestServer) {
    return base::make_error(Status::kUnsupported, "store.server_version",
                            "the server is PostgreSQL " + std::to_string(version / 10000) + "; 13 or later is needed");
  }
  canceller_.emplace(api_.PQcancel, api_.PQfreeCancel, api_.PQgetCancel(connection_));
  if (Result<std::string> set = run(std::string(kSettings) + ';' + (durable ? kDurable : kNotDurable)); !set)
    return std::move(set.error());
  return {};
}

Error Connection::unreachable(Late late) const {
  const bool timed_out = late == Late::kYes;
  const Options options(api_.PQconninfo(connection_), FreeOptions{&api_});
  const std::string place = place_of(options);
  const std::string_view message = api_.PQerrorMessage(connection_);
  const std::string_view sqlstate = timed_out ? std::string_view() : sqlstate_of(message);
  const bool wants_password = !timed_out && api_.PQconnectionNeedsPassword(connection_) == 1;
  // A pooler refuses a login as a violation of the protocol.
  const bool refused = wants_password || (sqlstate == "08P01" && api_.PQconnectionUsedPassword(connection_) == 1);
  if (refused) {
    Error error = error_of_sqlstate("28P01", {});
    error.message += wants_password ? ": it wants a password, and none was given" : "";
    error.message += place;
    return error;
  }
  if (!sqlstate.empty()) {
    Error error = error_of_sqlstate(sqlstate, {});
    error.message += place;
    return error;
  }
  Error error = base::make_error(Status::kUnavailable, "store.unreachable",
                                 (timed_out ? "PostgreSQL did not answer in time" : "PostgreSQL cannot be reached") +
                                     place + (timed_out ? std::string() : reason_in(message)));
  error.retryable = true;
  return error;
}

bool Connection::is_alive_now() {
  // First comes the server's farewell, then the end of the stream: each shows as something to read.
  for (int reads = 0; reads < 4 && is_alive(); ++reads) {
    if (platform::wait_for_socket(api_.PQsocket(connection_), platform::WaitFor::kReadable, 0) <= 0) return true;
    if (api_.PQconsumeInput(connection_) != 1) return false;
  }
  return is_alive();
}

Result<std::string> Connection::run(const std::string &sql) {
  const ResultPtr result(api_.PQexec(connection_, sql.c_str()), ClearResult{&api_});
  const ExecStatusType status = api_.PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return error_of(result.get());
  if (api_.PQntuples(result.get()) == 0) return std::string();
  return std::string(api_.PQgetvalue(result.get(), 0, 0));
}

Error Connection::error_of(const PGresult *result) const {
  const char *sqlstate = result == nullptr ? nullptr : api_.PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (sqlstate == nullptr) {
    if (!is_alive()) return connection_lost();
    return base::make_error(Status::kInternal, "store.protocol", "PostgreSQL's answer could not be understood");
  }
  const char *message = api_.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char *constraint = api_.PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
  if (constraint != nullptr) message = constraint;
  Error error = error_of_sqlstate(sqlstate, message == nullptr ? std::string_view() : message);
  if (const char *standby = api_.PQparameterStatus(connection_, "in_hot_standby");
      error.code == "store.read_only" && standby != nullptr && std::string_view(standby) == "on") {
    error.status = Status::kUnavailable;
    error.code = "store.unreachable";
    error.message = "the server is a standby, which takes no writes";
    error.retryable = true;
  }
  return error;
}

}  // namespace cala::store::postgres
