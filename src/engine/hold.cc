// Holds: amounts set aside, captured and released. Each is a posting on the path of all (engine/post),
// and reads beside it.
#include <memory>
#include <utility>

#include "engine/answers.h"
#include "engine/makers.h"
#include "engine/post.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

constexpr Operation::Traits kWrites{.access = store::Access::kWrite, .repeatable = true};
constexpr std::int64_t kMostExpired = 1000;
constexpr std::int64_t kManyExpired = 100;  // each holds its accounts' balances until all are done

// Whether it may be one of a group, whose members do not see each other's captures and releases.
enum class Grouped : bool { kNo, kYes };

OperationPtr make_posting(std::string_view name, core::AskedPosting posting, const RequestPtr &request,
                          Grouped grouped = Grouped::kNo) {
  const auto unit = std::make_shared<const PostingUnit>(
      PostingUnit{.postings = {std::move(posting)}, .single = true, .request = request});
  return std::make_unique<Operation>(
      name, kWrites, [unit](Context context) { return post(context, unit); },
      grouped == Grouped::kYes ? unit : nullptr);
}

// {hold_id, id?, effective?}
core::AskedPosting read_step(RequestReader &reader, core::AskedHoldStep::Kind kind) {
  core::AskedPosting posting;
  core::AskedHoldStep &step = posting.step.emplace();
  step.kind = kind;
  step.hold_id = reader.uuid("hold_id");
  const std::optional<base::Uuid> id = reader.optional_uuid("id");
  posting.id_given = id.has_value();
  posting.id = id ? *id : base::new_uuid();
  step.effective = reader.optional_date("effective");
  return posting;
}

void read_amount(RequestReader &reader, core::AskedHoldStep &step) {
  step.final = reader.boolean("final", true);
  if (!reader.has("amount")) return;
  const std::string text = reader.text("amount");
  const std::optional<core::Decimal> amount = core::Decimal::parse(text);
  if (!amount && core::Decimal::is_decimal_text(text)) {
    reader.fail("amount.range", "amount", "needs more than 38 digits");
  } else if (!amount || amount->is_zero() || amount->is_negative()) {
    reader.fail("request.malformed", "amount", "must be a decimal above zero");
  } else {
    step.amount = *amount;
  }
}

Flow find(Context context, Lookup lookup) {
  const std::string document = R"({"keys":[")" + lookup.keys.front() + R"("],"lock":false})";
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kHoldFind, document));
  Result<Rows<core::Hold>> rows = rows_of(std::move(answer), store::hold_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found("hold", lookup);
  core::Hold &hold = rows->items.front();
  hold.status = hold.status_at(context.ledger->now());
  co_return Render([hold](base::JsonWriter &out) { render(out, hold); });
}

// filters: the members of the document but for the instant at which it is read, and its end.
Flow list(Context context, Page page, std::string filters) {
  const base::Timestamp now = context.ledger->now();
  const std::string document = filters + R"(,"now":)" + std::to_string(now.micros()) + "}";
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kHoldList, document));
  Result<Rows<core::Hold>> rows = rows_of(std::move(answer), store::hold_of);
  if (!rows) co_return std::move(rows.error());
  for (core::Hold &hold : rows->items) hold.status = hold.status_at(now);
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, "hold"); });
}

}  // namespace

Result<OperationPtr> hold_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  core::AskedPosting posting = read_posting(reader);
  posting.hold.emplace().expires_at = reader.optional_instant("expires_at");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_posting("hold_create", std::move(posting), request, Grouped::kYes);
}

Result<OperationPtr> hold_capture(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  core::AskedPosting posting = read_step(reader, core::AskedHoldStep::kCapture);
  read_amount(reader, *posting.step);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_posting("hold_capture", std::move(posting), request);
}

Result<OperationPtr> hold_release(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  core::AskedPosting posting = read_step(reader, core::AskedHoldStep::kRelease);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_posting("hold_release", std::move(posting), request);
}

Result<OperationPtr> hold_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Lookup lookup = read_lookup(reader, {"id"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("hold_find", Operation::Traits{},
                                     [lookup](Context context) { return find(context, lookup); });
}

Result<OperationPtr> hold_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "hold");
  base::JsonWriter document = begin_list(page);
  if (const auto id = reader.optional_uuid("account_id")) document.key("account_id").string(id->text());
  if (reader.has("status")) {
    const auto status =
        reader.word("status", core::HoldStatus::kOpen, core::parse_hold_status, "open, captured, released, expired");
    document.key("status").string(core::text_of(status));
  }
  if (const auto before = reader.optional_instant("expires_before")) {
    document.key("expires_before").integer(before->micros());
  }
  document.end_object();
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  std::string filters = document.take();
  filters.pop_back();
  return std::make_unique<Operation>(
      "hold_list", Operation::Traits{},
      [page, filters = std::move(filters)](Context context) { return list(context, page, filters); });
}

Result<OperationPtr> hold_expire(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::int64_t limit = reader.integer("limit", kManyExpired, 1, kMostExpired);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  // Not repeatable: run again it would not know which were released before.
  return std::make_unique<Operation>("hold_expire", Operation::Traits{.access = store::Access::kWrite},
                                     [limit](Context context) { return expire_holds(context, limit); });
}

}  // namespace cala::engine
