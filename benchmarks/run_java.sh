#!/usr/bin/env bash
# Compile and run the Java peer, ConcurrentSkipListMap: get, floor, insert, remove at the sizes of maps.py, with 1 and 2 threads.
#
#   benchmarks/run_java.sh [KEYS ...]

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v java >/dev/null; then
    echo "run_java: skipped, there is no java on this machine (install a JDK of version 11 or later)"
    exit 0
fi
# A single source file needs no javac of its own.
exec java -Xms2g -Xmx2g "$here/peers/CslmBench.java" "$@"
