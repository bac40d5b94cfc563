"""Teams of threads that measure together (benchmarks/harness.py)."""

from __future__ import annotations

import threading

import harness
import pytest


def work_once(team, prepare):
    return harness.once(team, prepare)


def work_in_a_window(team, prepare):
    return harness.window(team, prepare, seconds=0.001, warm_seconds=0)


BOTH = pytest.mark.parametrize("work", [work_once, work_in_a_window])


def error_of(work, prepare, threads=3):
    """What it raises; fails if it does not come back."""
    raised = []

    def measure():
        try:
            work(harness.Team(threads), prepare)
            raised.append(None)
        except BaseException as error:
            raised.append(error)

    measuring = threading.Thread(target=measure, daemon=True)
    measuring.start()
    measuring.join(60)
    assert not measuring.is_alive(), "it waits for a thread that will not come"
    return raised[0]


@BOTH
def test_all_operations_of_all_threads_are_counted(work):
    chunks = [range(10), range(10, 15)]
    with harness.Team(2) as team:
        result = work(team, lambda i: (list, (), chunks, {}))
    assert result["ops"] >= 2 * 10
    assert result["wall"] > 0


@BOTH
@pytest.mark.parametrize("who", [0, 2])
def test_a_preparation_that_fails_ends_the_measurement(work, who):
    def prepare(i):
        if i == who:
            raise KeyError(f"thread {i}")
        return list, (), [range(10)], {}

    error = error_of(work, prepare)
    assert isinstance(error, KeyError), repr(error)
    assert error.args == (f"thread {who}",)


@BOTH
def test_an_operation_that_fails_ends_the_measurement(work):
    def fail(chunk):
        raise ValueError(f"{len(chunk)} operations")

    error = error_of(work, lambda i: (fail if i == 1 else list, (), [range(10)], {}))
    assert isinstance(error, ValueError), repr(error)


@BOTH
def test_a_team_goes_on_after_a_failure(work):
    def fail(i):
        raise KeyError(i)

    with harness.Team(2) as team:
        with pytest.raises(KeyError):
            work(team, fail)
        assert work(team, lambda i: (list, (), [range(10)], {}))["ops"] >= 20
