# cala_options: warnings and sanitizers, for every target of this project and for nobody who links the library.
add_library(cala_options INTERFACE)
target_compile_options(cala_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                              $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>)
if(CALA_WERROR)
  target_compile_options(cala_options INTERFACE -Werror)
endif()

if(CALA_SANITIZE)
  set(sanitizers -fsanitize=${CALA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(cala_options INTERFACE ${sanitizers})
  target_link_options(cala_options INTERFACE ${sanitizers})
  target_compile_definitions(cala_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ 12 loses track of unions in instrumented code; the warning stays on in the release build.
    target_compile_options(cala_options INTERFACE -Wno-maybe-uninitialized)
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    # clang puts the runtime into the executable, and a C program that loads the library needs its C++ half too.
    target_link_options(cala_options INTERFACE $<$<LINK_LANGUAGE:C>:-fsanitize-link-c++-runtime>)
    target_link_libraries(cala_options INTERFACE $<$<LINK_LANGUAGE:C>:stdc++>)
  endif()
endif()
