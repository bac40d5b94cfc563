"""How an operation is measured: the `measure` fixture, and taking turns with another process.

tools/bench --gate runs two builds of the package side by side, a process each, that take turns: some batches of an
operation here, then some of the same operation there. CC_BENCH_TURN names two pipes. It is our turn when a byte comes out of
the first; a byte into the second passes it on.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import pytest

import concurrent_collections
from concurrent_collections import SkipListSet

WARM_UP = 2
BATCHES_IN_A_TURN = 7

ROUND = int(os.environ.get("CC_BENCH_ROUND", "0"))
if os.environ.get("CC_BENCH_CPU"):
    os.sched_setaffinity(0, {int(os.environ["CC_BENCH_CPU"])})


class Turn:
    """Ours from take() to give(). Without another process, or after its end, it is always ours."""

    def __init__(self, pipes: str) -> None:
        self.mine, self.others = map(int, pipes.split(",")) if pipes else (None, None)

    def take(self) -> None:
        if self.mine is not None and not os.read(self.mine, 1):
            self.mine = None

    def give(self) -> None:
        if self.mine is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self.others, b".")


turn = Turn(os.environ.get("CC_BENCH_TURN", ""))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--batches", type=int, default=20, help="how often each operation's batch is timed"
    )
    parser.addoption("--chosen", help="a file with the names of the only operations to measure")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if chosen := config.getoption("--chosen"):
        names = {f"test_{name}" for name in Path(chosen).read_text().splitlines()}
        items[:] = [item for item in items if item.name in names]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    turn.take()
    try:
        return (yield)
    finally:
        turn.give()


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
        before_a_turn_ends = itertools.cycle([False] * BATCHES_IN_A_TURN + [True])

        def setup() -> Any:
            if next(before_a_turn_ends):
                turn.give()
                turn.take()
            return ((fresh(),), {}) if fresh else None

        benchmark.pedantic(
            batch,
            setup=setup,
            rounds=request.config.getoption("--batches"),
            warmup_rounds=WARM_UP,
        )

    return measure
