# Installing: the library, its header, cala.pc and a CMake package (find_package(cala), target cala::cala).
include(CMakePackageConfigHelpers)
set(cala_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cala)

file(RELATIVE_PATH cala_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cala.pc.in ${CMAKE_BINARY_DIR}/cala.pc @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cala-config-version.cmake COMPATIBILITY SameMajorVersion)

install(TARGETS cala EXPORT cala LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# What is installed is stripped, its debug symbols lie beside it, where debuggers look for them.
if(NOT CALA_SANITIZE AND CMAKE_OBJCOPY)
  set(cala_file libcala.so.${PROJECT_VERSION})
  install(CODE "
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}\")
    file(REMOVE \"\${folder}/${cala_file}.debug\")
    foreach(arguments \"--only-keep-debug;${cala_file};${cala_file}.debug\"
                      \"--strip-unneeded;--add-gnu-debuglink=${cala_file}.debug;${cala_file}\")
      execute_process(COMMAND ${CMAKE_OBJCOPY} \${arguments} WORKING_DIRECTORY \${folder} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()")
endif()
install(EXPORT cala NAMESPACE cala:: FILE cala-config.cmake DESTINATION ${cala_package_dir})
install(FILES ${CMAKE_BINARY_DIR}/cala-config-version.cmake DESTINATION ${cala_package_dir})
install(FILES ${CMAKE_BINARY_DIR}/cala.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES abi/api.json DESTINATION ${CMAKE_INSTALL_DATADIR}/cala)
install(FILES LICENSE README.md ABI.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
