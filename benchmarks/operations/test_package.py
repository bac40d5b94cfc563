"""What everybody pays who uses the package: its import. tools/bench adds the sizes of the files."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import time
began = time.perf_counter()
import concurrent_collections
print(time.perf_counter() - began)
"""


class Imports:
    """A clock that runs only while another interpreter imports the package, not while that starts and ends."""

    seconds = 0.0

    @classmethod
    def clock(cls):
        return cls.seconds

    @classmethod
    def once(cls):
        command = [sys.executable, "-P", "-c", PROGRAM]
        cls.seconds += float(subprocess.check_output(command, text=True))


@pytest.mark.benchmark(timer=Imports.clock)
def test_import(benchmark):
    benchmark.pedantic(Imports.once, rounds=3, warmup_rounds=1)
