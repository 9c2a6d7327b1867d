# cala_embed_sql(<room> <out-variable>): the SQL files of src/store/<room> as texts, packed. Makes
# generated/<room>_sql.h and its .cc: migration_files() holds migrations/*.sql sorted by name,
# statement_files() statements/*.sql.
function(cala_embed_sql room out_variable)
  set(folder ${PROJECT_SOURCE_DIR}/src/store/${room})
  set(output ${PROJECT_BINARY_DIR}/generated_root/generated/${room}_sql)
  file(GLOB sql_files CONFIGURE_DEPENDS ${folder}/migrations/*.sql ${folder}/statements/*.sql)
  add_custom_command(
    OUTPUT ${output}.h ${output}.cc
    COMMAND ${CMAKE_COMMAND} -D ROOM=${room} -D FOLDER=${folder} -D OUTPUT=${output}
            -P ${PROJECT_SOURCE_DIR}/cmake/write_sql.cmake
    DEPENDS ${sql_files} ${PROJECT_SOURCE_DIR}/cmake/write_sql.cmake ${PROJECT_SOURCE_DIR}/cmake/pack.cmake
    COMMENT "Embedding the SQL of src/store/${room}"
    VERBATIM)
  # A file that leaves the folder changes no dependency's date: note the list, and write again when it differs.
  string(JOIN "\n" listing ${sql_files})
  file(CONFIGURE OUTPUT ${output}.list CONTENT "${listing}\n")
  set_property(SOURCE ${output}.cc APPEND PROPERTY OBJECT_DEPENDS ${output}.h)
  add_custom_command(OUTPUT ${output}.h ${output}.cc APPEND DEPENDS ${output}.list)
  set(${out_variable} ${output}.h ${output}.cc PARENT_SCOPE)
endfunction()
