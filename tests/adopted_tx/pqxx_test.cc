// A C++ program on libpqxx: the ledger adopts the libpq connection below an open pqxx::work.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <pqxx/pqxx>
#include <string>

#include "cala.h"

namespace {

// libpqxx 6 shows its libpq connection to the policy that makes it, and to nobody else.
class ShowingPolicy : public pqxx::connect_direct {
 public:
  explicit ShowingPolicy(const std::string &options) : connect_direct(options) {}
  handle do_startconnect(handle given) override { return shown = connect_direct::do_startconnect(given); }
  static inline handle shown = nullptr;
};
using ShowingConnection = pqxx::basic_connection_base<ShowingPolicy>;

using Make = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

constexpr char kJournal[] = "00000000-0000-7000-8000-00000000000a";

class Pqxx : public testing::Test {
 protected:
  void SetUp() override {
    const char *target = std::getenv("CALA_TEST_POSTGRES");
    if (target == nullptr) GTEST_SKIP() << "CALA_TEST_POSTGRES names no server";
    target_ = target;
    const std::string config =
        R"({"store": ")" + target_ + R"(", "schema": "pqxx_)" + std::to_string(getpid()) + R"(", "migrate": true})";
    cala_error *error = nullptr;
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, &error), CALA_OK) << cala_error_message(error);
  }
  void TearDown() override { cala_ledger_free(ledger_); }

  // The answer, or the error's code.
  std::string run(Make make, cala_tx *tx, const std::string &request) {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    cala_status status = make(ledger_, tx, request.data(), request.size(), &op, &error);
    if (status == CALA_OK) status = cala_op_run(op, -1, &error);
    std::string answer = status == CALA_OK ? cala_op_result(op, nullptr) : cala_error_code(error);
    cala_error_free(error);
    cala_op_free(op);
    return answer;
  }

  cala_tx *adopt(void *connection) {
    cala_tx *tx = nullptr;
    cala_error *error = nullptr;
    EXPECT_EQ(cala_tx_adopt(ledger_, connection, nullptr, nullptr, nullptr, 0, &tx, &error), CALA_OK)
        << cala_error_message(error);
    cala_error_free(error);
    return tx;
  }

  std::string target_;
  cala_ledger *ledger_ = nullptr;
};

TEST_F(Pqxx, TheRowAndTheJournalLandTogetherOrNotAtAll) {
  const std::string journal = std::string(R"({"id": ")") + kJournal + R"(", "name": "Main"})";
  const std::string find = std::string(R"({"id": ")") + kJournal + R"("})";
  ShowingConnection connection(target_);
  pqxx::nontransaction(connection).exec("CREATE TABLE pqxx_orders (note text)");
  for (const bool commits : {false, true}) {
    pqxx::work work(connection);
    work.exec("INSERT INTO pqxx_orders VALUES ('one')");
    cala_tx *tx = adopt(ShowingPolicy::shown);
    EXPECT_NE(run(cala_journal_create, tx, journal).find(kJournal), std::string::npos);
    EXPECT_EQ(run(cala_journal_find, nullptr, find), "journal.not_found");
    cala_tx_free(tx);
    if (commits) {
      work.commit();
    } else {
      work.abort();
    }
  }
  EXPECT_NE(run(cala_journal_find, nullptr, find).find(kJournal), std::string::npos);
  EXPECT_EQ(pqxx::nontransaction(connection).exec("SELECT count(*) FROM pqxx_orders")[0][0].as<int>(), 1);
}

}  // namespace
