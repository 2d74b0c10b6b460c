#!/usr/bin/env bash
# Installs the C++ library into a fresh prefix and builds a program against it the way a user would:
# find_package(smallpond), each public header alone, then a link and a run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$PWD/build/package-check
rm -rf "$work"
mkdir -p "$work/program"
cmake --install build --prefix "$work/prefix" >/dev/null
# Moved, because a package must not remember where it was made.
mv "$work/prefix" "$work/moved"

cat >"$work/program/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(program LANGUAGES CXX)
find_package(smallpond 1.0 REQUIRED)
file(GLOB sources *.cc)
add_executable(program ${sources})
target_compile_options(program PRIVATE -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(program PRIVATE smallpond::smallpond)
END
for header in include/smallpond/*.h; do
  name=$(basename "$header" .h)
  echo "#include <smallpond/$name.h>" >"$work/program/header_$name.cc"
done
cat >"$work/program/main.cc" <<'END'
#include <smallpond/smallpond.h>
int main() {
  auto session = smallpond::Session::Init();
  return session.Sql("SELECT 42 AS answer").Count() == 1 ? 0 : 1;
}
END
cmake -S "$work/program" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/build" >/dev/null
"$work/build/program"
"$work/moved/bin/smallpond" --version
cmake -S examples/cpp -B "$work/quickstart" -G Ninja -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
cmake --build "$work/quickstart" >/dev/null
"$work/quickstart/quickstart" "$work" | grep -q "2 rows written"
echo "Package: an installed smallpond::smallpond compiles, links and runs"
