"""What waits for readers: how much, where, who flushes it; with a reader stopped in the middle of a container."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import pytest
from support import Object, dead, in_background, rounds, run_copies

import concurrent_collections
from concurrent_collections import SkipListMap, SkipListSet, _core

stalled_reader = _core._StalledReader


def fill_limbo(container_map, count):
    """Let `count` values leave the map while a reader may have seen them; return weak references."""
    references = []
    for _ in range(count):
        value = Object()
        references.append(weakref.ref(value))
        container_map[1] = value
        del value
    container_map.clear()
    return references


@pytest.fixture(autouse=True)
def nothing_waits_elsewhere():
    gc.collect()
    assert concurrent_collections.flush() == 0


class TestAStalledReader:
    def test_what_it_may_have_seen_waits_and_nothing_else_does(self, smr_scheme):
        m, other = SkipListMap(), SkipListMap()
        with stalled_reader(m):
            references = fill_limbo(m, 5)
            assert not any(map(dead, references))
            assert all(map(dead, fill_limbo(other, 5)))
            assert m.flush() > 0
        assert m.flush() == 0
        assert all(map(dead, references))

    def test_a_next_operation_releases_what_waited(self, smr_scheme):
        m = SkipListMap()
        with stalled_reader(m):
            references = fill_limbo(m, 5)
        for key in range(200):
            m[key] = None
        assert all(map(dead, references))

    def test_large_values_are_pinned_by_count_not_by_thousands(self, smr_scheme):
        # Of the 2000 that pass through one key, those of the reader's era: 64 in the mean, 40 times the mean
        # has a probability of 4e-18.
        m = SkipListMap()
        most = alive = 0

        class Large(bytearray):
            pass

        def died(_):
            nonlocal alive
            alive -= 1

        references = []
        with stalled_reader(m):
            for _ in range(2000):
                value = Large(10_000)
                references.append(weakref.ref(value, died))
                alive += 1
                m["key"] = value
                del value
                most = max(most, alive)
            assert most < 2000
            assert m.flush() < 40 * 64
        m.clear()
        m.flush()
        assert all(map(dead, references))

    def test_a_container_that_dies_takes_its_garbage_with_it(self, smr_scheme):
        m = SkipListMap()
        with stalled_reader(m):
            references = fill_limbo(m, 20)
        assert not any(map(dead, references))  # nobody has used the map since
        del m
        assert all(map(dead, references))

    def test_a_container_that_dies_in_a_cycle_does_too(self, smr_scheme):
        m = SkipListMap()
        with stalled_reader(m):
            references = fill_limbo(m, 20)
            m["self"] = m
        gc.callbacks.remove(_core._flush_before_collection)
        try:
            del m
            gc.collect()
        finally:
            gc.callbacks.append(_core._flush_before_collection)
        assert all(map(dead, references))

    def test_the_garbage_of_a_thread_that_has_ended_is_released_by_others(self, smr_scheme):
        m = SkipListMap()
        references = []
        with stalled_reader(m):
            thread = threading.Thread(target=lambda: references.extend(fill_limbo(m, 50)))
            thread.start()
            thread.join()
            assert not any(map(dead, references))
        assert m.flush() == 0
        gc.collect()
        assert all(map(dead, references))


class TestFlush:
    def test_it_reaches_every_container_of_the_process(self, smr_scheme):
        maps = [SkipListMap() for _ in range(10)]
        references = []
        for m in maps:
            with stalled_reader(m):
                references += fill_limbo(m, 3)
        assert not any(map(dead, references))
        assert concurrent_collections.flush() == 0
        assert all(map(dead, references))

    def test_it_counts_what_still_waits(self, smr_scheme):
        m, s = SkipListMap(), SkipListSet()
        with stalled_reader(m):
            fill_limbo(m, 3)
            waiting = concurrent_collections.flush()
            assert waiting >= 3
            with stalled_reader(s):
                s.add(1)
                s.clear()
                assert concurrent_collections.flush() >= waiting
        assert concurrent_collections.flush() == 0

    def test_a_finalizer_that_it_runs_may_use_make_and_destroy_containers(self):
        m = SkipListMap()
        seen = []

        class Busy:
            def __del__(self):
                nonlocal m
                inner = SkipListMap({1: self.number})
                seen.append((inner.pop(1), concurrent_collections.flush()))
                if self.number == 2:
                    m = None  # the very map that is being flushed

        with stalled_reader(m):
            for number in range(5):
                value = Busy()
                value.number = number
                m[1] = value
                del value
            m.clear()
            assert seen == []
        concurrent_collections.flush()
        assert [number for number, _ in seen] == list(range(5))
        assert m is None

    def test_an_exception_in_a_finalizer_stops_nothing(self, monkeypatch):
        m = SkipListMap()
        errors = []
        monkeypatch.setattr(sys, "unraisablehook", lambda e: errors.append(e.exc_type))

        class Failing:
            def __del__(self):
                raise ZeroDivisionError

        with stalled_reader(m):
            for _ in range(3):
                m[1] = Failing()
            m.clear()
        assert concurrent_collections.flush() == 0
        assert errors == [ZeroDivisionError] * 3

    def test_threads_flush_while_others_work_make_and_destroy_containers(self, eager_switching):
        born, died = [], []  # no lock: a finalizer may run while its own thread holds it

        class Counted:
            def __init__(self):
                born.append(1)

            def __del__(self):
                died.append(1)

        shared = SkipListMap()

        def work(index):
            for n in range(rounds(2000)):
                if index == 0:
                    concurrent_collections.flush()
                elif index == 1:
                    m = SkipListMap({key: Counted() for key in range(3)})
                    m[1] = Counted()
                    del m
                else:
                    shared[n % 5] = Counted()
                    shared.get(index)
                    shared.delete((n + index) % 5)

        with in_background(concurrent_collections.flush):
            run_copies(4, work)
        shared.clear()
        gc.collect()
        concurrent_collections.flush()
        gc.collect()  # free-threaded: the last reference may wait for its owner thread
        assert len(died) == len(born) > 0


class TestTheCollectorsHook:
    def test_it_is_installed_once_whatever_is_imported_again(self):
        program = (
            "import gc, sys, importlib, concurrent_collections as c\n"
            "from concurrent_collections import _core\n"
            "hook = _core._flush_before_collection\n"
            "importlib.reload(c)\n"
            "del sys.modules['concurrent_collections']\n"
            "import concurrent_collections\n"
            "assert gc.callbacks.count(hook) == 1, gc.callbacks\n"
        )
        subprocess.run([sys.executable, "-P", "-c", program], check=True, timeout=60)

    @pytest.mark.parametrize("generation", [0, 2])
    def test_a_collection_releases_what_waits_in_an_idle_container(self, generation, smr_scheme):
        m = SkipListMap()
        with stalled_reader(m):
            references = fill_limbo(m, 5)
        assert not any(map(dead, references))
        gc.collect(generation)
        assert all(map(dead, references))

    def test_a_cycle_through_what_waits_is_collected_in_one_collection(self, smr_scheme):
        # The map is alive and idle. What waits in it refers to a cycle, which refers back to it.
        m = SkipListMap()
        value, partner = Object(), Object()
        value.partner, partner.value, partner.map = partner, value, m
        references = [weakref.ref(value), weakref.ref(partner)]
        with stalled_reader(m):
            m[1] = value
            m.clear()
            del value, partner
            gc.collect()
            assert not any(map(dead, references))  # the reader may have seen it
        gc.collect()
        assert all(map(dead, references))

    def test_without_it_they_would_wait(self):
        m = SkipListMap()
        gc.callbacks.remove(_core._flush_before_collection)
        try:
            with stalled_reader(m):
                references = fill_limbo(m, 5)
            gc.collect()
            assert not any(map(dead, references))
        finally:
            gc.callbacks.append(_core._flush_before_collection)
        gc.collect()
        assert all(map(dead, references))

    def test_collections_from_many_threads_lose_nothing(self, eager_switching):
        m = SkipListMap()
        references = [[] for _ in range(3)]

        def work(index):
            for n in range(rounds(200)):
                value = Object()
                value.me = value
                references[index].append(weakref.ref(value))
                m[n % 3] = value
                del value
                m.delete((n + 1) % 3)
                if n % 40 == 0:
                    gc.collect()

        with stalled_reader(m):
            run_copies(3, work)
        m.clear()
        gc.collect()
        gc.collect()
        assert all(dead(r) for row in references for r in row)

    def test_collections_of_the_young_skip_it_while_much_is_pinned(self):
        # 200 containers and something that cannot be released: not every collection pays for a walk. How many
        # do is seen by what becomes releasable in between.
        containers = [SkipListMap() for _ in range(200)]
        pinned, m = SkipListMap(), SkipListMap()
        with stalled_reader(pinned):
            fill_limbo(pinned, 1)
            gc.collect()
            with stalled_reader(m):
                references = fill_limbo(m, 1)
            gc.collect(0)
            assert not any(map(dead, references))
            for _ in range(1000):  # no more are ever left out
                gc.collect(0)
                if all(map(dead, references)):
                    break
            assert all(map(dead, references))
            with stalled_reader(m):
                references = fill_limbo(m, 1)
            gc.collect()  # a full one always does
            assert all(map(dead, references))
        del containers
        gc.collect()

    def test_the_end_of_the_process_with_much_waiting_is_quiet(self, smr_scheme):
        program = (
            "import threading, concurrent_collections as c\n"
            "from concurrent_collections import _core\n"
            "class Value:\n"
            "    def __del__(self):\n"
            "        m = c.SkipListMap({1: 1}) if c.SkipListMap else None\n"
            f"c.config.smr_scheme = {smr_scheme!r}\n"
            "maps = [c.SkipListMap() for _ in range(20)]\n"
            "readers = [_core._StalledReader(m) for m in maps]\n"
            "for m in maps:\n"
            "    for n in range(50): m[str(n % 3)] = Value(); m['self'] = m\n"
            "    m.clear()\n"
            "assert c.flush() >= 20\n"
            "for reader in readers[::2]: reader.leave()\n"
            "print('end')\n"
        )
        for _ in range(rounds(3)):
            result = subprocess.run(
                [sys.executable, "-P", "-c", program],
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr
            assert "Error" not in result.stderr
