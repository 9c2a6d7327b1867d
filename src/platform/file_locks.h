// The system calls of SQLite's unix VFS, made so that two copies of SQLite in one process exclude each other. POSIX
// fcntl locks belong to the process: two copies do not see each other's, and whoever closes any descriptor of the file
// drops everybody's. So ours
//   - lock open file descriptions (F_OFD_SETLK), which exclude the program's copy as if it were another process;
//   - keep one description for each file and access mode, dup'ed for each descriptor, so that its locks are one
//     owner's, as SQLite's own bookkeeping expects of a process;
//   - close the descriptors of a file that is still there only when none of our connections uses it and nobody has a
//     lock on it; else they go back to a pool and are used again.
// A number in the pool is used, and closed, only while it still means the same file: a program may close descriptors it
// does not know, and open files of its own that get their numbers. Permissions are asked anew at every open. A pooled
// descriptor is also closed when its file was deleted, and, past kMaxIdleDescriptors, when nobody holds a lock on its
// file. Descriptors that were open at a fork stay in the parent's pool: the child holds the same descriptions.
// After fork the child leaves inherited descriptors and their locks alone: they are the parent's. Files it opens itself
// are told apart from the parent's (by another device), so that SQLite does not share its notes about them.
// Thread-safe.
#pragma once

#include <cstddef>
#include <span>

namespace cala::platform {

inline constexpr std::size_t kMaxIdleDescriptors = 64;

struct FileCall {
  const char *name;  // of the system call
  void (*function)();
};

// Empty where the system has no open-file-description locks, or nobody has tried them (macOS): there the program must
// not have the file open with a copy of SQLite of its own.
std::span<const FileCall> file_calls();

// Once for the process, before the first of these calls. before_fork runs in the thread that forks, before the fork;
// after_fork in it and in the child, after.
void begin_file_calls(void (*before_fork)(), void (*after_fork)());

// Runs the body of the first call, once for the process; later calls wait for it. In a child that was forked meanwhile
// it runs anew.
void once_in_process(void (*body)());

// How many descriptors the pool holds; for tests.
struct DescriptorCounts {
  std::size_t in_use = 0;
  std::size_t idle = 0;
};
DescriptorCounts descriptor_counts();

}  // namespace cala::platform
