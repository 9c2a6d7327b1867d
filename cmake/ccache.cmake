# Compiles go through ccache where there is one; a launcher that was given on the command line stays.
find_program(CALA_CCACHE ccache)
if(CALA_CCACHE)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      # What ccache wants before it keeps files that begin with a precompiled header.
      set(CMAKE_${language}_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
                                              CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
                                              ${CALA_CCACHE})
    endif()
  endforeach()
endif()
