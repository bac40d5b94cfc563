"""How an operation is measured: the `measure` fixture, and taking turns with another process.

tools/bench --gate runs two builds of the package side by side, a process each, so that they measure the same operation
one right after the other: CC_BENCH_TURN names two pipes, and a test begins when a byte comes out of the first, and
says by a byte into the second that it has ended.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any

import harness
import pytest

import concurrent_collections
from concurrent_collections import SkipListSet

WARM_UP = 2
ROUND = int(os.environ.get("CC_BENCH_ROUND", "0"))
TURN = [int(pipe) for pipe in os.environ.get("CC_BENCH_TURN", "").split(",") if pipe]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--batches", type=int, default=20, help="how often each operation's batch is timed"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    if TURN and not os.read(TURN[0], 1):
        pytest.exit("the process that measures the other build has ended", returncode=3)
    try:
        return (yield)
    finally:
        if TURN:
            os.write(TURN[1], b".")


def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, Any]:
    return harness.environment(concurrent_collections)


def pytest_benchmark_generate_commit_info(config: pytest.Config) -> dict[str, Any]:
    return {}  # whoever starts us knows


@pytest.fixture(autouse=True)
def _other_towers_each_round() -> None:
    """Give the skip lists of each round of tools/bench other towers: how high they are changes some times by a tenth."""
    if ROUND:
        SkipListSet(range(ROUND))


@pytest.fixture(scope="session", autouse=True)
def _no_collector() -> Any:
    """A collection would hit one build or the other, and lasts longer than all batches of an operation."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """measure(batch, operations): time `batch()`, which does so many operations, --batches times.

    With `fresh`, the batch gets what fresh() returns, made anew each time while the clock stands still.
    """

    def measure(
        batch: Callable[..., object], operations: int, fresh: Callable[[], object] | None = None
    ) -> None:
        benchmark.extra_info["operations"] = operations
        benchmark.pedantic(
            batch,
            setup=(lambda: ((fresh(),), {})) if fresh else None,
            rounds=request.config.getoption("--batches"),
            warmup_rounds=WARM_UP,
        )

    return measure
