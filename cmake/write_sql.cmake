# Run by cala_embed_sql at build time: cmake -D ROOM= -D FOLDER= -D OUTPUT= -P write_sql.cmake
# Bytes become character literals one by one, so neither quotes nor the length of a file can matter.
cmake_minimum_required(VERSION 3.25)

set(definitions "")
function(append_files prefix function_name)
  set(rows "")
  set(index 0)
  set(texts "")
  list(SORT ARGN COMPARE STRING)
  foreach(file ${ARGN})
    cmake_path(GET file STEM LAST_ONLY name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    file(SIZE ${file} size)
    string(APPEND texts "constexpr char ${prefix}${index}[] = {\n${bytes}'\\0'};\n")
    string(APPEND rows "    {\"${name}\", std::string_view(${prefix}${index}, ${size})},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND definitions "namespace {\n${texts}constexpr std::array<SqlFile, ${index}> ${prefix}all{{\n${rows}}};\n"
         "}  // namespace\n\nstd::span<const SqlFile> ${function_name}() { return ${prefix}all; }\n\n")
  set(definitions "${definitions}" PARENT_SCOPE)
endfunction()

file(GLOB migrations ${FOLDER}/migrations/*.sql)
file(GLOB statements ${FOLDER}/statements/*.sql)
append_files(migration_ migration_files ${migrations})
append_files(statement_ statement_files ${statements})

file(WRITE ${OUTPUT}.h "// Made at build time from the SQL files of src/store/${ROOM}; constants, readable from any thread.
#pragma once

#include <span>

#include \"store/sql_files.h\"

namespace cala::store::${ROOM} {

// Each sorted by name.
std::span<const SqlFile> migration_files();
std::span<const SqlFile> statement_files();

}  // namespace cala::store::${ROOM}
")
file(WRITE ${OUTPUT}.cc "#include \"generated/${ROOM}_sql.h\"

#include <array>

namespace cala::store::${ROOM} {

${definitions}}  // namespace cala::store::${ROOM}
")
