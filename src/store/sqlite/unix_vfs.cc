#include "store/sqlite/unix_vfs.h"

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "platform/file_locks.h"
#include "platform/fork_generation.h"

namespace cala::store::sqlite {

namespace {

// The locks of SQLite that every connection shares. What they guard must be whole in the child, and a thread that holds
// one is not there to let it go.
std::array<sqlite3_mutex *, SQLITE_MUTEX_STATIC_VFS3 - SQLITE_MUTEX_STATIC_MAIN + 1> shared_locks{};

// Waits for one lock at a time and holds no other meanwhile, as std::lock does: so SQLite's own order does not matter.
void take_shared_locks() {
  const std::size_t count = shared_locks.size();
  std::size_t first = 0;
  while (true) {
    sqlite3_mutex_enter(shared_locks[first]);
    std::size_t taken = 1;
    while (taken < count && sqlite3_mutex_try(shared_locks[(first + taken) % count]) == SQLITE_OK) ++taken;
    if (taken == count) return;
    const std::size_t refused = (first + taken) % count;
    while (taken > 0) sqlite3_mutex_leave(shared_locks[(first + --taken) % count]);
    first = refused;
  }
}

void leave_shared_locks() {
  for (sqlite3_mutex *mutex : shared_locks) sqlite3_mutex_leave(mutex);
}

void install_once() {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // a lock around every allocation, for numbers that nobody asks for
  sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
  if (vfs == nullptr || platform::file_calls().empty()) return;
  sqlite3_initialize();  // its own lock for this one is not among the shared ones
  for (std::size_t i = 0; i < shared_locks.size(); ++i) {
    shared_locks[i] = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_MAIN + static_cast<int>(i));
  }
  platform::begin_file_calls(take_shared_locks, leave_shared_locks);
  for (const platform::FileCall &call : platform::file_calls()) vfs->xSetSystemCall(vfs, call.name, call.function);
}

}  // namespace

bool install_unix_vfs() {
  static std::atomic<std::uint64_t> first_user{0};
  if (platform::file_calls().empty() && !platform::is_first_process(first_user)) return false;
  platform::once_in_process(install_once);
  return true;
}

}  // namespace cala::store::sqlite
