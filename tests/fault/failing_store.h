// A store that fails: the nth call after fail_store_call(n) that compiles or runs an SQLite statement answers an I/O
// error, or the nth call of libpq's that talks to the server finds its connection cut.
// Once, on whatever thread it comes.
#pragma once

#include <cstddef>

namespace cala::tests {

void fail_store_call(std::size_t nth);  // counted from 1
bool store_call_is_to_fail();           // not reached yet
// Back to a store that works. Whether the call was reached.
bool store_call_failed();

}  // namespace cala::tests
