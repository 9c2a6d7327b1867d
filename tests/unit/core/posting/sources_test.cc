#include "core/posting/sources.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cala::core {
namespace {

using base::Timestamp;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

const Timestamp kNow = Timestamp::from_micros(1'767'225'600'000'000);  // 2026-01-01

CompiledTxTemplatePtr template_of(int id, const char *code) {
  TxTemplate source;
  source.id = numbered(id);
  source.code = code;
  source.transaction.effective = "date()";
  source.transaction.journal_id = "uuid('00000000-0000-0000-0000-000000000001')";
  for (const char *direction : {"DEBIT", "CREDIT"}) {
    TxTemplateEntry &entry = source.entries.emplace_back();
    entry.entry_type = "'E'";
    entry.account_id = "uuid('00000000-0000-0000-0000-00000000000b')";
    entry.layer = "PENDING";
    entry.direction = direction;
    entry.units = "decimal('10')";
    entry.currency = "'USD'";
  }
  base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(std::move(source));
  EXPECT_TRUE(compiled.ok()) << compiled.error().message;
  return compiled ? compiled.take() : nullptr;
}

AskedPosting asked_of(int id) {
  AskedPosting asked;
  asked.id = numbered(id);
  asked.id_given = true;
  asked.tx_template_code = "T";
  return asked;
}

AskedPosting step_of(int id, int hold, AskedHoldStep::Kind kind) {
  AskedPosting asked = asked_of(id);
  asked.step.emplace().hold_id = numbered(hold);
  asked.step->kind = kind;
  return asked;
}

// A hold of 10 USD under this id, and its transaction, made the way holds are.
MadePosting held(int id) {
  Sources sources;
  sources.add_template(template_of(31, "T"));
  AskedPosting asked = asked_of(id);
  asked.hold.emplace();
  base::Result<MadePosting> made = sources.make(asked, asked.id, kNow);
  EXPECT_TRUE(made.ok()) << made.error().message;
  return made ? made.take() : MadePosting();
}

std::string code_of(const base::Result<MadePosting> &made) { return made ? "ok" : made.error().code; }

TEST(Sources, MakeAPostingOfItsTemplateOnceThatIsThere) {
  Sources sources;
  const AskedPosting asked = asked_of(51);
  EXPECT_TRUE(sources.lacks_template(asked));
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "tx_template.not_found");
  sources.add_template(template_of(31, "T"));
  EXPECT_FALSE(sources.lacks_template(asked));
  const base::Result<MadePosting> made = sources.make(asked, numbered(52), kNow);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->posting.transaction.id, numbered(52));
  EXPECT_EQ(made->posting.entries.size(), 2U);
  EXPECT_FALSE(made->hold);
}

TEST(Sources, ForgetTemplatesThatTheStoreNoLongerHas) {
  Sources sources;
  sources.add_template(template_of(31, "T"));
  sources.add_template(template_of(32, "U"));
  EXPECT_EQ(sources.tx_template_ids().size(), 2U);
  EXPECT_EQ(sources.drop_stale_templates({numbered(32)}), std::vector<std::string>{"T"});
  EXPECT_EQ(sources.tx_template_ids(), std::vector<Uuid>{numbered(32)});
  EXPECT_TRUE(sources.lacks_template(asked_of(51)));
}

TEST(Sources, AHoldIsItsPostingAndWhatIsLeftOfIt) {
  const MadePosting made = held(51);
  ASSERT_TRUE(made.hold);
  EXPECT_EQ(made.hold->id, numbered(51));
  EXPECT_EQ(made.posting.transaction.hold_id, numbered(51));
  EXPECT_EQ(made.hold->left().text(), "10");
}

TEST(Sources, AStepNeedsItsHoldAndThatsTransaction) {
  Sources sources;
  const AskedPosting asked = step_of(52, 51, AskedHoldStep::kCapture);
  EXPECT_FALSE(sources.lacks_template(asked));
  EXPECT_FALSE(sources.knows_hold(numbered(51)));
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "hold.not_found");
  const MadePosting made = held(51);
  sources.add_holds({numbered(51)}, {*made.hold});
  EXPECT_TRUE(sources.knows_hold(numbered(51)));
  std::vector<Uuid> missing;
  sources.name_missing_originals(asked, missing);
  EXPECT_EQ(missing, (std::vector<Uuid>{numbered(51), numbered(52)}));
  sources.add_originals(missing, {made.posting});
  missing.clear();
  sources.name_missing_originals(asked, missing);
  EXPECT_TRUE(missing.empty());
  const base::Result<MadePosting> step = sources.make(asked, asked.id, kNow);
  ASSERT_TRUE(step.ok()) << step.error().message;
  EXPECT_EQ(step->posting.entries.size(), 4U);
  EXPECT_EQ(step->hold->status, HoldStatus::kCaptured);
  EXPECT_EQ(sources.counted_as(asked)->transaction.id, numbered(51));
  EXPECT_EQ(sources.counted_as(asked_of(53)), nullptr);
}

TEST(Sources, AReleaseWithoutAnIdIsTheOneThatWasMade) {
  const MadePosting made = held(51);
  Sources sources;
  sources.add_holds({numbered(51)}, {*made.hold});
  sources.add_originals({numbered(51), numbered(52)}, {made.posting});
  AskedPosting asked = step_of(52, 51, AskedHoldStep::kRelease);
  base::Result<MadePosting> first = sources.make(asked, asked.id, kNow);
  ASSERT_TRUE(first.ok()) << first.error().message;
  first->posting.transaction.created_at = kNow;
  sources.add_holds({}, {*first->hold});
  sources.add_originals({numbered(53)}, {first->posting});
  asked = step_of(53, 51, AskedHoldStep::kRelease);
  asked.id_given = false;
  const base::Result<MadePosting> again = sources.make(asked, asked.id, kNow);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->posting.transaction.id, numbered(52));
  asked.id_given = true;
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "hold.not_open");
}

TEST(Sources, AVoidIsOfWhatIsThereOnceAndOfNoHold) {
  Sources sources;
  AskedPosting asked = asked_of(52);
  asked.voids.emplace().of = numbered(51);
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "transaction.not_found");
  PostedTransaction posted = held(51).posting;
  sources.add_originals({numbered(51)}, {posted});
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "hold.not_voidable");
  posted.transaction.hold_id.reset();
  posted.transaction.voided_by = numbered(53);
  sources.add_originals({numbered(51)}, {posted});
  EXPECT_EQ(code_of(sources.make(asked, asked.id, kNow)), "transaction.already_voided");
  const base::Result<MadePosting> again = sources.make(asked, numbered(53), kNow);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->posting.transaction.void_of, numbered(51));
}

}  // namespace
}  // namespace cala::core
