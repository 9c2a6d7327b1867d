# Run by cala_embed_sql at build time: cmake -D ROOM= -D FOLDER= -D OUTPUT= -P write_sql.cmake
# Bytes become character literals one by one, so neither quotes nor the length of a file can matter.
cmake_minimum_required(VERSION 3.25)

set(definitions "")
function(append_files prefix list_name count_name)
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
  if(index EQUAL 0)
    set(rows "    {},\n")
  endif()
  string(APPEND definitions "namespace {\n${texts}}  // namespace\n\n"
         "constinit const SqlFile ${list_name}[] = {\n${rows}};\nconst std::size_t ${count_name} = ${index};\n\n")
  set(definitions "${definitions}" PARENT_SCOPE)
endfunction()

file(GLOB migrations ${FOLDER}/migrations/*.sql)
file(GLOB statements ${FOLDER}/statements/*.sql)
append_files(migration_text_ kMigrations kMigrationCount ${migrations})
append_files(statement_text_ kStatements kStatementCount ${statements})

file(WRITE ${OUTPUT}.h "// Made at build time from the SQL files of src/store/${ROOM}; constants, readable from any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace cala::store::${ROOM} {

struct SqlFile {
  std::string_view name;  // the file's name without .sql
  std::string_view text;
};

extern const SqlFile kMigrations[];  // migrations/*.sql, sorted by name
extern const std::size_t kMigrationCount;
extern const SqlFile kStatements[];  // the *.sql beside that folder, sorted by name
extern const std::size_t kStatementCount;

}  // namespace cala::store::${ROOM}
")
file(WRITE ${OUTPUT}.cc "#include \"generated/${ROOM}_sql.h\"

namespace cala::store::${ROOM} {

${definitions}}  // namespace cala::store::${ROOM}
")
