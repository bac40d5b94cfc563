"""AccessTracker: against a list of accesses, with a clock that the test moves; between threads; what it keeps alive."""

from __future__ import annotations

import gc
import math
import pickle
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import Key, Object, dead, rounds, run_copies

from concurrent_collections import Access, AccessTracker, AtomicCounter

MOST = 2**63 - 1


class Clock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-300)


class TestCounting:
    def test_counts_and_times(self):
        clock = Clock()
        tracker = AccessTracker(clock=clock)
        assert tracker.record("a") == 1
        clock.now += 5
        assert tracker.record("b", 3) == 3
        assert tracker.record("a", amount=2) == 3
        assert (tracker.count("a"), tracker.count("b"), tracker.count("c")) == (3, 3, 0)
        assert tracker.last_access("a") == 1005.0
        assert tracker.last_access("c") is None
        assert tracker.last_access("c", 7) == 7
        assert (tracker.score("a"), tracker.score("c")) == (3.0, 0.0)
        assert list(tracker) == ["a", "b"]
        assert len(tracker) == 2
        assert "a" in tracker
        assert "c" not in tracker
        assert tracker.half_life is None
        assert repr(tracker) == "<AccessTracker keys=2 half_life=None>"

    def test_top(self):
        tracker = AccessTracker(clock=Clock())
        for key, amount in {"a": 1, "b": 5, "c": 3, "d": 5}.items():
            tracker.record(key, amount)
        assert tracker.top(3) == [("b", 5.0), ("d", 5.0), ("c", 3.0)]
        assert tracker.top() == [("b", 5.0), ("d", 5.0), ("c", 3.0), ("a", 1.0)]
        assert tracker.top(0) == []
        assert len(tracker.top(2**62)) == 4

    def test_snapshot(self):
        clock = Clock()
        tracker = AccessTracker(half_life=10, clock=clock)
        tracker.record("a", 4)
        clock.now += 10
        snapshot = tracker.snapshot()
        assert snapshot == {"a": (4, 1000.0, 2.0)}
        assert snapshot["a"].last_access == 1000.0
        assert pickle.loads(pickle.dumps(snapshot)) == snapshot
        assert type(snapshot["a"]) is Access

    def test_forgetting(self):
        clock = Clock()
        tracker = AccessTracker(half_life=1, clock=clock)
        tracker.record("old", 100)
        clock.now += 20
        tracker.record("new")
        assert tracker.prune(0.5) == 1
        assert list(tracker) == ["new"]
        assert tracker.forget("new") is True
        assert tracker.forget("new") is False
        assert tracker.count("new") == 0
        assert tracker.record("new") == 1
        assert tracker.clear() is None
        assert len(tracker) == 0

    def test_the_count_never_wraps(self):
        tracker = AccessTracker(clock=Clock())
        tracker.record("a", MOST)
        with pytest.raises(OverflowError, match="nothing has changed"):
            tracker.record("a")
        assert tracker.count("a") == MOST

    def test_the_usual_clock(self):
        tracker = AccessTracker(half_life=3600)
        tracker.record("a")
        assert 0.9 < tracker.score("a") <= 1.0


class TestDecay:
    def test_an_access_counts_half_after_the_half_life(self):
        clock = Clock()
        tracker = AccessTracker(half_life=60, clock=clock)
        assert tracker.half_life == 60.0
        tracker.record("a", 8)
        for halves in range(1, 60):
            clock.now += 60
            assert close(tracker.score("a"), 8 / 2**halves)
        assert tracker.count("a") == 8

    def test_of_two_keys_the_later_one_wins(self):
        clock = Clock()
        tracker = AccessTracker(half_life=60, clock=clock)
        tracker.record("early", 3)
        clock.now += 120
        tracker.record("late")
        assert [key for key, _ in tracker.top(2)] == ["late", "early"]

    def test_after_millions_of_half_lives(self):
        clock = Clock()
        tracker = AccessTracker(half_life=0.001, clock=clock)
        tracker.record("a", 10**6)
        clock.now += 10_000
        assert tracker.score("a") == 0.0
        tracker.record("a", 3)
        assert math.isclose(tracker.score("a"), 3, rel_tol=1e-6)

    def test_a_clock_that_goes_back(self):
        clock = Clock()
        tracker = AccessTracker(half_life=10, clock=clock)
        clock.now -= 10
        tracker.record("a")
        clock.now += 20
        tracker.record("a")
        clock.now -= 10
        tracker.record("a")
        assert tracker.last_access("a") == 1010.0
        assert close(tracker.score("a"), 0.5 + 2 + 1)

    @settings(max_examples=rounds(150), deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 1000), st.floats(0, 50)), max_size=40),
        st.sampled_from([None, 0.5, 10.0, 1e6]),
    )
    def test_against_the_formula(self, accesses, half_life):
        clock = Clock(-17.5)
        tracker = AccessTracker(half_life=half_life, clock=clock)
        done = []
        for key, amount, seconds in accesses:
            clock.now += seconds
            tracker.record(key, amount)
            done.append((key, amount, clock.now))
        clock.now += 3
        scores = {}
        for key, amount, at in done:
            worth = amount * (2 ** ((at - clock.now) / half_life) if half_life else 1)
            scores[key] = scores.get(key, 0) + worth
        assert list(tracker) == list(dict.fromkeys(key for key, _, _ in done))
        for key, score in scores.items():
            assert close(tracker.score(key), score)
            assert tracker.count(key) == sum(amount for k, amount, _ in done if k == key)
            assert tracker.last_access(key) == max(at for k, _, at in done if k == key)
        top = tracker.top(2)
        assert [score for _, score in top] == sorted((s for _, s in top), reverse=True)
        best = sorted(scores.values(), reverse=True)[:2]
        assert len(top) == len(best)
        assert all(close(a, b) for (_, a), b in zip(top, best, strict=True))


class TestWrongArguments:
    def test_they_are_named(self):
        tracker = AccessTracker(clock=Clock())
        for wrong in ("1", None, 1.5):
            with pytest.raises(TypeError, match="amount"):
                tracker.record("a", wrong)
            with pytest.raises(TypeError, match="k: expected an int"):
                tracker.top(wrong)
        for wrong in (0, -1):
            with pytest.raises(ValueError, match="amount"):
                tracker.record("a", wrong)
        with pytest.raises(OverflowError, match="amount"):
            tracker.record("a", 2**63)
        with pytest.raises(ValueError, match="k: "):
            tracker.top(-1)
        with pytest.raises(TypeError, match="below"):
            tracker.prune("a")
        for call in (tracker.record, tracker.count, tracker.score, tracker.forget):
            tracker.record("a")  # of an empty dict, dict.pop does not look at the key
            with pytest.raises(TypeError, match="unhashable"):
                call([])
        assert list(tracker) == ["a"]

    @pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, 10**400, "1"])
    def test_half_life(self, wrong):
        with pytest.raises((TypeError, ValueError), match="half_life: expected"):
            AccessTracker(half_life=wrong)

    def test_clock(self):
        with pytest.raises(TypeError, match="clock"):
            AccessTracker(clock=3)
        for wrong in ("now", None, math.nan, math.inf):
            clock = Clock()
            tracker = AccessTracker(clock=clock)
            clock.now = wrong
            with pytest.raises((TypeError, ValueError), match="clock"):
                tracker.record("a")
            assert len(tracker) == 0
        with pytest.raises(ZeroDivisionError):
            AccessTracker(clock=lambda: 1 / 0)

    def test_it_begins_once(self):
        tracker = AccessTracker()
        with pytest.raises(RuntimeError, match="already"):
            tracker.__init__(half_life=3)
        with pytest.raises(RuntimeError, match="call __init__"):
            AccessTracker.__new__(AccessTracker).record("a")

    def test_it_is_not_copied(self):
        with pytest.raises(TypeError, match=r"cannot copy or pickle an? AccessTracker"):
            pickle.dumps(AccessTracker())


class TestLife:
    def test_keys_are_let_go(self):
        tracker = AccessTracker()
        key = Object()
        reference = weakref.ref(key)
        tracker.record(key)
        del key
        assert not dead(reference)
        assert tracker.prune(2) == 1
        assert dead(reference)

    def test_cycles_are_collected(self):
        class Mine(AccessTracker):
            pass

        tracker = Mine()
        key = Object()
        key.tracker = tracker
        tracker.record(key)
        references = [weakref.ref(key), weakref.ref(tracker)]
        del key, tracker
        gc.collect()
        assert all(map(dead, references))

    def test_keys_whose_equality_is_python_code(self):
        tracker = AccessTracker()
        for rank in (1, 2, 1):
            tracker.record(Key(rank))
        assert tracker.count(Key(1)) == 2

        class Meddler(Key):
            def __eq__(self, other):
                tracker.clear()
                return super().__eq__(other)

            __hash__ = Key.__hash__

        tracker.record(Meddler(1))
        assert tracker.count(2) == 0

    def test_generic(self):
        assert AccessTracker[str].__origin__ is AccessTracker


class TestThreads:
    def test_no_access_is_lost(self):
        tracker = AccessTracker(half_life=1e9)
        each, keys = rounds(5_000), 7

        def work(index):
            for i in range(each):
                tracker.record((i + index) % keys)

        run_copies(8, work)
        counts = {key: access.accesses for key, access in tracker.snapshot().items()}
        assert sum(counts.values()) == 8 * each
        expected = [
            sum((i + t) % keys == key for i in range(each) for t in range(8)) for key in range(keys)
        ]
        assert [counts[key] for key in range(keys)] == expected
        assert all(math.isclose(tracker.score(key), counts[key], rel_tol=1e-4) for key in counts)

    def test_every_count_is_handed_out_once(self):
        tracker = AccessTracker()
        each = rounds(3_000)
        answers = run_copies(8, lambda _: [tracker.record("a") for _ in range(each)])
        assert sorted(n for mine in answers for n in mine) == list(range(1, 8 * each + 1))

    def test_forgetting_beside_recording(self):
        tracker = AccessTracker(half_life=100)
        working = AtomicCounter(4)

        def work(index):
            if index == 0:
                while working.get():
                    tracker.prune(3)
                    tracker.forget(5)
                    assert all(score >= 0 for _, score in tracker.top(3))
                    for access in tracker.snapshot().values():
                        assert access.accesses >= 0
                return
            for i in range(rounds(3_000)):
                assert tracker.record(i % 11) >= 1
                tracker.count(i % 13)
                tracker.last_access(i % 13)
            working.add(-1)

        run_copies(5, work)
        tracker.clear()
        assert tracker.record(1) == 1
