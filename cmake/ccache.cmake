# Compiles go through ccache where there is one; a launcher that was given on the command line stays.
find_program(CALA_CCACHE ccache)
if(CALA_CCACHE)
  foreach(language C CXX)
    if(NOT CMAKE_${language}_COMPILER_LAUNCHER)
      set(CMAKE_${language}_COMPILER_LAUNCHER ${CALA_CCACHE})
      if(CALA_PRECOMPILE) # what ccache wants before it keeps files that begin with a precompiled header
        set(CMAKE_${language}_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
            CCACHE_SLOPPINESS=pch_defines,time_macros ${CALA_CCACHE})
      endif()
    endif()
  endforeach()
endif()
