// What the server tells of itself: a line each on stderr, control characters replaced.
//
// Thread rule: safe from every thread.
#pragma once

#include <string_view>

namespace outbox {

void set_quiet(bool quiet);  // then only errors are told
void log_info(std::string_view line);
void log_error(std::string_view line);

}  // namespace outbox
