// Input that cannot be right: each is refused with its status, its code and the place of what is wrong, and writes
// nothing. What stores refuse (files, servers, schemas) is in bad_store_test.cc.
#include <gtest/gtest.h>

#include <clocale>
#include <functional>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";

std::string key_of(const std::string &account_id) {
  return "\"journal_id\": \"" + std::string(kJournal) + "\", \"account_id\": \"" + account_id +
         "\", \"currency\": \"USD\"";
}

std::string transfer(const std::string &amount, const std::string &more = "") {
  return R"({"tx_template_code": "TRANSFER", "params": {"from": ")" + std::string(kAlice) + R"(", "to": ")" + kBob +
         R"(", "amount": )" + amount + more + "}}";
}

const std::string kTemplate =
    R"json({"code": "TRANSFER", "params": [{"name": "from", "type": "uuid"}, {"name": "to", "type": "uuid"},
        {"name": "amount", "type": "decimal"}, {"name": "text", "type": "string", "default": "'none'"}],
      "transaction": {"effective": "date()", "journal_id": "uuid(')json" +
    std::string(kJournal) + R"json(')",
        "external_id": "params.text == 'none' ? null : params.text", "correlation_id": "params.text",
        "description": "params.text", "metadata": "{'text': params.text}"},
      "entries": [
        {"entry_type": "'DR'", "account_id": "params.from", "layer": "SETTLED", "direction": "DEBIT",
          "units": "params.amount",
          "currency": "'USD'", "description": "params.text", "metadata": "[params.text]"},
        {"entry_type": "'CR'", "account_id": "params.to", "layer": "SETTLED", "direction": "CREDIT",
          "units": "params.amount",
          "currency": "'USD'"}]})json";

// A ledger with a journal, two accounts and a tx template, and its counts, which must not change.
class BadInput : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    Answer refusal;
    ledger_ = store_->open("\"clock\": {\"manual\": \"2026-01-01T00:00:00Z\"}", &refusal);
    ASSERT_NE(ledger_, nullptr) << refusal.text();
    expect_ok("journal_create", R"({"id": ")" + std::string(kJournal) + R"(", "name": "Main", "code": "MAIN"})");
    expect_ok("account_create", R"({"id": ")" + std::string(kAlice) + R"(", "code": "ALICE", "name": "Alice"})");
    expect_ok("account_create", R"({"id": ")" + std::string(kBob) + R"(", "code": "BOB", "name": "Bob"})");
    expect_ok("tx_template_create", kTemplate);
    counts_ = ledger_->counts();
  }

  void TearDown() override {
    if (ledger_) {
      EXPECT_EQ(ledger_->counts(), counts_);
    }
  }

  std::string expect_ok(const std::string &operation, const std::string &request) {
    const Answer answer = ledger_->run(operation, request);
    EXPECT_TRUE(answer.ok()) << operation << ": " << answer.text().substr(0, 1000);
    return answer.result;
  }

  // Refused with this code; pointer: "" to look at none.
  void expect_refused(const std::string &operation, const std::string &request, const std::string &code,
                      const std::string &pointer = "") {
    const Answer answer = ledger_->run(operation, request);
    const std::string asked = operation + " " + request.substr(0, 300);
    EXPECT_EQ(answer.code, code) << asked << "\n" << answer.text().substr(0, 1000);
    EXPECT_EQ(answer.status, CALA_INVALID) << asked;
    EXPECT_FALSE(answer.message.empty()) << asked;
    EXPECT_LT(answer.message.size(), 2000U) << asked;
    const std::optional<JsonDocument> details = JsonDocument::parse(answer.details);
    ASSERT_TRUE(details.has_value()) << answer.details.substr(0, 1000);
    if (!pointer.empty()) {
      EXPECT_EQ(json_text(details->root(), "pointer"), pointer) << asked;
    }
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  std::string counts_;
};

INSTANTIATE_TEST_SUITE_P(Stores, BadInput, testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const testing::TestParamInfo<StoreKind> &store) {
                           return std::string(name_of(store.param));
                         });

TEST_P(BadInput, ARequestCutOffAtAnyByteIsMalformed) {
  for (const std::string &request :
       {std::string(
            R"({"code": "X", "name": "\u00e9\"ü€🎉", "metadata": {"a": [1, -2.5e3, true, null, "x"], "b": {}}})"),
        transfer("\"1.50\"")}) {
    const std::string operation = request.starts_with("{\"code") ? "account_create" : "transaction_post";
    for (std::size_t length = 0; length < request.size(); ++length) {
      expect_refused(operation, request.substr(0, length), "request.malformed");
    }
  }
}

TEST_P(BadInput, WhatFollowsTheRequestIsMalformed) {
  for (const char *more : {"{}", ",", "]", "x", "\"\"", "\x01"}) {
    expect_refused("account_create", R"({"code": "X", "name": "X"})" + std::string(more), "request.malformed");
  }
  for (const char *request : {"[]", "1", "\"text\"", "true", "null", "", " "}) {
    expect_refused("account_create", request, "request.malformed");
  }
}

TEST_P(BadInput, AKeyThatIsThereTwiceIsRefused) {
  expect_refused("account_create", R"({"code": "X", "name": "X", "code": "Y"})", "request.malformed", "/code");
  expect_refused("account_create", R"({"code": "X", "name": "X", "c\u006fde": "Y"})", "request.malformed", "/code");
  expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": {"a": [{"b": 1, "b": 1}]}})",
                 "request.malformed", "/metadata/a/0/b");
}

TEST_P(BadInput, ANulCharacterIsRefusedWhereverItStands) {
  using std::string_literals::operator""s;
  expect_refused("account_create", "{\"code\": \"X\0Y\", \"name\": \"X\"}"s, "request.malformed", "/code");
  expect_refused("account_create", R"({"code": "X\u0000Y", "name": "X"})", "request.malformed", "/code");
  expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": {"a": ["\u0000"]}})", "request.malformed",
                 "/metadata/a/0");
  expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": {"a\u0000": 1}})", "request.malformed");
  expect_refused("account_create", "{\"code\": \"X\", \"name\": \"X\"}\0"s, "request.malformed");
  expect_refused("account_create", "{\"code\": \"X\",\0 \"name\": \"X\"}"s, "request.malformed");
}

TEST_P(BadInput, InvalidUtf8IsRefused) {
  for (const char *text : {"\xff", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "\xf8\x88\x80\x80\x80", "\x80", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud8"}) {
    expect_refused("account_create", R"({"code": "X)" + std::string(text) + R"(", "name": "X"})", "request.malformed",
                   "/code");
    expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": {")" + std::string(text) + "\": 1}}",
                   "request.malformed");
  }
}

TEST_P(BadInput, ControlCharactersMustBeEscaped) {
  expect_refused("account_create", "{\"code\": \"X\nY\", \"name\": \"X\"}", "request.malformed", "/code");
  expect_refused("account_create", R"({"code": "X\qY", "name": "X"})", "request.malformed", "/code");
}

TEST_P(BadInput, NestingTenThousandDeepIsRefused) {
  for (const auto &[open, close] : {std::pair<std::string, std::string>{"[", "]"}, {"{\"a\":", "}"}}) {
    std::string deep;
    for (int i = 0; i < 10000; ++i) deep += open;
    std::string unclosed = deep;
    deep += "1";
    for (int i = 0; i < 10000; ++i) deep += close;
    expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": )" + deep + "}", "request.malformed");
    expect_refused("account_create", unclosed, "request.malformed");
  }
  const std::string expression = std::string(10000, '(') + "1" + std::string(10000, ')');
  expect_refused("cel_evaluate", R"({"expr": ")" + expression + "\"}", "cel.compile");
  const std::string nested = std::string(10000, '[') + std::string(10000, ']');
  expect_refused("cel_evaluate", R"({"expr": ")" + nested + "\"}", "cel.compile");
}

TEST_P(BadInput, NumbersOutOfRangeAreRefused) {
  for (const char *number : {"1e400", "-1e400", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
                             "01", "+1", "1.", ".5", "0x10", "1e", "NaN", "Infinity", "-"}) {
    expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": {"n": )" + std::string(number) + "}}",
                   "request.malformed");
  }
  for (const char *number : {"0", "-1", "1001", "1.5", "1e99", "9007199254740992", "-9007199254740992"}) {
    expect_refused("account_list", "{\"first\": " + std::string(number) + "}", "request.malformed", "/first");
  }
  for (const char *number : {"0", "-1", "1.5", "1e99"}) {
    expect_refused("balance_at", "{" + key_of(kAlice) + ", \"version\": " + number + "}", "request.malformed",
                   "/version");
  }
}

TEST_P(BadInput, DecimalsWithMoreThan38DigitsAreRefused) {
  const std::string digits(39, '7');
  expect_refused("transaction_post", transfer("\"" + digits + "\""), "amount.range", "/params/amount");
  expect_refused("transaction_post", transfer("\"-" + digits + "\""), "amount.range", "/params/amount");
  expect_refused("transaction_post", transfer("\"0." + digits + "\""), "amount.range", "/params/amount");
  expect_refused("transaction_post", transfer("\"1e38\""), "amount.range", "/params/amount");
  expect_refused("transaction_post", transfer("\"1e-39\""), "amount.range", "/params/amount");
  expect_refused("transaction_post", transfer("\"1e999999999999\""), "amount.range", "/params/amount");
  for (const char *text : {"", " 1", "1 ", "1,5", "1.", ".5", "1e", "--1", "0x1", "NaN", "inf", "1_000", "１"}) {
    expect_refused("transaction_post", transfer("\"" + std::string(text) + "\""), "param.type", "/params/amount");
  }
  expect_refused("transaction_post", transfer("0.1"), "param.type", "/params/amount");
}

TEST_P(BadInput, UnknownCurrenciesAreRefused) {
  for (const char *currency : {"", "US", "ABC", "usd", "USD ", "€", "XXXXXXXXXXXXXXXXXXXX"}) {
    expect_refused("balance_find",
                   R"({"journal_id": ")" + std::string(kJournal) + R"(", "account_id": ")" + kAlice +
                       R"(", "currency": ")" + currency + "\"}",
                   "currency.unknown", "/currency");
  }
}

// Longer than any sentence should be: told, but not repeated in the message.
TEST_P(BadInput, TenMegabytesAreTakenOrRefusedAndNeverRepeated) {
  const std::string big(10'000'000, 'x');
  expect_refused("account_create", R"({"code": "X", "name": "X", ")" + big + "\": 1}", "request.unknown_key");
  expect_refused("balance_find",
                 R"({"journal_id": ")" + std::string(kJournal) + R"(", "account_id": ")" + kAlice +
                     R"(", "currency": ")" + big + "\"}",
                 "currency.unknown", "/currency");
  expect_refused("account_find", R"({"id": ")" + big + "\"}", "request.malformed", "/id");
  expect_refused("account_list", R"({"after": ")" + big + "\"}", "request.malformed", "/after");
  expect_refused("transaction_post", transfer("\"" + big + "\""), "param.type", "/params/amount");
  expect_refused("transaction_post", transfer("\"1\"", ", \"" + big + "\": 1"), "param.unknown");
  expect_refused("cel_evaluate", R"({"expr": ")" + big + "\"}", "cel.compile");
  const Answer unknown = ledger_->run("account_find", R"({"code": ")" + big + "\"}");
  EXPECT_EQ(unknown.code, "account.not_found");
  EXPECT_LT(unknown.message.size(), 2000U);
}

TEST_P(BadInput, TenMegabytesOfDescriptionComeBackUnharmed) {
  const std::string big(10'000'000, 'x');
  expect_ok("account_update", R"({"id": ")" + std::string(kAlice) + R"(", "description": ")" + big + "\"}");
  const std::string found = expect_ok("account_find", R"({"code": "ALICE"})");
  const std::optional<JsonDocument> account = JsonDocument::parse(found);
  ASSERT_TRUE(account.has_value());
  EXPECT_TRUE(json_text(account->root(), "description") == big);
}

TEST_P(BadInput, SqlInEveryStringComesBackUnharmed) {
  const std::string sql = R"('; DROP TABLE cala_accounts; -- $1 ? %s :x @y {0} \" \\ ')";
  const std::string name = json_quote(sql);
  ledger_->begin();  // rolled back at the end, so that the counts stay
  const auto field = [&](const std::string &result, const char *pointer) {
    const std::optional<JsonDocument> document = JsonDocument::parse(result);
    const cJSON *value = document ? json_at(document->root(), pointer) : nullptr;
    EXPECT_TRUE(cJSON_IsString(value) && sql == value->valuestring) << pointer << " of " << result;
  };
  expect_ok("account_create", R"({"code": )" + name + R"(, "name": )" + name + R"(, "external_id": )" + name +
                                  R"(, "description": )" + name + R"(, "metadata": {)" + name + ": " + name + "}}");
  const std::string account = expect_ok("account_find", R"({"external_id": )" + name + "}");
  for (const char *pointer : {"/code", "/name", "/external_id", "/description"}) field(account, pointer);
  field(expect_ok("account_list", R"({"code_prefix": )" + name + "}"), "/items/0/code");
  expect_ok("journal_create", R"({"code": )" + name + R"(, "name": )" + name + R"(, "description": )" + name + "}");
  const std::string journal = expect_ok("journal_find", R"({"code": )" + name + "}");
  for (const char *pointer : {"/code", "/name", "/description"}) field(journal, pointer);
  const std::string posted = expect_ok("transaction_post", transfer("\"1\"", ", \"text\": " + name));
  for (const char *pointer : {"/transaction/external_id", "/transaction/correlation_id", "/transaction/description",
                              "/transaction/metadata/text", "/entries/0/description", "/entries/0/metadata/0"}) {
    field(posted, pointer);
  }
  field(expect_ok("transaction_find", R"({"external_id": )" + name + "}"), "/external_id");
  field(expect_ok("transaction_list", R"({"correlation_id": )" + name + "}"), "/items/0/correlation_id");
  field(expect_ok("entry_list", R"({"account_id": ")" + std::string(kAlice) + "\"}"), "/items/0/description");
  expect_ok("account_find", R"({"code": "ALICE"})");
  EXPECT_TRUE(ledger_->rollback().ok());
}

// A decimal comma in the program's locale changes nothing.
TEST_P(BadInput, ALocaleWithADecimalCommaChangesNothing) {
  const std::string before = std::setlocale(LC_ALL, nullptr);  // NOLINT(concurrency-mt-unsafe): no other thread asks
  if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) {      // NOLINT(concurrency-mt-unsafe)
    GTEST_SKIP() << "there is no locale de_DE.UTF-8; LOCPATH may name a folder that has one";
  }
  ledger_->begin();
  const std::string account =
      expect_ok("account_create", R"({"code": "L", "name": "L", "metadata": [2.5, -1.5e-10, 1234567.875]})");
  EXPECT_NE(account.find("[2.5,-1.5e-10,1234567.875]"), std::string::npos) << account;
  const std::string posted = expect_ok("transaction_post", transfer("\"1234.50\""));
  EXPECT_NE(posted.find("\"units\":\"1234.50\""), std::string::npos) << posted;
  const Answer evaluated = ledger_->run("cel_evaluate", R"json({"expr": "string(2.5) + string(double('0.25'))"})json");
  EXPECT_NE(evaluated.result.find("2.50.25"), std::string::npos) << evaluated.text();
  expect_refused("transaction_post", transfer("\"1,5\""), "param.type", "/params/amount");
  expect_refused("account_create", R"({"code": "X", "name": "X", "metadata": 1,5})", "request.malformed");
  EXPECT_TRUE(ledger_->rollback().ok());
  std::setlocale(LC_ALL, before.c_str());  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace cala::tests
