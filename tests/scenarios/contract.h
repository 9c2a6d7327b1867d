// Contract: what cala_api() says of documents, held against what the library answers. Every answer of a LedgerClient goes through
// here. Any thread.
#pragma once

#include <cala.h>
#include <cjson/cJSON.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cala::tests {

class Contract {
 public:
  static const Contract &of_library();

  std::vector<std::string> operations() const;
  bool may_write(std::string_view operation) const;
  const cJSON *request_of(std::string_view operation) const;  // a type

  // What is wrong with an answer, or "".
  std::string breach_of_result(std::string_view operation, std::string_view result) const;
  // A code that the operation does not name, nor the rules for all. `code` counts as seen.
  std::string breach_of_error(std::string_view operation, std::string_view code, std::string_view status) const;

  // Codes that some operation names, and that no call of breach_of_error saw.
  std::set<std::string> unseen_codes() const;

  // An alternative of a type whose values are objects: its fields by key.
  using Fields = std::map<std::string, const cJSON *>;
  std::vector<Fields> objects_of(const cJSON *type) const;
  const cJSON *resolved(const cJSON *type) const;  // a name stands for its type; a word for values for itself

 private:
  Contract();
  std::string mismatch(const cJSON *type, const cJSON *value, const std::string &pointer) const;
  std::string mismatch_of_word(std::string_view word, const cJSON *value, const std::string &pointer) const;
  std::string mismatch_of_object(const Fields &fields, const cJSON *value, const std::string &pointer) const;

  cJSON *document_;  // as long as the process
  mutable std::mutex mutex_;
  mutable std::set<std::string> seen_;
};

}  // namespace cala::tests
