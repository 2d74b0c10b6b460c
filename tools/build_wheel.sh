#!/usr/bin/env bash
# Builds wheels into dist/, has auditwheel confirm the platform that they are named for, and tries each
# in fresh virtual environments, away from the source tree.
#
#   CPython 3.10, 3.11      a wheel each
#   CPython 3.12 and later  one wheel for all, of the stable ABI
#
# usage: build_wheel.sh        for the Python of .venv
#        build_wheel.sh all    for every Python from 3.10 on that is found; says which are not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/.venv/bin
check=$PWD/build/wheel-check
max_bytes=40000000
platform=manylinux_2_34_x86_64
rm -rf dist "$check"
mkdir -p "$check"

find_python() {  # 3.12 → an interpreter's path, or nothing
  local found
  for found in "$(command -v "python$1" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    [ -x "$found" ] && "$found" -c 'import ensurepip' 2>/dev/null && { echo "$found"; return; }
  done
  return 0
}

build() {  # interpreter → path of the wheel
  local folder=$check/plain
  rm -rf "$folder"
  if [ "$1" = "$bin/python" ]; then  # It has what the build needs, and a tree to go on with.
    "$1" -m build --wheel --no-isolation --outdir "$folder" . >build/wheel.log 2>&1 || { tail -40 build/wheel.log >&2; exit 1; }
  else
    "$1" -m venv "$check/build-env" --clear
    "$check/build-env/bin/pip" wheel -q --disable-pip-version-check --no-deps -w "$folder" . >build/wheel.log 2>&1 || { tail -40 build/wheel.log >&2; exit 1; }
  fi
  # auditwheel compares every symbol version that the libraries inside need with the platform's list
  # and refuses when one is newer. The wheel already carries what it links to, so only its tag changes.
  PATH=$bin:$PATH "$bin/auditwheel" repair --plat $platform -w "$check/repaired" "$folder"/*.whl 2>"$check/audit.txt" || {
    cat "$check/audit.txt" >&2
    "$bin/auditwheel" show "$folder"/*.whl >&2
    exit 1
  }
  mkdir -p dist
  mv "$check"/repaired/*.whl dist/
}

try_in() {  # interpreter: installs what pip chooses of dist/, and imports it
  rm -rf "$check/venv"
  "$1" -m venv "$check/venv"
  "$check/venv/bin/pip" install -q --disable-pip-version-check --only-binary :all: --find-links dist --pre "smallpond==$version"
  (cd "$check" && venv/bin/python -c '
import sys, smallpond
with smallpond.init() as sp:
    assert sp.sql("SELECT 42 AS x").take_all() == [{"x": 42}]
print(f"  imports in Python {sys.version.split()[0]}")')
  (cd "$check" && venv/bin/smallpond --version)
}

version=$(sed -n 's/^version = "\([^"]*\)".*/\1/p' pyproject.toml)
if [ "${1:-}" = all ]; then
  missing=()
  abi3=
  for number in 3.10 3.11 3.12 3.13 3.14; do
    python=$(find_python $number)
    [ -n "$python" ] || { missing+=("$number"); continue; }
    if [ $number = 3.10 ] || [ $number = 3.11 ] || [ -z "$abi3" ]; then
      echo "Building the wheel for Python $number"
      build "$python"
    fi
    case $number in 3.10 | 3.11) ;; *) abi3=yes ;; esac
    try_in "$python"
  done
  [ ${#missing[@]} -eq 0 ] || echo "Not tried, for there is no such Python here: ${missing[*]}"
else
  echo "Building the wheel"
  build "$bin/python"
  try_in "$bin/python"
fi

for wheel in dist/*.whl; do
  bytes=$(stat -c %s "$wheel")
  [ "$bytes" -lt $max_bytes ] || { echo "$wheel has $bytes bytes, at most $max_bytes" >&2; exit 1; }
  echo "Wheel: $wheel, $((bytes / 1000000)) MB"
done
