# cala_precompile(<target> [header...]): with CALA_PRECOMPILE the C++ files of a target begin with the standard
# library's headers, and these, compiled once. The release build does without, so a file that forgot an #include is
# found there.
function(cala_precompile target)
  if(NOT CALA_PRECOMPILE)
    return()
  endif()
  set(headers)
  foreach(header algorithm array atomic charconv chrono coroutine functional map memory mutex optional set span
                 string string_view unordered_map utility variant vector)
    list(APPEND headers $<$<COMPILE_LANGUAGE:CXX>:<${header}$<ANGLE-R>>)
  endforeach()
  foreach(header ${ARGN})
    list(APPEND headers $<$<COMPILE_LANGUAGE:CXX>:<${header}$<ANGLE-R>>)
  endforeach()
  target_precompile_headers(${target} PRIVATE ${headers})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>)
  endif()
endfunction()
