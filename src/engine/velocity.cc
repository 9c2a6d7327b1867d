// The operations on velocity limits, controls and what they are attached to.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/velocity/frozen.h"
#include "core/velocity/headroom.h"
#include "engine/ensure.h"
#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::Error;
using base::JsonView;
using base::Outcome;
using base::Result;
using base::Uuid;
using core::VelocityAttachment;
using core::VelocityControl;
using core::VelocityLimit;
using store::StatementId;

constexpr const char *kKeys[] = {"id"};
constexpr Noun<VelocityLimit> kLimits = {"velocity_limit",
                                         StatementId::kVelocityLimitFind,
                                         StatementId::kVelocityLimitList,
                                         StatementId::kVelocityLimitWrite,
                                         store::velocity_limit_of,
                                         kKeys};
constexpr Noun<VelocityControl> kControls = {"velocity_control",
                                             StatementId::kVelocityControlFind,
                                             StatementId::kVelocityControlList,
                                             StatementId::kVelocityControlWrite,
                                             store::velocity_control_of,
                                             kKeys};

VelocityControl read_control(RequestReader &reader) {
  VelocityControl out = read_new<VelocityControl>(reader);
  if (const JsonView enforcement = reader.optional_object("enforcement"); enforcement.present()) {
    RequestReader one(enforcement, "/enforcement");
    read_field(one, "action", {}, out.action);
    reader.adopt(one.finish());
  }
  return out;
}

// They have no id, and are neither found nor written one by one.
constexpr Noun<VelocityAttachment> kAttachments = {"velocity_attachment",
                                                   StatementId::kVelocityAttachmentList,
                                                   StatementId::kVelocityAttachmentList,
                                                   StatementId::kVelocityAttachmentWrite,
                                                   store::velocity_attachment_of,
                                                   {}};

// What changes with a control: its limits and where it is attached, with the events that say so.
struct ControlChange {
  std::vector<std::pair<Uuid, Uuid>> add;  // control, limit
  std::vector<VelocityAttachment> attach;
  std::vector<VelocityAttachment> replace;  // with their new versions
  std::vector<VelocityAttachment> detach;

  bool empty() const { return add.empty() && attach.empty() && replace.empty() && detach.empty(); }
};

void write_event(base::JsonWriter &out, const char *type, const Uuid &subject, const std::string &payload) {
  out.begin_object().key("type").string(type).key("subject_id").string(subject.text());
  out.key("payload").string(payload).end_object();
}

void write_event(base::JsonWriter &out, const char *type, const VelocityAttachment &attachment) {
  base::JsonWriter payload;
  payload.begin_object().key("velocity_attachment");
  render(payload, attachment);
  payload.end_object();
  write_event(out, type, attachment.control_id, payload.take());
}

void write_events(base::JsonWriter &out, const ControlChange &change) {
  for (const auto &[control, limit] : change.add) {
    base::JsonWriter payload;
    payload.begin_object().key("control_id").string(control.text()).key("limit_id").string(limit.text()).end_object();
    write_event(out, "velocity_control_limit_added", control, payload.take());
  }
  for (const VelocityAttachment &one : change.attach) write_event(out, "velocity_control_attached", one);
  for (const VelocityAttachment &one : change.replace) write_event(out, "velocity_control_replaced", one);
  for (const VelocityAttachment &one : change.detach) write_event(out, "velocity_control_detached", one);
}

store::Call change_call(const ControlChange &change, base::Timestamp now, const std::string &guard) {
  const auto write_rows = [](base::JsonWriter &out, const char *key, const std::vector<VelocityAttachment> &rows) {
    out.key(key).begin_array();
    for (const VelocityAttachment &row : rows) store::write_row(out, row);
    out.end_array();
  };
  base::JsonWriter out;
  out.begin_object().key("add").begin_array();
  for (const auto &[control, limit] : change.add) {
    out.begin_object().key("control_id").string(control.text()).key("limit_id").string(limit.text()).end_object();
  }
  out.end_array();
  write_rows(out, "attach", change.attach);
  write_rows(out, "replace", change.replace);
  write_rows(out, "detach", change.detach);
  out.key("events").begin_array();
  write_events(out, change);
  out.end_array().key("now").integer(now.micros());
  if (!guard.empty()) out.key("guard").string(guard);
  out.end_object();
  return write_call(StatementId::kVelocityAttachmentWrite, out.take());
}

AskWrite ask_change(const ControlChange &change, base::Timestamp now, const Context &context) {
  return AskWrite([&change, now](const std::string &guard) { return change_call(change, now, guard); }, kControls.name,
                  context.host);
}

Error refusal(const char *code, const std::string &message,
              std::initializer_list<std::pair<const char *, std::string>> members) {
  Error error = base::make_error(base::Status::kRejected, code, message);
  base::JsonWriter details;
  details.begin_object();
  for (const auto &[key, value] : members) details.key(key).string(value);
  details.end_object();
  error.details = details.take();
  return error;
}

struct Count {
  const char *of;
  std::size_t count;
};

Render render_counts(std::vector<Count> counts) {
  return [counts = std::move(counts)](base::JsonWriter &out) {
    out.begin_object();
    for (const Count &one : counts) out.key(one.of).integer(static_cast<std::int64_t>(one.count));
    out.end_object();
  };
}

// Adds a limit to a control; ensure: one that is there already is found.
Flow add_limit(Context context, Uuid control_id, Uuid limit_id, bool ensure) {
  const Lookup by_control = lookup_ids({control_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kVelocityControlFind, by_control));
  Result<Rows<VelocityControl>> controls = rows_of(std::move(answer), store::velocity_control_of);
  if (!controls) co_return std::move(controls.error());
  if (controls->items.empty()) co_return not_found(kControls.name, by_control);
  VelocityControl control = std::move(controls->items.front());
  const Lookup by_limit = lookup_ids({limit_id});
  Result<store::Answer> found = co_await ask(find_call(StatementId::kVelocityLimitFind, by_limit));
  Result<Rows<VelocityLimit>> limits = rows_of(std::move(found), store::velocity_limit_of);
  if (!limits) co_return std::move(limits.error());
  if (limits->items.empty()) co_return not_found(kLimits.name, by_limit);
  for (const VelocityLimit &limit : control.limits) {
    if (limit.id != limit_id) continue;
    if (ensure) co_return render_counts({{"created", 0}, {"found", 1}});
    co_return refusal("velocity_control.has_limit",
                      "velocity control " + control_id.text() + " has limit " + limit_id.text() + " already",
                      {{"control_id", control_id.text()}, {"limit_id", limit_id.text()}});
  }
  ControlChange change;
  change.add.emplace_back(control_id, limit_id);
  const base::Timestamp now = context.ledger->now();
  Outcome written = co_await ask_change(change, now, context);
  if (!written) co_return std::move(written.error());
  if (ensure) co_return render_counts({{"created", 1}, {"found", 0}});
  control.limits.push_back(std::move(limits->items.front()));
  std::sort(control.limits.begin(), control.limits.end(),
            [](const VelocityLimit &a, const VelocityLimit &b) { return a.number < b.number; });
  co_return render_one(std::move(control));
}

// Where a control is to be attached, or no longer.
struct Targets {
  Uuid control_id;
  std::vector<Uuid> ids;  // accounts or sets, each once
  std::size_t asked = 0;  // with those that were named again
  bool set = false;       // the one id is to be a set's
  std::string params = "{}";
  enum Mode : std::uint8_t { kAttach, kReplace, kEnsure, kDetach } mode = kAttach;
};

const char *noun_of(const Targets &targets) { return targets.set ? "account_set" : "account"; }

// Those that are attached already, by account.
using Attached = std::unordered_map<Uuid, VelocityAttachment, base::UuidHash>;

std::string attached_document(const Targets &targets) {
  base::JsonWriter out;
  out.begin_object().key("first").integer(static_cast<std::int64_t>(targets.ids.size()));
  out.key("control_id").string(targets.control_id.text()).key("account_ids").begin_array();
  for (const Uuid &id : targets.ids) out.string(id.text());
  out.end_array().end_object();
  return out.take();
}

Outcome check_targets(const Targets &targets, const std::vector<core::Account> &found) {
  std::unordered_map<Uuid, const core::Account *, base::UuidHash> by_id;
  for (const core::Account &account : found) by_id[account.id] = &account;
  for (const Uuid &id : targets.ids) {
    const auto at = by_id.find(id);
    if (at == by_id.end() || (targets.set && !at->second->is_set)) return not_found(noun_of(targets), lookup_ids({id}));
  }
  return {};
}

Error is_attached(const Targets &targets, const Uuid &id) {
  return refusal(
      "velocity_control.attached",
      "velocity control " + targets.control_id.text() + " is attached to " + id.text() + " already",
      {{"control_id", targets.control_id.text()}, {targets.set ? "account_set_id" : "account_id", id.text()}});
}

bool same_json(const std::string &a, const std::string &b) {
  const Result<base::Json> left = base::Json::parse(a);
  const Result<base::Json> right = base::Json::parse(b);
  return left && right && base::json_equal(left->root(), right->root());
}

std::string attached_with_other(const Targets &targets, const Uuid &id) {
  return "velocity control " + targets.control_id.text() + " is attached to " + id.text() + " with other ";
}

// What is attached is to be as it would be if it were attached now: with these params, and with all limits.
Outcome compare_attached(const Targets &targets, const VelocityAttachment &found, const VelocityControl &control) {
  std::optional<Error> error;
  if (!same_json(found.params, targets.params)) {
    error = refusal(
        "velocity_control.ensure_differs",
        attached_with_other(targets, found.account_id) + "params; \"on_difference\": \"keep\" takes them as they are",
        {{"field", "params"}, {"pointer", "/params"}, {"account_id", found.account_id.text()}});
  } else if (!core::has_limits(found.frozen, control.limits)) {
    error = refusal("velocity_control.ensure_differs",
                    attached_with_other(targets, found.account_id) +
                        "limits than it has now; velocity_control_attach with \"replace\": true attaches those",
                    {{"field", "limit_ids"}, {"account_id", found.account_id.text()}});
  }
  if (!error) return {};
  error->status = base::Status::kConflict;
  return std::move(*error);
}

// What there is to write; what is attached already is refused, replaced or found.
Result<ControlChange> plan_attach(const Targets &targets, const Attached &attached, const VelocityControl &control,
                                  const std::string &frozen, bool keep, base::Timestamp now,
                                  const std::unordered_set<Uuid, base::UuidHash> &sets) {
  ControlChange change;
  for (const Uuid &id : targets.ids) {
    const auto at = attached.find(id);
    VelocityAttachment row;
    row.account_id = id;
    row.control_id = targets.control_id;
    row.is_set = sets.contains(id);
    row.params = targets.params;
    row.frozen = frozen;
    row.created_at = row.modified_at = now;
    if (at == attached.end()) {
      change.attach.push_back(std::move(row));
    } else if (targets.mode == Targets::kAttach) {
      return is_attached(targets, id);
    } else if (targets.mode == Targets::kReplace) {
      row.version = at->second.version + 1;
      row.created_at = at->second.created_at;
      row.modified_at = std::max(at->second.modified_at, now);
      change.replace.push_back(std::move(row));
    } else if (!keep) {
      if (Outcome same = compare_attached(targets, at->second, control); !same) return std::move(same.error());
    }
  }
  return change;
}

Render render_attached(const Targets &targets, const ControlChange &change) {
  if (targets.mode == Targets::kEnsure) {
    return render_counts({{"created", change.attach.size()}, {"found", targets.asked - change.attach.size()}});
  }
  return render_counts({{"attached", change.attach.size()}, {"replaced", change.replace.size()}});
}

Flow attach(Context context, Targets targets, bool keep) {
  const Lookup by_control = lookup_ids({targets.control_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kVelocityControlFind, by_control));
  Result<Rows<VelocityControl>> controls = rows_of(std::move(answer), store::velocity_control_of);
  if (!controls) co_return std::move(controls.error());
  if (controls->items.empty()) co_return not_found(kControls.name, by_control);
  const base::Timestamp now = context.ledger->now();
  const Result<base::Json> params = base::Json::parse(targets.params);
  if (!params) co_return Error(params.error());
  Result<core::FrozenControl> frozen = core::freeze(controls->items.front(), params->root(), now);
  if (!frozen) co_return std::move(frozen.error());
  Result<store::Answer> found = co_await ask(find_call(StatementId::kAccountFind, lookup_ids(targets.ids)));
  Result<Rows<core::Account>> accounts = rows_of(std::move(found), store::account_of);
  if (!accounts) co_return std::move(accounts.error());
  Outcome known = check_targets(targets, accounts->items);
  if (!known) co_return std::move(known.error());
  std::unordered_set<Uuid, base::UuidHash> sets;
  for (const core::Account &account : accounts->items) {
    if (account.is_set) sets.insert(account.id);
  }
  const std::string document = attached_document(targets);
  Result<store::Answer> there = co_await ask(read_call(StatementId::kVelocityAttachmentList, document));
  Result<Rows<VelocityAttachment>> rows = rows_of(std::move(there), store::velocity_attachment_of);
  if (!rows) co_return std::move(rows.error());
  Attached attached;
  for (VelocityAttachment &row : rows->items) attached.emplace(row.account_id, std::move(row));
  Result<ControlChange> change =
      plan_attach(targets, attached, controls->items.front(), core::frozen_text(*frozen), keep, now, sets);
  if (!change) co_return std::move(change.error());
  if (change->empty()) co_return render_attached(targets, *change);
  Outcome written = co_await ask_change(*change, now, context);
  if (!written) co_return std::move(written.error());
  co_return render_attached(targets, *change);
}

Flow detach(Context context, Targets targets) {
  const Lookup by_control = lookup_ids({targets.control_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kVelocityControlFind, by_control));
  Result<Rows<VelocityControl>> controls = rows_of(std::move(answer), store::velocity_control_of);
  if (!controls) co_return std::move(controls.error());
  if (controls->items.empty()) co_return not_found(kControls.name, by_control);
  const std::string document = attached_document(targets);
  Result<store::Answer> there = co_await ask(read_call(StatementId::kVelocityAttachmentList, document));
  Result<Rows<VelocityAttachment>> rows = rows_of(std::move(there), store::velocity_attachment_of);
  if (!rows) co_return std::move(rows.error());
  ControlChange change;
  change.detach = std::move(rows->items);
  const std::size_t detached = change.detach.size();
  if (change.empty()) co_return render_counts({{"detached", 0}});
  const base::Timestamp now = context.ledger->now();
  Outcome written = co_await ask_change(change, now, context);
  if (!written) co_return std::move(written.error());
  co_return render_counts({{"detached", detached}});
}

std::string balances_document(const std::vector<VelocityAttachment> &attachments, const core::HeadroomFilter &asked) {
  std::unordered_set<Uuid, base::UuidHash> seen;
  base::JsonWriter out;
  out.begin_object().key("account_ids").begin_array();
  for (const VelocityAttachment &row : attachments) {
    if (seen.insert(row.account_id).second) out.string(row.account_id.text());
  }
  out.end_array();
  if (asked.currency) out.key("currency").string(asked.currency->code());
  if (asked.journal_id) out.key("journal_id").string(asked.journal_id->text());
  out.end_object();
  return out.take();
}

Result<std::vector<core::VelocityHeadroom>> headroom_of(const std::vector<VelocityAttachment> &attachments,
                                                        const std::vector<core::VelocityBalance> &balances,
                                                        const core::HeadroomFilter &asked, base::Timestamp now) {
  std::vector<core::VelocityHeadroom> out;
  for (const VelocityAttachment &row : attachments) {
    Result<core::CompiledControlPtr> control = core::compile_frozen(row.frozen);
    if (!control) return std::move(control.error());
    std::vector<core::VelocityBalance> counted;
    for (const core::VelocityBalance &balance : balances) {
      const bool here = balance.key.account_id == row.account_id && balance.key.control_id == row.control_id;
      if (here) counted.push_back(balance);
    }
    Result<std::vector<core::VelocityHeadroom>> part =
        core::headroom(row.account_id, (*control)->frozen, counted, asked, now);
    if (!part) return std::move(part.error());
    for (core::VelocityHeadroom &one : *part) out.push_back(std::move(one));
  }
  return out;
}

Flow find_headroom(Context context, Uuid account_id, core::HeadroomFilter asked) {
  const Lookup lookup = lookup_ids({account_id});
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kAccountFind, lookup));
  Result<Rows<core::Account>> accounts = rows_of(std::move(answer), store::account_of);
  if (!accounts) co_return std::move(accounts.error());
  if (accounts->items.empty()) co_return not_found("account", lookup);
  base::JsonWriter document;
  document.begin_object().key("first").integer(static_cast<std::int64_t>(kMaxBatch)).key("with_sets").boolean(true);
  document.key("account_ids").begin_array().string(account_id.text()).end_array().end_object();
  Result<store::Answer> there = co_await ask(read_call(StatementId::kVelocityAttachmentList, document.take()));
  Result<Rows<VelocityAttachment>> rows = rows_of(std::move(there), store::velocity_attachment_of);
  if (!rows) co_return std::move(rows.error());
  const std::string counted = balances_document(rows->items, asked);
  Result<store::Answer> sums = co_await ask(read_call(StatementId::kVelocityBalanceList, counted));
  Result<Rows<core::VelocityBalance>> balances = rows_of(std::move(sums), store::velocity_balance_of);
  if (!balances) co_return std::move(balances.error());
  Result<std::vector<core::VelocityHeadroom>> items =
      headroom_of(rows->items, balances->items, asked, context.ledger->now());
  if (!items) co_return std::move(items.error());
  co_return Render([items = items.take()](base::JsonWriter &out) {
    out.begin_object().key("items");
    render_array(out, items);
    out.end_object();
  });
}

// account_ids or account_set_id, exactly one.
Targets read_targets(RequestReader &reader, Targets::Mode mode) {
  Targets targets;
  targets.mode = mode;
  targets.control_id = reader.uuid("control_id");
  targets.set = reader.has("account_set_id");
  const bool accounts = reader.has("account_ids");
  if (targets.set == accounts) {
    reader.fail(accounts ? "request.malformed" : "request.missing_key", "account_ids",
                "or account_set_id is required, and only one of them");
    reader.any("account_ids");
    reader.any("account_set_id");
    return targets;
  }
  if (targets.set) targets.ids = {reader.uuid("account_set_id")};
  if (accounts) targets.ids = reader.uuids("account_ids", kMaxBatch);
  return targets;
}

// The same one twice would be attached twice.
Outcome refuse_repeats(Targets &targets) {
  std::unordered_set<Uuid, base::UuidHash> seen;
  std::vector<Uuid> distinct;
  targets.asked = targets.ids.size();
  for (const Uuid &id : targets.ids) {
    if (seen.insert(id).second) {
      distinct.push_back(id);
    } else if (targets.mode == Targets::kAttach) {
      return is_attached(targets, id);
    }
  }
  targets.ids = std::move(distinct);
  return {};
}

Result<OperationPtr> make_attach(std::string_view name, const RequestPtr &request, Targets::Mode mode) {
  RequestReader reader(request->root());
  const bool replace = mode == Targets::kAttach && reader.boolean("replace", false);
  const bool keep = mode == Targets::kEnsure && read_on_difference(reader);
  Targets targets = read_targets(reader, replace ? Targets::kReplace : mode);
  if (const JsonView params = reader.optional_object("params"); params.present()) targets.params = params.text();
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (Outcome distinct = refuse_repeats(targets); !distinct) return std::move(distinct.error());
  return std::make_unique<Operation>(
      name, Operation::Traits{.access = store::Access::kWrite, .repeatable = mode == Targets::kEnsure},
      [targets = std::move(targets), keep](Context context) { return attach(context, targets, keep); });
}

Result<OperationPtr> make_add_limit(std::string_view name, const RequestPtr &request, bool ensure) {
  RequestReader reader(request->root());
  const Uuid control_id = reader.uuid("control_id");
  const Uuid limit_id = reader.uuid("limit_id");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(name, Operation::Traits{.access = store::Access::kWrite, .repeatable = ensure},
                                     [=](Context context) { return add_limit(context, control_id, limit_id, ensure); });
}

void by_control(RequestReader &reader, base::JsonWriter &document) {
  if (const auto control_id = reader.optional_uuid("control_id")) {
    document.key("control_id").string(control_id->text());
  }
}

}  // namespace

Result<OperationPtr> velocity_limit_create(Ledger &ledger, const RequestPtr &request) {
  RequestReader reader(request->root());
  VelocityLimit limit = read_new<VelocityLimit>(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (Outcome sound = core::check_velocity_limit(limit, ledger.now()); !sound) return std::move(sound.error());
  return make_create("velocity_limit_create", kLimits, std::move(limit));
}

Result<OperationPtr> velocity_limit_ensure(Ledger &ledger, const RequestPtr &request) {
  Result<Ensure<VelocityLimit>> what = read_ensured(kLimits, request, read_new<VelocityLimit>);
  if (!what) return std::move(what.error());
  if (Outcome sound = core::check_velocity_limit(what->entity, ledger.now()); !sound) return std::move(sound.error());
  return make_ensure("velocity_limit_ensure", what.take());
}

Result<OperationPtr> velocity_limit_list(Ledger &, const RequestPtr &request) {
  return make_list("velocity_limit_list", kLimits, request, by_control);
}

Result<OperationPtr> velocity_control_create(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  VelocityControl control = read_control(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (Outcome sound = core::check_velocity_control(control); !sound) return std::move(sound.error());
  return make_create("velocity_control_create", kControls, std::move(control));
}

Result<OperationPtr> velocity_control_ensure(Ledger &, const RequestPtr &request) {
  Result<Ensure<VelocityControl>> what = read_ensured(kControls, request, read_control);
  if (!what) return std::move(what.error());
  if (Outcome sound = core::check_velocity_control(what->entity); !sound) return std::move(sound.error());
  return make_ensure("velocity_control_ensure", what.take());
}

Result<OperationPtr> velocity_control_list(Ledger &, const RequestPtr &request) {
  return make_list("velocity_control_list", kControls, request);
}

Result<OperationPtr> velocity_control_add_limit(Ledger &, const RequestPtr &request) {
  return make_add_limit("velocity_control_add_limit", request, false);
}

Result<OperationPtr> velocity_control_ensure_limit(Ledger &, const RequestPtr &request) {
  return make_add_limit("velocity_control_ensure_limit", request, true);
}

Result<OperationPtr> velocity_control_attach(Ledger &, const RequestPtr &request) {
  return make_attach("velocity_control_attach", request, Targets::kAttach);
}

Result<OperationPtr> velocity_control_ensure_attached(Ledger &, const RequestPtr &request) {
  return make_attach("velocity_control_ensure_attached", request, Targets::kEnsure);
}

Result<OperationPtr> velocity_control_detach(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Targets targets = read_targets(reader, Targets::kDetach);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (Outcome distinct = refuse_repeats(targets); !distinct) return std::move(distinct.error());
  return std::make_unique<Operation>(
      "velocity_control_detach", Operation::Traits{.access = store::Access::kWrite},
      [targets = std::move(targets)](Context context) { return detach(context, targets); });
}

Result<OperationPtr> velocity_attachment_list(Ledger &, const RequestPtr &request) {
  return make_list("velocity_attachment_list", kAttachments, request,
                   [](RequestReader &reader, base::JsonWriter &document) {
                     by_control(reader, document);
                     const std::optional<Uuid> account_id = reader.optional_uuid("account_id");
                     if (account_id) document.key("account_ids").begin_array().string(account_id->text()).end_array();
                   });
}

Result<OperationPtr> velocity_headroom(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Uuid account_id = reader.uuid("account_id");
  core::HeadroomFilter asked;
  asked.journal_id = reader.optional_uuid("journal_id");
  if (reader.has("currency")) asked.currency = reader.currency("currency");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("velocity_headroom", Operation::Traits{}, [account_id, asked](Context context) {
    return find_headroom(context, account_id, asked);
  });
}

}  // namespace cala::engine
