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
add_library(cala_cjson STATIC ${cala_cjson_source}/cJSON.c)
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
