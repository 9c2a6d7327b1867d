#include "engine/entity_write.h"

#include "base/json_repair.h"

namespace cala::engine {

namespace {

// A set is a row of accounts, and the embedded store names the table.
base::Error in_words_of(std::string_view noun, base::Error error) {
  constexpr std::string_view table = "account.";
  if (noun == "account_set" && error.code.starts_with(table)) {
    error.code = "account_set." + error.code.substr(table.size());
  }
  return error;
}

}  // namespace

std::string membership_payload(const core::Membership &membership) {
  base::JsonWriter out;
  out.begin_object().key("account_set_id").string(membership.account_set_id.text());
  out.key(membership.member_is_set ? "member_account_set_id" : "account_id").string(membership.member_id.text());
  return out.end_object().take();
}

void AskWrite::ask(store::Request request) {
  request_ = std::move(request);
  handle_.promise().pending = &request_;
}

void AskWrite::await_suspend(Flow::Handle handle) {
  handle_ = handle;
  if (!host_) return ask(call_({}));
  store::PostingRead read;
  read.host = true;
  ask(std::move(read));
  handle.promise().relay = this;
}

bool AskWrite::asks_again() {
  const base::Result<store::Answer> &read = *handle_.promise().fed;
  if (!read.ok()) return false;
  handle_.promise().relay = nullptr;
  ask(call_(std::get<store::PostingState>(*read).guard));
  return true;
}

base::Outcome AskWrite::await_resume() {
  const base::Result<store::Answer> &answer = *handle_.promise().fed;
  if (!answer) return in_words_of(noun_, answer.error());
  const auto *text = std::get_if<std::string>(&*answer);
  if (text == nullptr || text->empty()) return {};
  base::Result<base::Json> json = base::parse_stored(*text);
  if (!json) return std::move(json.error());
  const base::JsonView changed = json->root().is_object() ? json->root().get("changed") : base::JsonView();
  if (!changed.present() || changed.size() == 0) return {};
  base::Error error =
      base::make_error(base::Status::kConflict, std::string(noun_) + ".changed",
                       "the " + std::string(noun_) + " was changed by another at the same time; try again");
  error.retryable = true;
  return error;
}

}  // namespace cala::engine
