# SPDX-License-Identifier: MIT
#
# Library, headers, pkg-config file and CMake package. Every path in the
# installed files is relative, so that a prefix may be moved.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tgvoip)

install(TARGETS tgvoip EXPORT tgvoip-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/tgvoip DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")

install(EXPORT tgvoip-targets NAMESPACE tgvoip:: DESTINATION ${package_dir})
configure_package_config_file(cmake/tgvoip-config.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/tgvoip-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(
    ${CMAKE_CURRENT_BINARY_DIR}/tgvoip-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tgvoip-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tgvoip-config-version.cmake
    DESTINATION ${package_dir})

file(RELATIVE_PATH pc_prefix
     ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/tgvoip.pc.in ${CMAKE_CURRENT_BINARY_DIR}/tgvoip.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tgvoip.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
