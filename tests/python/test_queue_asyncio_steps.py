"""The races of tasks that wait for a queue, step by step.

tests/stress would hardly ever meet them. They are played here with loops and futures that only write down what they are
asked to do.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import threading
import time
import weakref

import pytest
from queue_kinds import each_queue
from queue_waiters import (
    Loop,
    asleep,
    in_thread,
    run_until_told,
    stand_in_line,
)
from support import dead

from concurrent_collections import _queues

pytestmark = each_queue


class TestStepByStep:
    def test_one_call_for_all_until_the_loop_gets_to_it(self, Queue):
        q, loop = Queue(), Loop()
        waiters = [stand_in_line(q, loop) for _ in range(4)]
        q.put_many("abc")
        assert len(loop.calls) == 1
        assert [waiter.times for waiter in waiters] == [0, 0, 0, 0]
        loop.run()
        assert [waiter.times for waiter in waiters] == [1, 1, 1, 0]
        q.put("d")
        assert len(loop.calls) == 1
        loop.run()
        assert waiters[3].times == 1
        q.put("e")  # nobody waits
        assert loop.calls == []

    def test_a_notification_that_arrives_during_the_drain(self, Queue):
        # It comes too late for this drain, and too early to count on it.
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        more = ["second"]
        loop.on_call_soon = lambda: more and q.put(more.pop())
        q.put("first")
        loop.run()
        assert first.times == 1
        assert second.times == 0
        assert len(loop.calls) == 1
        loop.run()
        assert second.times == 1

    def test_a_task_cancelled_in_the_inbox_is_told_once(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        assert first.wait.cancel("enough")
        assert not first.wait.cancel()
        assert first.wait.cancelled()
        with pytest.raises(asyncio.CancelledError, match="enough") as caught:
            first.wait.result()
        with pytest.raises(asyncio.CancelledError):
            first.wait.throw(caught.value)
        loop.run()
        assert first.times == 1
        loop.run()
        assert second.times == 1, "it was passed on"

    def test_success_at_the_second_look_while_notified_passes_on(self, Queue):
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        thread = asleep(q, 1, q.get)
        q.put("meant for the waiter")
        assert thread.is_alive()
        assert len(loop.calls) == 1
        waiter.leave()
        assert thread.end() == "meant for the waiter"

    def test_what_was_accepted_is_not_passed_on(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        loop.run()
        assert first.go_on() == 1
        first.leave()
        assert loop.calls == []
        assert second.times == 0
        second.leave()

    def test_leaving_twice_and_without_having_come(self, Queue):
        q, loop = Queue(), Loop()
        never = _queues._TaskWait(q, False, None)
        never.close()
        waiter = stand_in_line(q, loop)
        waiter.leave()
        waiter.leave()
        q.put(1)
        assert loop.calls == []

    def test_a_loop_that_closes_is_found_out_at_the_call(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first = stand_in_line(q, closed)
        second = stand_in_line(q, open_)
        closed.closed = True
        q.put(1)
        assert len(open_.calls) == 1
        open_.run()
        assert second.times == 1
        first.leave()  # was notified, in vain; now it says so, and nobody needs it
        assert open_.calls == []

    def test_a_loop_that_closes_between_the_call_and_the_drain(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first = [stand_in_line(q, closed) for _ in range(2)]
        second = stand_in_line(q, open_)
        q.put(1)  # told, and still running
        assert open_.calls == []
        closed.closed = True
        q.put(2)  # it has been called already, but it is closed by now
        assert len(open_.calls) == 1
        open_.run()
        assert second.times == 1
        for waiter in first:
            waiter.leave()

    def test_a_stopped_loop_is_called_and_the_next_one_too(self, Queue):
        q, stopped, running = Queue(), Loop(), Loop()
        stopped.running = False
        waiter = stand_in_line(q, stopped)
        stand_in_line(q, running)
        q.put(1)
        assert len(stopped.calls) == len(running.calls) == 1
        stopped.run()
        assert waiter.times == 1

    def test_a_loop_that_is_gone(self, Queue):
        q, gone, open_ = Queue(), Loop(), Loop()
        reference = weakref.ref(gone)
        stand_in_line(q, gone)  # nobody else has the task
        second = stand_in_line(q, open_)
        q.put(1)
        assert len(gone.calls) == 1
        assert open_.calls == []
        del gone
        gc.collect()
        assert dead(reference)
        assert len(open_.calls) == 1, "what nobody will hear any more was passed on"
        open_.run()
        assert second.go_on() == 1

    @pytest.mark.parametrize("rounds_of_loop", [0, 1])
    def test_a_loop_that_closes_under_tasks_that_are_held(self, Queue, rounds_of_loop):
        # Told, and the loop closed before the task could go on, at either of the two stages. The tasks live on.
        q, closed, open_ = Queue(), Loop(), Loop()
        held = [stand_in_line(q, closed) for _ in range(3)]
        others = [stand_in_line(q, open_) for _ in range(3)]
        q.put_many("ab")
        if rounds_of_loop:
            for call in closed.calls:
                call()
            closed.calls.clear()
            assert len(closed.soon) == 2
        assert open_.calls == []
        closed.close()
        open_.run()
        assert [task.times for task in others] == [1, 1, 0]
        assert [task.go_on() for task in others[:2]] == ["a", "b"]
        q.put("c")  # the third one of the closed loop has not been told
        open_.run()
        assert others[2].go_on() == "c"
        for task in held:
            task.leave()  # has nothing to pass on any more
        assert open_.calls == closed.calls == []

    def test_a_loop_that_cannot_be_told_and_closes_passes_on_what_others_told_it(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        held = [stand_in_line(q, closed) for _ in range(2)]
        others = [stand_in_line(q, open_) for _ in range(2)]

        def close_late():
            closed.on_call = lambda: None
            q.put("b")  # into the same inbox, while the loop seems to run
            closed.close()
            raise RuntimeError("Event loop is closed")

        closed.on_call = close_late
        q.put("a")
        open_.run()
        assert [task.go_on() for task in others] == ["a", "b"]
        for task in held:
            task.leave()

    @pytest.mark.parametrize("use", ["put", "get"])
    def test_a_loop_that_uses_the_queue_while_it_is_called(self, Queue, use):
        q, loop = Queue(maxsize=2), Loop()
        waiters = [stand_in_line(q, loop) for _ in range(3)]
        loop.on_call = lambda: q.put("inner") if use == "put" else q.try_get()
        q.put("outer")
        assert len(loop.calls) == 1
        loop.run()
        assert sum(waiter.times for waiter in waiters) == (2 if use == "put" else 1)
        assert q.drain() == (["outer", "inner"] if use == "put" else [])

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])  # closed loops raise that
    def test_a_signal_in_the_middle_of_telling_a_loop_loses_no_item(self, Queue, kind):
        # The get has its item in its hands when the handler raises in the loop's code.
        q, loop = Queue(iterable=["item"], maxsize=1), Loop()
        waiter = stand_in_line(q, loop, for_room=True)
        interruptions = [kind("now")]

        def interrupt():
            if interruptions:
                raise interruptions.pop()

        loop.on_call = interrupt
        taken = []
        with pytest.raises(kind, match="now"):
            # The interpreter raises after a call what came during it, and the call's result is gone then. Not here:
            # the item is in the list before extend returns.
            taken.extend(itertools.islice(q, 1))
            for _ in range(1000):
                time.sleep(0)
        assert taken == ["item"]
        assert len(loop.calls) == 1, "the loop was told all the same"
        loop.run()
        assert waiter.times == 1

    def test_a_loop_that_always_raises_is_passed_over(self, Queue, monkeypatch):
        seen = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
        q, broken, sound = Queue(), Loop(), Loop()

        def fail():
            raise MemoryError

        broken.on_call = fail
        waiter = stand_in_line(q, broken)
        in_thread(
            stand_in_line, q, sound
        ).end()  # a thread has one port, of the loop that ran there last
        in_thread(q.put, 1).end()  # not the main thread: there is nobody to raise it for
        assert len(sound.calls) == 1
        assert set(seen) == {MemoryError}
        assert q.get() == 1
        broken.on_call = lambda: None
        run_until_told(broken, waiter)  # without another notification
        sound.close()

    def test_a_put_without_stack_left_tells_the_loop_all_the_same(self, Queue, monkeypatch):
        monkeypatch.setattr(sys, "unraisablehook", lambda event: None)
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        deep = set()

        def fail():
            if threading.get_ident() in deep:
                raise RecursionError

        def put_at_the_bottom():
            deep.add(threading.get_ident())
            try:
                put_at_the_bottom()
            except RecursionError:
                q.try_put("deep")

        loop.on_call = fail
        in_thread(put_at_the_bottom).end()
        run_until_told(loop, waiter)
        assert waiter.go_on() == "deep"

    def test_a_put_without_stack_left_raises_nothing_later(self, Queue, monkeypatch):
        seen = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        errors = [RecursionError()]

        def fail():
            if errors:
                raise errors.pop()

        loop.on_call = fail
        q.put("item")
        for _ in range(1000):
            time.sleep(0)
        run_until_told(loop, waiter)
        assert waiter.go_on() == "item"
        assert seen == [RecursionError]

    def test_a_signal_in_the_middle_of_waking_a_task_wakes_it(self, Queue):
        # B6: the handler raises before, or after, the loop has noted the call. Once is once, all the same.
        for before, kind in itertools.product((True, False), (KeyboardInterrupt, RuntimeError)):
            q, loop = Queue(iterable=["old"], maxsize=1), Loop()
            waiter = stand_in_line(q, loop, for_room=True)
            interruptions = [kind("now")]

            def interrupt(loop=loop, before=before, interruptions=interruptions):
                if interruptions:
                    if before:
                        loop.soon.clear()
                    raise interruptions.pop()

            loop.on_call_soon = interrupt
            assert q.get() == "old"
            with pytest.raises(kind, match="now"):
                loop.run()
                for _ in range(1000):
                    time.sleep(0)
            loop.run()
            assert waiter.times == 1
            assert waiter.go_on() is None
            assert q.drain() == ["put by a task"]

    def test_a_waiter_keeps_its_turn(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        loop.run()
        q.get()
        first.expect_to_wait()
        q.put(2)
        loop.run()
        assert (first.times, second.times) == (2, 0)

    def test_what_a_wait_refuses(self, Queue):
        q, loop = Queue(), Loop()
        task = stand_in_line(q, loop)
        assert task.wait.get_loop() is loop
        assert not task.wait.done()
        with pytest.raises(asyncio.InvalidStateError):
            task.wait.result()
        with pytest.raises(RuntimeError, match="before"):
            task.wait.send(None)
        q.put(1)  # it has left
        assert loop.calls == []
        with pytest.raises(RuntimeError, match="twice"):
            task.wait.send(None)
        with pytest.raises(ValueError, match="thrown"):
            stand_in_line(Queue(), loop).wait.throw(ValueError("thrown"))

    def test_what_is_thrown_into_a_wait(self, Queue):
        q, loop = Queue(), Loop()
        error = KeyError("x")
        for thrown in ((error,), (KeyError, error), (KeyError, "x"), (KeyError, "x", None)):
            waiter = stand_in_line(q, loop)
            with pytest.raises(KeyError, match="x"):
                waiter.wait.throw(*thrown)
        q.put(1)
        assert loop.calls == [], "they are gone"
        with pytest.raises(KeyError):
            stand_in_line(Queue(), loop).wait.throw(KeyError)

    def test_callbacks_of_a_wait(self, Queue):
        q, loop, seen = Queue(), Loop(), []
        task = stand_in_line(q, loop)
        task.wait.add_done_callback(seen.append)
        task.wait.add_done_callback(print)
        assert task.wait.remove_done_callback(print) == 1
        q.put(1)
        loop.run()
        assert seen == [task.wait]
        task.wait.add_done_callback(seen.append)  # too late: at once
        loop.run()
        assert seen == [task.wait] * 2
        assert task.wait.result() is task.wait.exception() is None
