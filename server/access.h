// Who may listen: whoever has one of the tokens. Without any, everybody may.
//
// Thread rule: safe from every thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace outbox {

class Access {
 public:
  Access(std::string token, std::string file) : token_(std::move(token)), file_(std::move(file)) {}

  // Reads the file again; false with the old tokens kept and what is wrong.
  bool load(std::string &error);
  // header: what was sent as authorization.
  bool allows(std::string_view header) const;

 private:
  const std::string token_;
  const std::string file_;
  mutable std::mutex mutex_;
  std::vector<std::string> tokens_;
};

}  // namespace outbox
