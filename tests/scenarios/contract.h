// Contract: what cala_api() says of documents, held against what the library answers. Every answer of a LedgerClient
// goes through here. Any thread.
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

  bool names(std::string_view operation, std::string_view code) const;

  // What is wrong with an answer, or "". The operation counts as answered, the keys that are there as seen.
  std::string breach_of_result(std::string_view operation, std::string_view result) const;

  struct Refusal {
    std::string_view code;
    std::string_view status;   // its name
    std::string_view details;  // a document
    bool retryable;
  };
  // A code that is neither the operation's nor any's, or is not as it is declared. The code counts as seen.
  std::string breach_of_error(std::string_view operation, const Refusal &refusal) const;

  // What is declared, and no call of the two saw.
  std::set<std::string> unseen_codes() const;  // of those that some operation names
  std::set<std::string> unanswered_operations() const;
  std::set<std::string> unseen_keys() const;  // of results, and of the details of seen codes: "account/external_id"

  // An alternative of a type whose values are objects: its fields by key.
  using Fields = std::map<std::string, const cJSON *>;
  const std::vector<Fields> &objects_of(const cJSON *type) const;
  const cJSON *resolved(const cJSON *type) const;  // a name stands for its type; a word for values for itself

 private:
  Contract();
  std::vector<Fields> make_objects_of(const cJSON *type) const;
  std::string mismatch(const cJSON *type, const cJSON *value, const std::string &pointer) const;
  std::string mismatch_of_word(std::string_view word, const cJSON *value, const std::string &pointer) const;
  std::string mismatch_of_object(const Fields &fields, const cJSON *value, const std::string &pointer) const;
  void add_unseen_keys(const cJSON *type, const std::string &path, std::set<std::string> &visited,
                       std::set<std::string> &out) const;
  const cJSON *operation(std::string_view name) const;

  cJSON *document_;  // as long as the process
  mutable std::mutex mutex_;
  mutable std::set<std::string> seen_codes_;
  mutable std::set<std::string> answered_;
  mutable std::set<const cJSON *> seen_fields_;
  mutable std::map<const cJSON *, std::vector<Fields>> objects_;  // of the types that were asked for
};

}  // namespace cala::tests
