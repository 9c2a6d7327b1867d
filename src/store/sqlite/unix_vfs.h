// Two copies of SQLite in one process. POSIX fcntl locks belong to the process: two copies do not see each other's, and
// whoever closes any descriptor of the file drops everybody's. So our copy's unix VFS
//   - locks open file descriptions (F_OFD_SETLK), which exclude the program's copy as if it were another process;
//   - keeps one description for each file and access mode, dup'ed for each descriptor, so that its locks are one
//     owner's, as SQLite's own bookkeeping expects of a process;
//   - closes the descriptors of a file that is still there only when none of our connections uses it and nobody has a
//     lock on it; else they go back to a pool and are used again.
// A number in the pool is used, and closed, only while it still means the same file: a program may close descriptors it
// does not know, and open files of its own that get their numbers. Permissions are asked anew at every open. A pooled
// descriptor is also closed when its file was deleted, and, past kMaxIdleDescriptors, when nobody holds a lock on its
// file. Descriptors that were open at a fork stay in the parent's pool: the child holds the same descriptions.
// After fork the child leaves inherited descriptors and their locks alone: they are the parent's. Files it opens itself
// are told apart from the parent's (by another device), so that SQLite does not share its notes about them. A fork
// waits until no thread is inside what SQLite's connections share, so that the child finds that whole and unlocked.
//
// Where the system has no open-file-description locks in its public headers (macOS) nothing is installed: there the
// program must not have the file open with a copy of its own. Thread-safe.
#pragma once

#include <cstddef>

namespace cala::store::sqlite {

inline constexpr std::size_t kMaxIdleDescriptors = 64;

// Once for the process, before our copy opens its first file.
void install_unix_vfs();

// How many descriptors the pool holds; for tests.
struct DescriptorCounts {
  std::size_t in_use = 0;
  std::size_t idle = 0;
};
DescriptorCounts descriptor_counts();

}  // namespace cala::store::sqlite
