"""The races of threads that wait for a queue, step by step, in the loops that are shipped."""

from __future__ import annotations

import time

import pytest
from queue_kinds import each_queue
from queue_waiters import (
    Waiter,
    asleep,
)
from support import hooks, times_asleep

from concurrent_collections import Empty, ShutDown

pytestmark = each_queue


@pytest.fixture
def moments():
    """`moments[name] = action`: the first thread that gets to this moment of its wait runs the action there.

    "before the line": it has tried in vain. "in line": it stands in line and has not tried again. "tried again": it has,
    and is about to leave the line or to fall asleep. An action may set another one; each must have run.
    """
    planned, errors = {}, []

    def act(moment):
        action = planned.pop(moment, None)
        if action is not None:
            try:
                action()
            except BaseException as error:
                errors.append(error)

    hooks().call_while_waiting(act)
    yield planned
    hooks().call_while_waiting(None)
    if errors:
        raise errors[0]
    assert not planned, "these moments never came"


def test_what_comes_before_the_line_is_found_in_it(Queue, moments):
    # Race 1: nobody stood in line for the notification. Who does not look again sleeps beside an item.
    q = Queue()
    moments["before the line"] = lambda: q.put("item")
    assert Waiter(q.get).end() == "item"
    q = Queue(iterable=["old"], maxsize=1)
    moments["before the line"] = q.get_nowait
    assert Waiter(q.put, "new").end() is None
    assert q.drain() == ["new"]
    assert times_asleep(q) == 0


def test_a_notification_at_the_moment_of_the_timeout_is_followed(Queue, moments):
    # Race 2: the thread is notified, and its time is over. Whoever notified it has told nobody else.
    q, behind = Queue(), []

    def notify():
        behind.append(asleep(q, 1, q.get))
        q.put("item")
        time.sleep(0.06)

    moments["tried again"] = notify
    assert Waiter(q.get, True, 0.05).end() == "item"
    assert behind[0].still_waits()
    q.put("another")
    assert behind[0].end() == "another"

    q, behind = Queue(iterable=["old"], maxsize=1), []

    def make_room():
        behind.append(asleep(q, 1, q.put, "behind"))
        assert q.get_nowait() == "old"
        time.sleep(0.06)

    moments["tried again"] = make_room
    assert Waiter(q.put, "new", True, 0.05).end() is None
    assert behind[0].still_waits()
    assert q.get_nowait() == "new"
    assert behind[0].end() is None
    assert q.drain() == ["behind"]


def test_a_notification_whose_item_is_gone_at_the_deadline_ends_the_wait(Queue, moments):
    q = Queue()

    def notify_in_vain():
        time.sleep(0.02)
        q.put("item")
        assert q.get() == "item"

    moments["tried again"] = notify_in_vain
    assert isinstance(Waiter(q.get, True, 0.01).end(), Empty)


def test_a_get_that_needs_no_notification_any_more_passes_it_on(Queue, moments):
    # Race 3. The first item comes before the thread stands in line, so it finds it by itself; the notification for the
    # second one, which it gets since it has not yet left, is for the thread behind it.
    q, behind = Queue(), []

    def notify():
        behind.append(asleep(q, 1, q.get))
        q.put(2)
        assert behind[0].still_waits(), "the notification went to the one that came first"

    moments["before the line"] = lambda: q.put(1)
    moments["tried again"] = notify
    assert Waiter(q.get).end() == 1
    assert behind[0].end() == 2


def test_a_put_that_needs_no_notification_any_more_passes_it_on(Queue, moments):
    # Race 3 for room.
    q, behind = Queue(iterable=[1], maxsize=1), []

    def notify():
        behind.append(asleep(q, 1, q.put, 3))
        assert q.get_nowait() == 2  # what has just been put
        assert behind[0].still_waits(), "the notification went to the one that came first"

    moments["before the line"] = q.get_nowait
    moments["tried again"] = notify
    assert Waiter(q.put, 2).end() is None
    assert behind[0].end() is None
    assert q.drain() == [3]


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("moment", ["before the line", "in line", "tried again"])
def test_a_shutdown_at_every_moment_ends_every_wait(Queue, moments, moment, immediate):
    # Race 9: who is not in line when all are woken sees that the queue is closed.
    for q, wait in (
        (Queue(), lambda q: q.get()),
        (Queue(iterable=["item"], maxsize=1), lambda q: q.put("never")),
    ):
        others = []

        def shut_down(q=q, wait=wait, others=others):
            others += [asleep(q, n, wait, q) for n in (1, 2)]
            q.shutdown(immediate)

        moments[moment] = shut_down
        assert isinstance(Waiter(wait, q).end(), ShutDown)
        assert [type(other.end()) for other in others] == [ShutDown, ShutDown]
        assert q.drain() == ([] if immediate or q.maxsize == 0 else ["item"])
