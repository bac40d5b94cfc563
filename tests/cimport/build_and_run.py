"""Build consumer.pyx, and in_cpp.pyx as C++, against the installed package, as a project downstream would, and run it.

    python -P tests/cimport/build_and_run.py [DIRECTORY]

It uses what the wheel has installed (.pxd files and headers), never this checkout, and hands the
linker no library: the functions come through the module's capsules at import.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import concurrent_collections
from concurrent_collections import Comparator, SkipListMap, SkipListSet

HERE = Path(__file__).resolve().parent
THREADS = 4


def build(directory: Path, name: str, *options: str, compiler: str = "CC") -> None:
    directory.mkdir(parents=True, exist_ok=True)
    source = directory / f"{name}.{'cpp' if options else 'c'}"
    module = directory / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    site_packages = Path(concurrent_collections.__file__).parent.parent
    assert HERE.parent.parent not in site_packages.parents, "this is the checkout, not a wheel"
    cython = [sys.executable, "-P", "-m", "cython", "-3", "-I", site_packages]
    subprocess.run([*cython, *options, HERE / f"{name}.pyx", "-o", source], check=True)
    includes = [sysconfig.get_path("include"), concurrent_collections.get_include()]
    subprocess.run(
        [
            *shlex.split(sysconfig.get_config_var(compiler)),
            "-shared",
            "-fPIC",
            "-O2",
            *(f"-I{path}" for path in includes),
        ]
        # Undefined names would be found only when a function is first called.
        + (["-Wl,-z,now"] if sys.platform == "linux" else ["-undefined", "dynamic_lookup"])
        + [source, "-o", module],
        check=True,
    )


def in_threads(work: Callable[[int], int | None]) -> list[int]:
    """Run work(0), work(1), ... at the same time, and return what they returned."""
    barrier = threading.Barrier(THREADS)
    results = [0] * THREADS

    def start_together(number: int) -> None:
        barrier.wait()
        results[number] = work(number) or 0

    threads = [threading.Thread(target=start_together, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def check_atomics(consumer: ModuleType) -> None:
    in_threads(lambda number: consumer.count_up(50_000))
    assert consumer.counted() == THREADS * 50_000


def check_reclamation(consumer: ModuleType) -> None:
    consumer.open_cell()
    broken = in_threads(lambda number: consumer.read_and_replace(50_000))
    assert broken == [0] * THREADS, f"reads of freed memory: {broken}"
    made, freed = consumer.close_cell()
    assert made == freed == THREADS * 50_000 + 1


def check_skip_list(consumer: ModuleType) -> None:
    keys = 20_000
    consumer.open_squares()
    in_threads(lambda number: consumer.put_squares(number, keys, THREADS))
    assert consumer.length() == keys
    assert consumer.square_of(123) == 123 * 123
    won = in_threads(lambda number: consumer.remove_odd(0, keys))
    assert sum(won) == keys // 2, "every key is removed exactly once"
    assert consumer.entries_from(9, 3) == [(10, 100), (12, 144), (14, 196)]
    assert consumer.length() == keys // 2
    assert consumer.swap_in_and_out(-1, 100) == 100
    assert sum(in_threads(lambda number: consumer.swap_in_and_out(-2, 20_000))) > 0
    assert consumer.swap_in_and_out(-2, 1) == 1
    assert consumer.length() == keys // 2
    consumer.close_squares()


def check_counters(consumer: ModuleType) -> None:
    most, tickets, each = 2**63 - 1, 100_000, 40_000
    consumer.open_counters(most - tickets)
    results = in_threads(
        lambda number: (
            consumer.draw_and_count(each) if number else consumer.look_at_counters(each)
        )
    )
    assert results[0] == 0, "a ticket was counted before the attempt"
    assert sum(results) == tickets * (tickets - 1) // 2, "each ticket is drawn once"
    assert consumer.close_counters() == (most, (THREADS - 1) * each, tickets)


def check_comparators(consumer: ModuleType) -> None:
    capsule, context = consumer.by_last_digit()
    by_digit = Comparator.from_c(capsule, context)
    both = by_digit.then(Comparator.natural())
    numbers = SkipListSet(comparator=both)
    in_threads(lambda number: numbers.update(range(number, 2_000, THREADS)))
    assert list(numbers) == sorted(range(2_000), key=lambda n: (n % 10, n))
    assert list(SkipListSet([12, 31, 2, 1], comparator=by_digit.reversed())) == [12, 31]
    texts = SkipListMap(comparator=Comparator.from_c(consumer.by_length()))
    texts.update({b"bb": 1, b"a": 2, b"ab": 3, b"b": 4})
    assert list(texts) == [b"a", b"b", b"ab", b"bb"]
    said = ""
    try:
        texts["a"] = 1
    except TypeError as error:
        said = str(error)
    assert said == "comparator: its C function cannot compare instances of 'str' and 'bytes'", said
    assert len(texts) == 4


def main() -> None:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="cimport-"))
    build(directory, "consumer")
    build(directory, "in_cpp", "--cplus", compiler="CXX")
    sys.path.insert(0, str(directory))
    import consumer
    import in_cpp

    check_atomics(consumer)
    check_reclamation(consumer)
    check_skip_list(consumer)
    check_counters(consumer)
    check_comparators(consumer)
    assert in_cpp.count_in_map(7, 1_000) == (1_000, 999)
    assert in_cpp.refuses_the_reserved_value()
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not sys._is_gil_enabled(), "importing turned the GIL on"
    print("the downstream project works")


if __name__ == "__main__":
    main()
