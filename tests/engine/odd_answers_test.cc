// A program feeds something else than what its database answered: a driver that cuts texts off, one that converts them,
// a mistake in an adapter. Each operation then ends as the contract says, and the program's answer is never called a
// malformed request.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "operation_cases.h"

namespace cala::tests {
namespace {

using Garble = HostDatabase::Garble;

// What stands in the place of an answer: other JSON, none, and the answer with a part of it changed.
std::vector<Garble> garbles() {
  std::vector<Garble> out;
  for (const char *text : {"", " ", "0", "7", "null", "true", "\"\"", "[]", "[[]]", "{}", "{\"rows\":5}",
                           "{\"rows\":[]}", "{\"rows\":[{}]}", "{\"rows\":[5]}", "{\"changed\":[\"x\"]}",
                           "{\"exists\":\"name\"}", "\xff\xfe", "{\"rows\":[{\"id\":\"\xff\"}]}"}) {
    out.emplace_back([text](const std::string &) { return std::string(text); });
  }
  for (const double part : {0.1, 0.5, 0.9}) {
    out.emplace_back([part](const std::string &answer) {
      return answer.substr(0, static_cast<std::size_t>(static_cast<double>(answer.size()) * part));
    });
  }
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    out.emplace_back([seed](const std::string &answer) {
      std::string text = answer;
      std::mt19937 random(seed);
      for (int i = 0; i < 3 && !text.empty(); ++i) text[random() % text.size()] = "09az\"{}[],:-"[random() % 12];
      return text;
    });
  }
  return out;
}

class OddAnswers : public testing::Test {
 protected:
  void SetUp() override {
    host_.execute("BEGIN");
    for (const auto &[make, request] :
         std::vector<std::pair<MakeOperation, const char *>>{{cala_journal_create, kJournal},
                                                             {cala_account_create_many, kAccounts},
                                                             {cala_tx_template_create, kTemplate},
                                                             {cala_account_set_create, kSet},
                                                             {cala_tx_template_create, kHoldTemplate},
                                                             {cala_transaction_post, kPosting},
                                                             {cala_hold_create, kHold}}) {
      EXPECT_EQ(host_.run(make, request).code, "") << request;
    }
  }

  // The operation, again and again as if for the first time, with its statement `place` answered oddly.
  std::size_t garble(const Case &one, std::size_t place, const Garble &change) {
    host_.execute("SAVEPOINT odd");
    const DrivenOperation driven = host_.run_garbled(one.make, one.request, place, change);
    host_.execute("ROLLBACK TO odd; RELEASE odd");
    const base::JsonView known = api_.root().get("codes").get(driven.code);
    const bool named = driven.code.empty() || known.get("any").boolean() || names(one.name, driven.code);
    EXPECT_TRUE(named) << one.name << " gives " << driven.code;
    EXPECT_NE(driven.code, "request.malformed") << one.name;
    EXPECT_TRUE(driven.code.empty() || known.get("status").string() == driven.status_name)
        << one.name << ": " << driven.code << " with " << driven.status_name;
    return driven.names.size();
  }

  bool names(std::string_view operation, const std::string &code) const {
    for (const base::JsonView one : api_.root().get("operations").get(operation).get("errors")) {
      if (one.string() == code) return true;
    }
    return false;
  }

  HostDatabase host_;
  base::Json api_ = base::Json::parse(cala_api()).take();
};

TEST_F(OddAnswers, EndAsTheContractSays) {
  std::size_t tried = 0;
  const std::vector<Garble> changes = garbles();
  for (const char *access : {"read", "write"}) {
    for (const Case &one : cases(access)) {
      for (const Garble &change : changes) {
        std::size_t statements = 1;
        for (std::size_t place = 0; place < statements; ++place, ++tried) {
          statements = std::max(statements, garble(one, place, change));
        }
      }
      EXPECT_NE(host_.run(one.make, one.request).code, "store.corrupt") << one.name;
    }
  }
  EXPECT_GT(tried, 2000U);
}

}  // namespace
}  // namespace cala::tests
