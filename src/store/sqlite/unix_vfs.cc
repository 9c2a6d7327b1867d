#include "store/sqlite/unix_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <vector>

#include "base/fork_generation.h"

namespace cala::store::sqlite {

#ifdef F_OFD_SETLK

namespace {

constexpr int kLowestDescriptor = 3;  // SQLite refuses to keep a database on 0, 1 or 2

struct Descriptor {
  int fd = -1;
  dev_t device = 0;
  ino_t inode = 0;
  int access = 0;           // O_RDONLY or O_RDWR
  std::uint64_t owner = 0;  // the process that opened it, as base::fork_generation names it
  bool idle = false;
  bool inherited_by_child = false;  // a forked child may hold the same open file description
};

// Made at installation and never destroyed: SQLite may close files while the process exits.
struct Registry {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::vector<Descriptor> descriptors;  // the longest idle ones first
  std::uint64_t installed_by = base::fork_generation();
};

Registry *registry = nullptr;

class Locked {
 public:
  Locked() { pthread_mutex_lock(&registry->mutex); }
  ~Locked() { pthread_mutex_unlock(&registry->mutex); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;
};

std::vector<Descriptor>::iterator find(int fd) {
  return std::find_if(registry->descriptors.begin(), registry->descriptors.end(),
                      [fd](const Descriptor &descriptor) { return descriptor.fd == fd; });
}

bool is_inherited(const Descriptor &descriptor) { return descriptor.owner != base::fork_generation(); }

bool is_of(const Descriptor &descriptor, dev_t device, ino_t inode) {
  return descriptor.device == device && descriptor.inode == inode && !is_inherited(descriptor);
}

// False when somebody else closed the number, and perhaps opened a file of his own that got it.
bool is_intact(const Descriptor &descriptor) {
  struct stat status {};
  return ::fstat(descriptor.fd, &status) == 0 && status.st_dev == descriptor.device &&
         status.st_ino == descriptor.inode && (::fcntl(descriptor.fd, F_GETFL) & O_ACCMODE) == descriptor.access;
}

// The system has just given us this number: whatever we knew about it is over.
void remember(Descriptor descriptor) {
  std::erase_if(registry->descriptors, [&](const Descriptor &old) { return old.fd == descriptor.fd; });
  registry->descriptors.push_back(descriptor);
}

int set_whole_lock(int fd, short type) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &whole);
}

bool is_deleted(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) != 0 || status.st_nlink == 0;
}

// By anybody but ourselves, in this process or another.
bool is_locked(int fd) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type != F_UNLCK;
}

// Closes what we have of a file that none of our connections uses any more, unless somebody has a lock on it that could
// be the program's. Our lock on the whole file keeps others from taking one meanwhile, and goes with the last
// descriptor; that is why a description that a child shares does not serve.
void close_unused(dev_t device, ino_t inode) {
  std::vector<Descriptor> &all = registry->descriptors;
  const Descriptor *guard = nullptr;
  for (const Descriptor &descriptor : all) {
    if (!is_of(descriptor, device, inode)) continue;
    if (!descriptor.idle) return;
    if (descriptor.access == O_RDWR && !descriptor.inherited_by_child && is_intact(descriptor)) guard = &descriptor;
  }
  if (guard == nullptr) return;
  const int last = guard->fd;
  if (set_whole_lock(last, F_WRLCK) != 0) return;
  std::erase_if(all, [&](const Descriptor &descriptor) {
    if (!is_of(descriptor, device, inode)) return false;
    if (descriptor.fd != last && is_intact(descriptor)) ::close(descriptor.fd);
    return true;
  });
  ::close(last);
}

void drop_idle() {
  std::vector<Descriptor> &all = registry->descriptors;
  auto idle =
      static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Descriptor &d) { return d.idle; }));
  std::erase_if(all, [&idle](const Descriptor &descriptor) {
    if (!descriptor.idle || is_inherited(descriptor)) return false;
    if (is_intact(descriptor)) {
      const bool too_many = idle > kMaxIdleDescriptors;
      if (!is_deleted(descriptor.fd) && !(too_many && !is_locked(descriptor.fd))) return false;
      ::close(descriptor.fd);
    }
    --idle;
    return true;
  });
}

// What open would ask before it gave a descriptor of the file.
bool may_open(const char *path, int access) {
  return ::faccessat(AT_FDCWD, path, access == O_RDWR ? R_OK | W_OK : R_OK, AT_EACCESS) == 0;
}

// The descriptor of the same file that is in the pool, or else one in use; null when there is none.
Descriptor *find_same(const struct stat &status, int access) {
  std::erase_if(registry->descriptors, [&](const Descriptor &descriptor) {
    return descriptor.idle && is_of(descriptor, status.st_dev, status.st_ino) && !is_intact(descriptor);
  });
  Descriptor *same = nullptr;
  for (Descriptor &descriptor : registry->descriptors) {
    if (!is_of(descriptor, status.st_dev, status.st_ino) || descriptor.access != access) continue;
    if (descriptor.idle) return &descriptor;
    if (is_intact(descriptor)) same = &descriptor;
  }
  return same;
}

int take(Descriptor &same) {
  if (same.idle) {
    same.idle = false;
    return same.fd;
  }
  Descriptor another = same;
  another.fd = ::fcntl(same.fd, F_DUPFD_CLOEXEC, kLowestDescriptor);
  if (another.fd >= 0) remember(another);
  return another.fd;
}

int open_file(const char *path, int flags, int mode) {
  const Locked locked;
  const int access = flags & O_ACCMODE;
  struct stat status {};
  if ((flags & (O_EXCL | O_TRUNC | O_DIRECTORY)) == 0) {
    const int found = (flags & O_NOFOLLOW) != 0 ? ::lstat(path, &status) : ::stat(path, &status);
    if (found == 0 && S_ISREG(status.st_mode)) {
      if (Descriptor *same = find_same(status, access); same != nullptr) {
        return may_open(path, access) ? take(*same) : -1;
      }
    }
  }
  const int fd = ::open(path, flags, mode);
  if (fd >= kLowestDescriptor && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    remember({fd, status.st_dev, status.st_ino, access, base::fork_generation(), false, false});
  } else if (fd >= 0) {
    std::erase_if(registry->descriptors, [fd](const Descriptor &descriptor) { return descriptor.fd == fd; });
  }
  return fd;
}

// What POSIX does at a close, and SQLite counts on, is done here by hand: all locks of our copy on the file go.
int close_file(int fd) {
  const Locked locked;
  const auto at = find(fd);
  if (at == registry->descriptors.end()) return ::close(fd);
  Descriptor descriptor = *at;
  if (is_inherited(descriptor)) return 0;
  registry->descriptors.erase(at);
  if (!is_intact(descriptor)) return 0;
  if (is_deleted(fd)) return ::close(fd);
  set_whole_lock(fd, F_UNLCK);
  descriptor.idle = true;
  registry->descriptors.push_back(descriptor);
  close_unused(descriptor.device, descriptor.inode);
  drop_idle();
  return 0;
}

bool is_inherited(int fd) {
  if (base::fork_generation() == registry->installed_by) return false;
  const Locked locked;
  const auto at = find(fd);
  return at != registry->descriptors.end() && is_inherited(*at);
}

int lock_file(int fd, int command, struct flock *lock) {
  if (is_inherited(fd)) {
    if (lock->l_type == F_UNLCK) return 0;
    errno = EAGAIN;
    return -1;
  }
  lock->l_pid = 0;
  return ::fcntl(fd, command, lock);
}

int control_file(int fd, int command, ...) {
  std::va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  switch (command) {
    case F_SETLK: return lock_file(fd, F_OFD_SETLK, static_cast<struct flock *>(argument));
    case F_SETLKW: return lock_file(fd, F_OFD_SETLKW, static_cast<struct flock *>(argument));
    case F_GETLK: return lock_file(fd, F_OFD_GETLK, static_cast<struct flock *>(argument));
    default: return ::fcntl(fd, command, argument);
  }
}

// SQLite's notes about files (their locks, their shared memory) are found by device and inode; those from before a fork
// are not ours, so our files seem to be on other devices.
void disguise(struct stat *status) { status->st_dev ^= static_cast<dev_t>(base::fork_generation()) << 40; }

int status_of_file(int fd, struct stat *status) {
  const int result = ::fstat(fd, status);
  if (result == 0) disguise(status);
  return result;
}

int status_of_path(const char *path, struct stat *status) {
  const int result = ::stat(path, status);
  if (result == 0) disguise(status);
  return result;
}

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

void before_fork() {
  take_shared_locks();
  pthread_mutex_lock(&registry->mutex);
}

void after_fork_in_parent() {
  for (Descriptor &descriptor : registry->descriptors) descriptor.inherited_by_child = true;
  pthread_mutex_unlock(&registry->mutex);
  leave_shared_locks();
}

void after_fork_in_child() {
  pthread_mutex_unlock(&registry->mutex);
  leave_shared_locks();
}

template <typename Function>
void set_call(sqlite3_vfs *vfs, const char *name, Function *function) {
  vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(function));
}

void install_once() {
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // a lock around every allocation, for numbers that nobody asks for
  sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
  if (vfs == nullptr) return;
  registry = new Registry;
  sqlite3_initialize();  // its own lock for this one is not among the shared ones
  for (std::size_t i = 0; i < shared_locks.size(); ++i) {
    shared_locks[i] = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_MAIN + static_cast<int>(i));
  }
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  set_call(vfs, "open", open_file);
  set_call(vfs, "close", close_file);
  set_call(vfs, "fcntl", control_file);
  set_call(vfs, "fstat", status_of_file);
  set_call(vfs, "stat", status_of_path);
}

}  // namespace

void install_unix_vfs() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install_once);
}

DescriptorCounts descriptor_counts() {
  DescriptorCounts counts;
  if (registry == nullptr) return counts;
  const Locked locked;
  for (const Descriptor &descriptor : registry->descriptors) {
    if (!is_inherited(descriptor)) ++(descriptor.idle ? counts.idle : counts.in_use);
  }
  return counts;
}

#else

void install_unix_vfs() {}

DescriptorCounts descriptor_counts() { return {}; }

#endif

}  // namespace cala::store::sqlite
