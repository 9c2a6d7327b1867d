// A loan is disbursed: its row, its domain event and its posting land in one transaction over one libpqxx connection,
// or none of them does.
//   lending CONNECTION_STRING
#include <cala.h>

#include <cstdlib>
#include <iostream>
#include <pqxx/pqxx>
#include <stdexcept>
#include <string>

namespace {

// libpqxx 6 shows its libpq connection to the policy that makes it, and to nobody else.
class ShowingPolicy : public pqxx::connect_direct {
 public:
  explicit ShowingPolicy(const std::string &options) : connect_direct(options) {}
  handle do_startconnect(handle given) override { return shown = connect_direct::do_startconnect(given); }
  static inline handle shown = nullptr;
};
using Connection = pqxx::basic_connection_base<ShowingPolicy>;

using Operation = decltype(&cala_transaction_post);

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Frees an error, and gives what it says.
std::string code_of(cala_error *error) {
  std::string code = cala_error_code(error);
  cala_error_free(error);
  return code;
}

class Ledger {
 public:
  explicit Ledger(const std::string &store) {
    const std::string config = R"({"store": ")" + store + R"(", "schema": "lending", "migrate": true})";
    cala_error *error = nullptr;
    if (cala_ledger_open(config.data(), config.size(), &ledger_, &error) != CALA_OK) throw Refused(code_of(error));
  }
  Ledger(const Ledger &) = delete;
  Ledger &operator=(const Ledger &) = delete;
  ~Ledger() { cala_ledger_free(ledger_); }

  // Runs an operation: in tx, or by itself.
  std::string run(cala_tx *tx, Operation make, const std::string &request) const {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    cala_status status = make(ledger_, tx, request.data(), request.size(), &op, &error);
    if (status == CALA_OK) status = cala_op_run(op, -1, &error);
    const std::string answer = status == CALA_OK ? cala_op_result(op, nullptr) : code_of(error);
    cala_op_free(op);
    if (status != CALA_OK) throw Refused(answer);
    return answer;
  }

  // The transaction that is open on the connection below libpqxx.
  cala_tx *adopt() const {
    cala_tx *tx = nullptr;
    cala_error *error = nullptr;
    if (cala_tx_adopt(ledger_, ShowingPolicy::shown, nullptr, nullptr, nullptr, 0, &tx, &error) != CALA_OK) {
      throw Refused(code_of(error));
    }
    return tx;
  }

 private:
  cala_ledger *ledger_ = nullptr;
};

constexpr char kJournal[] = "01900000-0000-7000-8000-000000000001";
constexpr char kBorrower[] = "01900000-0000-7000-8000-00000000000a";
constexpr char kBank[] = "01900000-0000-7000-8000-00000000000b";
constexpr char kClosed[] = "01900000-0000-7000-8000-00000000000c";

std::string account(const char *id, const char *code, const char *more = "") {
  return std::string(R"({"id": ")") + id + R"(", "code": ")" + code + R"(", "name": ")" + code + "\"" + more + "}";
}

void prepare(const Ledger &ledger, Connection &connection) {
  pqxx::nontransaction(connection)
      .exec(
          "CREATE TABLE loans (id integer PRIMARY KEY, account uuid NOT NULL, amount numeric NOT NULL);"
          "CREATE TABLE loan_events (loan integer NOT NULL, sequence integer NOT NULL, event text NOT NULL,"
          "  PRIMARY KEY (loan, sequence))");
  ledger.run(nullptr, cala_account_create, account(kBorrower, "BORROWER"));
  ledger.run(nullptr, cala_account_create, account(kBank, "BANK", R"(, "normal_balance_type": "debit")"));
  ledger.run(nullptr, cala_account_create, account(kClosed, "CLOSED", R"(, "status": "locked")"));
  ledger.run(nullptr, cala_journal_create, std::string(R"({"id": ")") + kJournal + R"(", "name": "Main"})");
  const std::string shared = R"("layer": "SETTLED", "units": "params.amount", "currency": "'USD'"})";
  ledger.run(
      nullptr, cala_tx_template_create,
      std::string(R"json({"code": "DISBURSE", "params": [{"name": "loan", "type": "string"},
               {"name": "account", "type": "uuid"}, {"name": "amount", "type": "decimal"}],
               "transaction": {"effective": "date()", "external_id": "params.loan", "journal_id": "uuid(')json") +
          kJournal + R"json(')"}, "entries": [
               {"entry_type": "'DISBURSE_DR'", "account_id": "uuid(')json" +
          kBank + R"json(')", "direction": "DEBIT", )json" + shared +
          R"json(, {"entry_type": "'DISBURSE_CR'", "account_id": "params.account", "direction": "CREDIT", )json" +
          shared + "]}");
}

void note(pqxx::work &work, int loan, const std::string &event) {
  work.exec_params("INSERT INTO loan_events SELECT $1, count(*) + 1, $2 FROM loan_events WHERE loan = $1", loan, event);
}

// The domain's rows, its events and the money, all in the transaction that the caller commits.
void disburse(const Ledger &ledger, pqxx::work &work, int loan, const std::string &to, const std::string &amount) {
  work.exec_params("INSERT INTO loans VALUES ($1, $2, $3)", loan, to, amount);
  note(work, loan, "approved");
  cala_tx *tx = ledger.adopt();
  try {
    ledger.run(tx, cala_transaction_post,
               R"({"tx_template_code": "DISBURSE", "params": {"loan": "loan-)" + std::to_string(loan) +
                   R"(", "account": ")" + to + R"(", "amount": ")" + amount + R"("}})");
    note(work, loan, "disbursed");
  } catch (const Refused &refused) {  // nothing was written for it, and the transaction can go on
    note(work, loan, std::string("declined: ") + refused.what());
  }
  cala_tx_free(tx);
}

// One query over the domain's tables and the ledger's views.
void show(Connection &connection, const std::string &what) {
  pqxx::read_transaction reader(connection);
  std::cout << what << '\n';
  for (const pqxx::row &row :
       reader.exec("SELECT l.id, l.amount, (SELECT string_agg(e.event, ', ' ORDER BY e.sequence) FROM loan_events e"
                   "  WHERE e.loan = l.id), coalesce(b.settled, 0) FROM loans l LEFT JOIN lending.balances_view b"
                   "  ON b.account_id = l.account ORDER BY l.id")) {
    std::cout << "  loan " << row[0] << " of " << row[1] << ": " << row[2] << "; its account has " << row[3] << '\n';
  }
  std::cout << "  " << reader.exec("SELECT count(*) FROM lending.transactions_view")[0][0] << " transactions\n";
}

void lend(const std::string &store) {
  const Ledger ledger(store);
  Connection connection(store);
  prepare(ledger, connection);
  {
    pqxx::work work(connection);
    disburse(ledger, work, 1, kBorrower, "100.00");
    work.abort();
  }
  show(connection, "rolled back:");
  {
    pqxx::work work(connection);
    disburse(ledger, work, 1, kBorrower, "100.00");
    disburse(ledger, work, 2, kClosed, "50.00");
    work.commit();
  }
  show(connection, "committed:");
  const std::string events = ledger.run(nullptr, cala_event_list, R"({"types": ["transaction_created"]})");
  std::cout << "the ledger's events tell of loan-1: " << (events.find("loan-1") == std::string::npos ? "no" : "yes")
            << ", of loan-2: " << (events.find("loan-2") == std::string::npos ? "no" : "yes") << '\n';
}

}  // namespace

int main(int count, char **arguments) {
  const char *target = count > 1 ? arguments[1] : std::getenv("CALA_TEST_POSTGRES");
  if (target == nullptr) {
    std::cerr << "lending CONNECTION_STRING\n";
    return 2;
  }
  try {
    lend(target);
  } catch (const std::exception &failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}
