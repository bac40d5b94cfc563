"""Containers made of the others (concurrent_collections.recipes)."""

from __future__ import annotations

import _thread
import collections
import contextlib
import copy
import functools
import itertools
import operator
import pickle
import random
import signal
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import HookedKey, Key, rounds, run_copies, run_threads

from concurrent_collections import SkipListMap
from concurrent_collections.recipes import BoundedSkipListMap


def free_room(m):
    return m._room.value


@contextlib.contextmanager
def keyboard_interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(f, *arguments):
    """`f(*arguments)` for a caller with one argument. A signal has come when it returns.

    It is C all the way: in Python code, the signal would be noticed too early.
    """
    results = itertools.starmap(f, itertools.repeat(arguments))
    signals = map(_thread.interrupt_main, itertools.repeat(signal.SIGINT))
    return functools.partial(next, map(operator.itemgetter(0), zip(results, signals, strict=True)))


class Added(BoundedSkipListMap):
    """With something of its own."""

    __slots__ = ("__dict__", "slot")


def refuse_to_evict(key, value):
    raise AssertionError((key, value))


POLICIES = ["smallest", "largest", "oldest", "least recently used"]
every_policy = pytest.mark.parametrize("evict", POLICIES)


class TestBoundedSkipListMap:
    @pytest.mark.parametrize(
        ("evict", "gone"),
        [("smallest", 1), ("largest", 9), ("oldest", 5), ("least recently used", 9)],
    )
    def test_which_entry_goes(self, evict, gone):
        m = BoundedSkipListMap(3, evict=evict)
        for key in (5, 9, 1):
            assert m.put(key, str(key)) is None
        assert m.get(5) == "5"
        assert m.put(4, "4") == (gone, str(gone))
        assert list(m) == sorted({1, 4, 5, 9} - {gone})
        assert list(reversed(m)) == list(m)[::-1]
        assert len(m) == m.maxsize == 3

    @pytest.mark.parametrize(("evict", "key"), [("smallest", 0), ("largest", 10)])
    def test_a_key_beyond_the_end_of_a_full_map_is_the_one_that_goes(self, evict, key):
        m = BoundedSkipListMap(2, evict=evict)
        m[3] = m[7] = "x"
        assert m.put(key, "y") == (key, "y")
        assert list(m) == [3, 7]

    def test_what_counts_as_used(self):
        m = BoundedSkipListMap(4, evict="least recently used")
        for key in range(4):
            m[key] = key
        m[0] = "replaced"
        assert m.get(1) == 1 and m[2] == 2
        assert 3 in m and list(m.items()) and m.first_item() and m.last_item()  # these do not count
        assert [m.put(key, key)[0] for key in (10, 11, 12, 13)] == [3, 0, 1, 2]

    def test_oldest_is_by_the_last_time_it_was_put(self):
        m = BoundedSkipListMap(2, evict="oldest")
        m[1] = m[2] = "x"
        m[1] = "y"
        assert m.put(3, "z") == (2, "x")

    @every_policy
    def test_replacing_and_removing_evict_nothing(self, evict):
        gone = []
        m = BoundedSkipListMap(2, evict=evict, on_evict=lambda *entry: gone.append(entry))
        m[1] = m[2] = "x"
        assert m.put(1, "y") is None
        assert m.pop(1) == "y" and m.delete(1) is False
        with pytest.raises(KeyError):
            m.pop(1)
        with pytest.raises(KeyError):
            del m[1]
        assert m.pop(1, None) is None
        assert m.put(3, "z") is None
        assert m.pop_first() == (2, "x") and m.pop_last() == (3, "z")
        assert m.pop_first(None) is m.pop_last(None) is m.first_item(None) is m.last_item(None)
        with pytest.raises(KeyError):
            m.first_item()
        for n in range(5):
            m[n % 2] = n
        m.clear()
        assert gone == [] and len(m) == 0
        m[1] = m[2] = "x"  # there is room again
        assert gone == []

    @every_policy
    def test_on_evict_is_called_when_all_is_done(self, evict):
        seen = []

        def note(key, value):
            seen.append((key, value, list(m)))
            if len(seen) == 1:
                raise LookupError

        m = BoundedSkipListMap(1, evict=evict, on_evict=note)
        m[5] = "a"
        new = 4 if evict == "largest" else 6
        with pytest.raises(LookupError):
            m[new] = "b"
        assert seen == [(5, "a", [new])]
        assert m[new] == "b"

    @every_policy
    def test_a_key_that_is_refused_takes_no_room(self, evict):
        m = BoundedSkipListMap(2, evict=evict)
        for bad in (None, 1j):
            with pytest.raises(TypeError):
                m[bad] = 1
        m[1] = 1
        for bad in (None, "text"):
            with pytest.raises(TypeError):
                m[bad] = 1
        with pytest.raises(ValueError, match="NaN"):
            m[float("nan")] = 1
        assert m.put(2, 2) is None
        assert list(m.items()) == [(1, 1), (2, 2)]

    def test_arguments(self):
        for bad in ("3", 3.0, None, True):
            with pytest.raises(TypeError, match="maxsize"):
                BoundedSkipListMap(bad)
        for bad in (0, -1):
            with pytest.raises(ValueError, match="maxsize"):
                BoundedSkipListMap(bad)
        for bad in (2**63, 10**5000):
            with pytest.raises(OverflowError, match="maxsize"):
                BoundedSkipListMap(bad)
        assert BoundedSkipListMap(2**63 - 1).put(1, 1) is None
        with pytest.raises(ValueError, match="evict"):
            BoundedSkipListMap(3, evict="newest")
        with pytest.raises(TypeError, match="on_evict"):
            BoundedSkipListMap(3, on_evict=3)

    def test_what_a_user_of_dicts_expects(self):
        m = BoundedSkipListMap(3, evict="least recently used")
        m.update({1: "a", 2: "b"})
        m.update([(3, "c")])
        assert list(m.values()) == ["a", "b", "c"]
        assert list(m.values(2, reverse=True)) == ["c", "b"]
        assert m.to_dict() == {1: "a", 2: "b", 3: "c"}
        assert list(m.to_dict()) == [1, 2, 3]
        m.update([(4, "d")])  # nothing of the above counts as used
        assert m.to_dict() == {2: "b", 3: "c", 4: "d"}
        assert m.popitem() == (4, "d") and m.popitem(last=False) == (2, "b")
        assert m.popitem() == (3, "c")
        with pytest.raises(KeyError):
            m.popitem()
        words = BoundedSkipListMap(2)
        words.update(b=2, a=1)
        words.update([("c", 3)], d=4)
        assert words.to_dict() == {"c": 3, "d": 4}

    def test_ranges_and_repr(self):
        m = BoundedSkipListMap(5, evict="oldest")
        for key in range(5):
            m[key] = key * 10
        assert list(m.keys(1, 3)) == [1, 2]
        assert list(m.items(1, 3, inclusive=True, reverse=True)) == [(3, 30), (2, 20), (1, 10)]
        assert (
            repr(m) == "BoundedSkipListMap(5, evict='oldest': {0: 0, 1: 10, 2: 20, 3: 30, 4: 40})"
        )
        assert BoundedSkipListMap[int, str]

    @every_policy
    @pytest.mark.parametrize("by_another_thread", [False, True])
    def test_a_put_while_all_room_is_with_a_put_under_way(self, evict, by_another_thread):
        # The outer put has the only room when it compares its key with itself.
        gone, inner = [], []

        def come_in(*_):
            if free_room(m) == 0 and not inner:
                put = functools.partial(m.put, Key(2), "inner")
                inner.append(run_threads(put)[0] if by_another_thread else put())

        m = BoundedSkipListMap(1, evict=evict, on_evict=lambda *entry: gone.append(entry))
        key = HookedKey(1, come_in)
        assert m.put(key, "outer") is None
        assert inner == gone == [(Key(2), "inner")]
        key.hook = None
        assert list(m.items()) == [(key, "outer")]
        assert free_room(m) == 0

    @every_policy
    def test_a_put_that_loses_races_evicts_one(self, evict):
        sign = -1 if evict == "largest" else 1
        gone, returned, steps = [], [], []

        def come_in(*_):
            if steps == ["began"] and len(list(m)) == 3:  # the outer put has evicted one
                steps.append("stored")
                returned.append(m.put(Key(sign * 9), "rival"))
            elif steps == ["began", "stored", "replacing"]:
                steps.append("removed")
                m.pop(Key(sign * 9))
                returned.append(m.put(Key(sign * 7), "other"))
                returned.append(m.put(Key(sign * 8), "other"))

        class Entries(SkipListMap):
            def replace(self, *arguments):
                if arguments[0] is key:
                    steps.append("replacing" if steps else "began")
                return super().replace(*arguments)

        m = BoundedSkipListMap(4, evict=evict, on_evict=lambda *entry: gone.append(entry))
        for n in range(1, 5):
            m[Key(sign * n)] = "old"
        m._entries = Entries(m._entries)
        key = HookedKey(sign * 9, come_in)
        returned.append(m.put(key, "new"))
        key.hook = None
        assert "removed" in steps
        assert sorted(k.rank for k, _ in gone) == sorted(e[0].rank for e in returned if e)
        assert m[key] == "new"
        assert free_room(m) + len(list(m)) == 4

    @every_policy
    def test_a_key_that_does_not_compare_with_itself_evicts_nothing(self, evict):
        class Odd(Key):
            def __lt__(self, other):
                if self is other:
                    raise LookupError
                return super().__lt__(other)

        m = BoundedSkipListMap(1, evict=evict, on_evict=refuse_to_evict)
        m[Key(5)] = "old"
        with pytest.raises(LookupError):
            m.put(Odd(4 if evict == "largest" else 6), "new")
        assert list(m.items()) == [(Key(5), "old")]
        assert free_room(m) == 0

    @every_policy
    def test_an_entry_that_was_evicted_for_nothing_is_reported(self, evict):
        def fail(*_):
            if len(list(m)) == 1:
                raise LookupError

        gone = []
        m = BoundedSkipListMap(2, evict=evict, on_evict=lambda *entry: gone.append(entry))
        m[Key(4)] = m[Key(6)] = "old"
        with pytest.raises(LookupError):
            m.put(HookedKey(5, fail), "new")
        assert gone == [(Key(6 if evict == "largest" else 4), "old")]
        assert len(m) == 1 and free_room(m) == 1

    @every_policy
    @pytest.mark.parametrize("maxsize", [2, 3, 4])
    @pytest.mark.parametrize(
        ("name", "arguments"), [("put", ("new",)), ("pop", (None,)), ("delete", ()), ("get", ())]
    )
    def test_an_interrupt_loses_no_room(self, evict, maxsize, name, arguments):
        interrupts = 0
        for n in range(1, 30):
            # The nth comparison ends with a signal. It is C, and what it returns is false: the key is the largest.
            class Interrupting(int):
                pass

            gone = []
            m = BoundedSkipListMap(
                maxsize, evict=evict, on_evict=lambda *e, gone=gone: gone.append(e)
            )
            m[Interrupting(9)] = "old"
            m[1], m[2] = "one", "two"
            if name == "put":
                m.delete(9)
            del gone[:]
            before = dict(m.items())
            steps = itertools.chain(
                itertools.repeat({}.clear, n - 1),
                [_thread.interrupt_main],
                itertools.repeat({}.clear),
            )
            Interrupting.__lt__ = staticmethod(functools.partial(next, map(operator.call, steps)))
            with keyboard_interrupts():
                try:
                    getattr(m, name)(Interrupting(9), *arguments)
                except KeyboardInterrupt:
                    interrupts += 1
            del Interrupting.__lt__
            assert free_room(m) + len(list(m)) == maxsize
            if name == "put":
                went = {k: v for k, v in gone if v != "new"}
                assert went == {k: v for k, v in before.items() if k not in m}
        assert interrupts

    @every_policy
    def test_an_interrupt_of_what_takes_room_loses_none(self, evict):
        m = BoundedSkipListMap(2, evict=evict)
        room = m._room
        m._room = types.SimpleNamespace(
            acquire=interrupted(room.acquire, False), release=room.release
        )
        with keyboard_interrupts(), pytest.raises(KeyboardInterrupt):
            m[1] = 1
        assert room.value + len(list(m)) == 2

    @every_policy
    @pytest.mark.parametrize("name", ["pop_first", "pop_last", "put"])
    def test_an_interrupt_of_what_pops_an_end_loses_no_room(self, evict, name):
        class Entries(SkipListMap):
            pass

        gone = []
        m = BoundedSkipListMap(2, evict=evict, on_evict=lambda *entry: gone.append(entry))
        m[2] = m[3] = "old"
        m._ages.clear()  # as if both had just been stored
        m._entries = Entries(m._entries)
        for end in ("pop_first", "pop_last"):
            setattr(
                Entries,
                end,
                staticmethod(interrupted(getattr(super(Entries, m._entries), end), None)),
            )
        with keyboard_interrupts(), pytest.raises(KeyboardInterrupt):
            m.put(1 if evict == "largest" else 4, "new") if name == "put" else getattr(m, name)()
        assert free_room(m) == len(list(m)) == 1
        assert len(gone) == (name == "put")

    def test_a_value_may_be_the_map_itself(self):
        m = BoundedSkipListMap(2)
        m[1] = m
        assert m.delete(1) is True and m.delete(1) is False
        m[1] = m
        assert copy.deepcopy(m)[1] is not m

    @every_policy
    @pytest.mark.parametrize(
        "how",
        [
            BoundedSkipListMap.copy,
            copy.copy,
            copy.deepcopy,
            *(
                lambda m, p=p: pickle.loads(pickle.dumps(m, p))
                for p in range(pickle.HIGHEST_PROTOCOL + 1)
            ),
        ],
    )
    def test_copies(self, evict, how):
        m = Added(3, evict=evict, on_evict=refuse_to_evict)
        m.extra, m.slot = [1], [2]
        for key in (5, 1, 9):
            m[key] = [key]
        assert m.get(5)
        copied = how(m)
        assert type(copied) is Added and copied.maxsize == 3
        assert list(copied.items()) == list(m.items())
        assert (copied[5] is m[5]) == (how in (copy.copy, BoundedSkipListMap.copy))
        if how is not BoundedSkipListMap.copy:
            assert (copied.extra, copied.slot) == ([1], [2])
        assert copied._on_evict is refuse_to_evict and free_room(copied) == 0
        copied._on_evict = m._on_evict = None
        assert m.get(5) and copied.get(5)
        assert copied.put(4, "new")[0] == m.put(4, "new")[0]  # ages are the same
        copied.clear()
        assert len(m) == 3

    @every_policy
    def test_a_copy_while_others_put_evicts_nothing(self, evict):
        class Entries(SkipListMap):
            def items(self, *arguments, **options):
                return [*super().items(*arguments, **options), (99, ("seen too late", 10**6))]

        m = BoundedSkipListMap(2, evict=evict, on_evict=refuse_to_evict)
        m[1] = m[2] = "x"
        m._entries = Entries(m._entries)
        assert len(m.copy()) == len(copy.copy(m)) == 2

    @every_policy
    @given(
        maxsize=st.integers(1, 4),
        program=st.lists(
            st.tuples(st.sampled_from(["put", "put", "get", "pop"]), st.integers(0, 7)), max_size=40
        ),
    )
    def test_against_a_model(self, evict, maxsize, program):
        m = BoundedSkipListMap(maxsize, evict=evict)
        model = collections.OrderedDict()  # in the order of age
        for number, (name, key) in enumerate(program):
            if name == "get":
                assert m.get(key) == model.get(key)
                if evict == "least recently used" and key in model:
                    model.move_to_end(key)
            elif name == "pop":
                assert m.pop(key, None) == model.pop(key, None)
            else:
                expected = None
                model[key] = number
                model.move_to_end(key)
                if len(model) > maxsize:
                    ends = {"smallest": min(model), "largest": max(model)}
                    gone = ends.get(evict, next(iter(model)))
                    expected = gone, model.pop(gone)
                assert m.put(key, number) == expected
            assert dict(m.items()) == model
            assert len(m) == len(model)

    @every_policy
    @pytest.mark.parametrize("maxsize", [1, 3, 20])
    def test_the_bound_holds_and_every_entry_leaves_once(self, evict, maxsize, eager_switching):
        gone = []
        m = BoundedSkipListMap(maxsize, evict=evict, on_evict=lambda key, value: gone.append(value))
        each = rounds(600)

        def work(index):
            keys = random.Random(index).sample(range(10**6), each)
            taken = []
            for n, key in enumerate(keys):
                m[key * 4 + index] = (index, n)
                m.get(key * 4 + index)
                if n % 2:
                    value = m.pop(key * 4 + index, None)
                    taken += [value] if value else []
            return taken

        taken = [value for part in run_copies(4, work) for value in part]
        assert len(m) == len(list(m)) <= maxsize
        values = gone + taken + [value for _, value in m.items()]
        assert len(values) == len(set(values)) == 4 * each
        # What is left over of ages is not more than what is there.
        assert len(m._ages) in (0, len(m))
        # All room that is not taken is free.
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == maxsize

    @every_policy
    def test_the_bound_holds_while_others_are_in_the_middle(self, evict):
        # Every comparison is a place where another thread may come in; here it is the same one.
        m = BoundedSkipListMap(3, evict=evict)
        turn = 0
        inside = False

        def come_in(*_):
            nonlocal turn, inside
            if inside:
                return
            inside = True
            turn += 1
            assert len(list(m)) <= 3
            if turn % 4 == 0:
                m.put(Key(turn % 7), turn)
            elif turn % 4 == 2:
                m.pop(Key(turn % 5), None)
            assert len(list(m)) <= 3
            inside = False

        for n in range(rounds(60)):
            key = HookedKey(n % 6, come_in)
            m.put(key, n)
            key.hook = None
        assert turn > 0
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == 3
        assert len(m._ages) in (0, len(m))

    @every_policy
    def test_the_same_keys_from_many_threads(self, evict, eager_switching):
        m = BoundedSkipListMap(4, evict=evict)
        each = rounds(600)

        def work(index):
            generator = random.Random(index)
            for n in range(each):
                key = generator.randrange(8)
                generator.choice([m.put, lambda key, n: m.get(key), m.pop, m.put])(key, n)

        run_copies(4, work)
        assert len(list(m)) <= 4
        assert len(m._ages) in (0, len(m))
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == 4
