#!/usr/bin/env bash
# Configures and builds one CMake preset. Two runs at once wait for each other.
# usage: build_preset.sh PRESET
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
folder=build
[ "$preset" = release ] || folder=build/$preset
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
if [ ! -e "$folder/build.ninja" ]; then
  echo "Configuring ($preset)"
  cmake --preset "$preset" --log-level=WARNING >"$folder/configure.log" || { cat "$folder/configure.log"; exit 1; }
fi
echo "Building ($preset)"
cmake --build "$folder"
