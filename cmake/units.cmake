# cala_units(<name> <variable>): with CALA_UNITS the variable's sources become units that include several of them each
# (tools/deal), compiled in less than half of the time. Those in cala_small_sources become units of their own, which
# stand there in their place. Whoever edits compiles less without. The release build does without, too, so what a file
# has from another by chance is found there.
function(cala_units name variable)
  if(NOT CALA_UNITS)
    return()
  endif()
  set(alone ${${variable}})
  # Tests take another of the first in its place; the others include headers of Windows that define names of ours.
  list(FILTER alone INCLUDE REGEX "/(zone_rules|platform/windows/[a-z_]*)[.]cc$")
  set(fast ${${variable}})
  list(REMOVE_ITEM fast ${alone})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${fast})
  set(small ${fast})
  list(REMOVE_ITEM fast ${cala_small_sources})
  list(REMOVE_ITEM small ${fast})
  cala_deal(${name} fast)
  cala_deal(${name}_small small)
  set(${variable} ${fast} ${small} ${alone} PARENT_SCOPE)
  set(cala_small_sources ${cala_small_sources} ${small} PARENT_SCOPE)
endfunction()

function(cala_deal name variable)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/deal ${PROJECT_BINARY_DIR}/units/${name} ${${variable}}
                  OUTPUT_VARIABLE units OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" units "${units}")
  set(${variable} ${units} PARENT_SCOPE)
endfunction()
