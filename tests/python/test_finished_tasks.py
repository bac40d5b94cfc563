"""Counting finished tasks beside puts that fail, step by step, without a queue."""

from __future__ import annotations

from support import hooks


def test_a_put_that_failed_is_no_task():
    # It is counted for a while: here it is taken back while task_done computes the sum of puts, which includes it.
    assert hooks().finish_beside_failing_put(3) == 1
