"""What reclamation costs: the core of SkipListMap under each scheme, against the same code that never frees anything.

    benchmarks/smr_cost.py [--keys N] [--threads N,N...] [--rounds N] [--seconds S] [--only WORKLOAD,...]

Each round runs every variant once, one process each, in a new order; the figures are medians over the rounds of
CPU time per operation, and the ratio's spread is that of the rounds' own ratios. Beside them stand the process's
largest resident size and what still waited at the end. With more threads than processors CPU time says what an
operation costs; what it takes by the clock is the scheduler's affair.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("none", "ibr", "debra")
ROW = re.compile(
    r"\| (?P<workload>\w+) +\| +\d+ \| \d+ \| +(?P<rate>[\d.]+) \([^)]*\) \| +(?P<cpu>[\d.]+) "
    r"\| +[\d.]+ \| +[\d.]+ \((?P<waiting>\d+) wait\)"
)


def build(directory: Path) -> dict[str, Path]:
    """Compile core_map twice: with reclamation, and without."""
    sources = [ROOT / "benchmarks" / "core_map.c", *sorted(ROOT.glob("csrc/*/*.c"))]
    compiler = os.environ.get("CC", "cc")
    probe = directory / "probe.c"
    probe.write_text("#include <mimalloc.h>\nint main(void) { return mi_version() == 0; }\n")
    found = subprocess.run(
        [compiler, probe, "-o", directory / "probe", "-lmimalloc"], capture_output=True, check=False
    )
    allocator = ["-DCC_HAVE_MIMALLOC=1"] if found.returncode == 0 else []
    libraries = ["-lmimalloc"] if allocator else []
    binaries = {}
    for name, flags in (("with", []), ("none", ["-DCC_SMR_NONE=1"])):
        binaries[name] = directory / f"core_map_{name}"
        subprocess.run(
            [
                compiler,
                "-std=gnu11",
                *os.environ.get("CFLAGS", "-O3 -DNDEBUG -g").split(),
                *allocator,
                *flags,
                f"-I{ROOT / 'csrc'}",
                f"-I{ROOT / 'csrc' / 'include'}",
                *sources,
                "-o",
                binaries[name],
                "-lpthread",
                *libraries,
            ],
            check=True,
        )
    return {"none": binaries["none"], "ibr": binaries["with"], "debra": binaries["with"]}


def run(binary: Path, variant: str, workload: str, threads: int, options: argparse.Namespace):
    """One process: CPU nanoseconds per operation, its largest size in MiB, things that waited."""
    command = [
        binary,
        *("--only", workload),
        *("--keys", str(options.keys)),
        *("--threads", str(threads)),
        *("--repeats", "1"),
        *("--seconds", str(options.seconds)),
        *("--scheme", variant),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or before < 0:
        sys.exit(f"smr_cost: {binary} ended with {process.returncode}: {text}")
    row = ROW.search(text)
    return float(row["cpu"]), float(row["rate"]), usage.ru_maxrss / 1024, int(row["waiting"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--threads", default="1,2,8,32")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--only", default="get,uniform,returning")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        binaries = build(Path(directory))
        print(
            f"cc_i64map, {options.keys} keys, {options.rounds} rounds of {options.seconds} s, "
            f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.2f}\n"
        )
        print(
            "| workload | threads | scheme | CPU ns/op | against none (min-max) | M/s | MiB | wait |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for workload in options.only.split(","):
            for threads in map(int, options.threads.split(",")):
                rounds: dict[str, list] = {variant: [] for variant in VARIANTS}
                for _ in range(options.rounds):
                    for variant in random.sample(VARIANTS, len(VARIANTS)):
                        rounds[variant].append(
                            run(binaries[variant], variant, workload, threads, options)
                        )
                for variant in VARIANTS:
                    columns = list(zip(*rounds[variant], strict=True))
                    ratios = sorted(
                        own[0] / none[0]
                        for own, none in zip(rounds[variant], rounds["none"], strict=True)
                    )
                    print(
                        f"| {workload} | {threads} | {variant} | {statistics.median(columns[0]):.0f} "
                        f"| {statistics.median(ratios):.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f}) "
                        f"| {statistics.median(columns[1]):.2f} | {max(columns[2]):.0f} "
                        f"| {max(columns[3])} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
