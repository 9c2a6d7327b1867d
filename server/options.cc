#include "options.h"

#include <cala.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <system_error>
#include <vector>

namespace outbox {
namespace {

constexpr char kHelp[] =
    R"(cala-outbox-server: what happens in a ledger, told to other processes, over gRPC
and as server-sent events.

  cala-outbox-server --store STORE [options]

Each option is an argument or, in capitals, a variable of the environment: --max-streams 10 is the same as
CALA_OUTBOX_MAX_STREAMS=10.

  --store STORE         sqlite:PATH or postgres://..., as cala_ledger_open takes it; a password belongs into the
                        environment, a file or PGPASSFILE: arguments are seen by everybody on the machine
  --store-file FILE     a file with STORE in it
  --schema NAME         PostgreSQL: the ledger's schema (cala)
  --grpc HOST:PORT      where gRPC is served (127.0.0.1:2253); port 0 is any that is free; off
  --http HOST:PORT      where server-sent events are served (off)
  --tls-cert FILE       certificates, PEM; with --tls-key
  --tls-key FILE        their private key
  --tls-client-ca FILE  clients need a certificate of one of these
  --token-file FILE     tokens, one a line: clients send one as "authorization: Bearer TOKEN"; read again on SIGHUP.
                        CALA_OUTBOX_TOKEN is one, too
  --no-token            whoever reaches the port may listen; needed where neither tokens nor client certificates are
                        asked for and the address is not of this machine alone
  --max-streams N       streams at the same time, 1 to 100 (100); one more is refused
  --buffer N            events that a stream has read ahead of its client at most, 1 to 10000 (500)
  --heartbeat-ms N      how often a stream without events says that it is there (15000)
  --stall-ms N          a client that takes nothing for so long is let go (60000)
  --grace-ms N          how long SIGTERM waits for streams to end (5000)
  --health-ms N         how often the ledger is asked how it is, for gRPC's health service (5000)
  --stop-with-stdin     stop when standard input ends
  --quiet               tell of errors only
  --version
  --help

It tells of itself on stderr, and prints one line on stdout when it serves: ready grpc=HOST:PORT http=HOST:PORT
)";

bool has_password(const std::string &store) {
  if (store.find("password=") != std::string::npos) return true;
  const std::size_t scheme = store.find("://");
  if (scheme == std::string::npos) return false;
  const std::size_t begin = scheme + 3;
  const std::size_t end = store.find('@', begin);
  const std::size_t slash = store.find('/', begin);
  if (end == std::string::npos || slash < end) return false;
  const std::size_t colon = store.find(':', begin);
  return colon < end && colon + 1 < end;
}

std::string variable_of(const std::string &name) {
  std::string variable = "CALA_OUTBOX_";
  for (const char c : name) variable.push_back(c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
  return variable;
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.pop_back();
  return text;
}

struct Reader {
  Options options;
  std::string error;

  void fail(std::string text) {
    if (error.empty()) error = std::move(text);
  }
  bool number(const std::string &name, const std::string &value, std::int64_t least, std::int64_t most,
              std::int64_t &out) {
    const char *end = value.data() + value.size();
    const auto [at, failure] = std::from_chars(value.data(), end, out);
    if (failure == std::errc{} && at == end && out >= least && out <= most) return true;
    fail("--" + name + " is " + value + ": it has to be a number from " + std::to_string(least) + " to " +
         std::to_string(most));
    return false;
  }
  void set(const std::string &name, const std::string &value, bool is_argument);
  void set_store_file(const std::string &path);
};

void Reader::set_store_file(const std::string &path) {
  std::string text;
  if (!read_file(path, text)) return fail("--store-file " + path + ": " + std::generic_category().message(errno));
  options.store = trimmed(text);
}

const std::vector<std::string> kFlags = {"no-token", "stop-with-stdin", "quiet"};
const std::vector<std::string> kNames = {"store",    "store-file",   "schema",        "grpc",       "http",
                                         "tls-cert", "tls-key",      "tls-client-ca", "token-file", "max-streams",
                                         "buffer",   "heartbeat-ms", "stall-ms",      "grace-ms",   "health-ms"};

bool is_in(const std::vector<std::string> &names, const std::string &name) {
  for (const std::string &one : names) {
    if (one == name) return true;
  }
  return false;
}

void Reader::set(const std::string &name, const std::string &value, bool is_argument) {
  std::int64_t n = 0;
  if (name == "store") {
    if (is_argument && has_password(value)) {
      return fail(
          "a password among the arguments is seen by everybody on this machine: put it into CALA_OUTBOX_STORE, a "
          "--store-file or PGPASSFILE");
    }
    options.store = value;
  } else if (name == "store-file") {
    set_store_file(value);
  } else if (name == "schema") {
    options.schema = value;
  } else if (name == "grpc") {
    options.grpc = value == "off" ? "" : value;
  } else if (name == "http") {
    options.http = value == "off" ? "" : value;
  } else if (name == "tls-cert") {
    options.tls_cert = value;
  } else if (name == "tls-key") {
    options.tls_key = value;
  } else if (name == "tls-client-ca") {
    options.tls_client_ca = value;
  } else if (name == "token-file") {
    options.token_file = value;
  } else if (name == "max-streams") {
    if (number(name, value, 1, 100, n)) options.max_streams = static_cast<std::size_t>(n);
  } else if (name == "buffer") {
    if (number(name, value, 1, 10000, n)) options.buffer = n;
  } else if (name == "heartbeat-ms") {
    if (number(name, value, 10, 3600000, n)) options.heartbeat = std::chrono::milliseconds(n);
  } else if (name == "stall-ms") {
    if (number(name, value, 100, 86400000, n)) options.stall = std::chrono::milliseconds(n);
  } else if (name == "grace-ms") {
    if (number(name, value, 0, 600000, n)) options.grace = std::chrono::milliseconds(n);
  } else if (name == "health-ms") {
    if (number(name, value, 50, 3600000, n)) options.health = std::chrono::milliseconds(n);
  } else if (name == "no-token") {
    options.no_token = value != "0";
  } else if (name == "stop-with-stdin") {
    options.stop_with_stdin = value != "0";
  } else if (name == "quiet") {
    options.quiet = value != "0";
  }
}

void read_environment(Reader &reader) {
  for (const auto *names : {&kNames, &kFlags}) {
    for (const std::string &name : *names) {
      const char *value = std::getenv(variable_of(name).c_str());  // NOLINT(concurrency-mt-unsafe): no thread yet
      if (value != nullptr && *value != 0) reader.set(name, value, false);
    }
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (const char *token = std::getenv("CALA_OUTBOX_TOKEN")) reader.options.token = trimmed(token);
}

void read_arguments(Reader &reader, int argc, char **argv) {
  for (int i = 1; i < argc && reader.error.empty(); ++i) {
    std::string name = argv[i];
    if (name.rfind("--", 0) != 0) return reader.fail("'" + name + "' is no option; --help has them");
    name.erase(0, 2);
    std::string value;
    const std::size_t equals = name.find('=');
    const bool has_value = equals != std::string::npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    if (is_in(kFlags, name)) {
      reader.set(name, has_value ? value : "1", true);
    } else if (!is_in(kNames, name)) {
      const std::string why = name == "token"
                                  ? "a token among the arguments is seen by everybody on this machine: put it into "
                                    "CALA_OUTBOX_TOKEN or a --token-file"
                                  : "there is no option --" + name + "; --help has them";
      return reader.fail(why);
    } else if (!has_value && ++i == argc) {
      return reader.fail("--" + name + " needs a value");
    } else {
      reader.set(name, has_value ? value : argv[i], true);
    }
  }
}

void check_address(Reader &reader, const std::string &name, const std::string &text) {
  const Options &options = reader.options;
  if (text.empty()) return;
  const Address address = parse_address(text);
  if (address.port < 0) return reader.fail("--" + name + " is '" + text + "': it has to be HOST:PORT");
  const bool guarded = !options.token.empty() || !options.token_file.empty() || !options.tls_client_ca.empty();
  if (!guarded && !options.no_token && !is_loopback(address)) {
    reader.fail("--" + name + " " + text +
                " can be reached from other machines: say who may listen, by --token-file or " +
                "--tls-client-ca, or that everybody may, by --no-token");
  }
}

void check(Reader &reader) {
  const Options &options = reader.options;
  if (options.store.empty()) return reader.fail("which ledger? --store, --store-file or CALA_OUTBOX_STORE says it");
  if (options.store.rfind("host:", 0) == 0 || options.store == "sqlite::memory:") {
    return reader.fail("--store " + options.store + ": nobody else can write to such a ledger");
  }
  if (options.tls_cert.empty() != options.tls_key.empty()) return reader.fail("--tls-cert and --tls-key go together");
  if (!options.tls_client_ca.empty() && options.tls_cert.empty())
    return reader.fail("--tls-client-ca needs --tls-cert");
  if (options.grpc.empty() && options.http.empty()) return reader.fail("--grpc and --http are both off");
  check_address(reader, "grpc", options.grpc);
  check_address(reader, "http", options.http);
}

}  // namespace

std::variant<Options, Said> read_options(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) return Said{0, kHelp};
    if (std::strcmp(argv[i], "--version") == 0)
      return Said{0, std::string("cala-outbox-server ") + cala_version() + "\n"};
  }
  Reader reader;
  read_environment(reader);
  read_arguments(reader, argc, argv);
  if (reader.error.empty()) check(reader);
  if (!reader.error.empty()) return Said{2, reader.error};
  return reader.options;
}

Address parse_address(const std::string &text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {};
  std::string host = text.substr(0, colon);
  if (!host.empty() && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return {};
  }
  int port = -1;
  const char *end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data() + colon + 1, end, port);
  if (failure != std::errc{} || at != end || port < 0 || port > 65535) return {};
  return {host.empty() ? "0.0.0.0" : host, port};
}

bool is_loopback(const Address &address) {
  const std::string &host = address.host;
  if (host == "localhost" || host == "::1") return true;
  // Not a name, such as 127.example.com.
  return host.rfind("127.", 0) == 0 && host.find_first_not_of("0123456789.") == std::string::npos;
}

bool read_file(const std::string &path, std::string &text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  std::ostringstream all;
  all << file.rdbuf();
  text = all.str();
  return true;
}

}  // namespace outbox
