# What the library is made of. SQLite and cJSON are compiled in from their sources and disappear inside; libpq is only
# compiled against, never linked.
find_package(Threads REQUIRED)

function(cala_require variable package what)
  if(NOT ${variable})
    message(FATAL_ERROR "${what} was not found; on Debian: apt-get install ${package}")
  endif()
endfunction()

# cala_source_of(<name> <out-variable> <given>): the folder with the sources of cjson or sqlite, brought here where none
# was given.
function(cala_source_of name out_variable given)
  if(NOT given)
    set(given ${PROJECT_SOURCE_DIR}/build/sources/${name})
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/fetch_sources ${name} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set(${out_variable} ${given} PARENT_SCOPE)
endfunction()

# SQLite: always optimised and never instrumented, whatever the rest is built with.
option(CALA_SYSTEM_SQLITE "Take the system's libsqlite3.a instead of compiling SQLite in from its source" OFF)
set(CALA_SQLITE_SOURCE "" CACHE PATH "Folder with sqlite3.c and sqlite3.h; empty: tools/fetch_sources brings them")
if(CALA_SYSTEM_SQLITE)
  find_library(CALA_SQLITE3_ARCHIVE NAMES libsqlite3.a)
  find_path(CALA_SQLITE3_INCLUDE_DIR sqlite3.h)
  cala_require(CALA_SQLITE3_ARCHIVE libsqlite3-dev "SQLite's static library libsqlite3.a")
  cala_require(CALA_SQLITE3_INCLUDE_DIR libsqlite3-dev "sqlite3.h")
  add_library(cala::sqlite3 STATIC IMPORTED)
  set_target_properties(cala::sqlite3 PROPERTIES IMPORTED_LOCATION ${CALA_SQLITE3_ARCHIVE}
                                                 INTERFACE_INCLUDE_DIRECTORIES ${CALA_SQLITE3_INCLUDE_DIR}
                                                 INTERFACE_LINK_LIBRARIES "m;${CMAKE_DL_LIBS};Threads::Threads")
else()
  cala_source_of(sqlite cala_sqlite_source "${CALA_SQLITE_SOURCE}")
  add_library(cala_sqlite3 STATIC ${cala_sqlite_source}/sqlite3.c)
  add_library(cala::sqlite3 ALIAS cala_sqlite3)
  set_target_properties(cala_sqlite3 PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_include_directories(cala_sqlite3 SYSTEM INTERFACE $<BUILD_INTERFACE:${cala_sqlite_source}>)
  # Each connection is used by one thread at a time. What is left out is what no statement of ours asks for.
  target_compile_definitions(
    cala_sqlite3
    PRIVATE SQLITE_THREADSAFE=2
            SQLITE_DQS=0
            SQLITE_DEFAULT_MEMSTATUS=0
            SQLITE_LIKE_DOESNT_MATCH_BLOBS
            SQLITE_MAX_VARIABLE_NUMBER=250000
            SQLITE_ENABLE_MATH_FUNCTIONS
            SQLITE_OMIT_LOAD_EXTENSION
            SQLITE_OMIT_SHARED_CACHE
            SQLITE_OMIT_PROGRESS_CALLBACK
            SQLITE_OMIT_DEPRECATED
            SQLITE_USE_ALLOCA
            $<$<NOT:$<PLATFORM_ID:Windows>>:USE_PREAD=1>
            $<$<NOT:$<PLATFORM_ID:Windows>>:HAVE_USLEEP=1>
            $<$<NOT:$<PLATFORM_ID:Windows>>:HAVE_GMTIME_R=1>
            $<$<NOT:$<PLATFORM_ID:Windows>>:HAVE_LOCALTIME_R=1>
            $<$<PLATFORM_ID:Linux>:HAVE_FDATASYNC=1>
            $<$<PLATFORM_ID:Linux>:HAVE_STRCHRNUL=1>
            $<$<PLATFORM_ID:Linux>:HAVE_MALLOC_USABLE_SIZE=1>)
  target_compile_options(cala_sqlite3 PRIVATE -w $<$<CONFIG:Debug>:-O2;-g0> -ffunction-sections -fdata-sections)
  if(CALA_SMALL AND CMAKE_C_COMPILER_ID MATCHES Clang)
    # Inlines no more than -Os does, which is a quarter less code; otherwise optimised as before.
    target_compile_options(cala_sqlite3 PRIVATE "SHELL:-mllvm -inline-threshold=50")
  endif()
  target_link_libraries(cala_sqlite3 PRIVATE m Threads::Threads)
endif()

# cJSON is compiled in from its source, hidden: as a shared library the program could put functions of its own in the
# place of cJSON's (symbols of the same name, cJSON_InitHooks).
set(CALA_CJSON_SOURCE "" CACHE PATH "Folder with cJSON.c and cJSON.h; empty: tools/fetch_sources brings them")
cala_source_of(cjson cala_cjson_source "${CALA_CJSON_SOURCE}")
file(COPY ${cala_cjson_source}/cJSON.h DESTINATION ${PROJECT_BINARY_DIR}/include/cjson)
# Each parse notes where the last one failed in a variable of the whole process; threads that parse beside each other
# need one each.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cala_cjson_source}/cJSON.c)
file(READ ${cala_cjson_source}/cJSON.c cala_cjson_text)
string(REPLACE "static error global_error" "static _Thread_local error global_error"
       cala_cjson_threaded "${cala_cjson_text}")
if(cala_cjson_threaded STREQUAL cala_cjson_text)
  message(FATAL_ERROR "cJSON.c in ${cala_cjson_source} has no 'static error global_error': this copy is not the "
                      "one that is known")
endif()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/include/cjson/cJSON.c CONTENT "@cala_cjson_threaded@" @ONLY)
add_library(cala_cjson STATIC ${PROJECT_BINARY_DIR}/include/cjson/cJSON.c)
add_library(cala::cjson ALIAS cala_cjson)
set_target_properties(cala_cjson PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_compile_definitions(cala_cjson PRIVATE CJSON_HIDE_SYMBOLS)
target_compile_options(cala_cjson PRIVATE $<$<CONFIG:Debug>:-O2>)
target_include_directories(cala_cjson SYSTEM INTERFACE $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
if(CALA_SANITIZE)
  target_compile_options(cala_cjson PRIVATE -fsanitize=${CALA_SANITIZE} -fno-sanitize-recover=all)
endif()

find_path(CALA_LIBPQ_INCLUDE_DIR libpq-fe.h PATH_SUFFIXES postgresql)
cala_require(CALA_LIBPQ_INCLUDE_DIR libpq-dev "libpq-fe.h")
add_library(cala::libpq_headers INTERFACE IMPORTED)
set_target_properties(cala::libpq_headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${CALA_LIBPQ_INCLUDE_DIR})

# Only as a shared library: Debian's archives are not position independent. The C++ runtime that it needs is then ours
# as well.
if(CALA_IANA_ZONES)
  find_package(absl REQUIRED)
  add_library(cala_iana_zones INTERFACE)
  target_compile_definitions(cala_iana_zones INTERFACE CALA_IANA_ZONES)
  target_link_libraries(cala_iana_zones INTERFACE absl::time)
endif()
