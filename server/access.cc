#include "access.h"

#include <cerrno>
#include <cstring>
#include <sstream>
#include <system_error>

#include "options.h"

namespace outbox {
namespace {

// In a time that does not tell how much of it is right. No token is empty.
bool is_same(std::string_view token, std::string_view given) {
  unsigned difference = token.size() == given.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned>(token[i % token.size()] ^ given[i]);
  }
  return difference == 0;
}

}  // namespace

bool Access::load(std::string &error) {
  std::vector<std::string> tokens;
  if (!token_.empty()) tokens.push_back(token_);
  if (!file_.empty()) {
    std::string text;
    if (!read_file(file_, text)) {
      error = "--token-file " + file_ + ": " + std::generic_category().message(errno);
      return false;
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      while (!line.empty() && std::strchr(" \t\r", line.back()) != nullptr) line.pop_back();
      if (!line.empty() && line.front() != '#') tokens.push_back(line);
    }
    if (tokens.empty()) {
      error = "--token-file " + file_ + ": there is no token in it";
      return false;
    }
  }
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(tokens);
  return true;
}

bool Access::allows(std::string_view header) const {
  constexpr std::string_view kBearer = "bearer ";
  const std::lock_guard lock(mutex_);
  if (tokens_.empty()) return true;
  if (header.size() < kBearer.size()) return false;
  for (std::size_t i = 0; i < kBearer.size(); ++i) {
    if ((static_cast<unsigned char>(header[i]) | 0x20U) != static_cast<unsigned char>(kBearer[i])) return false;
  }
  header.remove_prefix(kBearer.size());
  bool allowed = false;
  for (const std::string &token : tokens_) allowed = is_same(token, header) || allowed;
  return allowed;
}

}  // namespace outbox
