// Two copies of SQLite in one process: our copy's unix VFS makes its system calls by platform/file_locks.h, which says
// how they exclude each other. A fork waits until no thread is inside what SQLite's connections share, so that the
// child finds that whole and unlocked. Where platform/file_locks.h has no such calls nothing is installed, and a child
// of a process that has used SQLite cannot use it. Thread-safe.
#pragma once

namespace cala::store::sqlite {

// Before our copy opens its first file. False in such a child: SQLite would take its parent's locks for its own.
bool install_unix_vfs();

}  // namespace cala::store::sqlite
