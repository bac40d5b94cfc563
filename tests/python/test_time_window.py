"""TimeWindow (concurrent_collections.recipes)."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import SteppedMap, Steps
from support import in_background, rounds, run_copies

from concurrent_collections import AtomicCounter
from concurrent_collections.recipes import TimeWindow, WindowStatistics


class Clock:
    """Time as a test wants it."""

    def __init__(self, now=0):
        self.now = now

    def __call__(self):
        return self.now


NOTHING = WindowStatistics(0, 0, None, None, None, 0.0)


class TestTimeWindow:
    def test_statistics(self):
        clock = Clock(100)
        w = TimeWindow(10, clock=clock)
        assert w.statistics() == NOTHING
        for time, event in [(101, 4), (104, 1), (109, 7)]:
            clock.now = time
            assert w.add(event) == time
        assert w.statistics() == WindowStatistics(3, 12, 4.0, 1, 7, 0.3)
        assert w.statistics(5) == WindowStatistics(1, 7, 7.0, 7, 7, 0.2)
        assert w.statistics(of=lambda event: -event).min == -7
        assert w.count() == len(w) == 3 and w.count(last=8) == 2
        assert w.rate() == 0.3 and w.rate(last=2) == 0.5
        assert list(w) == [4, 1, 7] and list(w.items(8)) == [(104, 1), (109, 7)]
        assert repr(w) == "<TimeWindow max_age=10 max_count=None: 3 events>"

    def test_an_event_that_is_exactly_as_old_is_out(self):
        clock, gone = Clock(), []
        w = TimeWindow(10, clock=clock, on_evict=lambda *e: gone.append(e))
        for time in range(100):
            clock.now = time
            w.add(time)
            assert len(w) == min(time + 1, 10) and w.count(last=3) == min(time + 1, 3)
        assert gone == [(n, n) for n in range(90)]

    def test_what_is_too_old_is_not_seen_before_it_is_evicted(self):
        clock, gone = Clock(), []
        w = TimeWindow(10, clock=clock, on_evict=lambda *e: gone.append(e))
        w.add("a")
        w.add("b", at=5)
        clock.now = 12
        assert len(w) == w.count() == 1 and list(w) == ["b"] and w.statistics(of=len).count == 1
        assert gone == []
        assert w.evict() == 1 and gone == [(0, "a")]
        clock.now = 20
        assert w.evict() == 1 and w.evict() == 0 and len(w) == 0

    def test_events_of_one_time_stay_in_the_order_in_which_they_came(self):
        w = TimeWindow(10, clock=Clock(5))
        for event in "zebra":
            w.add(event)
        w.add("first", at=4)
        assert list(w) == ["first", *"zebra"]
        assert len(TimeWindow(5)) == 0

    def test_an_event_that_comes_too_late_leaves_at_once(self):
        gone = []
        w = TimeWindow(10, clock=Clock(50), on_evict=lambda *e: gone.append(e))
        assert w.add("late", at=40) == 40
        assert len(w) == 0 and gone == [(40, "late")]

    def test_at_most_so_many(self):
        gone = []
        w = TimeWindow(max_count=3, clock=Clock(), on_evict=lambda *e: gone.append(e))
        for n in range(5):
            w.add(n, at=n)
        assert list(w) == [2, 3, 4] and gone == [(0, 0), (1, 1)]
        w.add("too early", at=0.5)
        assert list(w) == [2, 3, 4] and gone[2:] == [(0.5, "too early")]
        assert w.statistics() == WindowStatistics(3, 9, 3.0, 2, 4, None)
        with pytest.raises(ValueError, match=r"^last: "):
            w.rate()
        assert w.rate(last=2) == 0.5 * len(list(w.items(2)))
        assert w.evict() == 0
        w.clear()
        assert len(w) == 0 and len(gone) == 3
        assert (w.max_age, w.max_count) == (None, 3)

    def test_both_bounds(self):
        clock = Clock()
        w = TimeWindow(10, 3, clock=clock)
        for n in range(5):
            w.add(n, at=n)
        clock.now = 13
        assert list(w) == [4] and len(w) == 1
        w.add(5)
        assert list(w.items()) == [(4, 4), (13, 5)]

    def test_a_clock_that_goes_back(self):
        clock = Clock(100)
        w = TimeWindow(10, clock=clock)
        w.add("a")
        clock.now = 50
        w.add("b")
        assert list(w) == ["b", "a"]
        clock.now = 100
        assert list(w) == ["a"]

    def test_other_numbers(self):
        w = TimeWindow(Fraction(1, 2), clock=Clock(Fraction(1, 3)))
        w.add(Decimal("0.1"))
        w.add(Decimal("0.2"), at=0.25)
        assert w.statistics()[:3] == (2, Decimal("0.3"), Decimal("0.15"))

    def test_a_clock_that_fails_adds_nothing(self):
        def clock():
            raise OSError

        w = TimeWindow(5, clock=clock)
        for at in (None, 1):
            with pytest.raises(OSError):
                w.add("x", at=at)
        assert not w._events
        w = TimeWindow(max_count=2, clock=clock)  # asked for nothing here
        assert w.add("x", at=1) == 1

    def test_lengths_that_no_float_holds(self):
        with pytest.raises(OverflowError, match=r"^max_age: "):
            TimeWindow(10**400)
        w = TimeWindow(max_count=3)
        w.add()
        with pytest.raises(OverflowError, match=r"^last: "):
            w.count(10**400)

    def test_bad_arguments(self):
        with pytest.raises(TypeError, match=r"^max_age: "):
            TimeWindow()
        for bad, kind in [("1", TypeError), (True, TypeError), (Decimal(1), TypeError)]:
            with pytest.raises(kind, match=r"^max_age: "):
                TimeWindow(bad)
        for bad in (0, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=r"^max_age: "):
                TimeWindow(bad)
        with pytest.raises(TypeError, match=r"^max_count: "):
            TimeWindow(1, 1.5)
        with pytest.raises(ValueError, match=r"^max_count: "):
            TimeWindow(max_count=0)
        with pytest.raises(OverflowError, match=r"^max_count: "):
            TimeWindow(max_count=2**63)
        with pytest.raises(TypeError, match=r"^clock: "):
            TimeWindow(1, clock=0)
        with pytest.raises(TypeError, match=r"^on_evict: "):
            TimeWindow(1, on_evict=0)
        w = TimeWindow(10, clock=Clock())
        for bad, kind in [("1", TypeError), (float("nan"), ValueError), (float("inf"), ValueError)]:
            with pytest.raises(kind, match=r"^at: "):
                w.add(1, at=bad)
        for call in (w.count, w.rate, w.statistics, w.items):
            for bad in (0, -1, 10.5, float("nan")):
                with pytest.raises(ValueError, match=r"^last: "):
                    call(bad)
            with pytest.raises(TypeError, match=r"^last: "):
                call("1")
        with pytest.raises(TypeError, match=r"^of: "):
            w.statistics(of=1)
        assert len(w) == 0

    def test_a_bad_clock_adds_nothing(self):
        clock = Clock()
        w = TimeWindow(10, clock=clock)
        for bad, kind in [(None, TypeError), (float("nan"), ValueError)]:
            clock.now = bad
            with pytest.raises(kind, match=r"^clock: "):
                w.add(1)
        clock.now = 0
        assert len(w) == 0

    def test_what_on_evict_raises_comes_out_and_the_next_call_goes_on(self):
        clock, gone = Clock(), []

        def note(time, event):
            gone.append(event)
            raise LookupError

        w = TimeWindow(10, clock=clock, on_evict=note)
        for n in range(3):
            w.add(n)
        clock.now = 10
        with pytest.raises(LookupError):
            w.add("new")
        assert gone == [0] and list(w) == ["new"]
        for _ in range(2):
            with pytest.raises(LookupError):
                w.evict()
        assert w.evict() == 0 and gone == [0, 1, 2]

    def test_it_is_not_copied(self):
        for how in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot copy or pickle a TimeWindow"):
                how(TimeWindow(1))
        assert TimeWindow[int]

    @given(
        st.sampled_from([3, 10, None]),
        st.sampled_from([1, 3, None]),
        st.lists(
            st.tuples(st.sampled_from(["add", "add at", "evict", "look"]), st.integers(0, 12)),
            max_size=40,
        ),
    )
    def test_against_a_model(self, max_age, max_count, program):
        if max_age is max_count is None:
            max_age = 3
        clock, gone, model, added = Clock(), [], [], 0
        w = TimeWindow(max_age, max_count, clock=clock, on_evict=lambda *e: gone.append(e))
        model_gone = []

        def evict():
            while model and max_age is not None and model[0][0] <= clock.now - max_age:
                model_gone.append(model.pop(0))

        for number, (name, n) in enumerate(program):
            if name == "evict":
                clock.now += n // 4
                before = len(model)
                evict()
                assert w.evict() == before - len(model)
            elif name == "look":
                inside = [e for e in model if max_age is None or e[0] > clock.now - max_age]
                assert list(w.items()) == inside
                assert len(w) == len(inside) == w.statistics().count
                last = min(max(n, 1), max_age or 12)
                lately = [e for e in model if e[0] > clock.now - last]
                assert list(w.items(last)) == lately and w.rate(last) == len(lately) / last
            else:
                time = clock.now if name == "add" else clock.now - 6 + n
                w.add(number) if name == "add" else w.add(number, at=time)
                model.append((time, number))
                model.sort()
                added += 1
                if max_count is not None and len(model) > max_count:
                    model_gone.append(model.pop(0))
                evict()
            assert gone == model_gone
            assert added == len(gone) + len(model)

    def test_another_one_evicts_in_between(self):
        number = 0
        while True:
            clock, gone = Clock(), []
            w = TimeWindow(10, clock=clock, on_evict=lambda *e: gone.append(e))
            w._events = SteppedMap()
            for n in range(3):
                w.add(n)
            clock.now = 10
            counts = []
            w._events.step = step = Steps(number, lambda: counts.append(w.evict()))
            counts.append(w.evict())
            if not step.taken:
                break
            assert sum(counts) == 3 == len(gone) == len(set(gone))
            number += 1
        assert number > 3

    @pytest.mark.parametrize("max_count", [None, 50])
    def test_every_event_leaves_once(self, max_count, eager_switching):
        clock, gone = AtomicCounter(), []
        w = TimeWindow(100, max_count, clock=clock.get, on_evict=lambda *e: gone.append(e))
        each = rounds(800)

        def work(index):
            for n in range(each):
                clock.add(1)
                w.add((index, n))
                if n % 20 == 0:
                    w.evict()

        run_copies(4, work)
        clock.add(100)
        rest = w.evict()
        assert rest <= 200 and len(w) == 0
        events = [event for _, event in gone]
        assert len(events) == len(set(events)) == 4 * each

    def test_what_is_there_all_the_time_is_counted(self, eager_switching):
        clock = Clock()
        w = TimeWindow(10, clock=clock)
        for n in range(300):
            w.add(n, at=-5 + n / 300)

        def others():
            w.add(10**6, at=-20)  # too old: evicted at once
            if len(w) < 1000:
                w.add(0)

        with in_background(others):
            for _ in range(rounds(40)):
                seen = w.statistics(of=lambda e: e)
                assert seen.count >= 300
                events = list(w)
                assert events[:300] == list(range(300)) and set(events[300:]) <= {0}
                assert w.count() >= 300
