// The operations on account sets and on who is in them.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/account_set/membership.h"
#include "engine/answers.h"
#include "engine/ensure.h"
#include "engine/entity_write.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::JsonView;
using base::Outcome;
using base::Result;
using core::AccountSet;
using core::Membership;
using store::StatementId;

constexpr const char *kNoun = "account_set";

Render render_set(AccountSet set) {
  return [set = std::move(set)](base::JsonWriter &out) { render(out, set); };
}

constexpr const char *kNotKnown =
    "cannot be of an eventually consistent account set: a posting does not know its balance";

AccountSet read_account_set(RequestReader &reader) {
  AccountSet set;
  set.id = reader.optional_uuid("id").value_or(base::Uuid{});
  set.journal_id = reader.uuid("journal_id");
  set.name = reader.name("name");
  set.external_id = reader.optional_text("external_id");
  set.normal_balance_type =
      reader.word("normal_balance_type", core::Direction::kCredit, core::parse_direction, "debit, credit");
  set.description = reader.optional_text("description");
  set.metadata = reader.optional_json("metadata");
  set.balance_rollup = reader.word("balance_rollup", core::BalanceRollup::kSynchronous, core::parse_balance_rollup,
                                   "synchronous, eventually_consistent");
  set.floors = read_floors(reader);
  if (set.balance_rollup != core::BalanceRollup::kSynchronous && !set.floors.empty()) {
    reader.fail("request.malformed", set.floors.min.empty() ? "max_available" : "min_available", kNotKnown);
  }
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
    if (!rows->items.empty()) co_return already_exists(kNoun, "id", set.id.text(), -1);
  }
  if (set.external_id) {
    const Lookup lookup = lookup_by("external_id", *set.external_id);
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup));
    Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(kNoun, "external_id", *set.external_id, -1);
  }
  const Lookup journal = lookup_ids({set.journal_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kJournalFind, journal));
  Result<Rows<core::Journal>> journals = rows_of(std::move(answer), store::journal_of);
  if (!journals) co_return std::move(journals.error());
  if (journals->items.empty()) co_return not_found("journal", journal);
  EntityWrite<AccountSet> write(StatementId::kAccountWrite, kNoun, set.created_at);
  write.insert(set);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_set(std::move(set));
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
           if (of_an_account) return already_exists(kNoun, "id", id, -1);
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

Flow find_set(Context, Lookup lookup) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup));
  Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  co_return render_set(std::move(rows->items.front()));
}

Flow find_sets(Context, std::vector<base::Uuid> ids) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup_ids(ids)));
  Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
  if (!rows) co_return std::move(rows.error());
  std::unordered_map<base::Uuid, const AccountSet *, base::UuidHash> by_id;
  for (const AccountSet &set : rows->items) by_id[set.id] = &set;
  std::vector<AccountSet> found;
  for (const base::Uuid &id : ids) {
    const auto at = by_id.find(id);
    if (at != by_id.end()) found.push_back(*at->second);
  }
  co_return Render([found = std::move(found)](base::JsonWriter &out) {
    out.begin_object().key("account_sets");
    render_array(out, found);
    out.end_object();
  });
}

// A page of sets, of all or of those that a member is in.
Flow list_sets(Context, StatementId id, Page page, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(id, document));
  Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

// What an update asks for: absent fields stay, null ones are cleared.
struct AccountSetChange {
  base::Uuid id;
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> external_id;
  std::optional<core::Direction> normal_balance_type;
  std::optional<std::optional<std::string>> description;
  std::optional<std::optional<std::string>> metadata;
  FloorsChange floors;
};

template <typename T, typename U>
void apply_field(T &field, const std::optional<U> &change, const char *name, std::vector<std::string> &fields) {
  if (!change || field == *change) return;
  field = *change;
  fields.emplace_back(name);
}

std::vector<std::string> apply(AccountSet &set, const AccountSetChange &change) {
  std::vector<std::string> fields;
  apply_field(set.name, change.name, "name", fields);
  apply_field(set.normal_balance_type, change.normal_balance_type, "normal_balance_type", fields);
  apply_field(set.external_id, change.external_id, "external_id", fields);
  apply_field(set.description, change.description, "description", fields);
  apply_field(set.metadata, change.metadata, "metadata", fields);
  apply(set.floors, change.floors, fields);
  return fields;
}

base::Error floors_of_a_follower(const AccountSet &set) {
  const std::string pointer = set.floors.min.empty() ? "/max_available" : "/min_available";
  base::Error error = base::make_error(base::Status::kInvalid, "request.malformed", pointer + " " + kNotKnown);
  base::JsonWriter details;
  error.details = details.begin_object().key("pointer").string(pointer).end_object().take();
  return error;
}

Flow change_set(Context context, AccountSetChange change) {
  const Lookup lookup = lookup_ids({change.id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountSetFind, lookup));
  Result<Rows<AccountSet>> rows = rows_of(std::move(answer), store::account_set_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  AccountSet set = rows->items.front();
  const std::vector<std::string> fields = apply(set, change);
  if (fields.empty()) co_return render_set(std::move(set));
  const bool follows = set.balance_rollup != core::BalanceRollup::kSynchronous;
  if (follows && !set.floors.empty()) co_return floors_of_a_follower(set);
  const bool renamed = std::find(fields.begin(), fields.end(), "external_id") != fields.end();
  if (renamed && set.external_id) {
    const Lookup other = lookup_by("external_id", *set.external_id);
    Result<store::Answer> others = co_await ask(find_call(StatementId::kAccountSetFind, other));
    Result<Rows<AccountSet>> taken = rows_of(std::move(others), store::account_set_of);
    if (!taken) co_return std::move(taken.error());
    if (!taken->items.empty()) co_return already_exists(kNoun, "external_id", *set.external_id, -1);
  }
  set.version += 1;
  set.modified_at = std::max(set.modified_at, context.ledger->now());
  EntityWrite<AccountSet> write(StatementId::kAccountWrite, kNoun, set.modified_at);
  write.update(set, fields);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_set(std::move(set));
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
  Result<base::Json> json = base::Json::parse(std::get<std::string>(*answer));
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
  RequestReader reader(request->root());
  Ensure<AccountSet> what{
      {kNoun, StatementId::kAccountSetFind, StatementId::kAccountWrite, store::account_set_of}, {}, {}, {}, {}, {}};
  what.keep = read_on_difference(reader);
  what.entity = read_account_set(reader);
  what.id_given = !what.entity.id.is_nil();
  if (!what.id_given && !what.entity.external_id) {
    reader.fail("request.missing_key", "id", "is required (one of: id, external_id), or it could not be found again");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (what.id_given) what.keys.push_back(lookup_ids({what.entity.id}));
  if (!what.id_given) what.entity.id = base::new_uuid();
  if (what.entity.external_id) what.keys.push_back(lookup_by("external_id", *what.entity.external_id));
  what.compared = fields_of(request->root());
  what.needs = needs_of(what.entity);
  return make_ensure("account_set_ensure", std::move(what));
}

Result<OperationPtr> account_set_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Lookup lookup = read_lookup(reader, {"id", "external_id"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("account_set_find", Operation::Traits{},
                                     [lookup](Context context) { return find_set(context, lookup); });
}

Result<OperationPtr> account_set_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<base::Uuid> ids = reader.uuids("ids", kMaxBatch);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("account_set_find_many", Operation::Traits{},
                                     [ids](Context context) { return find_sets(context, ids); });
}

Result<OperationPtr> account_set_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  const auto journal_id = reader.optional_uuid("journal_id");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  if (journal_id) document.key("journal_id").string(journal_id->text());
  document.end_object();
  return std::make_unique<Operation>("account_set_list", Operation::Traits{},
                                     [page, text = document.take()](Context context) {
                                       return list_sets(context, StatementId::kAccountSetList, page, text);
                                     });
}

Result<OperationPtr> account_set_update(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  AccountSetChange change;
  change.id = reader.uuid("id");
  change.name = reader.optional_name("name");
  if (reader.any("external_id").present()) change.external_id = reader.optional_text("external_id");
  if (reader.has("normal_balance_type")) {
    change.normal_balance_type =
        reader.word("normal_balance_type", core::Direction::kCredit, core::parse_direction, "debit, credit");
  }
  if (reader.any("description").present()) change.description = reader.optional_text("description");
  if (reader.any("metadata").present()) change.metadata = reader.optional_json("metadata");
  change.floors = read_floors_change(reader);
  for (const char *key : {"name", "normal_balance_type"}) {
    if (reader.is_null(key)) reader.fail("request.malformed", key, "cannot be cleared");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "account_set_update", Operation::Traits{.access = store::Access::kWrite},
      [change = std::move(change)](Context context) { return change_set(context, change); });
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
    if (word == "external_id") return true;
    return word == "created_at" ? std::optional<bool>(false) : std::nullopt;
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
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  const auto account_id = reader.optional_uuid("account_id");
  const auto set_id = reader.optional_uuid("account_set_id");
  if (account_id.has_value() == set_id.has_value()) {
    reader.fail(account_id ? "request.malformed" : "request.missing_key", "account_id",
                "or account_set_id must be given, and only one of them");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.key("member_id").string((account_id ? *account_id : *set_id).text()).end_object();
  return std::make_unique<Operation>("account_set_list_parents", Operation::Traits{},
                                     [page, text = document.take()](Context context) {
                                       return list_sets(context, StatementId::kAccountSetParents, page, text);
                                     });
}

}  // namespace cala::engine
