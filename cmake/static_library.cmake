# libcala.a: one object, in which everything but what cala.h declares with CALA_API is local: SQLite, cJSON and the C++
# runtime are inside and meet nobody else's. So a program links it with the C library alone, be it C, C++ or Go, beside
# any SQLite of its own.
if(CALA_SANITIZE OR CALA_IANA_ZONES)
  message(FATAL_ERROR "CALA_STATIC goes with neither CALA_SANITIZE nor CALA_IANA_ZONES")
endif()
if(WIN32 OR APPLE)
  message(FATAL_ERROR "CALA_STATIC is for ELF alone: what makes one object of everything knows no other kind")
endif()
find_program(CALA_OBJCOPY NAMES ${CMAKE_OBJCOPY} objcopy REQUIRED)
find_program(CALA_LD NAMES ld REQUIRED)
set(CALA_CXX_RUNTIME "" CACHE STRING "The archives of the C++ runtime; empty: g++'s")
set(cala_cxx_runtime ${CALA_CXX_RUNTIME})
if(NOT cala_cxx_runtime)
  foreach(name libstdc++.a libgcc_eh.a libgcc.a)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE archive
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if(NOT EXISTS ${archive})
      message(FATAL_ERROR "${CMAKE_CXX_COMPILER} has no ${name}: CALA_STATIC needs g++'s runtime, or CALA_CXX_RUNTIME")
    endif()
    list(APPEND cala_cxx_runtime ${archive})
  endforeach()
endif()
foreach(objects cala_core cala_objects)
  target_compile_options(${objects} PRIVATE -ffunction-sections -fdata-sections)
endforeach()

set(cala_runtime_objects)
if(CALA_ZIG)
  include(zig_runtime)
  set(cala_runtime_objects $<TARGET_OBJECTS:cala_runtime>)
endif()

set(cala_whole ${PROJECT_BINARY_DIR}/cala_whole.o)
add_custom_command(
  OUTPUT ${cala_whole}
  COMMAND ${PROJECT_SOURCE_DIR}/tools/link_whole ${PROJECT_SOURCE_DIR}/include/cala.h ${cala_whole}
          ${CALA_OBJCOPY} ${CALA_LD}
          "$<FILTER:$<TARGET_OBJECTS:cala_core>,EXCLUDE,[.]pch$>"
          "$<FILTER:$<TARGET_OBJECTS:cala_objects>,EXCLUDE,[.]pch$>" ${cala_runtime_objects}
          $<TARGET_FILE:cala::sqlite3> $<TARGET_FILE:cala::cjson> ${cala_cxx_runtime}
  DEPENDS cala_core cala_objects $<TARGET_OBJECTS:cala_core> $<TARGET_OBJECTS:cala_objects> ${cala_runtime_objects}
          $<TARGET_FILE:cala::sqlite3> $<TARGET_FILE:cala::cjson>
          ${PROJECT_SOURCE_DIR}/include/cala.h ${PROJECT_SOURCE_DIR}/tools/link_whole
          ${PROJECT_SOURCE_DIR}/tools/header_functions
  COMMENT "Linking everything into one object"
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(cala STATIC ${cala_whole})
set_source_files_properties(${cala_whole} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
set_target_properties(cala PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(cala PRIVATE Threads::Threads ${CMAKE_DL_LIBS} m)
