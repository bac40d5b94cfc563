#!/usr/bin/env bash
# Build benchmarks/core_map.c with the C core, and run it.
#
#   benchmarks/run_core.sh [--only get|uniform|returning|insert] [--keys N] [--threads N] [--repeats N]
#
# CC and CFLAGS are taken from the environment; mimalloc where the compiler finds it, as in the package.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cc=${CC:-cc}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

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
    "$root/benchmarks/core_map.c" "$root"/csrc/*/*.c -o "$build/core_map" "${libraries[@]}"
if [ -n "${CORE_MAP_BINARY:-}" ]; then cp "$build/core_map" "$CORE_MAP_BINARY"; fi # for a profiler
"$build/core_map" "$@"
