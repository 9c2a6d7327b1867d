// Modules (shared libraries) of the process, and the functions in them. Any thread.
#pragma once

#include <span>

namespace cala::platform {

// Null when it cannot be loaded. Stays for the life of the process.
void *load_module(const char *name);

// One that is loaded already, held until it is let go: looking for it loads nothing. Null when it is not.
void *hold_loaded_module(const char *name);
void let_go_of_module(void *module);

// Searches the module and what it was linked with, so it finds the right copy even where that is renamed and local.
void *find_in_module(void *module, const char *name);
// What the program itself sees by that name.
void *find_in_program(const char *name);

// What libpq is called here, in the order in which it is looked for.
std::span<const char *const> libpq_names();

}  // namespace cala::platform
