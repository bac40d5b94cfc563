#!/usr/bin/env bash
# Build benchmarks/core_map.c or core_queue.c with the C core, and run it.
#
#   benchmarks/run_core.sh [--kind skiplist|locked|tree] [--only get|miss|floor|scan|uniform|returning|insert|remove] [--keys N] [--threads N] [--repeats N]
#   benchmarks/run_core.sh queue [--seconds S] [--repeats N] [--threads 1,2,8]
#
# CC and CFLAGS are taken from the environment; mimalloc where the compiler finds it, as in the package.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cc=${CC:-cc}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

program=core_map
sources=("$root"/csrc/*/*.c)
if [ "${1:-}" = queue ]; then
    shift
    program=core_queue
    sources=($(printf '%s\n' "${sources[@]}" | grep -v '/queue/scq\.c$')) # core_queue.c includes it
fi
command -v "$cc" >/dev/null || { echo "run_core: no C compiler ($cc); set CC" >&2; exit 1; }
allocator=()
libraries=(-lpthread)
if echo '#include <mimalloc.h>
int main(void) { return mi_version() == 0; }' | "$cc" -x c - -o "$build/probe" -lmimalloc 2>/dev/null; then
    allocator=(-DCC_HAVE_MIMALLOC=1)
    libraries+=(-lmimalloc)
fi
# Optimized as meson-python builds the package.
"$cc" -std=gnu11 ${CFLAGS:--O3 -DNDEBUG -g} "${allocator[@]}" -I"$root/csrc" -I"$root/csrc/include" \
    "$root/benchmarks/$program.c" "${sources[@]}" -o "$build/$program" "${libraries[@]}"
if [ -n "${CORE_MAP_BINARY:-}" ]; then cp "$build/$program" "$CORE_MAP_BINARY"; fi # for a profiler
"$build/$program" "$@"
