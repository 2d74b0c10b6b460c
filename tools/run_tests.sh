#!/usr/bin/env bash
# Runs the C++ unit tests (ctest) and the Python tests (pytest), both even when one fails, and ends
# with the numbers of both. A C++ test is slow when its name contains Slow, a Python test when it is
# marked so.
# usage: run_tests.sh fast|slow|all|asan [pytest arguments]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tier=$1
shift
jobs=${JOBS:-$(nproc)}
folder=build
results=$PWD/build/test-results/$tier
ctest_arguments=()
pytest_arguments=(-n "$jobs" --dist worksteal -q)
case $tier in
  fast | asan) ctest_arguments+=(-E Slow --no-tests=error); pytest_arguments+=(-m "not slow and not whole") ;;
  slow) ctest_arguments+=(-R Slow); pytest_arguments+=(-m "slow and not whole") ;;
  all) ctest_arguments+=(--no-tests=error) ;;
  *) echo "run_tests: unknown tier $tier" >&2; exit 2 ;;
esac
rm -rf "$results"
mkdir -p "$results"
failed=0

if [ "$tier" = asan ]; then
  folder=build/asan
  # The package as the tests import it: our sources beside the instrumented module.
  ln -sfn "$PWD"/python/smallpond/*.py "$PWD/$folder/python/smallpond/"
  export PYTHONPATH=$PWD/$folder/python
  export UBSAN_OPTIONS=print_stacktrace=1
  # Neither libduckdb nor the interpreter is instrumented, so leaks are looked for in unit tests only.
  export ASAN_OPTIONS=detect_leaks=1:detect_odr_violation=0
fi

echo "== C++ unit tests ($tier)"
ctest --test-dir "$folder" -j "$jobs" --output-on-failure --progress \
  --output-junit "$results/unit.xml" "${ctest_arguments[@]}" || failed=1

echo "== Python tests ($tier)"
run_pytest=(.venv/bin/python -m pytest "${pytest_arguments[@]}" --junitxml "$results/python.xml" "$@")
if [ "$tier" = asan ]; then
  preload="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)"
  run_pytest=(env "LD_PRELOAD=$preload" ASAN_OPTIONS=detect_leaks=0:detect_odr_violation=0 "${run_pytest[@]}")
fi
"${run_pytest[@]}"
status=$?
# 5 says that no test was selected, which is fine for the slow ones.
[ $status -eq 0 ] || { [ $status -eq 5 ] && [ "$tier" = slow ]; } || failed=1

echo "== Result ($tier)"
.venv/bin/python tools/summarize_tests.py "$results" || failed=1
exit $failed
