"""Who keeps what alive, and for how long: prompt release, cycles, leaks, deep nesting."""

from __future__ import annotations

import gc
import random
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import (
    IS_UNDER_ASAN,
    Key,
    Object,
    collect,
    dead,
    in_background,
    resident_bytes,
    rounds,
    run_copies,
    run_program,
)

from concurrent_collections import REMOVE


def watched():
    """A new object and a weak reference to it."""
    thing = Object()
    return thing, weakref.ref(thing)


RELEASES = {
    "pop": lambda m: m.pop(1),
    "delete": lambda m: m.delete(1),
    "del": lambda m: m.__delitem__(1),
    "setitem": lambda m: m.__setitem__(1, None),
    "put": lambda m: m.put(1, None),
    "replace": lambda m: m.replace(1, None),
    "replace_if": lambda m: m.replace_if(1, m[1], None),
    "compute": lambda m: m.compute(1, lambda old: None),
    "compute away": lambda m: m.compute(1, lambda old: REMOVE),
    "merge": lambda m: m.merge(1, None, lambda old, new: new),
    "popitem": lambda m: m.popitem(),
    "pop_first": lambda m: m.pop_first(),
    "pop_last": lambda m: m.pop_last(),
    "clear": lambda m: m.clear(),
    "update": lambda m: m.update({1: None}),
}
READS = {
    "getitem": lambda m: m[1],
    "get": lambda m: m.get(1),
    "in": lambda m: 1 in m,
    "values": lambda m: list(m.values()),
    "items": lambda m: list(m.items()),
    "half an iteration": lambda m: next(iter(m.items())),
    "reversed": lambda m: list(reversed(m.items())),
    "first_item": lambda m: m.first_item(),
    "floor_item": lambda m: m.floor_item(5),
    "put_if_absent": lambda m: m.put_if_absent(1, None),
    "setdefault": lambda m: m.setdefault(1, None),
    "a failing replace_if": lambda m: m.replace_if(1, "x", None),
    "compute the same": lambda m: m.compute(1, lambda old: old),
    "compute_if_absent": lambda m: m.compute_if_absent(1, list),
    "get_or_insert": lambda m: m.get_or_insert(1, None),
    "equality": lambda m: m == {1: 2},
    "repr": lambda m: repr(m),
}


class TestPromptRelease:
    @pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
    def test_a_value_dies_as_soon_as_it_leaves_the_map(self, Map, release):
        value, reference = watched()
        m = Map({1: value})
        del value
        assert not dead(reference)
        release(m)
        assert dead(reference)

    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_reading_leaves_no_reference_behind(self, Map, read):
        value, reference = watched()
        m = Map({1: value})
        del value
        read(m)
        assert not dead(reference)
        del m[1]
        assert dead(reference)

    @pytest.mark.parametrize(
        "release",
        [RELEASES[name] for name in ("popitem", "pop_first", "pop_last", "clear")]
        + [lambda m: m.delete(Key(1)), lambda m: m.pop(Key(1)), lambda m: m.__delitem__(Key(1))],
    )
    def test_a_key_dies_as_soon_as_it_leaves_the_map(self, Map, release):
        key = Key(1)
        reference = weakref.ref(key)
        m = Map({Key(0): 0, key: 1}) if release != RELEASES["pop_first"] else None
        if m is None:
            m = Map({key: 1})
        del key
        release(m)
        assert dead(reference)

    def test_an_equal_second_key_is_not_kept(self, Map):
        m = Map({Key(1): 0})
        second = Key(1)
        reference = weakref.ref(second)
        m[second] = 1
        m.get(second)
        del second
        assert dead(reference)

    def test_a_key_that_was_only_looked_for_is_not_kept(self, Map):
        m = Map((Key(n), n) for n in range(20))
        probe = Key(7)
        reference = weakref.ref(probe)
        for operation in (m.get, m.delete, m.floor_key, m.higher_item, m.__contains__):
            operation(probe)
        list(m.keys(probe))
        del probe
        assert dead(reference)

    def test_everything_dies_with_the_map(self, Map):
        references = []
        m = Map()
        for n in range(100):
            key, value = Key(n), Object()
            references += [weakref.ref(key), weakref.ref(value)]
            m[key] = value
        del key, value
        del m
        assert all(map(dead, references))

    def test_an_element_dies_as_soon_as_it_leaves_the_set(self, Set):
        for release in (
            lambda s: s.pop(),
            lambda s: s.discard(Key(1)),
            lambda s: s.remove(Key(1)),
            lambda s: s.pop_last(),
            lambda s: s.clear(),
        ):
            element = Key(1)
            reference = weakref.ref(element)
            s = Set([element])
            del element
            release(s)
            assert dead(reference)

    def test_a_value_whose_key_could_not_be_stored_is_not_kept(self, Map):
        m = Map({1: 1})
        value, reference = watched()
        with pytest.raises(TypeError):
            m["a"] = value
        del value
        gc.collect()  # the traceback of the exception is a cycle
        assert dead(reference)

    def test_a_value_that_was_not_stored_is_not_kept(self, Map):
        m = Map({1: 1})
        value, reference = watched()
        m.put_if_absent(1, value)
        m.setdefault(1, value)
        m.replace(2, value)
        m.replace_if(1, "x", value)
        m.replace_if(2, "x", value)
        del value
        assert dead(reference)

    def test_after_threads_have_ended_flush_and_a_collection_release_everything(self, Map):
        m = Map()
        references = [[] for _ in range(4)]

        def work(index):
            generator = random.Random(index)
            for _ in range(rounds(5000)):
                value = Object()
                references[index].append(weakref.ref(value))
                m[generator.randrange(100)] = value
                if generator.random() < 0.5:
                    m.delete(generator.randrange(100))

        run_copies(4, work)
        collect(m)
        alive = [r() for row in references for r in row if r() is not None]
        assert len(alive) == len(m)
        assert {id(value) for value in alive} == {id(value) for value in m.values()}
        m.clear()
        del alive
        collect(m)
        assert all(dead(r) for row in references for r in row)


class TestCycles:
    def test_a_map_in_its_own_values_is_collected(self, Map):
        m = Map()
        m["self"] = m
        reference = weakref.ref(m)
        del m
        gc.collect()
        assert dead(reference)

    @pytest.mark.reads
    def test_a_cycle_through_a_value_is_collected(self, Map):
        value, reference = watched()
        value.map = Map({1: value})
        del value
        gc.collect()
        assert dead(reference)

    @pytest.mark.reads
    def test_a_cycle_through_a_key_is_collected(self, Map, Set):
        key = Key(1)
        reference = weakref.ref(key)
        key.map = Map({key: None})
        key.set = Set([key])
        del key
        gc.collect()
        assert dead(reference)

    def test_a_cycle_through_a_tuple_key_is_collected(self, Map):
        inner = Key(1)
        reference = weakref.ref(inner)
        m = Map()
        inner.map = m
        m[(1, inner)] = None
        del inner, m
        gc.collect()
        assert dead(reference)

    def test_a_cycle_through_an_attribute_of_a_subclass_is_collected(self, Map):
        class Attributed(Map):
            pass

        for build in (
            lambda m: setattr(m, "me", m),
            lambda m: m.__setitem__(1, m),
            lambda m: setattr(m, "views", [m.keys(), m.items(), iter(m)]),
        ):
            m = Attributed()
            build(m)
            reference = weakref.ref(m)
            del m, build
            gc.collect()
            assert dead(reference)

    @pytest.mark.reads
    def test_a_cycle_through_views_and_iterators_is_collected(self, Map):
        for make in (
            lambda m: m.keys(),
            lambda m: m.items(1, 5),
            lambda m: iter(m),
            lambda m: iter(m.values()),
            lambda m: reversed(m),
        ):
            value, reference = watched()
            m = Map({1: value, 2: 2})
            value.view = make(m)
            del value, m
            gc.collect()
            assert dead(reference)

    def test_a_cycle_through_what_an_iterator_has_fetched_is_collected(self, Map):
        value, reference = watched()
        m = Map({1: 1, 2: value})
        iterator = iter(m.items())
        next(iterator)
        value.iterator = iterator
        m.clear()
        del value, iterator, m
        gc.collect()
        assert dead(reference)

    @pytest.mark.reads
    def test_a_cycle_through_a_bound_of_a_view_is_collected(self, Map):
        key = Key(1)
        reference = weakref.ref(key)
        m = Map({Key(0): None})
        key.view = m.keys(key)
        key.iterator = iter(m.keys(key))
        del key, m
        gc.collect()
        assert dead(reference)

    def test_many_maps_that_refer_to_each_other_are_collected(self, Map):
        maps = [Map() for _ in range(300)]
        generator = random.Random(11)
        for m in maps:
            for key in range(5):
                m[key] = generator.choice(maps)
        references = [weakref.ref(m) for m in maps]
        del m, maps
        gc.collect()
        assert all(map(dead, references))

    def test_a_cycle_with_a_finalizer_that_revives_the_map_is_harmless(self, Map):
        revived = []

        class Reviver:
            def __del__(self):
                revived.append(self.map)
                self.map[2] = "revived"

        value = Reviver()
        value.map = Map({1: value})
        reference = weakref.ref(value.map)
        del value
        gc.collect()
        assert len(revived) == 1
        m = revived.pop()
        assert m[2] == "revived"
        m.clear()
        m.flush()
        m[1] = "usable"
        assert dict(m) == {1: "usable"}
        del m
        gc.collect()
        assert dead(reference)

    def test_the_collector_sees_what_a_map_refers_to(self, Map):
        value, key = Object(), Key(1)
        m = Map({key: value})
        referents = gc.get_referents(m)
        assert any(thing is value for thing in referents)
        assert any(thing is key for thing in referents)
        assert any(thing is m for thing in gc.get_referrers(value))

    def test_limbo_does_not_hide_a_cycle_from_the_collector(self, Map, eager_switching):
        # While another thread reads, replaced values wait; a collection must still get at them.
        m = Map({0: None})
        references = []

        def read():
            for _ in range(100):
                m.get(0)

        with in_background(read):
            for _ in range(rounds(300)):
                value, reference = watched()
                value.map = m
                references.append(reference)
                m[0] = value
                del value
        m[0] = None
        del m
        gc.collect()
        gc.collect()
        assert all(map(dead, references))


class TestNoLeaks:
    def test_memory_stays_level_while_entries_come_and_go(self, Map):
        if resident_bytes() is None:
            pytest.skip("cannot read the process's size here")
        m = Map()

        def turn():
            for key in range(20_000):
                m[key] = str(key)
                m[key] = key
            for key in range(0, 20_000, 2):
                del m[key]
            while m:
                m.pop_first()
            m.flush()

        for _ in range(3):
            turn()
        before = resident_bytes()
        for _ in range(rounds(10)):
            turn()
        assert resident_bytes() - before < 10_000_000

    def test_memory_stays_level_while_maps_come_and_go(self, Map, Set):
        if resident_bytes() is None:
            pytest.skip("cannot read the process's size here")

        def turn():
            for _ in range(5_000):
                m = Map({1: 1, "a" if False else 2: 2})
                Set(m)
                list(m.items())

        for _ in range(2):
            turn()
        before = resident_bytes()
        for _ in range(rounds(6)):
            turn()
        assert resident_bytes() - before < 10_000_000

    def test_memory_stays_level_while_threads_come_and_go(self, Map):
        if resident_bytes() is None:
            pytest.skip("cannot read the process's size here")
        m = Map()

        def work():
            for key in range(50):
                m[key] = object()
                m.delete(key - 10)

        def turn():
            for _ in range(200):
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()

        turn()
        before = resident_bytes()
        for _ in range(rounds(5)):
            turn()
        assert resident_bytes() - before < 10_000_000

    def test_memory_stays_level_while_keys_raise(self, Map):
        if resident_bytes() is None:
            pytest.skip("cannot read the process's size here")
        m = Map({"x" * 50 + str(n): n for n in range(100)})

        def turn():
            for _ in range(20_000):
                for wrong in (None, 1, 1j, b"", float("nan")):
                    try:
                        m[wrong] = bytearray(10)
                    except (TypeError, ValueError):
                        pass

        turn()
        before = resident_bytes()
        for _ in range(rounds(4)):
            turn()
        assert resident_bytes() - before < 10_000_000

    @pytest.mark.skipif(
        getattr(sys, "_is_gil_enabled", lambda: True)() is False,
        reason="reference counts of shared objects mean nothing on free-threaded builds",
    )
    def test_reference_counts_are_what_they_were(self, Map, Set):
        value, key, bound, text, pair = Object(), Key(5), Key(7), "text" * 9, (1, "text" * 9)
        things = (value, key, bound, text, pair, None, Key)
        before = [sys.getrefcount(thing) for thing in things]
        for _ in range(50):
            m = Map({key: value})
            m[key] = value
            m.put(key, value)
            m.get(bound, value)
            m.setdefault(key, value)
            m.put_if_absent(key, value)
            m.replace(key, value)
            m.replace_if(key, value, value)
            m.replace_if(key, 0, value)
            m.floor_item(bound)
            m.floor_item(key)
            m.higher_key(bound)
            m.first_item()
            m.first_item(value)
            Map().last_key(key)
            Set().pop_first(key)
            m.pop(key)
            m.pop(key, value)
            m[key] = value
            list(m.items(key, bound))
            list(m.values(key, bound, reverse=True))
            next(iter(m.items()))
            for wrong in (lambda: m[1], lambda: m.put(1, value), lambda: m.floor_key(None)):
                try:
                    wrong()
                except TypeError:
                    pass
            try:
                m[bound]
            except KeyError:
                pass
            m.copy().popitem()
            m.keys() & {key, bound}
            m == {key: value}
            s = Set([key, bound])
            s |= {key}
            s & {key}
            s.first()
            s.pop()
            # What does not compare and is not there.
            m = Map({text: value})
            m.get(pair, value)
            m.get(1)
            m.pop(pair, value)
            m.delete(None)
            m.keys() & {pair, key, 1}
            [key] - m.keys()
            m == Map({pair: value})
            m == Map({1: value})
            s = Set([pair])
            s.discard(text)
            s.difference_update([text, key, (1, 2)])
            s.symmetric_difference([pair])
            for wrong in (lambda: s.__ixor__({text}), lambda: m.keys(None, None) | {pair}):
                with pytest.raises(TypeError):
                    wrong()
        del m, s, wrong
        gc.collect()
        after = [sys.getrefcount(thing) for thing in things]
        for old, new in zip(before, after, strict=True):
            # Something may cache one; what leaks does so in every round.
            assert abs(new - old) < 25


DEPTH = 100_000


class TestDeepNesting:
    """Nothing here may overflow the C stack."""

    @pytest.mark.reads
    def test_maps_in_maps_in_maps_die_quietly(self, Map):
        m = Map()
        innermost = weakref.ref(m)
        for _ in range(DEPTH):
            m = Map({0: m})
        del m
        assert dead(innermost)

    @pytest.mark.reads
    def test_maps_in_lists_in_maps_die_quietly(self, Map):
        m = Map()
        innermost = weakref.ref(m)
        for _ in range(DEPTH // 2):
            m = Map({0: [m]})
        del m
        gc.collect()
        assert dead(innermost)

    def test_maps_in_attributes_of_maps_die_quietly(self, Map):
        class Attributed(Map):
            pass

        m = Attributed()
        innermost = weakref.ref(m)
        for n in range(DEPTH // 2):
            outer = Attributed()
            if n % 2:
                outer.inner = m
            else:
                outer[0] = m
            m = outer
        del m, outer
        gc.collect()
        assert dead(innermost)

    @pytest.mark.reads
    def test_maps_below_views_and_iterators_die_quietly(self, Map):
        m = Map()
        innermost = weakref.ref(m)
        for n in range(DEPTH // 4):
            m = Map({0: m.keys() if n % 2 else iter(m)})
        del m
        gc.collect()
        assert dead(innermost)

    @pytest.mark.reads
    def test_keys_in_keys_in_keys_die_quietly(self, Set):
        class Nested:
            def __init__(self, inner):
                self.inner = inner

            def __lt__(self, other):
                return False

        s = Set()
        innermost = weakref.ref(s)
        for _ in range(DEPTH // 4):
            s = Set([Nested(s)])
        del s
        gc.collect()
        assert dead(innermost)

    def test_a_deep_cycle_is_collected(self, Map):
        bottom = m = Map()
        innermost = weakref.ref(m)
        for _ in range(DEPTH // 4):
            m = Map({0: m})
        bottom[0] = m
        del m, bottom
        gc.collect()
        assert dead(innermost)

    @pytest.mark.reads
    def test_deep_repr_equality_and_pickle_are_recursion_errors(self, Map):
        if IS_UNDER_ASAN:
            pytest.skip("the interpreter's recursion limit is for ordinary frames")
        import copy
        import pickle

        first, second = Map(), Map()
        for _ in range(20_000):
            first, second = Map({0: first}), Map({0: second})

        def try_all():
            for operation in (
                lambda: repr(first),
                lambda: first == second,
                lambda: pickle.dumps(first),
                lambda: copy.deepcopy(first),
            ):
                with pytest.raises(RecursionError):
                    operation()

        if sys.version_info < (3, 14):
            try_all()
            return
        # Since then the limit is the room on the thread's stack, of which the main thread has enough for some of these.
        before = threading.stack_size(2**20)
        try:
            with ThreadPoolExecutor(max_workers=1) as pool:
                pool.submit(try_all).result()
        finally:
            threading.stack_size(before)

    def test_clearing_a_deep_map_is_quiet_too(self, Map):
        m = Map()
        innermost = weakref.ref(m)
        for _ in range(DEPTH // 4):
            m = Map({0: m})
        m.clear()
        assert dead(innermost)


class TestThreadsThatEnd:
    def test_what_a_thread_has_left_in_limbo_is_released_after_it(self, Map):
        m = Map()
        references = []

        def work():
            for key in range(200):
                value, reference = watched()
                references.append(reference)
                m[key % 7] = value
                del value

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        m.clear()
        collect(m)
        assert all(map(dead, references))

    def test_many_short_threads_leave_a_sound_map(self, Map, eager_switching):
        m = Map()

        def work(index):
            for key in range(20):
                m[index * 20 + key] = index
            for key in range(0, 20, 2):
                m.delete(index * 20 + key)

        for batch in range(rounds(25)):
            run_copies(8, lambda index: work(batch * 8 + index))
        assert len(m) == rounds(25) * 8 * 10
        assert all(key % 2 for key in m)

    def test_a_map_may_die_in_another_thread_than_it_was_born_in(self, Map):
        references = []

        def born_here():
            m = Map()
            for n in range(100):
                value, reference = watched()
                references.append(reference)
                m[n] = value
            return m

        box = [None]
        thread = threading.Thread(target=lambda: box.__setitem__(0, born_here()))
        thread.start()
        thread.join()
        box.clear()
        gc.collect()
        assert all(map(dead, references))

    def test_a_daemon_thread_at_work_does_not_disturb_the_end_of_the_process(self, tmp_path):
        program = (
            "import threading, concurrent_collections as c\n"
            "m = c.SkipListMap()\n"
            "def work(n):\n"
            "    while True:\n"
            "        for k in range(100): m[k] = [m]\n"
            "        for k in range(n, 100, 2): m.delete(k)\n"
            "        list(m.items())\n"
            "for n in range(3): threading.Thread(target=work, args=(n,), daemon=True).start()\n"
            "import time; time.sleep(0.2); print('end')\n"
        )
        for _ in range(rounds(5)):
            result = run_program(program, cwd=tmp_path)
            assert result.returncode == 0, result.stderr
            assert result.stdout == "end\n"


class TestCollectionsDuringWork:
    def test_collecting_all_the_time_disturbs_nobody(self, Map, eager_switching):
        m = Map()

        class Node:
            def __init__(self, index):
                self.index = index
                self.map = m

        def work(index):
            generator = random.Random(index)
            for _ in range(rounds(3000)):
                key = generator.randrange(50)
                choice = generator.random()
                if choice < 0.4:
                    m[key] = Node(key)
                elif choice < 0.6:
                    m.pop(key, None)
                elif choice < 0.9:
                    found = m.get(key)
                    assert found is None or found.index == key
                else:
                    for at, node in m.items(key, key + 5):
                        assert node.index == at

        with in_background(gc.collect, pause=1e-3):
            run_copies(3, work)
        reference = weakref.ref(m)
        m = None
        gc.collect()
        gc.collect()
        assert dead(reference)
