#!/usr/bin/env bash
# Builds the wheel into dist/, has auditwheel confirm the platform it is named for, and tries it in a
# fresh virtual environment, away from the source tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/.venv/bin
max_bytes=40000000
platform=manylinux_2_34_x86_64
rm -rf dist build/wheel-check

echo "Building the wheel"
"$bin/python" -m build --wheel --no-isolation --outdir build/wheel-check . >build/wheel.log 2>&1 || { tail -40 build/wheel.log; exit 1; }
plain=$(echo build/wheel-check/*.whl)

# auditwheel compares every symbol version that the libraries inside need with the platform's list and
# refuses when one is newer. The wheel already carries what it links to, so only its tag changes.
PATH=$bin:$PATH "$bin/auditwheel" repair --plat $platform -w dist "$plain" 2>build/wheel-check/audit.txt || {
  cat build/wheel-check/audit.txt >&2
  "$bin/auditwheel" show "$plain" >&2
  exit 1
}
wheel=$(echo dist/*.whl)
bytes=$(stat -c %s "$wheel")
[ "$bytes" -lt $max_bytes ] || { echo "$wheel has $bytes bytes, at most $max_bytes" >&2; exit 1; }

python3 -m venv build/wheel-check/venv
build/wheel-check/venv/bin/pip install -q --disable-pip-version-check "$wheel"
(cd build/wheel-check && venv/bin/python -c 'import smallpond; print("imports from", smallpond.__file__)')
(cd build/wheel-check && venv/bin/smallpond --version)
"$bin/auditwheel" show "$wheel" 2>/dev/null | sed -n '/consistent/,/^$/p'
echo "Wheel: $wheel, $((bytes / 1000000)) MB"
