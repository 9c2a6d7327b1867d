# A toolchain file: Clang and the C libraries that the zig of tools/install_hosts brings, for one of the targets of
# tools/build_target, which makes the folder with the compilers.
set(CMAKE_SYSTEM_NAME $ENV{CALA_TARGET_SYSTEM})
set(CMAKE_SYSTEM_PROCESSOR $ENV{CALA_TARGET_PROCESSOR})
set(CMAKE_C_COMPILER $ENV{CALA_TARGET_TOOLS}/cc)
set(CMAKE_CXX_COMPILER $ENV{CALA_TARGET_TOOLS}/c++)
set(CMAKE_AR $ENV{CALA_TARGET_TOOLS}/ar)
set(CMAKE_RANLIB $ENV{CALA_TARGET_TOOLS}/ranlib)
set(CMAKE_OBJCOPY $ENV{CALA_TARGET_TOOLS}/objcopy)
# What CMake tries is not linked: for that zig would first build its C++ runtime once more, without optimisation.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CALA_ZIG ON)
set(CALA_ZIG_LIBRARIES $ENV{CALA_TARGET_LIBRARIES}) # the sources of its C++ runtime
if(CMAKE_SYSTEM_NAME STREQUAL Windows)
  # CMake wants one, though there are no resources.
  set(CMAKE_RC_COMPILER $ENV{CALA_TARGET_TOOLS}/rc CACHE FILEPATH "")
elseif(CMAKE_SYSTEM_NAME STREQUAL Darwin)
  # CMake wants one, though it calls it only for libraries that are installed with a run path.
  set(CMAKE_INSTALL_NAME_TOOL $ENV{CALA_TARGET_TOOLS}/install_name_tool CACHE FILEPATH "")
endif()
