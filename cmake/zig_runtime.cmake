# cala_runtime: two files of zig's C++ runtime, compiled here, hidden, and so found before those in its archives. What
# says why a process ends writes the exception's type as the compiler does, without an eighth of a megabyte of what
# reads such names. New and delete would be seen on macOS, and take the place of the program's or be replaced by them.
set(cala_runtime cxa_default_handlers.cpp)
if(APPLE)
  list(APPEND cala_runtime stdlib_new_delete.cpp)
endif()
list(TRANSFORM cala_runtime PREPEND ${CALA_ZIG_LIBRARIES}/libcxxabi/src/)
add_library(cala_runtime OBJECT ${cala_runtime})
set_target_properties(cala_runtime PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_STANDARD 23)
target_include_directories(cala_runtime PRIVATE ${CALA_ZIG_LIBRARIES}/libcxxabi/include
                                                ${CALA_ZIG_LIBRARIES}/libcxx/src)
target_compile_definitions(cala_runtime PRIVATE LIBCXXABI_NON_DEMANGLING_TERMINATE
                                                _LIBCPP_BUILDING_LIBRARY _LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS
                                                _LIBCXXABI_BUILDING_LIBRARY _LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS)
target_compile_options(cala_runtime PRIVATE -w -fvisibility=hidden -fvisibility-global-new-delete=force-hidden)
