// Memory that runs out: the nth allocation after fail_allocation(n) fails, once, on whatever thread it comes; after
// fail_allocations_from(n) so does every later one.
#pragma once

#include <cstddef>

namespace cala::tests {

void fail_allocation(std::size_t nth);  // counted from 1
void fail_allocations_from(std::size_t nth);
bool allocation_is_to_fail();  // not reached yet
// Back to memory without end. Whether the allocation was reached.
bool allocation_failed();

}  // namespace cala::tests
