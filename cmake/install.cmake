# `cmake --install build --prefix DIR`: library, headers, native binary, libduckdb beside the library,
# and the package files for find_package(smallpond).
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/smallpond")

install(TARGETS smallpond EXPORT smallpond_targets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(TARGETS smallpond_binary RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(PROGRAMS "${duckdb_file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES "${SMALLPOND_DUCKDB_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
  RENAME libduckdb.LICENSE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/smallpond"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

install(EXPORT smallpond_targets NAMESPACE smallpond:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/smallpondConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/smallpondConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/smallpondConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/smallpondConfig.cmake"
  "${PROJECT_BINARY_DIR}/smallpondConfigVersion.cmake" DESTINATION "${package_dir}")
