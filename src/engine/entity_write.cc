#include "engine/entity_write.h"

namespace cala::engine {

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
  if (!answer) return base::Error(answer.error());
  const auto *text = std::get_if<std::string>(&*answer);
  if (text == nullptr || text->empty()) return {};
  base::Result<base::Json> json = base::Json::parse(*text);
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
