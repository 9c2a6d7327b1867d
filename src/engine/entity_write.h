// EntityWrite: the one write of an operation that creates or changes accounts, journals or tx templates, with its
// outbox events.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/account_set/membership.h"
#include "core/rejection.h"
#include "engine/answers.h"
#include "engine/flow.h"
#include "engine/operation.h"
#include "engine/render.h"
#include "store/port.h"
#include "store/rows.h"

namespace cala::engine {

// Of the events account_set_member_created and account_set_member_removed.
std::string membership_payload(const core::Membership &membership);

template <typename T>
class EntityWrite {
 public:
  // noun: "account"; also the key of the event's payload.
  EntityWrite(store::StatementId id, std::string_view noun, base::Timestamp now) : id_(id), noun_(noun), now_(now) {}

  void insert(const T &entity) {
    inserts_.push_back(&entity);
    add_event("_created", entity, {});
  }
  // An account just inserted is a member of the set from its birth.
  void join(const core::Membership &membership) {
    memberships_.push_back(membership);
    events_.push_back({"account_set_member_created", membership.account_set_id, membership_payload(membership)});
  }
  // entity carries its new version.
  void update(const T &entity, const std::vector<std::string> &fields) {
    updates_.push_back(&entity);
    add_event("_updated", entity, fields);
  }

  std::string_view noun() const { return noun_; }

  // guard: of the transaction that read, empty where it need not be compared.
  store::Call call(const std::string &guard) const {
    base::JsonWriter out;
    out.begin_object().key("insert");
    write_rows(out, inserts_);
    out.key("update");
    write_rows(out, updates_);
    out.key("events").begin_array();
    for (const Event &event : events_) {
      out.begin_object().key("type").string(event.type).key("subject_id").string(event.subject_id.text());
      out.key("payload").string(event.payload).end_object();
    }
    out.end_array().key("now").integer(now_.micros());
    if (!memberships_.empty()) {
      out.key("members").begin_array();
      for (const core::Membership &one : memberships_) {
        out.begin_array().string(one.account_set_id.text()).string(one.member_id.text()).end_array();
      }
      out.end_array();
    }
    if (!guard.empty()) out.key("guard").string(guard);
    out.end_object();
    return write_call(id_, out.take());
  }

 private:
  struct Event {
    std::string type;
    base::Uuid subject_id;
    std::string payload;
  };

  static void write_rows(base::JsonWriter &out, const std::vector<const T *> &rows) {
    out.begin_array();
    for (const T *row : rows) store::write_row(out, *row);
    out.end_array();
  }

  void add_event(std::string_view what, const T &entity, const std::vector<std::string> &fields) {
    base::JsonWriter payload;
    payload.begin_object().key(noun_);
    render(payload, entity);
    if (!fields.empty()) {
      payload.key("fields").begin_array();
      for (const std::string &field : fields) payload.string(field);
      payload.end_array();
    }
    payload.end_object();
    events_.push_back({std::string(noun_) + std::string(what), entity.id, payload.take()});
  }

  store::StatementId id_;
  std::string_view noun_;
  base::Timestamp now_;
  std::vector<const T *> inserts_;
  std::vector<const T *> updates_;
  std::vector<core::Membership> memberships_;
  std::vector<Event> events_;
};

// The awaitable of ask_write().
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and owned by nobody as a Relay
class AskWrite final : public Relay {
 public:
  using MakeCall = std::function<store::Call(const std::string &guard)>;

  AskWrite(MakeCall call, std::string_view noun, bool host) : call_(std::move(call)), noun_(noun), host_(host) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Flow::Handle handle);
  bool asks_again() override;
  base::Outcome await_resume();

 private:
  void ask(store::Request request);

  MakeCall call_;
  std::string_view noun_;
  bool host_;
  store::Request request_;
  Flow::Handle handle_;
};

// Runs the write. In a program's transaction it first asks what names that, a posting's read of nothing, for the write
// to compare. Gives an error of the store's, or kConflict "<noun>.changed" (retryable) when somebody else was first.
template <typename T>
AskWrite ask_write(const EntityWrite<T> &write, const Context &context) {
  return AskWrite([&write](const std::string &guard) { return write.call(guard); }, write.noun(), context.host);
}

using core::already_exists;

}  // namespace cala::engine
