#include "platform/file_locks.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <vector>

#include "platform/fork_generation.h"

namespace cala::platform {

// Not where nobody has tried it, though newer headers of macOS have them too.
#if defined(F_OFD_SETLK) && defined(__linux__)

namespace {

constexpr int kLowestDescriptor = 3;  // SQLite refuses to keep a database on 0, 1 or 2

struct Descriptor {
  int fd = -1;
  dev_t device = 0;
  ino_t inode = 0;
  int access = 0;           // O_RDONLY or O_RDWR
  std::uint64_t owner = 0;  // the process that opened it, as fork_generation names it
  bool idle = false;
  bool inherited_by_child = false;  // a forked child may hold the same open file description
};

// Made at installation and never destroyed: SQLite may close files while the process exits.
struct Registry {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::vector<Descriptor> descriptors;  // the longest idle ones first
  std::uint64_t installed_by = fork_generation();
  void (*before_fork)() = nullptr;
  void (*after_fork)() = nullptr;
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

bool is_inherited(const Descriptor &descriptor) { return descriptor.owner != fork_generation(); }

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
    remember({.fd = fd, .device = status.st_dev, .inode = status.st_ino, .access = access, .owner = fork_generation()});
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
  if (fork_generation() == registry->installed_by) return false;
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
void disguise(struct stat *status) { status->st_dev ^= static_cast<dev_t>(fork_generation()) << 40; }

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

void before_fork() {
  registry->before_fork();
  pthread_mutex_lock(&registry->mutex);
}

void after_fork_in_parent() {
  for (Descriptor &descriptor : registry->descriptors) descriptor.inherited_by_child = true;
  pthread_mutex_unlock(&registry->mutex);
  registry->after_fork();
}

void after_fork_in_child() {
  pthread_mutex_unlock(&registry->mutex);
  registry->after_fork();
}

template <typename Function>
FileCall file_call(const char *name, Function *function) {
  return {name, reinterpret_cast<void (*)()>(function)};
}

// Not made at the first call: a child that was forked meanwhile would wait for it.
const std::array<FileCall, 5> calls{file_call("open", open_file), file_call("close", close_file),
                                    file_call("fcntl", control_file), file_call("fstat", status_of_file),
                                    file_call("stat", status_of_path)};

}  // namespace

std::span<const FileCall> file_calls() { return calls; }

void begin_file_calls(void (*before)(), void (*after)()) {
  registry = new Registry;
  registry->before_fork = before;
  registry->after_fork = after;
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
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

std::span<const FileCall> file_calls() { return {}; }

void begin_file_calls(void (*)(), void (*)()) {}

DescriptorCounts descriptor_counts() { return {}; }

#endif

void once_in_process(void (*body)()) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, body);
}

}  // namespace cala::platform
