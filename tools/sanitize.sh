#!/usr/bin/env bash
# The fuzzer, and the case tables if asked, on a build whose C is watched by sanitizers.
#
#     bash tools/sanitize.sh [--tests] [options of tools.fuzz]
#
# Builds into build/sanitize with CONVCORE_SANITIZE (default "address,undefined"; GCC), kernels of
# every instruction set at -O1. PYTHON names the interpreter; it needs what a build needs, and numpy.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
sanitizers=${CONVCORE_SANITIZE:-address,undefined}
site=$PWD/build/sanitize/site

CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-1} $python -m pip install -q --no-build-isolation --no-deps \
    --upgrade --target "$site" -Cbuild-dir=build/sanitize/cmake \
    -Ccmake.define.CONVCORE_SANITIZE="$sanitizers" -Ccmake.build-type=Debug -Cinstall.strip=false .

# The runtime has to be there before Python is, which was built without. It says of a request that
# is too large that there is no memory, as the system would. Python's own allocator would hide what
# is read after it was freed.
preload=
for name in asan ubsan; do preload+="${preload:+:}$(gcc -print-file-name=lib$name.so)"; done
export PYTHONPATH=$site:$PWD PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}
export OMP_NUM_THREADS=4
run() { LD_PRELOAD=$preload "$python" "$@"; }

run -c 'import convcore; print(convcore.__file__); assert "sanitize" in convcore.__file__'
if [ "${1:-}" = --tests ]; then
    shift
    run -m pytest -q -x -p no:cacheprovider tests/operators/test_{conv,layers,pool,gradients}_reference.py
fi
run -m tools.fuzz "$@"
