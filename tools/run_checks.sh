#!/usr/bin/env bash
# Checks formatting, lint, layers and sizes, all of them even when one fails; --fix formats in place.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
mapfile -t cpp < <(git ls-files -co --exclude-standard '*.h' '*.cc' | while read -r file; do [ -e "$file" ] && echo "$file"; done)

if [ "${1:-}" = --fix ]; then
  set -e
  $bin/clang-format -i "${cpp[@]}"
  $bin/ruff check --fix-only --quiet .
  $bin/ruff format --quiet .
  exit 0
fi

failed=()
check() { local name=$1; shift; echo "== $name"; "$@" || failed+=("$name"); }
check clang-format $bin/clang-format --dry-run --Werror --ferror-limit=3 "${cpp[@]}"
check "ruff check" $bin/ruff check --output-format concise .
check "ruff format" $bin/ruff format --check --output-format concise .
check layers $bin/python tools/check_layers.py
check "file calls" $bin/python tools/check_file_calls.py
check sizes $bin/python tools/check_sizes.py
if [ ${#failed[@]} -gt 0 ]; then
  echo "Checks failed: ${failed[*]}. \`make fmt\` mends formatting."
  exit 1
fi
echo "All checks passed"
