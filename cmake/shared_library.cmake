# libcala.so.1, libcala.1.dylib, cala.dll: what cala.h declares with CALA_API is exported, everything else stays inside.
if(APPLE)
  set(cala_version_script ${PROJECT_BINARY_DIR}/cala.symbols)
else()
  set(cala_version_script ${PROJECT_BINARY_DIR}/cala.map)
endif()
add_custom_command(
  OUTPUT ${cala_version_script}
  COMMAND ${PROJECT_SOURCE_DIR}/tools/version_script ${PROJECT_SOURCE_DIR}/include/cala.h ${cala_version_script}
  DEPENDS ${PROJECT_SOURCE_DIR}/include/cala.h ${PROJECT_SOURCE_DIR}/tools/version_script
          ${PROJECT_SOURCE_DIR}/tools/header_functions
  COMMENT "Writing the version script from cala.h"
  VERBATIM)
add_custom_target(cala_version_script DEPENDS ${cala_version_script})

add_library(cala SHARED $<TARGET_OBJECTS:cala_core> $<TARGET_OBJECTS:cala_objects>)
add_dependencies(cala cala_version_script)
set_target_properties(cala PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX
                                      LINK_DEPENDS ${cala_version_script})
target_link_libraries(cala PRIVATE $<BUILD_INTERFACE:cala_options> cala::sqlite3 cala::cjson Threads::Threads
                                   ${CMAKE_DL_LIBS})
if(CALA_IANA_ZONES)
  target_link_libraries(cala PRIVATE $<BUILD_INTERFACE:cala_iana_zones>)
endif()
if(WIN32)
  # What is declared with dllexport is all that is exported. cala.lib is what programs are linked with, by any compiler.
  set_target_properties(cala PROPERTIES PREFIX "" IMPORT_PREFIX "" IMPORT_SUFFIX .lib)
  target_link_libraries(cala PRIVATE ws2_32 bcrypt)
elseif(APPLE)
  # Its name is @rpath/libcala.1.dylib from the link on: to change it at installation would break the signature.
  set_target_properties(cala PROPERTIES INSTALL_NAME_DIR @rpath BUILD_WITH_INSTALL_NAME_DIR ON)
  # zig's linker for macOS knows no such list. There the headers alone hide what is not exported, and
  # tools/check_artifact looks.
  if(NOT CALA_ZIG)
    target_link_options(cala PRIVATE -Wl,-exported_symbols_list,${cala_version_script})
  endif()
else()
  target_link_options(cala PRIVATE -Wl,--version-script=${cala_version_script} -Wl,-z,nodelete -Wl,-z,relro,-z,now)
endif()
if(CALA_ZIG)
  include(zig_runtime)
  target_sources(cala PRIVATE $<TARGET_OBJECTS:cala_runtime>)
endif()
if(CALA_SANITIZE OR CALA_BUILD_FUZZERS)
  # The sanitizers' runtime lives in the executable (clang) or beside it (gcc), and must meet one libstdc++.
else()
  # Functions that nothing reaches stay out.
  foreach(objects cala_core cala_objects)
    target_compile_options(${objects} PRIVATE -ffunction-sections -fdata-sections)
  endforeach()
  if(APPLE)
    # Stripped here: the signature that arm64 wants is made over the whole file.
    target_link_options(cala PRIVATE -Wl,-dead_strip $<$<BOOL:${CALA_ZIG}>:-Wl,-s,-x>)
  elseif(WIN32)
    target_link_options(cala PRIVATE -Wl,--gc-sections $<$<BOOL:${CALA_ZIG}>:-s>)
  else()
    target_link_options(cala PRIVATE -Wl,-z,defs -Wl,--gc-sections)
  endif()
  if(NOT APPLE AND NOT CALA_IANA_ZONES)
    target_link_options(cala PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endif()

# The interface alone, for the tools that compare it by its debug information (tools/check_abi): what cala.h declares is
# in src/api. abi-dumper took 187 s of a processor for the whole library and 20 s for such a one, which is never loaded.
if(PROJECT_IS_TOP_LEVEL AND NOT APPLE AND NOT WIN32 AND NOT CALA_UNITS)
  add_library(cala_interface SHARED EXCLUDE_FROM_ALL $<FILTER:$<TARGET_OBJECTS:cala_objects>,INCLUDE,/src/api/>)
  add_dependencies(cala_interface cala_version_script)
  set_target_properties(cala_interface PROPERTIES NO_SONAME ON LINKER_LANGUAGE CXX LINK_DEPENDS ${cala_version_script})
  target_link_options(cala_interface PRIVATE -Wl,--version-script=${cala_version_script}
                                             -Wl,--unresolved-symbols=ignore-all
                                             -Wl,-soname,libcala.so.${PROJECT_VERSION_MAJOR})
endif()
