// A transfer as one SQL function that moves a balance and keeps two entries, in the manner of pgledger: what an
// application gets that has its ledger in the database and nothing else.
#pragma once

#include <memory>
#include <string>

#include "common.h"

namespace cala::bench {

// In a schema of its own, which it drops. Each caller has a connection and a prepared statement; a batch is one
// statement that calls the function for each of its postings.
std::unique_ptr<Work> transfer_function(const std::string &connection, const std::string &schema, int accounts,
                                        bool durable);

}  // namespace cala::bench
