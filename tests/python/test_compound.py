"""Updates of one entry by a function of its value: compute, merge, increment and their like; one atomic step each."""

from __future__ import annotations

import copy
import pickle
import weakref

import pytest
from ordered_kinds import TREES
from support import HookedKey, Key, Object, check, collect, dead, rounds, run_copies, run_program

from concurrent_collections import REMOVE


class Failure(Exception):
    pass


class Hostile:
    """A value that must not be asked whether it equals another."""

    def __eq__(self, other):
        raise AssertionError("== of a value was called")

    def __hash__(self):
        raise AssertionError("a value was hashed")


def refuse(*_):
    raise AssertionError("the function was called")


class TestWhatTheyReturn:
    def test_compute(self, Map):
        m = Map({1: 10})
        assert m.compute(1, lambda n: n + 1) == 11
        assert m.compute(2, lambda n: n + 1, 0) == 1
        assert m.compute(3, lambda n: (n,)) == (None,)
        assert m == {1: 11, 2: 1, 3: (None,)}

    def test_compute_if_present(self, Map):
        m = Map({1: None})
        assert m.compute_if_present(1, lambda n: (n,)) == (None,)
        assert m.compute_if_present(2, refuse) is None
        assert m.compute_if_present(2, refuse, default="x") == "x"
        assert m == {1: (None,)}

    def test_compute_if_absent(self, Map):
        m = Map({1: None})
        assert m.compute_if_absent(1, refuse) is None
        made = m.compute_if_absent(2, list)
        assert made == [] and m[2] is made
        assert m.compute_if_absent(2, refuse) is made

    def test_merge(self, Map):
        m = Map({1: None})
        assert m.merge(1, "new", lambda old, new: (old, new)) == (None, "new")
        assert m.merge(2, "new", refuse) == "new"
        assert m == {1: (None, "new"), 2: "new"}

    def test_increment(self, Map):
        m = Map()
        assert [m.increment("n"), m.increment("n", 5), m.increment("n", -0.5)] == [1, 6, 5.5]
        assert m.increment("text", "a") == "a"
        assert m.increment("text", "b") == "ab"
        with pytest.raises(TypeError, match="concatenate"):
            m.increment("text")
        assert m == {"n": 5.5, "text": "ab"}

    def test_get_or_insert(self, Map):
        m = Map({1: None})
        value = Object()
        assert m.get_or_insert(1, value) is None
        assert m.get_or_insert(2, value) is value
        assert m.get_or_insert(2, None) is value

    def test_they_take_keywords(self, Map):
        m = Map()
        assert m.compute(key=1, f=str, default=7) == "7"
        assert m.compute_if_present(key=1, f=int, default=0) == 7
        assert m.compute_if_absent(key=2, f=list, default=0) == []
        assert m.merge(key=1, value=3, f=max, default=0) == 7
        assert m.increment(key=1, amount=3) == 10
        assert m.get_or_insert(key=1, value=3) == 10

    @pytest.mark.parametrize("name", ["compute", "compute_if_present", "compute_if_absent"])
    def test_what_is_no_function_is_refused_at_once(self, Map, name):
        m = Map({1: 1})
        for key in (1, 2):
            with pytest.raises(TypeError, match=r"^f: expected a callable, got int$"):
                getattr(m, name)(key, 5)
        with pytest.raises(TypeError, match=r"^f: expected a callable, got NoneType$"):
            m.merge(2, 1, None)
        assert m == {1: 1}


class TestRemove:
    def test_it_removes_the_entry(self, Map):
        m = Map({1: 1, 2: 2, 3: 3, 4: 4})
        assert m.compute(1, lambda n: REMOVE) is None
        assert m.compute(2, lambda n: REMOVE, default="none") == "none"
        assert m.compute_if_present(3, lambda n: REMOVE, default="none") == "none"
        assert m.merge(4, 4, lambda old, new: REMOVE, default="none") == "none"
        assert len(m) == 0
        check(m)

    def test_of_a_key_that_is_absent_it_leaves_all_as_it_was(self, Map):
        m = Map({1: 1})
        assert m.compute(2, lambda n: REMOVE, default="none") == "none"
        assert m.compute_if_absent(2, lambda: REMOVE, default="none") == "none"
        assert m == {1: 1}

    def test_there_is_one_and_it_says_its_name(self):
        assert repr(REMOVE) == "REMOVE"
        assert type(REMOVE)() is REMOVE
        assert copy.copy(REMOVE) is copy.deepcopy(REMOVE) is REMOVE
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(REMOVE, protocol)) is REMOVE

    def test_a_factory_that_returns_it_stores_it(self, Map):
        m = Map(default_factory=lambda: REMOVE)
        assert m[1] is REMOVE
        assert list(m.values()) == [REMOVE]


UPDATES = {
    "compute": lambda m, key, f: m.compute(key, f),
    "compute_if_present": lambda m, key, f: m.compute_if_present(key, f),
    "merge": lambda m, key, f: m.merge(key, None, lambda old, new: f(old)),
}
every_update = pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)


class TestTheFunction:
    @every_update
    def test_what_it_raises_is_raised_and_the_map_is_as_it_was(self, Map, update):
        def fail(value):
            raise Failure

        value = Object()
        m = Map({1: value})
        with pytest.raises(Failure):
            update(m, 1, fail)
        assert m[1] is value
        del value
        watched = weakref.ref(m.pop(1))
        collect(m)
        assert dead(watched), "a failure leaves no reference behind"
        with pytest.raises(Failure):
            m.compute_if_absent(1, lambda: fail(None))
        assert len(m) == 0

    @every_update
    def test_it_may_use_the_map(self, Map, update):
        m = Map((key, key) for key in range(10))

        def use(value):
            assert m[5] == 5
            m[20] = "new"
            del m[3]
            assert m.compute(4, lambda n: n + 100) == 104
            return sum(m.keys(0, 3))

        assert update(m, 7, use) == 3
        assert m == {0: 0, 1: 1, 2: 2, 4: 104, 5: 5, 6: 6, 7: 3, 8: 8, 9: 9, 20: "new"}

    @every_update
    @pytest.mark.parametrize("changes", [0, 1, 2, 7])
    def test_it_runs_again_once_for_each_change(self, Map, update, changes):
        m = Map({1: 0})
        seen = []

        def count(value):
            seen.append(value)
            if len(seen) <= changes:
                m[1] = len(seen)
            return value + 100

        assert update(m, 1, count) == changes + 100 == m[1]
        assert seen == list(range(changes + 1))

    def test_changes_of_other_entries_do_not_matter(self, Map):
        m = Map((key, key) for key in range(20))
        calls = []

        def count(value):
            calls.append(value)
            m.clear()
            m.update({0: "x", 1: "x"})
            m[5] = value
            return "new"

        # The same object is there as before: the entry has come and gone, but who could tell?
        assert m.compute(5, count) == "new"
        assert calls == [5]
        assert m == {0: "x", 1: "x", 5: "new"}

    @every_update
    def test_when_it_removes_the_key_it_runs_again(self, Map, update):
        m = Map({1: "old"})
        seen = []

        def take(value):
            seen.append(value)
            m.pop(1, None)
            return "new"

        if update is UPDATES["compute"]:
            assert update(m, 1, take) == "new"
            assert seen == ["old", None] and m == {1: "new"}
        else:  # there is nothing any more that it could get
            assert update(m, 1, take) is None
            assert seen == ["old"]
            assert m == ({1: None} if update is UPDATES["merge"] else {})

    def test_when_it_stores_the_key_that_was_absent_it_gets_that(self, Map):
        m = Map()
        seen = []

        def store(value):
            seen.append(value)
            if value is None:
                m[1] = "other"
            return "new"

        assert m.compute(1, store) == "new"
        assert seen == [None, "other"]

    def test_when_the_value_appears_meanwhile_compute_if_absent_does_not_ask_again(self, Map):
        m = Map()
        calls = []

        def make():
            calls.append(1)
            m[1] = "other"
            return "mine"

        assert m.compute_if_absent(1, make) == "other"
        assert len(calls) == 1 and m == {1: "other"}

    @every_update
    def test_a_removal_counts_for_the_value_that_was_seen(self, Map, update):
        m = Map({1: "old"})
        seen = []

        def leave(value):
            seen.append(value)
            if len(seen) == 1:
                m[1] = "new"
            return REMOVE

        assert update(m, 1, leave) is None
        assert seen == ["old", "new"] and len(m) == 0

    @every_update
    def test_the_same_object_may_be_returned(self, Map, update):
        value = Object()
        watched = weakref.ref(value)
        m = Map({1: value})
        assert update(m, 1, lambda old: old) is value
        assert m[1] is value
        del value
        collect(m)
        assert not dead(watched)
        del m[1]
        collect(m)
        assert dead(watched)

    def test_the_same_object_is_given_to_the_map_anew(self, Map):
        # A list that the function has changed in place is in the map afterwards, even if another was for a while.
        m = Map({1: ["a"]})
        first = m[1]

        def append(value):
            if value is first and m[1] is first:
                m[1] = ["b"]
            value.append("x")
            return value

        assert m.compute(1, append) == ["b", "x"] == m[1]

    @every_update
    def test_a_value_that_is_put_back_is_the_same_value(self, Map, update):
        value = Hostile()
        m = Map({1: value})
        calls = []

        def swap(old):
            calls.append(old)
            del m[1]
            m[1] = value
            return "new"

        assert update(m, 1, swap) == "new" == m[1]
        assert len(calls) == 1

    @every_update
    def test_equality_is_never_asked_for(self, Map, update):
        m = Map({1: Hostile()})
        calls = []

        def swap(old):
            calls.append(old)
            if len(calls) == 1:
                m[1] = Hostile()
            return Hostile()

        update(m, 1, swap)
        assert len(calls) == 2 and calls[0] is not calls[1]
        assert type(update(m, 1, lambda old: REMOVE)) is type(None)
        m[1] = Hostile()
        m.get_or_insert(1, 1)
        m.compute_if_absent(1, refuse)

    @every_update
    def test_an_old_value_dies_at_once_and_may_use_the_map(self, Map, update):
        m = Map()
        found = []

        class Dying:
            def __del__(self):
                found.append((m.get(1), m.increment(2)))

        for returned in ("new", REMOVE):
            m[1] = Dying()
            update(m, 1, lambda old, returned=returned: returned)
        assert found == [("new", 1), (None, 2)]

    def test_what_it_made_in_vain_dies(self, Map):
        m = Map({1: 0})
        references = []

        def make(old):
            value = Object()
            references.append(weakref.ref(value))
            if len(references) < 4:
                m[1] = len(references)
            return value

        m.compute(1, make)
        collect(m)
        assert [dead(reference) for reference in references] == [True, True, True, False]


class TestKeys:
    def test_a_key_that_cannot_be_stored_is_refused(self, Map):
        m = Map({1: 1})
        for update in (
            lambda key: m.compute(key, lambda n: n),
            lambda key: m.compute_if_absent(key, list),
            lambda key: m.merge(key, 1, max),
            lambda key: m.increment(key),
            lambda key: m.get_or_insert(key, 1),
        ):
            for key in (None, "text", 1j, (1,)):
                with pytest.raises(TypeError):
                    update(key)
            with pytest.raises(ValueError, match=r"^key: NaN"):
                update(float("nan"))
        assert m == {1: 1}
        assert m.compute_if_present("text", refuse) is None  # a look-up does not find it
        with pytest.raises(TypeError):
            Map().increment(None)

    @pytest.mark.parametrize("returned", [REMOVE, "new"])
    def test_the_map_gets_keys_that_refuse_this_one_while_the_function_runs(self, Map, returned):
        def change(value):
            seen.append(value)
            if len(seen) == 1:
                m.clear()
                m[1] = 1
            return returned

        m, seen = Map({"a": "old"}), []
        assert m.compute_if_present("a", change, default="gone") == "gone"  # as a look-up says
        assert seen == ["old"] and m == {1: 1}
        m, seen = Map({"a": "old"}), []
        if returned is REMOVE and Map not in TREES:  # its index knows that there is no such key
            assert m.compute("a", change, default="gone") == "gone"
        else:
            with pytest.raises(TypeError):
                m.compute("a", change, default="gone")
        assert m == {1: 1}

    @pytest.mark.parametrize("rank", [-1, 20, 21, 99])
    def test_what_a_comparison_raises_is_raised_and_changes_nothing(self, Map, rank):
        for operation in (
            lambda m, key: m.compute(key, lambda n: "new"),
            lambda m, key: m.compute(key, lambda n: REMOVE),
            lambda m, key: m.compute_if_present(key, lambda n: "new"),
            lambda m, key: m.compute_if_absent(key, list),
            lambda m, key: m.merge(key, 1, lambda old, new: REMOVE),
            lambda m, key: m.increment(key),
        ):
            m = Map((Key(n), n) for n in range(0, 40, 2))
            before = [(key.rank, value) for key, value in m.items()]
            for fail_at in range(10_000):
                calls = 0

                def fail(*_, fail_at=fail_at):
                    nonlocal calls
                    calls += 1
                    if calls > fail_at:
                        raise Failure

                key = HookedKey(rank, fail)
                try:
                    operation(m, key)
                except Failure:
                    assert [(key.rank, value) for key, value in m.items()] == before
                else:
                    break
            assert fail_at > 0
            key.hook = None
            check(m)

    def test_comparisons_are_asked_once_for_all_steps(self, Map):
        m = Map((Key(n), 0) for n in range(200))
        calls = []
        look = HookedKey(150, lambda a, b: calls.append(1))
        m.get(look)
        alone = len(calls)
        calls.clear()
        m.increment(HookedKey(150, lambda a, b: calls.append(1)))
        # Replacing asks what looking has asked already.
        assert len(calls) <= alone

    def test_keys_that_lie_do_no_harm(self, Map):
        turn = 0

        class Liar(Key):
            def __lt__(self, other):
                nonlocal turn
                turn += 1
                return (turn * 7919 % 13) < 6

            __hash__ = Key.__hash__

        m = Map()
        for n in range(rounds(300)):
            m.compute(Liar(n % 20), lambda old: REMOVE if old else n, None)
            m.increment(Liar(n % 20))
            m.merge(Liar(n % 20), n, lambda old, new: REMOVE)
        m.clear()
        assert len(m) == 0


class TestTogether:
    """Threads at once; each scheme of reclamation."""

    def test_no_increment_is_lost(self, Map, smr_scheme, eager_switching):
        m = Map()
        each = rounds(4_000)

        def work(index):
            for n in range(each):
                m.increment("int")
                m.increment("twice", 2)
                m.increment(f"text {n % 3}")
                m.compute("compute", lambda n: n + 1, 0)
                m.merge("merge", 1, int.__add__)

        run_copies(4, work)
        total = 4 * each
        assert m["int"] == m["compute"] == m["merge"] == total
        assert m["twice"] == 2 * total
        assert sum(m[f"text {n}"] for n in range(3)) == total
        check(m)

    def test_no_increment_is_lost_when_entries_come_and_go(self, Map, smr_scheme, eager_switching):
        m = Map()
        each = rounds(4_000)

        def work(index):
            taken = 0
            for n in range(each):
                if index % 2:
                    m.increment(n % 2)
                else:
                    taken += m.pop(n % 2, 0)
            return taken

        assert sum(run_copies(4, work)) + sum(m.values()) == 2 * each

    def test_a_semaphore_of_entries_never_goes_below_nothing(
        self, Map, smr_scheme, eager_switching
    ):
        m = Map({"left": 50})
        each = rounds(2_000)

        def work(index):
            taken = 0
            for n in range(each):
                if n % 2 and taken:
                    taken -= 1
                    m.increment("left")
                else:
                    before = []

                    def take(left, before=before):
                        before.append(left)
                        return REMOVE if left == 1 else left - 1

                    m.compute_if_present("left", take)
                    taken += bool(before) and before[-1] > 0
            return taken

        taken = sum(run_copies(4, work))
        assert taken + m.get("left", 0) == 50

    def test_the_function_runs_at_most_once_for_each_change(self, Map, smr_scheme, eager_switching):
        m = Map({1: 0})
        each = rounds(3_000)

        def work(index):
            calls = 0

            def f(value):
                nonlocal calls
                calls += 1
                return value + 1

            for _ in range(each):
                m.compute(1, f)
            return calls

        calls = run_copies(3, work)
        changes = 3 * each
        assert m[1] == changes
        # Each call of f beyond the first of its operation was caused by a change of another thread,
        # and a change causes one call at most in each of the other threads.
        assert sum(calls) - changes <= 2 * changes

    def test_one_value_is_made_for_each_key(self, Map, smr_scheme, eager_switching):
        m = Map()
        count = rounds(2_000)

        def work(index):
            return [id(m.compute_if_absent(key, Object)) for key in range(count)]

        results = run_copies(3, work)
        assert results[0] == results[1] == results[2] == [id(value) for value in m.values()]

    def test_values_are_handed_on_whole(self, Map, smr_scheme, eager_switching):
        # A tuple grows in one thread's hands after another's; every element is there once.
        m = Map()
        each = rounds(150)

        def work(index):
            for n in range(each):
                m.merge("all", ((index, n),), tuple.__add__)

        run_copies(4, work)
        assert sorted(m["all"]) == [(index, n) for index in range(4) for n in range(each)]


ADD_DURING_FORK = """
import os, sys
from concurrent_collections import SkipListMap
m = SkipListMap()
def f(value):
    child = os.fork()
    if child == 0:
        m.increment("child")
        os._exit(m["child"] != 1)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
m.compute(1, f)
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_function_may_fork():
    result = run_program(ADD_DURING_FORK)
    assert result.returncode == 0, result.stderr
