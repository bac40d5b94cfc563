"""Orders of keys: what a comparator costs, in Python and in C, beside native order: one thread.

    python benchmarks/comparators.py [--quick] [--entries 100000] [--repeats 7] [--json FILE]

Contestants take turns. Prints microseconds of the thread's own processor time an operation, medians over the rounds with the
least and the most, and how many times as long the Python function takes as the C function of each round. The C functions are compiled with the
compiler that Python was built with.
"""

import argparse
import ctypes
import gc
import random
import shlex
import statistics
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import harness

import concurrent_collections
from concurrent_collections import Comparator, SkipListMap

SOURCE = """\
#include <concurrent_collections/cc_comparator.h>
#include <Python.h>

int compare_int64s(int64_t a, int64_t b, void *context) {
    return (a > b) - (a < b);
}

int compare_objects(PyObject *a, PyObject *b, void *context) {
    if (!PyUnicode_CheckExact(a) || !PyUnicode_CheckExact(b)) {
        return CC_CANNOT_COMPARE;
    }
    return PyUnicode_Compare(a, b);
}
"""


def compiled(directory, text=SOURCE):
    """These functions as a library."""
    source, library = Path(directory, "orders.c"), Path(directory, "orders.so")
    source.write_text(text)
    includes = [concurrent_collections.get_include(), sysconfig.get_path("include")]
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    options = ["-O2", "-shared", "-fPIC", *(f"-I{path}" for path in includes)]
    subprocess.run([*compiler, *options, source, "-o", library], check=True)
    return ctypes.CDLL(str(library))


def three_way(a, b):
    return (a > b) - (a < b)


def comparators(library, kind):
    address = ctypes.cast(getattr(library, f"compare_{kind}"), ctypes.c_void_p).value
    return {
        "Python function": Comparator.from_function(three_way),
        "C function": Comparator.from_c(address, keys=kind),
        "native order": Comparator.natural(),
    }


def timed(function, count):
    gc.collect()
    began = time.thread_time()
    function()
    return (time.thread_time() - began) / count * 1e6


def measure(library, kind, entries, repeats):
    """One line for each workload and contestant."""
    generator = random.Random(1)
    keys = [n if kind == "int64s" else f"{n:09}" for n in range(entries)]
    generator.shuffle(keys)
    wanted = generator.sample(keys, entries // 5)
    found = {}
    for _ in range(repeats):
        for name, comparator in comparators(library, kind).items():
            m = SkipListMap(comparator=comparator)
            pairs = [(key, None) for key in keys]
            times = {
                "fill": timed(lambda m=m, pairs=pairs: m.update(pairs), entries),
                "get": timed(lambda m=m: [m.get(key) for key in wanted], len(wanted)),
                "floor": timed(lambda m=m: [m.floor_key(key) for key in wanted], len(wanted)),
            }
            for workload, took in times.items():
                found.setdefault((workload, name), []).append(took)
    rows = []
    for (workload, name), times in found.items():
        rows.append((kind, workload, name, times))
        ratios = [a / b for a, b in zip(found[workload, "Python function"], times, strict=True)]
        print(
            f"{kind:<8} {workload:<6} {name:<16} {statistics.median(times):8.3f} us"
            f"  ({min(times):.3f} to {max(times):.3f});"
            f"  Python takes {statistics.median(ratios):6.2f} times as long"
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", help="where to save every figure")
    options = parser.parse_args()
    if options.quick:
        options.entries, options.repeats = 2_000, 1
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    gc.disable()
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        library = compiled(directory)
        for kind in ("int64s", "objects"):
            rows += measure(library, kind, options.entries, options.repeats)
    harness.save(options.json, environment=environment, entries=options.entries, rows=rows)


if __name__ == "__main__":
    main()
