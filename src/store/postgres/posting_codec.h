// The posting's two requests and their answers as the functions of migrations/0001_05_postings.sql speak them: in one
// JSON text posting_read_v1 and posting_write_v1, in binary parameters posting_read_rows_v1 and posting_write_rows_v1.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/port.h"
#include "store/postgres/row_binary.h"

namespace cala::store::postgres {

std::string encode_posting_read(const PostingRead &request);
std::string encode_posting_write(const PostingWrite &request);

struct Parameter {
  std::string value;
  bool binary = false;
  bool null = false;
};
constexpr std::size_t kPostingReadParameters = 10;
constexpr std::size_t kPostingWriteParameters = 11;
// trace: what the transaction shall go by, empty: what it goes by anyway.
std::vector<Parameter> posting_read_parameters(const PostingRead &request, const RowTypes &types,
                                               std::string_view trace);
std::vector<Parameter> posting_write_parameters(const PostingWrite &request, const RowTypes &types);

base::Result<PostingState> decode_posting_read(std::string_view text);
// A transaction that another session wrote meanwhile is a retryable kConflict:
// nothing was written, the transaction is usable.
base::Result<Written> decode_posting_write(std::string_view text);

}  // namespace cala::store::postgres
