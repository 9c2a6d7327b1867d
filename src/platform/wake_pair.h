// WakePair: two connected sockets, neither of which waits or is inherited by a program that is executed. What is sent
// at one end makes the other readable. Sockets, because Node takes no eventfd and Bun no pipe. No other process can be
// at either end. The functions may be called from any thread, and leave errno alone but for those that give its number.
#pragma once

namespace cala::platform {

struct WakePair {
  int program_end = -1;
  int own_end = -1;
};

// 0, or the error's number.
int open_wake_pair(WakePair &out);
int duplicate_wake_end(int end, int &out);

void send_wake(int end) noexcept;    // never waits, raises no signal; a full buffer is readable anyway
void clear_wakes(int end) noexcept;  // takes the bytes that are there
void close_wake_end(int end) noexcept;

}  // namespace cala::platform
