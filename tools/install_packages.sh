#!/usr/bin/env bash
# Installs the compiler and libraries that the build needs and this machine lacks (Debian, Ubuntu).
# As root or with sudo through apt-get; otherwise it says what to install.
# usage: install_packages.sh build|tests
set -euo pipefail
what=$1

missing=()
need_command() { command -v "$1" >/dev/null || missing+=("$2"); }
need_file() { local file; for file in $1; do [ -e "$file" ] && return; done; missing+=("$2"); }

if [ "$what" = tests ]; then
  need_file "/usr/include/gtest/gtest.h /usr/local/include/gtest/gtest.h" libgtest-dev
fi
need_command g++ g++
need_command cmake cmake
need_command ninja ninja-build
need_command python3 python3
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
header=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null || true)
[ -n "$header" ] && [ -e "$header" ] || missing+=(python3-dev)
need_file "/usr/include/nlohmann/json.hpp /usr/local/include/nlohmann/json.hpp" nlohmann-json3-dev
need_file "/usr/include/CLI/CLI.hpp /usr/local/include/CLI/CLI.hpp" libcli11-dev
need_file "/usr/include/xxhash.h /usr/local/include/xxhash.h" libxxhash-dev

if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

echo "System packages that are missing: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "There is no apt-get here: install what those Debian packages hold, then run make again." >&2
  exit 1
elif [ "$(id -u)" = 0 ]; then
  sudo=()
elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then
  sudo=(sudo)
else
  echo "Run this as root, then run make again:  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null; }
apt update
apt install -y --no-install-recommends "${missing[@]}"
