#include "store/postgres/posting_codec.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cala::store::postgres {
namespace {

constexpr std::string_view kState =
    R"({"guard":"77","balances":"12 3 00000000-0000-7000-8000-000000000001 USD )"
    R"(00000000-0000-7000-8000-000000000002 00000000-0000-7000-8000-000000000003 5 -6 )"
    R"(1.50 0 00000000-0000-7000-8000-000000000003 -6 0.00 0 - 5 0 0 - 5",)"
    R"("journals":[["00000000-0000-7000-8000-000000000002","locked",{"default":18,"USD":2},20453,1]],)"
    R"("accounts":"00000000-0000-7000-8000-000000000001 active 1",)"
    R"("velocity":[{"id":"00000000-0000-7000-8000-000000000001","name":"A","external_id":null,)"
    R"("normal_balance_type":"debit","metadata":"{}","controls":["{\"a\":1}"]}],)"
    R"("tx_template_ids":["00000000-0000-7000-8000-000000000009"],"existing":[]})";

TEST(PostingState, IsReadFromItsText) {
  const base::Result<PostingState> state = decode_posting_read(kState);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(state->guard, "77");
  ASSERT_EQ(state->balances.size(), 1U);
  const core::Balance &balance = state->balances[0];
  EXPECT_EQ(balance.version, 3);
  EXPECT_EQ(balance.key.currency.code(), "USD");
  EXPECT_EQ(balance.created_at.micros(), 5);
  EXPECT_EQ(balance.modified_at.micros(), -6);
  EXPECT_EQ(balance.layers[0].debit.text(), "1.50");
  EXPECT_EQ(balance.layers[1].debit.text(), "0.00");
  EXPECT_TRUE(balance.layers[1].entry_id.is_nil());
  ASSERT_EQ(state->journals.size(), 1U);
  EXPECT_EQ(state->journals[0].status, core::LockStatus::kLocked);
  EXPECT_EQ(state->journals[0].max_scale.for_currency(*core::Currency::parse("USD")), 2);
  EXPECT_EQ(state->journals[0].closed_until, base::Date{20453});
  ASSERT_EQ(state->accounts.size(), 1U);
  EXPECT_EQ(state->accounts[0].id.text(), "00000000-0000-7000-8000-000000000001");
  EXPECT_EQ(state->accounts[0].status, core::LockStatus::kActive);
  EXPECT_TRUE(state->accounts[0].is_set);
  ASSERT_NE(state->accounts[0].controls, nullptr);
  EXPECT_EQ(state->accounts[0].controls->frozen, std::vector<std::string>{R"({"a":1})"});
  EXPECT_EQ(state->tx_template_ids.size(), 1U);
}

TEST(PostingState, ThatIsNotOursIsCorrupt) {
  for (std::string text : {std::string("{"), std::string("[]"), std::string(kState).replace(40, 1, "x"),
                           std::string(R"({"guard":"","balances":"1 2 3"})"),
                           std::string(R"({"guard":"","balances":"","accounts":"x active 0"})"),
                           std::string(R"({"guard":"","balances":"","accounts":"","journals":[[]]})"),
                           std::string(R"({"guard":"","balances":"","accounts":"","journals":[["x"]]})")}) {
    const base::Result<PostingState> state = decode_posting_read(text);
    ASSERT_FALSE(state.ok()) << text;
    EXPECT_EQ(state.error().code, "store.corrupt");
  }
}

TEST(PostingWriteText, KnowsTheNumbersOfBalancesThatWereRead) {
  const base::Result<PostingState> state = decode_posting_read(kState);
  ASSERT_TRUE(state.ok());
  PostingWrite write;
  write.ticket = state->ticket;
  write.balances = {state->balances[0]};
  write.balance_versions = {3};
  const std::string known = encode_posting_write(write);
  EXPECT_NE(known.find(R"(\"(1,12,3,)"), std::string::npos) << known;
  EXPECT_NE(known.find(R"("born":0)"), std::string::npos) << known;
  write.balances[0].key.currency = core::Currency::parse("EUR").value();
  EXPECT_NE(encode_posting_write(write).find(R"(\"(1,-1,3,)"), std::string::npos) << "read, but never there";
  write.balance_versions = {0};
  EXPECT_NE(encode_posting_write(write).find(R"("born":1)"), std::string::npos);
  EXPECT_TRUE(base::Json::parse(known).ok());
}

TEST(PostingAnswer, OfADuplicateIsRetryableInAUsableTransaction) {
  EXPECT_TRUE(decode_posting_write("{}").ok());
  const base::Result<Written> duplicate = decode_posting_write(R"({"duplicate":true})");
  ASSERT_FALSE(duplicate.ok());
  EXPECT_TRUE(duplicate.error().retryable);
  EXPECT_EQ(duplicate.error().tx_state, base::TxState::kUsable);
  EXPECT_EQ(decode_posting_write("").error().code, "store.corrupt");
}

}  // namespace
}  // namespace cala::store::postgres
