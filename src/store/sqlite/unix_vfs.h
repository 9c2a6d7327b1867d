// Two copies of SQLite in one process: our copy's unix VFS makes its system calls by platform/file_locks.h, which says
// how they exclude each other. A fork waits until no thread is inside what SQLite's connections share, so that the
// child finds that whole and unlocked. Where platform/file_locks.h has no such calls nothing is installed. Thread-safe.
#pragma once

namespace cala::store::sqlite {

// Before our copy opens its first file.
void install_unix_vfs();

}  // namespace cala::store::sqlite
