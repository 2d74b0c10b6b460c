#!/usr/bin/env bash
# Configures and builds one CMake preset. Two runs at once wait for each other. A build of some
# targets only needs no library of the tests.
# usage: build_preset.sh PRESET [TARGET…]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
targets=("${@:2}")
folder=build
[ "$preset" = release ] || folder=build/$preset
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
tests=ON
[ ${#targets[@]} -eq 0 ] || tests=OFF
has() { grep -qs "^SMALLPOND_TESTS:BOOL=$1" "$folder/CMakeCache.txt"; }
if [ ! -e "$folder/build.ninja" ] || { [ $tests = ON ] && has OFF; }; then
  echo "Configuring ($preset)"
  cmake --preset "$preset" -DSMALLPOND_TESTS=$tests --log-level=WARNING >"$folder/configure.log" \
    || { cat "$folder/configure.log"; exit 1; }
fi
echo "Building ($preset${targets[*]:+, ${targets[*]}})"
build=(cmake --build "$folder" ${targets[@]:+--target "${targets[@]}"})
if [ -t 1 ]; then
  "${build[@]}"
else  # A few lines instead of one for each file.
  "${build[@]}" 2>&1 | python3 tools/shorten_progress.py
fi
