// Whatever text a write accepts, every read gives back, and nothing that is in the ledger hides anything else.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kNobody = "a0000000-0000-0000-0000-00000000000f";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";

// Every text of a posting comes from an expression: one out of params, the other out of bytes.
constexpr const char *kTemplates[] = {R"t({"code": "TEXTS", "params": [{"name": "t", "type": "string"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
    "external_id": "params.t", "correlation_id": "params.t", "description": "params.t",
    "metadata": "{params.t: params.t, 'list': [params.t]}"},
  "entries": [
    {"account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED", "direction": "DEBIT",
     "units": "decimal('1')", "currency": "'USD'", "entry_type": "'x' + params.t", "description": "params.t",
     "metadata": "{'t': params.t}"},
    {"account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED", "direction": "CREDIT",
     "units": "decimal('1')", "currency": "'USD'", "entry_type": "'x'"}]})t",
                                      R"t({"code": "BYTES", "params": [{"name": "b", "type": "string"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
    "external_id": "string(base64.decode(params.b))", "description": "string(base64.decode(params.b))",
    "correlation_id": "string(base64.decode(params.b))",
    "metadata": "{string(base64.decode(params.b)): string(base64.decode(params.b))}"},
  "entries": [
    {"account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED", "direction": "DEBIT",
     "units": "decimal('1')", "currency": "'USD'", "entry_type": "'x' + string(base64.decode(params.b))",
     "description": "string(base64.decode(params.b))",
     "metadata": "{string(base64.decode(params.b)): [string(base64.decode(params.b))]}"},
    {"account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED", "direction": "CREDIT",
     "units": "decimal('1')", "currency": "'USD'", "entry_type": "'x'"}]})t"};

constexpr const char *kNoEntries = R"t(, "transaction": {"effective": "date()",
  "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"}, "entries": []})t";

void append_code_point(std::string &out, std::uint32_t c) {  // surrogates too: then it is no UTF-8
  const auto tail = [&](int shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3fU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0U | (c >> 6));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0U | (c >> 12));
    tail(6);
  } else {
    out += static_cast<char>(0xf0U | (c >> 18));
    tail(12);
    tail(6);
  }
  if (c >= 0x80) tail(0);
}

// Bytes as they are; json_quote ends at a NUL.
std::string quoted(const std::string &text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string base64(const std::string &bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[(group >> (18 - 6 * j)) & 63U] : '=';
    }
  }
  return out;
}

class AnyText : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << name_of(GetParam()) << " cannot be tested here";
    store_ = std::make_unique<TestStore>(GetParam());
    ledger_ = store_->open();
    ASSERT_NE(ledger_, nullptr);
    expect_ok("journal_create", R"({"id": ")" + std::string(kJournal) + R"(", "name": "Main"})");
    expect_ok("account_create", R"({"id": ")" + std::string(kAlice) + R"(", "code": "ALICE", "name": "Alice"})");
    expect_ok("account_create", R"({"id": ")" + std::string(kBob) + R"(", "code": "BOB", "name": "Bob"})");
    for (const char *each : kTemplates) expect_ok("tx_template_create", each);
  }

  std::string expect_ok(const std::string &operation, const std::string &request) {
    const Answer answer = ledger_->run(operation, request);
    EXPECT_TRUE(answer.ok()) << operation << " " << request << ": " << answer.text();
    return answer.result;
  }

  // Bytes of every kind, and code points of every length; what JSON and CEL give a meaning of their own, more often.
  std::string any_text() {
    static const std::vector<std::string> kOdd = {std::string(1, '\0'),
                                                  "\"",
                                                  "\\",
                                                  "'",
                                                  "%",
                                                  "_",
                                                  "/",
                                                  "\\u0000",
                                                  "\n",
                                                  "\r",
                                                  "?",
                                                  "$1",
                                                  "\x7f",
                                                  "\u2028",
                                                  "\uFEFF",
                                                  "{",
                                                  "}",
                                                  ",",
                                                  "\uFFFF",
                                                  "\uFFFD",
                                                  " "};
    std::string out;
    const auto count = random_() % 6;
    const auto kind = random_() % 8;
    for (unsigned i = 0; i <= count; ++i) {
      if (kind == 0) {
        out += static_cast<char>(random_() % 256);
      } else if (kind <= 3) {
        out += kOdd[random_() % kOdd.size()];
      } else {
        static constexpr std::uint32_t kEnds[] = {0x80, 0x800, 0x10000, 0x110000};
        append_code_point(out, static_cast<std::uint32_t>(random_() % kEnds[random_() % 4]));
      }
    }
    return out;
  }

  // Accepted, it is found as it was given back; refused, it is the request's fault. True when it was accepted.
  bool write(const std::string &operation, const std::string &request, const std::string &find) {
    const Answer written = ledger_->run(operation, request);
    if (!written.ok()) {
      EXPECT_TRUE(written.status == CALA_INVALID || written.status == CALA_CONFLICT) << request << written.text();
      EXPECT_TRUE(written.code.starts_with("request.") || written.code.starts_with("cel.") ||
                  written.code.ends_with(".exists") || written.code == "transaction.replay_differs")
          << written.text();
      return false;
    }
    const std::optional<JsonDocument> document = JsonDocument::parse(written.result);
    EXPECT_TRUE(document.has_value()) << written.result;
    if (!document) return false;
    const bool posted = operation == "transaction_post";
    const cJSON *entity = posted ? json_member(document->root(), "transaction") : document->root();
    const std::string id = json_text(entity, "id");
    const std::string found = expect_ok(find, R"({"id": ")" + id + "\"}");
    const std::optional<JsonDocument> read = JsonDocument::parse(found.empty() ? "null" : found);
    EXPECT_TRUE(read.has_value()) << found;
    if (!read) return false;
    EXPECT_EQ(json_print(read->root()), json_print(entity)) << request;
    expect_found_otherwise(find, entity);
    if (posted)
      expect_same("entry_find_many", ids_of(json_member(document->root(), "entries")), "/entries",
                  json_member(document->root(), "entries"));
    return ids_.insert(id).second || operation == "account_update";  // else what was posted is a replay
  }

  // The same of what is found in its list alone.
  bool write_listed(const std::string &operation, const std::string &request, const std::string &list) {
    const Answer written = ledger_->run(operation, request);
    if (!written.ok()) {
      EXPECT_TRUE(written.status == CALA_INVALID || written.status == CALA_CONFLICT) << request << written.text();
      EXPECT_TRUE(written.code.starts_with("request.") || written.code.starts_with("cel.")) << written.text();
      return false;
    }
    const std::optional<JsonDocument> document = JsonDocument::parse(written.result);
    EXPECT_TRUE(document.has_value()) << written.result;
    if (document) listed_[list].push_back(json_print(document->root()));
    return document.has_value();
  }

  // Of all pages, the items as they are printed.
  std::vector<std::string> items_of(const std::string &list, int first) {
    std::vector<std::string> items;
    std::string after;
    while (true) {
      const std::string page = expect_ok(list, "{\"first\": " + std::to_string(first) + after + "}");
      const std::optional<JsonDocument> document = JsonDocument::parse(page);
      EXPECT_TRUE(document.has_value()) << page;
      if (!document) return items;
      const cJSON *item = json_at(document->root(), "/items/0");
      for (; item != nullptr; item = item->next) items.push_back(json_print(item));
      if (json_print(json_member(document->root(), "has_next_page")) != "true") return items;
      after = ", \"after\": " + json_quote(json_text(document->root(), "end_cursor"));
    }
  }

  static std::string ids_of(const cJSON *items) {
    std::string ids;
    for (const cJSON *item = items->child; item != nullptr; item = item->next) {
      ids += (ids.empty() ? "" : ", ") + json_quote(json_text(item, "id"));
    }
    return "{\"ids\": [" + ids + "]}";
  }

  void expect_same(const std::string &operation, const std::string &request, const char *pointer, const cJSON *wanted) {
    const std::string found = expect_ok(operation, request);
    const std::optional<JsonDocument> read = JsonDocument::parse(found.empty() ? "null" : found);
    ASSERT_TRUE(read.has_value()) << found;
    const cJSON *got = *pointer == '\0' ? read->root() : json_at(read->root(), pointer);
    ASSERT_NE(got, nullptr) << found;
    EXPECT_EQ(json_print(got), json_print(wanted)) << operation << " " << request;
  }

  // By the other keys, and among several.
  void expect_found_otherwise(const std::string &find, const cJSON *entity) {
    for (const char *key : {"code", "external_id"}) {
      const cJSON *value = json_member(entity, key);
      if (!cJSON_IsString(value) || (find == "transaction_find" && key == std::string("code"))) continue;
      expect_same(find, "{" + json_quote(key) + ": " + json_print(value) + "}", "", entity);
    }
    const std::string id = json_quote(json_text(entity, "id"));
    const std::string ids = "{\"ids\": [" + json_quote(kNobody) + ", " + id + "]}";
    if (find == "account_find") expect_same("account_find_many", "{\"ids\": [" + id + "]}", "/accounts/0", entity);
    if (find == "transaction_find") expect_same("transaction_find_many", ids, "/transactions/0", entity);
    const cJSON *correlation = find == "transaction_find" ? json_member(entity, "correlation_id") : nullptr;
    if (!cJSON_IsString(correlation)) return;
    const std::string filter = "\"correlation_id\": " + json_print(correlation);
    EXPECT_TRUE(listed("transaction_list", filter, 1000).contains(json_text(entity, "id"))) << filter;
  }

  // The ids of a list, page by page.
  std::set<std::string> listed(const std::string &list, const std::string &filter, int first) {
    std::set<std::string> ids;
    std::string after;
    while (true) {
      const std::string page =
          expect_ok(list, "{\"first\": " + std::to_string(first) + (filter.empty() ? "" : ", ") + filter + after + "}");
      const std::optional<JsonDocument> document = JsonDocument::parse(page);
      EXPECT_TRUE(document.has_value()) << page;
      if (!document) return ids;
      for (const cJSON *item = json_at(document->root(), "/items/0"); item != nullptr; item = item->next) {
        EXPECT_TRUE(ids.insert(json_text(item, "id")).second);
      }
      if (json_print(json_member(document->root(), "has_next_page")) != "true") return ids;
      after = ", \"after\": " + json_quote(json_text(document->root(), "end_cursor"));
    }
  }

  std::minstd_rand random_{20260101};
  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  std::set<std::string> ids_;
  std::map<std::string, std::vector<std::string>> listed_;
};
INSTANTIATE_TEST_SUITE_P(Stores, AnyText, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &kind) { return std::string(name_of(kind.param)); });

TEST_P(AnyText, ThatIsAcceptedIsReadByEverything) {
  int accounts = 0, journals = 0, templates = 0, changes = 0, texts = 0, bytes = 0, refused = 0;
  int sets = 0, limits = 0, controls = 0, listeners = 0;
  std::set<std::string> names;
  const auto count = [&](bool accepted, int &of) { ++(accepted ? of : refused); };
  for (int i = 0; i < 150; ++i) {
    const std::string t = quoted(any_text());
    const std::string metadata = R"("metadata": {)" + t + ": " + t + R"(, "list": [)" + t + "]}";
    const std::string common = R"({"code": )" + t + R"(, "description": )" + t;
    count(write("account_create", common + R"(, "name": )" + t + R"(, "external_id": )" + t + ", " + metadata + "}",
                "account_find"),
          accounts);
    count(write("account_update",
                R"({"id": ")" + std::string(kBob) + R"(", "name": )" + t + R"(, "description": )" + t + ", " +
                    metadata + "}",
                "account_find"),
          changes);
    count(write("journal_create", common + R"(, "name": )" + t + "}", "journal_find"), journals);
    count(write("tx_template_create", common + ", " + metadata + kNoEntries, "tx_template_find"), templates);
    count(write("transaction_post", R"({"tx_template_code": "TEXTS", "params": {"t": )" + t + "}}", "transaction_find"),
          texts);
    count(write("transaction_post", R"({"tx_template_code": "BYTES", "params": {"b": ")" + base64(any_text()) + "\"}}",
                "transaction_find"),
          bytes);
    if (i % 3 == 0) {
      count(write("account_set_create",
                  R"({"journal_id": ")" + std::string(kJournal) + R"(", "name": )" + t + R"(, "external_id": )" + t +
                      R"(, "description": )" + t + ", " + metadata + "}",
                  "account_set_find"),
            sets);
      count(write_listed("velocity_limit_create",
                         R"({"name": )" + t + R"(, "description": )" + t + R"(, "window": [{"alias": )" + t +
                             R"json(, "value": "'w'"}], "limit": {"balance": [{"layer": "SETTLED",
                       "enforcement_direction": "DEBIT", "amount": "decimal('1')"}]}})json",
                         "velocity_limit_list"),
            limits);
      count(write_listed("velocity_control_create", R"({"name": )" + t + R"(, "description": )" + t + "}",
                         "velocity_control_list"),
            controls);
      const Answer placed = ledger_->run("listener_place", R"({"name": )" + t + R"(, "from": "start"})");
      EXPECT_TRUE(placed.ok() || placed.code.starts_with("request.")) << placed.text();
      count(placed.ok(), listeners);
      if (placed.ok()) names.insert(t);
    }
    if (HasFailure()) FAIL() << "after " << t;
  }
  for (const int accepted : {accounts, journals, templates, changes, texts, bytes, refused}) EXPECT_GE(accepted, 30);
  for (const int accepted : {sets, limits, controls, listeners}) EXPECT_GE(accepted, 10);
  for (const auto &[list, written] : listed_) {
    for (const int first : {7, 1000}) EXPECT_EQ(items_of(list, first), written) << list;
  }
  EXPECT_EQ(items_of("listener_list", 7).size(), names.size());
  std::set<std::string> all;
  for (const int first : {7, 1000}) {
    for (const char *list :
         {"account_list", "account_set_list", "journal_list", "tx_template_list", "transaction_list"}) {
      all.merge(listed(list, "", first));
    }
    // A stable list waits for whatever else is in flight in the cluster, and other tests are.
    std::size_t stable = 0;
    for (int tries = 0; tries < 400 && stable != static_cast<std::size_t>(texts + bytes); ++tries) {
      if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      stable = listed("transaction_list", R"("order": "desc", "stable": true)", first).size();
    }
    EXPECT_EQ(stable, static_cast<std::size_t>(texts + bytes));
    EXPECT_EQ(listed("entry_list", R"("journal_id": ")" + std::string(kJournal) + '"', first).size(),
              2 * static_cast<std::size_t>(texts + bytes));
  }
  for (const std::string &id : ids_) EXPECT_TRUE(all.contains(id)) << id;
}

// Put there past the library: SQLite takes anything for a text.
TEST_P(AnyText, ThatSomebodyElseWroteHidesNothing) {
  if (GetParam() != StoreKind::kSqlite) GTEST_SKIP() << "PostgreSQL keeps no such text";
  expect_ok("transaction_post", R"({"tx_template_code": "TEXTS", "params": {"t": "good"}})");
  const std::string set = "f0000000-0000-0000-0000-000000000001";
  const std::string limit = "40000000-0000-0000-0000-000000000001";
  const std::string control = "50000000-0000-0000-0000-000000000001";
  expect_ok("account_set_create",
            R"({"id": ")" + set + R"(", "name": "S", "journal_id": ")" + std::string(kJournal) + "\"}");
  expect_ok("velocity_limit_create", R"({"id": ")" + limit + R"json(", "name": "L",
    "window": [{"alias": "w", "value": "'w'"}],
    "limit": {"balance": [{"layer": "SETTLED", "amount": "decimal('9')", "enforcement_direction": "DEBIT"}]}})json");
  expect_ok("velocity_control_create", R"({"id": ")" + control + R"(", "name": "C"})");
  expect_ok("velocity_control_add_limit", R"({"control_id": ")" + control + R"(", "limit_id": ")" + limit + "\"}");
  expect_ok("velocity_control_attach",
            R"({"control_id": ")" + control + R"(", "account_ids": [")" + std::string(kAlice) + "\"]}");
  expect_ok("transaction_post", R"({"tx_template_code": "TEXTS", "params": {"t": "counted"}})");
  for (const char *sql :
       {"UPDATE cala_accounts SET description = CAST(x'4100ff42' AS TEXT), name = CAST(x'c328' AS TEXT)",
        "UPDATE cala_journals SET name = CAST(x'4100ff42' AS TEXT)",
        "UPDATE cala_tx_templates SET description = CAST(x'eda080' AS TEXT)",
        "UPDATE cala_tx_templates SET metadata = CAST(x'7b2261223a22ff00227d' AS TEXT),"
        " params = replace(params, '\"t\"', CAST(x'2274ff22' AS TEXT)) WHERE code = 'BYTES'",
        "UPDATE cala_tx_templates SET entries = replace(entries, '''USD''', CAST(x'27ff5c7530303030' AS TEXT) || ''''),"
        " transaction_exprs = replace(transaction_exprs, 'date()', CAST(x'ff80' AS TEXT)) WHERE code = 'BYTES'",
        "UPDATE cala_transactions SET description = CAST(x'4100ff42' AS TEXT)",
        "UPDATE cala_entries SET entry_type = CAST(x'4100ff42' AS TEXT)",
        // And what is no JSON where it should be.
        "UPDATE cala_accounts SET metadata = CAST(x'4100ff42' AS TEXT)", "UPDATE cala_transactions SET metadata = '{'",
        "UPDATE cala_entries SET metadata = '[1, '", "UPDATE cala_velocity_attachments SET params = 'x'",
        "UPDATE cala_velocity_balances SET window = '\"'",
        "UPDATE cala_outbox_events SET payload = '{\"account'"
        " WHERE type = 'account_created'"}) {
    EXPECT_EQ(run_sql(*store_, sql), "") << sql;
  }
  EXPECT_EQ(items_of("account_set_list", 1).size(), 1U);
  EXPECT_EQ(items_of("velocity_attachment_list", 1).size(), 1U);
  for (const auto &[operation, request] :
       {std::pair{"velocity_headroom", R"({"account_id": ")" + std::string(kAlice) + "\"}"},
        {"event_list", R"({"entries": true})"},
        {"account_set_find", R"({"id": ")" + set + "\"}"}}) {
    const std::string answer = expect_ok(operation, request);
    EXPECT_TRUE(JsonDocument::parse(answer).has_value()) << answer;
  }
  EXPECT_EQ(listed("account_list", "", 1).size(), 2U);
  EXPECT_EQ(listed("journal_list", "", 1).size(), 1U);
  EXPECT_EQ(listed("tx_template_list", "", 1).size(), 2U);
  EXPECT_EQ(listed("transaction_list", "", 1).size(), 2U);
  EXPECT_EQ(listed("entry_list", R"("account_id": ")" + std::string(kAlice) + '"', 1).size(), 2U);
  const std::string alice = expect_ok("account_find", R"({"code": "ALICE"})");
  EXPECT_NE(alice.find("A\uFFFD\uFFFD"
                       "B"),
            std::string::npos)
      << alice;
  // A template that can be read no more says so when it is posted with, and the others go on.
  const std::string broken = expect_ok("tx_template_find", R"({"code": "BYTES"})");
  EXPECT_NE(broken.find("\uFFFD"), std::string::npos) << broken;
  const Answer refused = ledger_->run("transaction_post", R"({"tx_template_code": "BYTES", "params": {"b": ""}})");
  EXPECT_EQ(refused.code, "store.corrupt") << refused.text();
  expect_ok("transaction_post", R"({"tx_template_code": "TEXTS", "params": {"t": "better"}})");
  EXPECT_EQ(listed("transaction_list", "", 1).size(), 3U);
}

}  // namespace
}  // namespace cala::tests
