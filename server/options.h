// What the program is told: by arguments, else by the environment.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace outbox {

struct Options {
  std::string store;
  std::string schema;
  std::string grpc = "127.0.0.1:2253";  // empty: off
  std::string http;
  std::string tls_cert, tls_key, tls_client_ca;  // files
  std::string token;                             // one that the environment has
  std::string token_file;
  bool no_token = false;
  std::size_t max_streams = 100;
  std::int64_t buffer = 500;
  std::chrono::milliseconds heartbeat{15000};
  std::chrono::milliseconds stall{60000};
  std::chrono::milliseconds grace{5000};
  std::chrono::milliseconds health{5000};
  bool stop_with_stdin = false;
  bool quiet = false;
};

// What to print and to exit with instead.
struct Said {
  int exit_code;
  std::string text;
};

std::variant<Options, Said> read_options(int argc, char **argv);

// "127.0.0.1:2253", "[::1]:2253", ":2253" for every address.
struct Address {
  std::string host;
  int port = -1;  // what is no address has -1
};
Address parse_address(const std::string &text);
bool is_loopback(const Address &address);

// The bytes of a file; false when it cannot be read.
bool read_file(const std::string &path, std::string &text);

}  // namespace outbox
