// What is asked of the sockets of libpq's connections, and by which texts the system says that there is no connection.
// Any thread.
#pragma once

#include <string>
#include <vector>

namespace cala::platform {

enum class WaitFor { kReadable, kWritable };

// Positive: it is, or the connection is broken. 0: not yet; the time is up or a signal came. Negative: one cannot wait
// for it.
int wait_for_socket(int socket, WaitFor what, int timeout_ms);

// In a forked child: from now on the number means nobody, so that what is said to it does not reach the peer of the
// parent's connection. False when that cannot be done.
bool point_nowhere(int socket);

// The system's texts for a host's name that is not known, and for a peer that does not answer.
std::vector<std::string> unknown_host_texts();
std::vector<std::string> no_answer_texts();

}  // namespace cala::platform
