# duckdb_library: what links against libduckdb; it brings no headers.
# duckdb_headers: the include path, which only src/duckdb_adapter may use.
execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env "PYTHON=${Python_EXECUTABLE}"
          "${PROJECT_SOURCE_DIR}/tools/fetch_duckdb.sh" "${SMALLPOND_DUCKDB_DIR}"
  COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/tools/fetch_duckdb.sh" "${SMALLPOND_DUCKDB_DIR}/stamp")

file(GLOB duckdb_file "${SMALLPOND_DUCKDB_DIR}/lib/libduckdb-smallpond-*.so")
cmake_path(GET duckdb_file FILENAME duckdb_soname)

add_library(duckdb_library SHARED IMPORTED)
set_target_properties(duckdb_library PROPERTIES
  IMPORTED_LOCATION "${duckdb_file}" IMPORTED_SONAME "${duckdb_soname}")

add_library(duckdb_headers INTERFACE)
target_include_directories(duckdb_headers SYSTEM INTERFACE
  "${SMALLPOND_DUCKDB_DIR}/include" "${SMALLPOND_DUCKDB_DIR}/extension/json/include")
foreach(folder fmt/include re2 utf8proc/include yyjson/include concurrentqueue lz4 zstd/include)
  target_include_directories(duckdb_headers SYSTEM INTERFACE
    "${SMALLPOND_DUCKDB_DIR}/third_party/${folder}")
endforeach()
