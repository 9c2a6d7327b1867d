// The operations on account sets and on who is in them.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/json_repair.h"
#include "core/account_set/membership.h"
#include "engine/ensure.h"
#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::JsonView;
using base::Outcome;
using base::Result;
using core::AccountSet;
using core::Membership;
using store::StatementId;

constexpr const char *kNotKnown =
    "cannot be of an eventually consistent account set: a posting does not know its balance";

const char *limited(const AccountSet &set) { return set.floors.min.empty() ? "max_available" : "min_available"; }

bool follows_with_floors(const AccountSet &set) {
  return set.balance_rollup != core::BalanceRollup::kSynchronous && !set.floors.empty();
}

Outcome refuse_floors_of_a_follower(const AccountSet &set) {
  if (!follows_with_floors(set)) return {};
  const std::string pointer = std::string("/") + limited(set);
  base::Error error = base::make_error(base::Status::kInvalid, "request.malformed", pointer + " " + kNotKnown);
  base::JsonWriter details;
  error.details = details.begin_object().key("pointer").string(pointer).end_object().take();
  return error;
}

constexpr const char *kKeys[] = {"id", "external_id"};
constexpr Noun<AccountSet> kAccountSets = {"account_set",
                                           StatementId::kAccountSetFind,
                                           StatementId::kAccountSetList,
                                           StatementId::kAccountWrite,
                                           store::account_set_of,
                                           kKeys,
                                           nullptr,
                                           refuse_floors_of_a_follower};

// Those that a member is in.
constexpr Noun<AccountSet> kParents = {"account_set",
                                       StatementId::kAccountSetFind,
                                       StatementId::kAccountSetParents,
                                       StatementId::kAccountWrite,
                                       store::account_set_of,
                                       kKeys};

AccountSet read_account_set(RequestReader &reader) {
  AccountSet set = read_new<AccountSet>(reader);
  if (follows_with_floors(set)) reader.fail("request.malformed", limited(set), kNotKnown);
  return set;
}

Lookup lookup_by(const char *column, std::string key) { return {column, {std::move(key)}}; }

// An id is taken by accounts and sets alike, and a set's code is its id.
constexpr const char *kTakenBy[] = {"id", "code"};

Flow create_set(Context context, AccountSet set) {
  set.created_at = set.modified_at = context.ledger->now();
  for (const char *column : kTakenBy) {
    const Lookup lookup = lookup_by(column, set.id.text());
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup));
    Result<Rows<core::Account>> rows = rows_of(std::move(answer), store::account_of);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(kAccountSets.name, "id", set.id.text(), -1);
  }
  if (set.external_id) {
    const Lookup lookup = lookup_by("external_id", *set.external_id);
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup));
    Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(kAccountSets.name, "external_id", *set.external_id, -1);
  }
  const Lookup journal = lookup_ids({set.journal_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kJournalFind, journal));
  Result<Rows<core::Journal>> journals = rows_of(std::move(answer), store::journal_of);
  if (!journals) co_return std::move(journals.error());
  if (journals->items.empty()) co_return not_found("journal", journal);
  EntityWrite<AccountSet> write(kAccountSets.write, kAccountSets.name, set.created_at);
  write.insert(set);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_one(std::move(set));
}

// What create_set looks at, but for the keys by which the set would have been found.
std::vector<EnsureNeed> needs_of(const AccountSet &set) {
  std::vector<EnsureNeed> needs;
  for (const char *column : kTakenBy) {
    const std::string id = set.id.text();
    needs.push_back(
        {find_call(StatementId::kAccountFind, lookup_by(column, id)), [id](Result<store::Answer> answer) -> Outcome {
           const Result<Rows<core::Account>> rows = rows_of(std::move(answer), store::account_of);
           if (!rows) return base::Error(rows.error());
           const bool of_an_account = std::any_of(rows->items.begin(), rows->items.end(),
                                                  [](const core::Account &row) { return !row.is_set; });
           if (of_an_account) return already_exists(kAccountSets.name, "id", id, -1);
           return {};  // a set's: another has made it this moment, which the write will tell
         }});
  }
  const Lookup journal = lookup_ids({set.journal_id});
  needs.push_back({find_call(StatementId::kJournalFind, journal), [journal](Result<store::Answer> answer) -> Outcome {
                     const Result<Rows<core::Journal>> journals = rows_of(std::move(answer), store::journal_of);
                     if (!journals) return base::Error(journals.error());
                     if (journals->items.empty()) return not_found("journal", journal);
                     return {};
                   }});
  return needs;
}

// Who is in a set.
struct Member {
  base::Uuid id;
  bool is_set = false;
  base::Timestamp created_at;
};

Result<Member> member_of(JsonView row) {
  const std::optional<base::Uuid> id = base::Uuid::parse(row.get("member_id").string());
  const std::optional<std::int64_t> created_at = row.get("created_at").integer();
  if (!id || !created_at || !row.get("is_set").present()) {
    return base::make_error(base::Status::kInternal, "store.corrupt", "the store gave a member without an id");
  }
  return Member{*id, row.get("is_set").boolean(), base::Timestamp::from_micros(*created_at)};
}

void render(base::JsonWriter &out, const Member &member) {
  out.begin_object().key(member.is_set ? "member_account_set_id" : "account_id").string(member.id.text());
  out.key("created_at").string(member.created_at.micros_text()).end_object();
}

Flow list_members(Context, Page page, std::string document, const char *noun) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kAccountSetMembers, document));
  Result<Rows<Member>> rows = rows_of(std::move(answer), member_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page, noun](base::JsonWriter &out) { render_page(out, rows, page, noun); });
}

Membership read_membership(RequestReader &reader) {
  Membership membership;
  membership.account_set_id = reader.uuid("account_set_id");
  const auto account_id = reader.optional_uuid("account_id");
  const auto set_id = reader.optional_uuid("member_account_set_id");
  if (account_id.has_value() == set_id.has_value()) {
    reader.fail(account_id ? "request.malformed" : "request.missing_key", "account_id",
                "or member_account_set_id must be given, and only one of them");
  }
  membership.member_is_set = set_id.has_value();
  membership.member_id = set_id ? *set_id : account_id.value_or(base::Uuid{});
  return membership;
}

std::vector<Membership> read_members(RequestReader &reader) {
  std::vector<Membership> members;
  for (const JsonView member : reader.array("members", kMaxBatch)) {
    RequestReader one(member, "/members/" + std::to_string(members.size()));
    members.push_back(read_membership(one));
    reader.adopt(one.finish());
  }
  return members;
}

void write_memberships(base::JsonWriter &out, const char *key, const std::vector<Membership> &memberships) {
  out.key(key).begin_array();
  for (const Membership &one : memberships) {
    out.begin_array().string(one.account_set_id.text()).string(one.member_id.text());
    out.boolean(one.member_is_set).end_array();
  }
  out.end_array();
}

store::Call read_memberships(const std::vector<Membership> &memberships, bool host) {
  base::JsonWriter out;
  out.begin_object();
  write_memberships(out, "members", memberships);
  out.key("host").boolean(host).end_object();
  return read_call(StatementId::kMembershipRead, out.take());
}

struct ReadMemberships {
  core::MembershipState state;
  std::string guard;
};

// Ids of a row of the read; false where the store gave something else.
bool read_ids(JsonView row, std::initializer_list<base::Uuid *> ids) {
  JsonView at = row.first();
  for (base::Uuid *id : ids) {
    const std::optional<base::Uuid> parsed =
        at.present() && at.is_string() ? base::Uuid::parse(at.string()) : std::nullopt;
    if (!parsed) return false;
    *id = *parsed;
    at = at.next();
  }
  return true;
}

JsonView item(JsonView array, std::size_t index) {
  JsonView at = array.first();
  for (std::size_t i = 0; i < index && at.present(); ++i) at = at.next();
  return at;
}

bool is_true(JsonView value) { return value.present() && value.is_bool() && value.boolean(); }

Result<ReadMemberships> memberships_of(Result<store::Answer> answer) {
  if (!answer) return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  const JsonView root = json->root();
  ReadMemberships out;
  bool sound = root.is_object();
  if (root.get("guard").present() && root.get("guard").is_string()) out.guard = root.get("guard").string();
  for (const JsonView row : root.get("holders")) {
    core::MembershipState::Holder holder;
    sound = sound && read_ids(row, {&holder.id});
    holder.is_set = is_true(item(row, 1));
    const JsonView journal = item(row, 2);
    if (journal.present() && journal.is_string())
      holder.journal_id = base::Uuid::parse(journal.string()).value_or(base::Uuid{});
    out.state.holders.push_back(holder);
  }
  for (const JsonView row : root.get("history")) {
    core::MembershipState::History history;
    sound = sound && read_ids(row, {&history.member_id, &history.journal_id});
    out.state.history.push_back(history);
  }
  for (const JsonView row : root.get("memberships")) {
    Membership one;
    sound = sound && read_ids(row, {&one.account_set_id, &one.member_id});
    one.member_is_set = is_true(item(row, 2));
    out.state.memberships.push_back(one);
  }
  if (sound) return out;
  return base::make_error(base::Status::kInternal, "store.corrupt", "the store gave memberships that are none");
}

struct MembershipChange {
  std::vector<Membership> add;
  std::vector<Membership> remove;
};

store::Call write_change(const MembershipChange &change, base::Timestamp now, const std::string &guard) {
  base::JsonWriter out;
  out.begin_object();
  write_memberships(out, "add", change.add);
  write_memberships(out, "remove", change.remove);
  out.key("events").begin_array();
  const auto add_event = [&out](const char *type, const Membership &one) {
    out.begin_object().key("type").string(type).key("subject_id").string(one.account_set_id.text());
    out.key("payload").string(membership_payload(one)).end_object();
  };
  for (const Membership &one : change.remove) add_event("account_set_member_removed", one);
  for (const Membership &one : change.add) add_event("account_set_member_created", one);
  out.end_array().key("now").integer(now.micros());
  if (!guard.empty()) out.key("guard").string(guard);
  out.end_object();
  return write_call(StatementId::kMembershipWrite, out.take());
}

Render render_count(const char *key, std::size_t count) {
  return [key, count](base::JsonWriter &out) {
    out.begin_object().key(key).integer(static_cast<std::int64_t>(count)).end_object();
  };
}

Flow change_members(Context context, MembershipChange change) {
  const bool adds = change.remove.empty();
  if (adds && change.add.empty()) co_return render_count("added", 0);
  Result<store::Answer> answer = co_await ask(read_memberships(adds ? change.add : change.remove, context.host));
  Result<ReadMemberships> read = memberships_of(std::move(answer));
  if (!read) co_return std::move(read.error());
  Outcome allowed =
      adds ? core::check_additions(read->state, change.add) : core::check_removal(read->state, change.remove.front());
  if (!allowed) co_return std::move(allowed.error());
  Result<store::Answer> written = co_await ask(write_change(change, context.ledger->now(), read->guard));
  if (!written) co_return std::move(written.error());
  co_return render_count(adds ? "added" : "removed", adds ? change.add.size() : change.remove.size());
}

// What is there already stays, whatever history it has by now; only what is missing is checked and added.
Flow ensure_members(Context context, std::vector<Membership> wanted) {
  MembershipChange change;
  std::size_t found = 0;
  if (!wanted.empty()) {
    Result<store::Answer> answer = co_await ask(read_memberships(wanted, context.host));
    Result<ReadMemberships> read = memberships_of(std::move(answer));
    if (!read) co_return std::move(read.error());
    change.add = core::missing_memberships(read->state, wanted);
    found = wanted.size() - change.add.size();
    if (!change.add.empty()) {
      Outcome allowed = core::check_additions(read->state, change.add);
      if (!allowed) co_return std::move(allowed.error());
      Result<store::Answer> written = co_await ask(write_change(change, context.ledger->now(), read->guard));
      if (!written) co_return std::move(written.error());
    }
  }
  co_return Render([created = change.add.size(), found](base::JsonWriter &out) {
    out.begin_object().key("created").integer(static_cast<std::int64_t>(created));
    out.key("found").integer(static_cast<std::int64_t>(found)).end_object();
  });
}

Result<OperationPtr> make_member_change(std::string_view name, MembershipChange change) {
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite},
      [change = std::move(change)](Context context) { return change_members(context, change); });
}

}  // namespace

Result<OperationPtr> account_set_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  AccountSet set = read_account_set(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (set.id.is_nil()) set.id = base::new_uuid();
  return std::make_unique<Operation>("account_set_create", Operation::Traits{.access = store::Access::kWrite},
                                     [set = std::move(set)](Context context) { return create_set(context, set); });
}

Result<OperationPtr> account_set_ensure(Ledger &, const RequestPtr &request) {
  Result<Ensure<AccountSet>> what = read_ensured(kAccountSets, request, read_account_set);
  if (!what) return std::move(what.error());
  what->needs = needs_of(what->entity);
  return make_ensure("account_set_ensure", what.take());
}

Result<OperationPtr> account_set_find(Ledger &, const RequestPtr &request) {
  return make_find("account_set_find", kAccountSets, request, {"id", "external_id"});
}

Result<OperationPtr> account_set_find_many(Ledger &, const RequestPtr &request) {
  return make_find_many("account_set_find_many", kAccountSets, request, "account_sets");
}

Result<OperationPtr> account_set_list(Ledger &, const RequestPtr &request) {
  return make_list("account_set_list", kAccountSets, request, [](RequestReader &reader, base::JsonWriter &document) {
    if (const auto id = reader.optional_uuid("journal_id")) document.key("journal_id").string(id->text());
  });
}

Result<OperationPtr> account_set_update(Ledger &, const RequestPtr &request) {
  return make_update("account_set_update", kAccountSets, request);
}

Result<OperationPtr> account_set_add_members(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  MembershipChange change;
  change.add = read_members(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_member_change("account_set_add_members", std::move(change));
}

Result<OperationPtr> account_set_ensure_members(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<Membership> wanted = read_members(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "account_set_ensure_members", Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
      [wanted = std::move(wanted)](Context context) { return ensure_members(context, wanted); });
}

Result<OperationPtr> account_set_remove_member(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  MembershipChange change;
  change.remove = {read_membership(reader)};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_member_change("account_set_remove_member", std::move(change));
}

Result<OperationPtr> account_set_list_members(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const base::Uuid set_id = reader.uuid("account_set_id");
  const auto parse_order = [](std::string_view word) -> std::optional<bool> {
    if (core::is_word(word, "external_id")) return true;
    return core::is_word(word, "created_at") ? std::optional<bool>(false) : std::nullopt;
  };
  const bool by_external_id = reader.word("by", false, parse_order, "created_at, external_id");
  const char *noun = by_external_id ? "account_set_member_by_external_id" : "account_set_member";
  const Page page = read_page(reader, noun);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.key("account_set_id").string(set_id.text()).key("by_external_id").boolean(by_external_id).end_object();
  return std::make_unique<Operation>(
      "account_set_list_members", Operation::Traits{},
      [page, text = document.take(), noun](Context context) { return list_members(context, page, text, noun); });
}

Result<OperationPtr> account_set_list_parents(Ledger &, const RequestPtr &request) {
  return make_list("account_set_list_parents", kParents, request,
                   [](RequestReader &reader, base::JsonWriter &document) {
                     const auto account_id = reader.optional_uuid("account_id");
                     const auto set_id = reader.optional_uuid("account_set_id");
                     if (account_id.has_value() == set_id.has_value()) {
                       return reader.fail(account_id ? "request.malformed" : "request.missing_key", "account_id",
                                          "or account_set_id must be given, and only one of them");
                     }
                     document.key("member_id").string((account_id ? *account_id : *set_id).text());
                   });
}

}  // namespace cala::engine
