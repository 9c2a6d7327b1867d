// The posting's two requests and their answers as posting_read_v1 and posting_write_v1 (migrations/0001_05_postings.sql) speak
// them. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/port.h"

namespace cala::store::postgres {

std::string encode_posting_read(const PostingRead &request);
std::string encode_posting_write(const PostingWrite &request);

base::Result<PostingState> decode_posting_read(std::string_view text);
// A transaction that another session wrote meanwhile is a retryable kConflict: nothing was written, the transaction is usable.
base::Result<Written> decode_posting_write(std::string_view text);

}  // namespace cala::store::postgres
