# cala_units(<name> <variable>): with CALA_UNITS the variable's sources become units that include several of them each
# (tools/deal), compiled in less than half of the time. Whoever edits compiles less without. The release build does
# without, too, so what a file has from another by chance is found there.
function(cala_units name variable)
  if(NOT CALA_UNITS)
    return()
  endif()
  set(alone ${${variable}})
  list(FILTER alone INCLUDE REGEX "/zone_rules[.]cc$") # tests take another in its place
  set(sources ${${variable}})
  list(REMOVE_ITEM sources ${alone})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/deal ${PROJECT_BINARY_DIR}/units/${name} ${sources}
                  OUTPUT_VARIABLE units OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" units "${units}")
  set(${variable} ${units} ${alone} PARENT_SCOPE)
endfunction()
