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

find_library(CALA_CJSON_LIBRARY cjson)
find_path(CALA_CJSON_INCLUDE_DIR cjson/cJSON.h)
cala_require(CALA_CJSON_LIBRARY libcjson-dev "cJSON")
cala_require(CALA_CJSON_INCLUDE_DIR libcjson-dev "cjson/cJSON.h")
add_library(cala::cjson UNKNOWN IMPORTED)
set_target_properties(cala::cjson PROPERTIES IMPORTED_LOCATION ${CALA_CJSON_LIBRARY}
                                             INTERFACE_INCLUDE_DIRECTORIES ${CALA_CJSON_INCLUDE_DIR})

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
