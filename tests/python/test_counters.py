"""AtomicCounter, StripedCounter and Stats: against numbers, at the edges of 64 bits, between threads."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import sys
import threading
import weakref
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support import dead, in_child, rounds, run_copies, until_memory_suffices

import concurrent_collections
from concurrent_collections import AtomicCounter, Stats, StripedCounter

LEAST, MOST = -(2**63), 2**63 - 1
THREADS = 8

each_counter = pytest.mark.parametrize("Counted", [AtomicCounter, StripedCounter])
NOT_INTS = ["1", 1.5, None, b"1", [], 1j, object()]
TOO_LARGE = [MOST + 1, LEAST - 1, 10**40, -(10**5000)]


class Index:
    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


# ---- both ---------------------------------------------------------------------------------


@each_counter
class TestBoth:
    def test_it_begins_with_its_number(self, Counted):
        assert int(Counted()) == 0
        for number in (1, -1, LEAST, MOST, True, Index(7)):
            assert int(Counted(number)) == int(getattr(number, "number", number))
        with pytest.raises(TypeError):
            Counted(value=1)
        with pytest.raises(TypeError):
            Counted(1, 2)

    @pytest.mark.parametrize("wrong", NOT_INTS)
    def test_what_is_no_int_is_refused_by_name(self, Counted, wrong):
        c = Counted(5)
        with pytest.raises(TypeError, match="amount: expected an int, got"):
            c.add(wrong)
        with pytest.raises(TypeError, match="value: expected an int, got"):
            Counted(wrong)
        assert int(c) == 5

    @pytest.mark.parametrize("wrong", TOO_LARGE, ids=lambda n: f"{n.bit_length()} bits")
    def test_so_is_what_has_more_than_64_bits(self, Counted, wrong):
        c = Counted(5)
        with pytest.raises(OverflowError, match="amount"):
            c.add(wrong)
        with pytest.raises(OverflowError, match="value"):
            Counted(wrong)
        assert int(c) == 5

    def test_a_number_of_another_type_counts_by_its_index(self, Counted):
        c = Counted()
        c.add(Index(3))
        c.add(True)
        c.add(amount=Index(-1))
        assert int(c) == 3
        with pytest.raises(ZeroDivisionError):
            c.add(type("Bad", (), {"__index__": lambda self: 1 // 0})())
        assert int(c) == 3

    def test_as_a_number_and_as_a_text(self, Counted):
        c = Counted(-12)
        assert (int(c), repr(c)) == (-12, f"{Counted.__name__}(-12)")
        assert type(int(c)) is int

    def test_it_is_compared_by_identity(self, Counted):
        c = Counted(1)
        assert c == c
        assert c != Counted(1)
        assert c != 1
        assert len({c, Counted(1), c}) == 2
        with pytest.raises(TypeError):
            c < 2
        with pytest.raises(TypeError):
            c + 1

    @pytest.mark.parametrize(
        "copying", [copy.copy, copy.deepcopy, pickle.dumps, lambda c: pickle.dumps(c, 0)]
    )
    def test_it_is_not_copied(self, Counted, copying):
        with pytest.raises(TypeError, match=f"cannot copy or pickle an? {Counted.__name__}"):
            copying(Counted(3))

    def test_subclasses(self, Counted):
        class Named(Counted):
            def __init__(self, name, value=0):
                super().__init__(value)
                self.name = name

            def add(self, amount=1):
                return super().add(2 * amount)

        c = Named("n", 5)
        c.add(1)
        assert (int(c), c.name, repr(c)) == (7, "n", "Named(7)")
        bare = Counted.__new__(Counted)
        assert int(bare) == 0
        assert type("Without", (Counted,), {"__init__": lambda self: None})().add(4) in (4, None)

    def test_weak_references_and_the_collector(self, Counted):
        class Named(Counted):
            pass

        c = Named(1)
        c.itself = c
        reference = weakref.ref(c)
        del c
        gc.collect()
        assert dead(reference)
        c = Counted()
        assert weakref.ref(c)() is c
        assert gc.is_tracked(c)

    def test_its_memory(self, Counted):
        assert sys.getsizeof(Counted()) >= 64

    def test_memory_that_runs_out(self, Counted, no_failing_allocations):
        counter = until_memory_suffices(no_failing_allocations, lambda: Counted(9))
        assert int(counter) == 9

    def test_in_a_forked_child(self, Counted):
        c = Counted(1)
        c.add(2)

        def body():
            c.add(3)
            assert int(c) == 6

        in_child(body)
        assert int(c) == 3

    def test_accounts_of_many_threads(self, Counted):
        c = Counted()

        def work(index):
            add = c.add
            for i in range(rounds(20_000)):
                add(1 + (i + index) % 3)
                add(-1)
            return sum((i + index) % 3 for i in range(rounds(20_000)))

        assert sum(run_copies(THREADS, work)) == int(c)


# ---- one word -------------------------------------------------------------------------------


class TestAtomicCounter:
    def test_what_operations_answer(self):
        c = AtomicCounter(5)
        assert c.get() == 5
        assert c.add() == 6
        assert c.add(-10) == -4
        assert c.set(1) is None
        assert c.get_and_set(2) == 1
        assert c.compare_and_set(1, 9) is False
        assert c.compare_and_set(2, 9) is True
        assert c.compare_and_set(expected=9, value=3) is True
        assert c.get() == 3

    def test_an_overflow_changes_nothing(self):
        for first, amount in ((MOST, 1), (MOST - 1, 2), (LEAST, -1), (1, MOST), (-2, LEAST)):
            c = AtomicCounter(first)
            with pytest.raises(OverflowError, match="nothing has changed"):
                c.add(amount)
            assert c.get() == first
        assert AtomicCounter(MOST).add(LEAST) == -1
        assert AtomicCounter(MOST - 1).add(1) == MOST
        assert AtomicCounter(LEAST + 1).add(-1) == LEAST

    @pytest.mark.parametrize("wrong", [*NOT_INTS, *TOO_LARGE], ids=lambda n: type(n).__name__)
    def test_arguments_are_named(self, wrong):
        c = AtomicCounter(5)
        error = OverflowError if isinstance(wrong, int) else TypeError
        for name, call in {
            "value": lambda: c.set(wrong),
            "value: ": lambda: c.get_and_set(wrong),
            "expected": lambda: c.compare_and_set(wrong, 1),
            "value:": lambda: c.compare_and_set(5, wrong),
        }.items():
            with pytest.raises(error, match=name):
                call()
        assert c.get() == 5

    def test_every_number_is_handed_out_once(self):
        c = AtomicCounter()
        each = rounds(10_000)
        tickets = run_copies(THREADS, lambda _: [c.add() for _ in range(each)])
        assert sorted(n for mine in tickets for n in mine) == list(range(1, THREADS * each + 1))
        assert all(mine == sorted(mine) for mine in tickets)

    def test_compare_and_set_loses_nothing(self):
        c = AtomicCounter()

        def work(_):
            for _ in range(rounds(3_000)):
                seen = c.get()
                while not c.compare_and_set(seen, seen + 3):
                    seen = c.get()

        run_copies(THREADS, work)
        assert c.get() == 3 * THREADS * rounds(3_000)

    def test_the_last_places_are_given_once(self):
        for _ in range(rounds(50)):
            c = AtomicCounter(MOST - 5)

            def work(_, c=c):
                for got in range(5):
                    try:
                        assert MOST - 5 < c.add() <= MOST
                    except OverflowError:
                        return got
                return 5

            assert sum(run_copies(4, work)) == 5
            assert c.get() == MOST


# ---- striped ----------------------------------------------------------------------------------


class TestStripedCounter:
    def test_what_operations_answer(self):
        c = StripedCounter(5)
        assert c.add() is None
        assert c.add(2) is None
        assert c.increment() is None
        assert c.decrement() is None
        assert c.sum() == 8
        assert c.sum_then_reset() == 8
        assert c.sum() == 0
        c.add(4)
        assert c.reset() is None
        assert c.sum() == 0

    def test_it_never_wraps(self):
        for most, step in ((MOST, 1), (LEAST, -1)):
            c = StripedCounter()
            accepted = 0
            with pytest.raises(OverflowError, match="nothing has changed"):
                while True:
                    c.add(most)
                    accepted += 1
            assert accepted >= 1
            assert c.sum() == accepted * most
            with pytest.raises(OverflowError):
                c.increment() if step > 0 else c.decrement()
            assert c.sum() == accepted * most
            assert repr(c) == f"StripedCounter({accepted * most})"
            c.add(-step)
            assert c.sum_then_reset() == accepted * most - step
            assert c.sum() == 0

    def test_each_add_is_in_one_answer(self):
        c = StripedCounter()
        working = AtomicCounter(THREADS - 1)

        def work(index):
            if index == 0:
                taken = 0
                while working.get():
                    taken += c.sum_then_reset()
                return taken
            for i in range(rounds(20_000)):
                c.add(1 + i % 2)
            working.add(-1)
            return 0

        taken = sum(run_copies(THREADS, work))
        ones = rounds(20_000)
        assert taken + c.sum() == (THREADS - 1) * sum(1 + i % 2 for i in range(ones))

    def test_sums_of_ones_never_go_back(self):
        c = StripedCounter()
        working = AtomicCounter(THREADS - 2)

        def work(index):
            if index < 2:
                before = 0
                while working.get():
                    now = c.sum()
                    assert now >= before
                    before = now
                return
            for _ in range(rounds(10_000)):
                c.increment()
            working.add(-1)

        run_copies(THREADS, work)
        assert c.sum() == (THREADS - 2) * rounds(10_000)

    def test_threads_that_have_ended_are_not_forgotten(self):
        c = StripedCounter()
        for _ in range(rounds(200)):
            thread = threading.Thread(target=c.add)
            thread.start()
            thread.join()
        assert c.sum() == rounds(200)


@pytest.mark.parametrize("first", [10**9, MOST])
def test_what_cannot_be_handed_over_is_put_back(first):
    testcapi = pytest.importorskip("_testcapi")
    for start in range(12):
        c, stats = StripedCounter(first), Stats(["a", "b"])
        expected = first
        try:
            c.add(first)
            expected += first
        except OverflowError:  # with one cell
            pass
        stats.add("a", first)
        stats.add("b", 10**10)
        for take, left, whole in (
            (c.sum_then_reset, c.sum, expected),
            (stats.snapshot_then_reset, stats.snapshot, {"a": first, "b": 10**10}),
        ):
            testcapi.set_nomemory(start, start + 1)
            try:
                answer = take()
            except MemoryError:
                answer = None
            finally:
                testcapi.remove_mem_hooks()
            assert (left() if answer is None else answer) == whole


# ---- by name ----------------------------------------------------------------------------------


class TestStats:
    def test_counters_by_name(self):
        stats = Stats(["b", "a"])
        stats.add("a")
        stats.add("c", 5)
        stats.counter("b").add(-2)
        assert stats.snapshot() == {"b": -2, "a": 1, "c": 5}
        assert list(stats.snapshot()) == list(stats) == ["b", "a", "c"]
        assert len(stats) == 3
        assert stats["c"] == 5
        assert "a" in stats
        assert "d" not in stats
        assert 1 not in stats
        assert repr(stats) == "<Stats {'b': -2, 'a': 1, 'c': 5}>"
        with pytest.raises(KeyError, match="d"):
            stats["d"]
        assert "d" not in stats

    def test_a_name_leads_to_one_counter(self):
        stats = Stats()
        assert isinstance(stats.counter("a"), StripedCounter)
        assert stats.counter("a") is stats.counter("a")
        found = run_copies(THREADS, lambda _: [id(stats.counter(str(i))) for i in range(200)])
        assert all(one == found[0] for one in found)

    def test_names_are_strings(self):
        stats = Stats()
        for wrong in (1, None, b"a", ["a"], ("a",)):
            for call in (stats.counter, stats.add, stats.__getitem__):
                with pytest.raises(TypeError, match="name: expected a str"):
                    call(wrong)
        with pytest.raises(TypeError, match="names: expected an iterable of str, got a str"):
            Stats("hits")
        with pytest.raises(TypeError, match="names: expected an iterable of str, got int"):
            Stats(1)
        with pytest.raises(TypeError, match="name: expected a str"):
            Stats(["a", 1])
        with pytest.raises(TypeError, match="amount"):
            stats.add("a", "1")
        assert len(stats) == 0

        class Name(str):
            __slots__ = ()
            __hash__ = None

            def __eq__(self, other):
                raise AssertionError

        stats.add(Name("x"))
        assert stats.snapshot() == {"x": 1}
        assert type(next(iter(stats))) is str

    def test_beyond_64_bits(self):
        stats = Stats()
        stats.add("a", MOST)
        try:
            stats.add("a", MOST)
            assert stats.snapshot() == {"a": 2 * MOST}
            assert stats.snapshot_then_reset() == {"a": 2 * MOST}
        except OverflowError:  # with one cell
            assert stats.snapshot() == {"a": MOST}

    def test_then_reset(self):
        stats = Stats(["a", "b"])
        stats.add("a", 3)
        assert stats.snapshot_then_reset() == {"a": 3, "b": 0}
        assert stats.snapshot_then_reset() == {"a": 0, "b": 0}

    def test_it_is_not_copied(self):
        with pytest.raises(TypeError, match="cannot copy or pickle a Stats"):
            pickle.dumps(Stats())

    def test_weak_references_and_subclasses(self):
        class Mine(Stats):
            def __init__(self):
                super().__init__(["a"])
                self.more = self

        stats = Mine()
        reference = weakref.ref(stats)
        assert stats.snapshot() == {"a": 0}
        del stats
        gc.collect()
        assert dead(reference)

    def test_what_a_snapshot_promises(self):
        """Order, bounds, and that counters made meanwhile are no trouble."""
        stats = Stats(["asked", "answered", "thanked"])
        working = AtomicCounter(4)
        each = rounds(4_000)

        def work(index):
            if index < 2:
                before = Counter()
                while working.get():
                    finished = stats.counter("finished").sum()  # of adds that have ended
                    now = stats.snapshot()
                    assert now["asked"] >= now["answered"] >= now["thanked"] >= finished
                    assert all(now[name] >= before[name] for name in before)
                    assert list(now)[:3] == ["asked", "answered", "thanked"]
                    before = now
                return
            for i in range(each):
                for name in ("asked", "answered", "thanked", "finished"):
                    stats.add(name)
                stats.add(f"{index} {i % 50}")
            working.add(-1)

        run_copies(6, work)
        now = stats.snapshot()
        assert {now[name] for name in ("asked", "answered", "thanked", "finished")} == {4 * each}
        assert len(now) == 4 + 4 * min(50, each)

    def test_resets_beside_adds_lose_nothing(self):
        stats = Stats(["first", "second"])
        working = AtomicCounter(4)
        each = rounds(5_000)

        def work(index):
            if index == 0:
                all_together = Counter()
                while working.get():
                    all_together.update(stats.snapshot_then_reset())
                    assert all_together["first"] >= all_together["second"]
                return all_together
            for _ in range(each):
                stats.add("first")
                stats.add("second")
            working.add(-1)
            return Counter()

        taken = sum(run_copies(5, work), Counter())
        taken.update(stats.snapshot())
        assert taken == {"first": 4 * each, "second": 4 * each}


# ---- random programs --------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(LEAST, MOST),
    st.sampled_from([LEAST, LEAST + 1, MOST - 1, MOST, MOST + 1, LEAST - 1]),
)


class CounterMachine(RuleBasedStateMachine):
    """One of each, and the numbers that they must be."""

    @initialize(value=st.integers(LEAST, MOST))
    def begin(self, value):
        self.atomic, self.number = AtomicCounter(value), value
        self.striped, self.sum = StripedCounter(value), value

    @rule(amount=NUMBERS)
    def add(self, amount):
        after = self.number + amount
        if LEAST <= amount <= MOST and LEAST <= after <= MOST:
            assert self.atomic.add(amount) == after
            self.number = after
        else:
            with pytest.raises(OverflowError):
                self.atomic.add(amount)

    @rule(amount=NUMBERS)
    def add_striped(self, amount):
        try:
            self.striped.add(amount)
        except OverflowError:
            assert not (LEAST <= amount <= MOST and LEAST <= self.sum + amount <= MOST)
        else:
            self.sum += amount

    @rule(value=st.integers(LEAST, MOST))
    def set(self, value):
        self.atomic.set(value)
        self.number = value

    @rule(value=st.integers(LEAST, MOST))
    def get_and_set(self, value):
        assert self.atomic.get_and_set(value) == self.number
        self.number = value

    @rule(expected=st.integers(LEAST, MOST), is_right=st.booleans(), value=st.integers(LEAST, MOST))
    def compare_and_set(self, expected, is_right, value):
        expected = self.number if is_right else expected
        assert self.atomic.compare_and_set(expected, value) is (expected == self.number)
        self.number = value if expected == self.number else self.number

    @rule()
    def sum_then_reset(self):
        assert self.striped.sum_then_reset() == self.sum
        self.sum = 0

    @invariant()
    def they_agree(self):
        if hasattr(self, "atomic"):
            assert self.atomic.get() == int(self.atomic) == self.number
            assert self.striped.sum() == int(self.striped) == self.sum


TestRandomPrograms = CounterMachine.TestCase
TestRandomPrograms.settings = settings(
    max_examples=rounds(60), stateful_step_count=25, deadline=None
)


def test_the_module_is_no_part_of_another():
    module = importlib.import_module("concurrent_collections._counters")
    assert module.AtomicCounter is concurrent_collections.AtomicCounter
