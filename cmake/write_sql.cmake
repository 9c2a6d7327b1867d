# Run by cala_embed_sql at build time: cmake -D ROOM= -D FOLDER= -D OUTPUT= -P write_sql.cmake
# The texts of each kind lie one behind the other, packed; who first asks for them unpacks them.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/pack.cmake)

set(definitions "")
function(append_files kind)
  set(rows "")
  set(count 0)
  set(at 0)
  list(SORT ARGN COMPARE STRING)
  file(WRITE ${OUTPUT}.${kind} "")
  foreach(file ${ARGN})
    cmake_path(GET file STEM LAST_ONLY name)
    file(READ ${file} text)
    file(APPEND ${OUTPUT}.${kind} "${text}")
    file(SIZE ${file} size)
    string(APPEND rows "    {\"${name}\", std::string_view(${kind}_text + ${at}, ${size})},\n")
    math(EXPR at "${at} + ${size}")
    math(EXPR count "${count} + 1")
  endforeach()
  file(SIZE ${OUTPUT}.${kind} whole)
  if(NOT whole EQUAL at)
    message(FATAL_ERROR "the texts in ${FOLDER} have ${at} bytes, together they have ${whole}")
  endif()
  cala_pack(${OUTPUT}.${kind} bytes)
  string(APPEND definitions "namespace {

char ${kind}_text[${whole}];
constexpr std::uint8_t ${kind}_packed[] = {
${bytes}
};
constexpr std::array<SqlFile, ${count}> ${kind}_all{{
${rows}}};

}  // namespace

std::span<const SqlFile> ${kind}_list() { return ${kind}_all; }

std::span<const SqlFile> ${kind}_files() {
  static constinit base::PackedText text(${kind}_packed, ${kind}_text);
  if (!text.unpacked()) return {};
  return ${kind}_all;
}

")
  set(definitions "${definitions}" PARENT_SCOPE)
endfunction()

file(GLOB migrations ${FOLDER}/migrations/*.sql)
file(GLOB statements ${FOLDER}/statements/*.sql)
append_files(migration ${migrations})
if(statements)
  append_files(statement ${statements})
endif()

file(WRITE ${OUTPUT}.h "// Made at build time from the SQL files of src/store/${ROOM}; readable from any thread.
#pragma once

#include <span>

#include \"store/sql_files.h\"

namespace cala::store::${ROOM} {

// Each sorted by name. Of a list only the names are to be read; the first call for the files unpacks their texts.
std::span<const SqlFile> migration_list();
std::span<const SqlFile> migration_files();
std::span<const SqlFile> statement_list();
std::span<const SqlFile> statement_files();

}  // namespace cala::store::${ROOM}
")
file(WRITE ${OUTPUT}.cc "#include \"generated/${ROOM}_sql.h\"

#include <array>

#include \"base/inflate.h\"

namespace cala::store::${ROOM} {

${definitions}}  // namespace cala::store::${ROOM}
")
