# What the library is made of. SQLite comes as an archive and disappears inside; libpq is only compiled against, never linked.
find_package(Threads REQUIRED)

function(cala_require variable package what)
  if(NOT ${variable})
    message(FATAL_ERROR "${what} was not found; on Debian: apt-get install ${package}")
  endif()
endfunction()

find_library(CALA_SQLITE3_ARCHIVE NAMES libsqlite3.a)
find_path(CALA_SQLITE3_INCLUDE_DIR sqlite3.h)
cala_require(CALA_SQLITE3_ARCHIVE libsqlite3-dev "SQLite's static library libsqlite3.a")
cala_require(CALA_SQLITE3_INCLUDE_DIR libsqlite3-dev "sqlite3.h")
add_library(cala::sqlite3 STATIC IMPORTED)
set_target_properties(cala::sqlite3 PROPERTIES IMPORTED_LOCATION ${CALA_SQLITE3_ARCHIVE}
                                               INTERFACE_INCLUDE_DIRECTORIES ${CALA_SQLITE3_INCLUDE_DIR}
                                               INTERFACE_LINK_LIBRARIES "m;${CMAKE_DL_LIBS};Threads::Threads")

# cJSON is compiled in from its source, hidden: as a shared library the program could put functions of its own in the place of
# cJSON's (symbols of the same name, cJSON_InitHooks).
set(CALA_CJSON_SOURCE "" CACHE PATH "Folder with cJSON.c and cJSON.h; empty: tools/fetch_sources brings them")
set(cala_cjson_source ${CALA_CJSON_SOURCE})
if(NOT cala_cjson_source)
  set(cala_cjson_source ${PROJECT_SOURCE_DIR}/build/sources/cjson)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/fetch_sources COMMAND_ERROR_IS_FATAL ANY)
endif()
file(COPY ${cala_cjson_source}/cJSON.h DESTINATION ${CMAKE_BINARY_DIR}/include/cjson)
# Each parse notes where the last one failed in a variable of the whole process; threads that parse beside each other need one each.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cala_cjson_source}/cJSON.c)
file(READ ${cala_cjson_source}/cJSON.c cala_cjson_text)
string(REPLACE "static error global_error" "static _Thread_local error global_error" cala_cjson_threaded "${cala_cjson_text}")
if(cala_cjson_threaded STREQUAL cala_cjson_text)
  message(FATAL_ERROR "cJSON.c in ${cala_cjson_source} has no 'static error global_error': this copy is not the one that is known")
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/include/cjson/cJSON.c CONTENT "@cala_cjson_threaded@" @ONLY)
add_library(cala_cjson STATIC ${CMAKE_BINARY_DIR}/include/cjson/cJSON.c)
add_library(cala::cjson ALIAS cala_cjson)
set_target_properties(cala_cjson PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_compile_definitions(cala_cjson PRIVATE CJSON_HIDE_SYMBOLS)
target_include_directories(cala_cjson SYSTEM INTERFACE $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>)
if(CALA_SANITIZE)
  target_compile_options(cala_cjson PRIVATE -fsanitize=${CALA_SANITIZE} -fno-sanitize-recover=all)
endif()

find_path(CALA_LIBPQ_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql)
cala_require(CALA_LIBPQ_INCLUDE_DIR libpq-dev "libpq-fe.h")
add_library(cala::libpq_headers INTERFACE IMPORTED)
set_target_properties(cala::libpq_headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${CALA_LIBPQ_INCLUDE_DIR})

# Only as a shared library: Debian's archives are not position independent. The C++ runtime that it needs is then ours as well.
if(CALA_IANA_ZONES)
  find_package(absl REQUIRED)
  add_library(cala_iana_zones INTERFACE)
  target_compile_definitions(cala_iana_zones INTERFACE CALA_IANA_ZONES)
  target_link_libraries(cala_iana_zones INTERFACE absl::time)
endif()
