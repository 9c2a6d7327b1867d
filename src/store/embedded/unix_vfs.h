// Two copies of SQLite in one process. POSIX fcntl locks belong to the process: two copies do not see each other's, and whoever
// closes any descriptor of the file drops everybody's. So our copy's unix VFS
//   - locks open file descriptions (F_OFD_SETLK), which exclude the host's copy as if it were another process;
//   - keeps one description for each file and access mode, dup'ed for each descriptor, so that its locks are one owner's, as
//     SQLite's own bookkeeping expects of a process;
//   - never closes the descriptor of a file that is still there: it goes back to a pool and is used again.
// A pooled descriptor is really closed when its file was deleted, and, past kMaxIdleDescriptors, when nobody holds a lock on its
// file. After fork the child leaves inherited descriptors and their locks alone: they are the parent's. Files it opens itself are
// told apart from the parent's (by another device), so that SQLite does not share its notes about them.
//
// Where the system has no open-file-description locks in its public headers (macOS) nothing is installed: there the host must
// not have the file open with a copy of its own. Thread-safe.
#pragma once

#include <cstddef>

namespace cala::store::embedded {

inline constexpr std::size_t kMaxIdleDescriptors = 64;

// Once for the process, before our copy opens its first file.
void install_unix_vfs();

// How many descriptors the pool holds; for tests.
struct DescriptorCounts {
  std::size_t in_use = 0;
  std::size_t idle = 0;
};
DescriptorCounts descriptor_counts();

}  // namespace cala::store::embedded
