#include "engine/telemetry.h"

namespace cala::engine {

void Telemetry::ran(const store::Request &request, Clock::duration took, Course &course) noexcept {
  std::size_t which = store::kStatementCount;
  if (const auto *call = std::get_if<store::Call>(&request)) which = static_cast<std::size_t>(call->id);
  if (std::holds_alternative<store::PostingRead>(request)) {
    which = static_cast<std::size_t>(store::StatementId::kPostingRead);
  }
  if (std::holds_alternative<store::PostingWrite>(request)) {
    which = static_cast<std::size_t>(store::StatementId::kPostingWrite);
  }
  if (which == store::kStatementCount && !std::holds_alternative<store::ProgramStatement>(request)) return;
  statements_[which].add(took);
  if (log_->listens()) course.ran(which < store::kStatementCount ? store::kStatementNames[which] : "program", took);
}

}  // namespace cala::engine
