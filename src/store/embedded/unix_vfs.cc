#include "store/embedded/unix_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <vector>

namespace cala::store::embedded {

#ifdef F_OFD_SETLK

namespace {

constexpr int kLowestDescriptor = 3;  // SQLite refuses to keep a database on 0, 1 or 2

struct Descriptor {
  int fd = -1;
  dev_t device = 0;
  ino_t inode = 0;
  int access = 0;  // O_RDONLY or O_RDWR
  bool idle = false;
  bool inherited = false;  // from the process that forked this one
};

// Made at installation and never destroyed: SQLite may close files while the process exits.
struct Registry {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::vector<Descriptor> descriptors;  // the longest idle ones first
};

Registry *registry = nullptr;
std::atomic<std::uint32_t> forks = 0;  // between the process that installed this and us

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

int release_locks(int fd) {
  struct flock whole {};
  whole.l_type = F_UNLCK;
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

void drop_idle() {
  std::vector<Descriptor> &all = registry->descriptors;
  auto idle =
      static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Descriptor &d) { return d.idle; }));
  std::erase_if(all, [&idle](const Descriptor &descriptor) {
    if (!descriptor.idle || descriptor.inherited) return false;
    const bool too_many = idle > kMaxIdleDescriptors;
    if (!is_deleted(descriptor.fd) && !(too_many && !is_locked(descriptor.fd))) return false;
    ::close(descriptor.fd);
    --idle;
    return true;
  });
}

// A descriptor of the same file, from the pool or dup'ed from one in use; -1 when there is none.
int reuse(const struct stat &status, int access) {
  Descriptor *shared = nullptr;
  for (Descriptor &descriptor : registry->descriptors) {
    if (descriptor.inherited || descriptor.device != status.st_dev || descriptor.inode != status.st_ino ||
        descriptor.access != access) {
      continue;
    }
    if (descriptor.idle) {
      descriptor.idle = false;
      return descriptor.fd;
    }
    shared = &descriptor;
  }
  if (shared == nullptr) return -1;
  const int fd = ::fcntl(shared->fd, F_DUPFD_CLOEXEC, kLowestDescriptor);
  if (fd >= 0) registry->descriptors.push_back({fd, status.st_dev, status.st_ino, access, false, false});
  return fd;
}

int open_file(const char *path, int flags, int mode) {
  const Locked locked;
  const int access = flags & O_ACCMODE;
  struct stat status {};
  if ((flags & (O_EXCL | O_TRUNC | O_DIRECTORY)) == 0) {
    const int found = (flags & O_NOFOLLOW) != 0 ? ::lstat(path, &status) : ::stat(path, &status);
    if (found == 0 && S_ISREG(status.st_mode)) {
      const int fd = reuse(status, access);
      if (fd >= 0) return fd;
    }
  }
  const int fd = ::open(path, flags, mode);
  if (fd >= kLowestDescriptor && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    registry->descriptors.push_back({fd, status.st_dev, status.st_ino, access, false, false});
  }
  return fd;
}

// What POSIX does at a close, and SQLite counts on, is done here by hand: all locks of our copy on the file go.
int close_file(int fd) {
  const Locked locked;
  const auto at = find(fd);
  if (at == registry->descriptors.end()) return ::close(fd);
  Descriptor descriptor = *at;
  if (descriptor.inherited) return 0;
  registry->descriptors.erase(at);
  if (is_deleted(fd)) return ::close(fd);
  release_locks(fd);
  descriptor.idle = true;
  registry->descriptors.push_back(descriptor);
  drop_idle();
  return 0;
}

bool is_inherited(int fd) {
  if (forks.load(std::memory_order_relaxed) == 0) return false;
  const Locked locked;
  const auto at = find(fd);
  return at != registry->descriptors.end() && at->inherited;
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

// SQLite's notes about files (their locks, their shared memory) are found by device and inode; those from before a fork are not
// ours, so our files seem to be on other devices.
void disguise(struct stat *status) {
  status->st_dev ^= static_cast<dev_t>(forks.load(std::memory_order_relaxed)) << 40;
}

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

void before_fork() { pthread_mutex_lock(&registry->mutex); }

void after_fork_in_parent() { pthread_mutex_unlock(&registry->mutex); }

void after_fork_in_child() {
  for (Descriptor &descriptor : registry->descriptors) descriptor.inherited = true;
  forks.fetch_add(1, std::memory_order_relaxed);
  pthread_mutex_unlock(&registry->mutex);
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
  for (const Descriptor &descriptor : registry->descriptors) ++(descriptor.idle ? counts.idle : counts.in_use);
  return counts;
}

#else

void install_unix_vfs() {}

DescriptorCounts descriptor_counts() { return {}; }

#endif

}  // namespace cala::store::embedded
