// Requests made from the contract (cala_api): of each operation each key is left out, null, misspelt and of every wrong
// type. And every operation, every key of an answer and every code that an operation names is seen by some test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "contract.h"
#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

using Document = std::unique_ptr<cJSON, decltype(&cJSON_Delete)>;

constexpr const char *kNobody = "a0000000-0000-0000-0000-00000000000f";

bool is(const cJSON *type, std::string_view kind) { return json_text(type, "kind") == kind; }

const cJSON *type_of(const cJSON *field) { return json_member(field, "type"); }

// A value of the type, valid by itself. Of a union of objects it takes the alternative of that number, counted round.
Document sample_of(const cJSON *type, std::size_t alternative);

const Contract::Fields &picked(const std::vector<Contract::Fields> &objects, std::size_t alternative) {
  return objects[alternative % objects.size()];
}

Document sample_of_fields(const Contract::Fields &fields, std::size_t alternative) {
  Document object(cJSON_CreateObject(), cJSON_Delete);
  for (const auto &[key, field] : fields) {
    if (json_text(type_of(field), "name") == "cursor") continue;  // only an answer has one
    cJSON_AddItemToObject(object.get(), key.c_str(), sample_of(type_of(field), alternative).release());
  }
  return object;
}

cJSON *sample_of_word(std::string_view word) {
  if (word == "uuid") return cJSON_CreateString(kNobody);
  if (word == "decimal") return cJSON_CreateString("1.00");
  if (word == "date") return cJSON_CreateString("2026-01-01");
  if (word == "instant") return cJSON_CreateString("2026-01-01T00:00:00Z");
  if (word == "currency") return cJSON_CreateString("USD");
  if (word == "cel") return cJSON_CreateString("'x'");
  if (word == "boolean") return cJSON_CreateFalse();
  if (word == "json") return cJSON_CreateObject();
  return cJSON_CreateString("x");
}

Document sample_of(const cJSON *type, std::size_t alternative) {
  const Contract &contract = Contract::of_library();
  type = contract.resolved(type);
  const cJSON *of = json_member(type, "of");
  cJSON *out = nullptr;
  if (const std::vector<Contract::Fields> objects = contract.objects_of(type); !objects.empty()) {
    return sample_of_fields(picked(objects, alternative), alternative);
  }
  if (is(type, "list")) {
    out = cJSON_CreateArray();
    if (json_text(of, "name") != "json") cJSON_AddItemToArray(out, sample_of(of, alternative).release());
  } else if (is(type, "map")) {
    out = cJSON_CreateObject();
  } else if (is(type, "union")) {
    return sample_of(cJSON_GetArrayItem(of, 0), alternative);
  } else if (is(type, "literal")) {
    out = cJSON_Duplicate(json_member(type, "value"), 1);
  } else if (is(type, "integer")) {
    out = cJSON_CreateNumber(1);
  } else {
    out = sample_of_word(json_text(type, "name"));
  }
  return {out, cJSON_Delete};
}

// Whether a JSON value of that kind may stand where the type is wanted:
// "number", "string", "bool", "array", "object", "null".
bool takes(const cJSON *type, std::string_view json) {
  const Contract &contract = Contract::of_library();
  type = contract.resolved(type);
  if (is(type, "object") || is(type, "all") || is(type, "map")) return json == "object";
  if (is(type, "union")) {
    const cJSON *item = nullptr;
    cJSON_ArrayForEach(item, json_member(type, "of")) {
      if (takes(item, json)) return true;
    }
    return false;
  }
  if (is(type, "list")) return json == "array";
  if (is(type, "integer")) return json == "number";
  if (is(type, "literal")) return json == (cJSON_IsNull(json_member(type, "value")) ? "null" : "string");
  const std::string word = json_text(type, "name");
  return word == "json" || json == (word == "boolean" ? "bool" : "string");
}

// The words that are all that a type takes, or each of a list; null is none of them.
std::vector<std::string> words_of(const cJSON *type) {
  type = Contract::of_library().resolved(type);
  if (is(type, "list")) return words_of(json_member(type, "of"));
  std::vector<std::string> out;
  if (!is(type, "union")) return out;
  const cJSON *item = nullptr;
  cJSON_ArrayForEach(item, json_member(type, "of")) {
    if (!is(item, "literal")) return {};
    if (!cJSON_IsNull(json_member(item, "value"))) out.push_back(json_text(item, "value"));
  }
  return out;
}

struct WrongValue {
  const char *json;
  const char *text;
};
constexpr WrongValue kValues[] = {
    {"number", "7.5"}, {"string", "\"no such word\""}, {"bool", "true"}, {"array", "[[]]"}, {"object", "{\"a\": 1}"}};

// One place of a request: the object that has the key (by pointer), and the field.
struct Place {
  std::string object;
  std::string key;
  const cJSON *field;
  bool null_clears;              // one of the object's keys may be null, which clears it
  std::set<std::string> missed;  // when it is needed and not there: these pointers may be named

  std::string pointer() const { return object + "/" + key; }
};

void add_places(const cJSON *type, const std::string &pointer, std::size_t alternative, std::vector<Place> &out) {
  const Contract &contract = Contract::of_library();
  type = contract.resolved(type);
  if (is(type, "list")) {
    add_places(json_member(type, "of"), pointer + "/0", alternative, out);
    return;
  }
  const std::vector<Contract::Fields> objects = contract.objects_of(type);
  if (objects.empty()) return;
  const Contract::Fields &fields = picked(objects, alternative);
  const bool null_clears = std::any_of(fields.begin(), fields.end(), [](const auto &field) {
    return is(type_of(field.second), "union") && takes(type_of(field.second), "null");
  });
  std::set<std::string> others;  // that would do in the place of one of these
  for (const Contract::Fields &object : objects) {
    for (const auto &[key, field] : object) {
      if (!fields.contains(key) && cJSON_IsFalse(json_member(field, "optional"))) others.insert(pointer + "/" + key);
    }
  }
  for (const auto &[key, field] : fields) {
    const bool needed_by_all = std::all_of(
        objects.begin(), objects.end(), [&key = key](const Contract::Fields &object) { return object.contains(key); });
    out.push_back({pointer, key, field, null_clears, needed_by_all ? std::set<std::string>() : others});
    out.back().missed.insert(out.back().pointer());
    add_places(type_of(field), pointer + "/" + key, alternative, out);
  }
}

// The whole requests of an operation: with the first alternative of each union of objects, with the second, and so on.
std::map<std::string, std::size_t> samples_of_request(const std::string &operation) {
  std::map<std::string, std::size_t> samples;  // and the number of the alternative
  for (std::size_t alternative = 0;; ++alternative) {
    const Document whole = sample_of(Contract::of_library().request_of(operation), alternative);
    const bool is_new = samples.emplace(json_print(whole.get()), alternative).second;
    if (!is_new && alternative >= 8) return samples;  // no union of the contract has more
  }
}

// null: the key is left out.
void set(cJSON *object, const std::string &key, cJSON *value) {
  cJSON_DeleteItemFromObjectCaseSensitive(object, key.c_str());
  if (value != nullptr) cJSON_AddItemToObject(object, key.c_str(), value);
}

cJSON *object_at(cJSON *root, const std::string &pointer) { return const_cast<cJSON *>(json_at(root, pointer)); }

class ContractRequests : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    Answer refusal;
    ledger_ = store_->open("", &refusal);
    ASSERT_NE(ledger_, nullptr) << refusal.text();
    counts_ = ledger_->counts();
  }

  void TearDown() override {
    if (ledger_) {
      EXPECT_EQ(ledger_->counts(), counts_);
    }
  }

  // The request changed in one place, in a transaction that is rolled back.
  Answer asked(const std::string &operation, const cJSON *request) {
    const bool alone = Contract::of_library().names(operation, "op.own_transaction");
    if (!alone) ledger_->begin();
    Answer answer = ledger_->run(operation, json_print(request));
    if (!alone) ledger_->rollback();
    return answer;
  }

  // The place that the answer's details name.
  static std::string pointer_of(const Answer &answer) {
    const std::optional<JsonDocument> details = JsonDocument::parse(answer.details);
    return details ? json_text(details->root(), "pointer") : answer.details;
  }

  void expect_code(const std::string &operation, const cJSON *request, const std::string &code,
                   const std::set<std::string> &pointers) {
    const Answer answer = asked(operation, request);
    const std::string what = operation + " " + json_print(request);
    EXPECT_EQ(answer.code, code) << what << "\n" << answer.text();
    const std::string pointer = pointer_of(answer);
    EXPECT_TRUE(pointers.contains(pointer)) << what << "\n" << pointer << " is not " << *pointers.begin();
  }

  template <typename Change>
  void for_each_place(Change change) {
    const Contract &contract = Contract::of_library();
    for (const std::string &operation : contract.operations()) {
      for (const auto &[whole, alternative] : samples_of_request(operation)) {
        std::vector<Place> places;
        add_places(contract.request_of(operation), "", alternative, places);
        for (const Place &place : places) {
          const Document request(cJSON_Parse(whole.c_str()), cJSON_Delete);
          change(operation, place, request.get(), object_at(request.get(), place.object));
        }
      }
    }
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  std::string counts_;
};

INSTANTIATE_TEST_SUITE_P(Stores, ContractRequests, testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const testing::TestParamInfo<StoreKind> &store) {
                           return std::string(name_of(store.param));
                         });

TEST(Contract, HasEveryOperationOfTheHeader) {
  std::vector<std::string> told = Contract::of_library().operations();
  std::vector<std::string> known = LedgerClient::operations();
  std::sort(told.begin(), told.end());
  std::sort(known.begin(), known.end());
  EXPECT_EQ(told, known);
  EXPECT_GE(told.size(), 34U);
}

TEST(Contract, IsTheDocumentThatIsInstalled) {
  std::ifstream in(CALA_SOURCE_DIR "/abi/api.json");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const char *document = cala_api();
  EXPECT_EQ(document, text);
  EXPECT_TRUE(document == cala_api());  // static
}

TEST_P(ContractRequests, AnUnknownKeyIsRefusedWhereverItStands) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    cJSON_AddItemToObject(object, "surprise", cJSON_CreateNumber(1));
    expect_code(operation, request, "request.unknown_key", {place.object + "/surprise"});
    ++tried;
  });
  EXPECT_GE(tried, 120);
}

// The unknown key is named, not the one that is missing for it.
TEST_P(ContractRequests, AMisspeltKeyIsNamed) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    set(object, place.key, nullptr);
    set(object, place.key + "x", sample_of(type_of(place.field), 0).release());
    expect_code(operation, request, "request.unknown_key", {place.pointer() + "x"});
    ++tried;
  });
  EXPECT_GE(tried, 120);
}

TEST_P(ContractRequests, AValueOfAWrongTypeIsRefused) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    for (const WrongValue &value : kValues) {
      if (takes(type_of(place.field), value.json)) continue;
      set(object, place.key, cJSON_Parse(value.text));
      expect_code(operation, request, "request.malformed", {place.pointer()});
      ++tried;
    }
  });
  EXPECT_GE(tried, 400);
}

TEST_P(ContractRequests, EveryWordIsTakenInEitherCaseAndNoOther) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    const bool listed = is(Contract::of_library().resolved(type_of(place.field)), "list");
    const auto give = [&](const std::string &word) {
      const char *const text = word.c_str();
      set(object, place.key, listed ? cJSON_CreateStringArray(&text, 1) : cJSON_CreateString(text));
    };
    const std::vector<std::string> words = words_of(type_of(place.field));
    for (std::string word : words) {
      for (const bool upper : {false, true}) {
        if (upper)
          std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
        give(word);
        const Answer answer = asked(operation, request);
        // What other keys must be may follow from the word.
        EXPECT_FALSE(answer.code.starts_with("request.") && pointer_of(answer).starts_with(place.pointer()))
            << operation << json_print(request) << answer.text();
      }
      ++tried;
    }
    if (words.empty()) return;
    give(words.front() + "x");
    expect_code(operation, request, "request.malformed", {place.pointer() + (listed ? "/0" : "")});
  });
  EXPECT_GE(tried, 40);
}

// A list of one item, made as long as that.
void lengthen(cJSON *list, int length) {
  const cJSON *item = cJSON_GetArrayItem(list, 0);
  for (int i = cJSON_GetArraySize(list); i < length; ++i) cJSON_AddItemToArray(list, cJSON_Duplicate(item, 1));
}

TEST_P(ContractRequests, AListIsAsLongAsItMayBeAndNoLonger) {
  std::set<std::string> tried;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    const cJSON *type = Contract::of_library().resolved(type_of(place.field));
    cJSON *list = cJSON_GetObjectItemCaseSensitive(object, place.key.c_str());
    if (!is(type, "list") || cJSON_GetArraySize(list) == 0 || !tried.insert(operation + place.pointer()).second) return;
    const cJSON *most = json_member(type, "max");
    if (most != nullptr) {
      lengthen(list, static_cast<int>(most->valuedouble) + 1);
      expect_code(operation, request, "request.malformed", {place.pointer()});
    }
    if (most != nullptr && most->valuedouble > 1000) return;  // as many are posted elsewhere
    const cJSON *item = cJSON_GetArrayItem(list, 0);
    cJSON *fitting = cJSON_AddArrayToObject(object, "fitting");
    cJSON_AddItemToArray(fitting, cJSON_Duplicate(item, 1));
    lengthen(fitting, most != nullptr ? static_cast<int>(most->valuedouble) : 1001);
    set(object, place.key, cJSON_DetachItemFromObjectCaseSensitive(object, "fitting"));
    const Answer answer = asked(operation, request);
    EXPECT_FALSE(answer.code == "request.malformed" && pointer_of(answer) == place.pointer())
        << operation << place.pointer() << answer.text();
  });
  EXPECT_GE(tried.size(), 25U);
}

TEST_P(ContractRequests, ANumberIsWithinItsBounds) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    const cJSON *type = Contract::of_library().resolved(type_of(place.field));
    const cJSON *least = json_member(type, "min"), *most = json_member(type, "max");
    if (!is(type, "integer") || least == nullptr || most == nullptr) return;
    const auto give = [&](double number, int more) {
      set(object, place.key, cJSON_CreateRaw(std::to_string(static_cast<long long>(number) + more).c_str()));
    };
    for (const bool upper : {false, true}) {
      const double bound = (upper ? most : least)->valuedouble;
      give(bound, upper ? 1 : -1);
      expect_code(operation, request, "request.malformed", {place.pointer()});
      if (upper && place.key == "timeout_ms") continue;  // it would be waited for
      give(bound, 0);
      const Answer answer = asked(operation, request);
      EXPECT_FALSE(answer.code.starts_with("request.") && pointer_of(answer) == place.pointer())
          << operation << json_print(request) << answer.text();
      ++tried;
    }
  });
  EXPECT_GE(tried, 40);
}

// An answer without what each call has of its own: ids that were made, instants, measurements.
std::string alike(const Answer &answer) {
  static const std::regex own("\"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]{17}\"|\"[0-9-]{10}T[0-9:.]{8,}Z\"");
  return std::regex_replace(answer.ok() ? answer.result : answer.text(), own, "own");
}

// What answers numbers of its own each time.
bool measures(const std::string &operation) { return operation == "ledger_health" || operation == "ledger_metrics"; }

TEST_P(ContractRequests, ADefaultIsWhatIsMeantWhereTheKeyIsLeftOut) {
  int answered = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    const cJSON *meant = json_member(place.field, "default");
    if (meant == nullptr || !place.object.empty() || measures(operation)) return;
    for (const Contract::Fields &fields :
         Contract::of_library().objects_of(Contract::of_library().request_of(operation))) {
      for (const auto &[key, field] : fields) {
        if (cJSON_IsTrue(json_member(field, "optional"))) set(object, key, nullptr);
      }
    }
    const Answer without = asked(operation, request);
    set(object, place.key, cJSON_Duplicate(meant, 1));
    const Answer with = asked(operation, request);
    EXPECT_EQ(alike(without), alike(with)) << operation << json_print(request);
    if (without.ok()) ++answered;
  });
  EXPECT_GE(answered, 20);
}

TEST_P(ContractRequests, AKeyThatIsNeededIsMissedAbsentAndNull) {
  int tried = 0;
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    if (cJSON_IsTrue(json_member(place.field, "optional")) || takes(type_of(place.field), "null")) return;
    set(object, place.key, cJSON_CreateNull());
    expect_code(operation, request, "request.missing_key", place.missed);
    set(object, place.key, nullptr);
    expect_code(operation, request, "request.missing_key", place.missed);
    ++tried;
  });
  EXPECT_GE(tried, 40);
}

TEST_P(ContractRequests, AKeyThatMayBeAbsentIsNotMissed) {
  for_each_place([&](const std::string &operation, const Place &place, cJSON *request, cJSON *object) {
    if (cJSON_IsFalse(json_member(place.field, "optional"))) return;
    for (const bool null : {true, false}) {
      set(object, place.key, null ? cJSON_CreateNull() : nullptr);
      const Answer answer = asked(operation, request);
      const bool clears = takes(type_of(place.field), "null") || json_text(type_of(place.field), "name") == "json";
      if (null && place.null_clears && !clears) {
        EXPECT_EQ(answer.code, "request.malformed") << operation << json_print(request);
      } else {
        EXPECT_FALSE(answer.code.starts_with("request.")) << operation << json_print(request) << answer.text();
      }
    }
  });
}

TEST_P(ContractRequests, WhatNeedsATransactionSaysSo) {
  int tried = 0;
  for (const std::string &operation : Contract::of_library().operations()) {
    if (!Contract::of_library().names(operation, "tx.required")) continue;
    for (const auto &[whole, alternative] : samples_of_request(operation)) {
      EXPECT_EQ(ledger_->run(operation, whole).code, "tx.required") << operation;
      ++tried;
    }
  }
  EXPECT_GE(tried, 2);
}

TEST_P(ContractRequests, AMigrationHasATransactionOfItsOwn) {
  int tried = 0;
  for (const std::string &operation : Contract::of_library().operations()) {
    if (!Contract::of_library().names(operation, "op.own_transaction")) continue;
    ledger_->begin();
    EXPECT_EQ(ledger_->run(operation, samples_of_request(operation).begin()->first).code, "op.own_transaction");
    ledger_->rollback();
    ++tried;
  }
  EXPECT_GE(tried, 1);
}

TEST_P(ContractRequests, ParamsOfAnExpressionAreChecked) {
  EXPECT_EQ(
      ledger_->run("cel_evaluate", R"({"expr": "1", "params": [{"name": "a", "type": "decimal", "value": "x"}]})").code,
      "cel.params");
}

// Operations that no test here brings to an answer, and where they are answered instead.
const std::map<std::string, std::string> kAnsweredElsewhere = {};

// Keys of answers, and of the details of codes, that no test here sees, and why.
const std::map<std::string, std::string> kUnseenKeys = {};

// Codes that these tests do not bring about, and where they are seen instead.
const std::map<std::string, std::string> kSeenElsewhere = {
    {"account.changed", "engine/one_write_test.cc"},
    {"account_set.changed", "engine/one_write_test.cc"},
    {"journal.changed", "engine/one_write_test.cc"},
    {"balance.changed", "store/sqlite_posting_test.cc"},
    {"velocity_control.changed", "store_contract/velocity_test.cc"},
    {"event.changed", "store_contract/order_test.cc"},
    {"list.no_mark", "store_contract/order_test.cc"},  // a connection that may not write
    {"tx.too_many_rows", "abi/own_tx_statements_test.c"},
    {"tx.constraint", "abi/own_tx_statements_test.c"},
};

std::string text_of_test(const std::string &file) {
  std::ifstream in(std::string(CALA_SOURCE_DIR "/tests/") + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Contract, WhatIsSeenElsewhereIsSeenThere) {
  for (const auto &[code, file] : kSeenElsewhere) {
    if (file.empty()) continue;
    EXPECT_NE(text_of_test(file).find('"' + code + '"'), std::string::npos) << code << " is not in " << file;
  }
  for (const auto &[operation, file] : kAnsweredElsewhere) {
    EXPECT_NE(text_of_test(file).find("cala_" + operation), std::string::npos) << operation << " is not in " << file;
  }
}

// Each of what was not seen is in the list, and the list has no other.
void expect_listed(const std::set<std::string> &unseen, const std::map<std::string, std::string> &list,
                   const std::string &what) {
  for (const std::string &name : unseen) {
    EXPECT_TRUE(list.contains(name)) << name << " " << what << ": add a scenario";
  }
  for (const auto &[name, reason] : list) {
    EXPECT_TRUE(unseen.contains(name)) << name << " need not be listed: it is seen here, or is not in cala.h";
  }
}

class EverythingIsSeen : public testing::Environment {
 public:
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*" || !is_available(StoreKind::kPostgres)) return;
    const Contract &contract = Contract::of_library();
    expect_listed(contract.unseen_codes(), kSeenElsewhere, "is named by an operation in cala.h and seen by no test");
    expect_listed(contract.unanswered_operations(), kAnsweredElsewhere,
                  "is an operation that no test brings to an answer");
    expect_listed(contract.unseen_keys(), kUnseenKeys, "is a key in cala.h that no test sees in an answer");
  }
};

const testing::Environment *const kEverythingIsSeen = testing::AddGlobalTestEnvironment(new EverythingIsSeen);

}  // namespace
}  // namespace cala::tests
