# smallpond_options: what every translation unit of ours is compiled with. Others' code (nanobind,
# GoogleTest) does not get it.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(smallpond_options INTERFACE)
target_include_directories(smallpond_options INTERFACE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(smallpond_options INTERFACE SMALLPOND_VERSION="${smallpond_full_version}")
target_compile_options(smallpond_options INTERFACE
  -Wall -Wextra $<$<BOOL:${SMALLPOND_WERROR}>:-Werror>
  # Only what SMALLPOND_API marks leaves a library, and nothing is shared process-wide: another
  # DuckDB or another smallpond may live in the same process.
  -fvisibility=hidden -fvisibility-inlines-hidden -fno-gnu-unique)
target_link_libraries(smallpond_options INTERFACE Threads::Threads)

if(SMALLPOND_SANITIZE)
  # libduckdb is not instrumented, so its types carry no vtable facts that -fsanitize=vptr could check.
  add_compile_options(-fsanitize=${SMALLPOND_SANITIZE} -fno-sanitize=vptr
    -fno-sanitize-recover=all -fno-omit-frame-pointer
    # Instrumented code hides from g++ 12 that std::regex initializes its members.
    -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${SMALLPOND_SANITIZE})
endif()
