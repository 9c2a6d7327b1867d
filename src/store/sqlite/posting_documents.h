// The posting's two requests as the JSON documents that a program's connection carries: what posting_read_v1.sql is
// asked and answers, and what cala_posting_write_v1 unpacks. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/port.h"
#include "store/sqlite/posting_plan.h"

namespace cala::store::sqlite {

std::string posting_read_document(const PostingRead &read);
base::Result<PostingState> posting_state_of(const PostingRead &read, std::string_view text);
std::string posting_write_document(const PostingPlan &plan);

}  // namespace cala::store::sqlite
