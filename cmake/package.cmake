# Installing: the library, its header, cala.pc and a CMake package (find_package(cala), target cala::cala).
include(CMakePackageConfigHelpers)
set(cala_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cala)

file(RELATIVE_PATH cala_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(cala_pc_static "")
if(CALA_STATIC)
  set(cala_pc_static " -lm -ldl -lpthread")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cala.pc.in ${PROJECT_BINARY_DIR}/cala.pc @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cala-config-version.cmake COMPATIBILITY SameMajorVersion)

install(TARGETS cala EXPORT cala LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# What is installed is stripped, its debug symbols lie beside it, where debuggers look for them.
if(NOT CALA_STATIC AND NOT CALA_SANITIZE AND NOT APPLE AND NOT WIN32 AND CMAKE_OBJCOPY)
  set(cala_file libcala.so.${PROJECT_VERSION})
  install(CODE "
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}\")
    file(REMOVE \"\${folder}/${cala_file}.debug\")
    foreach(arguments \"--only-keep-debug;${cala_file};${cala_file}.debug\"
                      \"--strip-unneeded;--add-gnu-debuglink=${cala_file}.debug;${cala_file}\")
      execute_process(COMMAND ${CMAKE_OBJCOPY} \${arguments} WORKING_DIRECTORY \${folder} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()")
endif()
install(EXPORT cala NAMESPACE cala:: FILE cala-targets.cmake DESTINATION ${cala_package_dir})
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cala-config.cmake @ONLY CONTENT
     "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)\ninclude(\${CMAKE_CURRENT_LIST_DIR}/cala-targets.cmake)\n")
install(FILES ${PROJECT_BINARY_DIR}/cala-config.cmake DESTINATION ${cala_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/cala-config-version.cmake DESTINATION ${cala_package_dir})
install(FILES ${PROJECT_BINARY_DIR}/cala.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES abi/api.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cala)
install(FILES LICENSE README.md ABI.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
