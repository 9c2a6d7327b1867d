// Windows' sockets, once they are started for the process; nobody ends them.
#pragma once

namespace cala::platform {

int start_sockets();  // 0, or the error's number

}  // namespace cala::platform
