"""What waits for readers: how much, where, who flushes it; with a reader stopped in the middle of a container."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest
from support import (
    Object,
    dead,
    fill,
    hooks,
    in_background,
    rounds,
    run_copies,
    run_program,
    stalled_reader,
    waiting_in,
)

import concurrent_collections
from concurrent_collections import _core, config, smr


@pytest.fixture(autouse=True)
def nothing_waits_elsewhere():
    gc.collect()
    assert concurrent_collections.flush() == 0


def counted_class():
    """A class that knows how many of its instances are alive, and were at most."""

    class Counted:
        alive = most = 0

        def __init__(self):
            Counted.alive += 1
            Counted.most = max(Counted.alive, Counted.most)

        def __del__(self):
            Counted.alive -= 1

    return Counted


class TestWhatFinalizersReplace:
    """It waits until the finalizer has returned; but not all of it, however long that takes."""

    @pytest.mark.parametrize("count", [1, 100, 20_000])
    def test_it_is_counted_and_bounded(self, Map, smr_scheme, count):
        m = Map()
        seen = {}
        Counted = counted_class()

        class Replacing:
            def __del__(self):
                m[0] = Counted()
                for n in range(count):
                    m[0] = Counted()
                    if n == 50:
                        seen["waiting"] = smr.stats(m).waiting
                        seen["of all"] = smr.stats().waiting
                        seen["flush"] = m.flush()
                        seen["flush of all"] = concurrent_collections.flush()
                        seen["alive"] = Counted.alive

        m[0] = Replacing()
        m[0] = None
        assert smr.stats(m).waiting == 0
        assert Counted.alive == 1  # the one that is in the map
        assert Counted.most < 600
        if count > 50:
            # None and 51 of them; one more is in the map.
            assert seen["waiting"] == seen["flush"] == seen["alive"] == 52
            assert seen["of all"] >= 52
            assert seen["flush of all"] >= 52

    def test_containers_that_it_drops_are_bounded(self, Map, smr_scheme):
        Counted = counted_class()

        class Dropping:
            def __del__(self):
                for _ in range(3000):
                    Map({0: Counted()})

        m = Map({0: Dropping()})
        del m[0]
        assert Counted.alive == 0
        assert Counted.most < 600

    def test_a_long_chain_needs_no_stack(self, Map, smr_scheme):
        m = None
        for _ in range(rounds(20_000)):
            m = Map({0: m})
        last = Object()
        reference = weakref.ref(last)
        m[1] = last
        del m, last
        assert dead(reference)


class TestAStalledReader:
    def test_what_it_may_have_seen_waits_and_nothing_else_does(self, Map, smr_scheme):
        m, other = Map(), Map()
        with waiting_in(m) as references:
            seen_by_nobody = fill(other, 5)
            other.clear()
            assert all(map(dead, seen_by_nobody))
            assert m.flush() >= 5
            assert not any(map(dead, references))
        assert m.flush() == 0
        assert all(map(dead, references))

    def test_a_next_operation_releases_what_waited(self, Map, smr_scheme):
        m = Map()
        with waiting_in(m) as references:
            pass
        assert not any(map(dead, references))
        for key in range(200):
            m[key] = None
        assert all(map(dead, references))

    def test_large_values_are_pinned_by_count_not_by_thousands(self, Map, smr_scheme):
        # Of the 20,000 that pass through one key, under ibr those of the reader's era: 64 in the mean, 20 times the
        # mean has a probability of 2e-9. Under debra what makes a scan interrupt the reader. (docs/smr.md)
        m = Map()
        in_one_era = 20 * 64
        in_one_stripe = 4 * config.retire_threshold + 40
        bound = in_one_stripe if m.smr_scheme == "debra" else in_one_era
        most = alive = 0

        class Large(bytearray):
            pass

        def died(_):
            nonlocal alive
            alive -= 1

        references = []
        with stalled_reader(m):
            for _ in range(20_000):
                value = Large(10_000)
                references.append(weakref.ref(value, died))
                alive += 1
                m["key"] = value
                del value
                most = max(most, alive)
            assert most < bound
            assert m.flush() < bound
        m.clear()
        m.flush()
        assert all(map(dead, references))

    def test_a_container_that_dies_takes_its_garbage_with_it(self, Map, smr_scheme):
        m = Map()
        with waiting_in(m, 20) as references:
            pass
        assert not any(map(dead, references))  # nobody has used the map since
        del m
        assert all(map(dead, references))

    def test_a_container_that_dies_in_a_cycle_does_too(self, Map, smr_scheme):
        m = Map()
        with waiting_in(m, 20) as references:
            m[0] = m
        gc.callbacks.remove(_core._flush_before_collection)
        try:
            del m
            gc.collect()
        finally:
            gc.callbacks.append(_core._flush_before_collection)
        assert all(map(dead, references))

    def test_the_garbage_of_a_thread_that_has_ended_is_released_by_others(self, Map, smr_scheme):
        m = Map()
        references = fill(m, 20)
        with stalled_reader(m):
            thread = threading.Thread(target=m.clear)
            thread.start()
            thread.join()
        assert not any(map(dead, references))
        assert m.flush() == 0
        gc.collect()
        assert all(map(dead, references))


class TestFlush:
    def test_it_reaches_every_container_of_the_process(self, Map, smr_scheme):
        maps = [Map() for _ in range(10)]
        references = []
        for m in maps:
            with waiting_in(m) as here:
                references += here
        assert not any(map(dead, references))
        assert concurrent_collections.flush() == 0
        assert all(map(dead, references))

    def test_it_counts_what_still_waits(self, Map, Set, smr_scheme):
        m, s = Map(), Set()
        with waiting_in(m, 3):
            waiting = concurrent_collections.flush()
            assert waiting >= 3
            s.add(1)
            with stalled_reader(s):
                s.clear()
                assert concurrent_collections.flush() > waiting
        assert concurrent_collections.flush() == 0

    def test_a_finalizer_that_it_runs_may_use_make_and_destroy_containers(self, Map):
        m = Map()
        seen = []

        class Busy:
            def __del__(self):
                nonlocal m
                inner = Map({1: self.number})
                seen.append((inner.pop(1), concurrent_collections.flush()))
                if self.number == 2:
                    m = None  # the very map that is being flushed

        for number in range(5):
            m[number] = Busy()
            m[number].number = number
        with stalled_reader(m):
            for number in range(5):
                del m[number]
            assert seen == []
        concurrent_collections.flush()
        assert [number for number, _ in seen] == list(range(5))
        assert m is None

    def test_an_exception_in_a_finalizer_stops_nothing(self, Map, monkeypatch):
        m = Map()
        errors = []
        monkeypatch.setattr(sys, "unraisablehook", lambda e: errors.append(e.exc_type))

        class Failing:
            def __del__(self):
                raise ZeroDivisionError

        for key in range(3):
            m[key] = Failing()
        with stalled_reader(m):
            m.clear()
            assert errors == []
        assert concurrent_collections.flush() == 0
        assert errors == [ZeroDivisionError] * 3

    def test_threads_flush_while_others_work_make_and_destroy_containers(
        self, Map, eager_switching
    ):
        born, died = [], []  # no lock: a finalizer may run while its own thread holds it

        class Counted:
            def __init__(self):
                born.append(1)

            def __del__(self):
                died.append(1)

        shared = Map()

        def work(index):
            for n in range(rounds(2000)):
                if index == 0:
                    concurrent_collections.flush()
                elif index == 1:
                    m = Map({key: Counted() for key in range(3)})
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
        result = run_program(program)
        assert result.returncode == 0, result.stderr

    @pytest.mark.parametrize("generation", [0, 2])
    def test_a_collection_releases_what_waits_in_an_idle_container(
        self, Map, generation, smr_scheme
    ):
        m = Map()
        with waiting_in(m) as references:
            pass
        assert not any(map(dead, references))
        gc.collect(generation)
        assert all(map(dead, references))

    def test_a_cycle_through_what_waits_is_collected_in_one_collection(self, Map, smr_scheme):
        # The map is alive and idle. What waits in it refers to a cycle, which refers back to it.
        m = Map()
        value, partner = Object(), Object()
        value.partner, partner.value, partner.map = partner, value, m
        references = [weakref.ref(value), weakref.ref(partner)]
        m[1] = value
        with stalled_reader(m):
            m.clear()
            del value, partner
            gc.collect()
            assert not any(map(dead, references))  # the reader may have seen it
        gc.collect()
        assert all(map(dead, references))

    def test_without_it_they_would_wait(self, Map):
        m = Map()
        gc.callbacks.remove(_core._flush_before_collection)
        try:
            with waiting_in(m) as references:
                pass
            gc.collect()
            assert not any(map(dead, references))
        finally:
            gc.callbacks.append(_core._flush_before_collection)
        gc.collect()
        assert all(map(dead, references))

    def test_collections_from_many_threads_lose_nothing(self, Map, eager_switching):
        m = Map()
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

    def test_collections_of_the_young_skip_it_while_much_is_pinned(self, Map):
        # 200 containers and something that cannot be released: not every collection pays for a walk. How many
        # do is seen by what becomes releasable in between.
        containers = [Map() for _ in range(200)]
        pinned, m = Map(), Map()
        with waiting_in(pinned, 1):
            gc.collect()
            with waiting_in(m, 1) as references:
                pass
            gc.collect(0)
            assert not any(map(dead, references))
            for _ in range(1000):  # no more are ever left out
                gc.collect(0)
                if all(map(dead, references)):
                    break
            assert all(map(dead, references))
            with waiting_in(m, 1) as references:
                pass
            gc.collect()  # a full one always does
            assert all(map(dead, references))
        del containers
        gc.collect()

    def test_the_end_of_the_process_with_much_waiting_is_quiet(self, smr_scheme):
        hooks()
        program = (
            "import threading, concurrent_collections as c\n"
            "from concurrent_collections import _core\n"
            "class Value:\n"
            "    def __del__(self):\n"
            "        m = c.SkipListMap({1: 1}) if c.SkipListMap else None\n"
            f"c.config.smr_scheme = {smr_scheme!r}\n"
            "maps = [c.SkipListMap() for _ in range(20)]\n"
            "for m in maps:\n"
            "    for n in range(20): m[str(n)] = Value(); m['self'] = m\n"
            "readers = [_core._test_hooks.StalledReader(m) for m in maps]\n"
            "for m in maps:\n"
            "    m.clear()\n"
            "    for n in range(20): m[str(n)] = Value()\n"
            "assert c.flush() >= 20\n"
            "for reader in readers[::2]: reader.leave()\n"
            "print('end')\n"
        )
        for _ in range(rounds(3)):
            result = run_program(program)
            assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr
            assert "Error" not in result.stderr


class TestStatistics:
    def test_a_quiet_container_has_nothing_to_tell(self, Map, Set, smr_scheme):
        m = Map({n: n for n in range(100)})
        found = smr.stats(m)
        assert found.scheme == m.smr_scheme
        assert found.era >= 1
        assert (found.waiting, found.waiting_bytes, found.open_regions, found.oldest) == (
            0,
            0,
            0,
            None,
        )
        assert smr.stats(Set()).scheme == m.smr_scheme

    @pytest.mark.skip_lists_only  # a tree retires no node with an entry
    def test_depth_is_told_in_things_and_in_bytes(self, Map, smr_scheme):
        m = Map({n: None for n in range(20)})
        before = smr.stats()
        with stalled_reader(m):
            for n in range(20):
                del m[n]
            here, everywhere = smr.stats(m), smr.stats()
            # A node and a value each; a node is not smaller than its key's digest, value and one link.
            assert here.waiting >= 40
            assert here.waiting_bytes >= 20 * 24
            assert everywhere.waiting - before.waiting == here.waiting
            assert everywhere.waiting_bytes - before.waiting_bytes == here.waiting_bytes
        assert m.flush() == 0
        assert smr.stats(m)[2:4] == (0, 0)
        assert smr.stats() == before._replace(eras=smr.stats().eras, threads=smr.stats().threads)

    def test_the_oldest_reservation_is_told_with_its_thread(self, Map):
        before = config.smr_scheme
        config.smr_scheme = "ibr"  # debra would see to it that there is no old one
        m, other = Map(), Map()
        config.smr_scheme = before
        with stalled_reader(m) as first:
            for n in range(5000):  # the clock moves on once in 64 changes, in the mean
                m[n % 5] = n
            with stalled_reader(m), stalled_reader(other):
                found = smr.stats(m)
                assert found.open_regions == 2
                assert found.oldest.age > 0
                assert found.oldest.thread_id == first.native_id
                assert found.oldest.thread_id != threading.get_native_id()
                assert smr.stats(other).oldest.age == 0
                everywhere = smr.stats()
                assert everywhere.open_regions == 3
                assert everywhere.oldest == found.oldest
        assert smr.stats(m).oldest is None

    def test_containers_come_and_go(self, Map):
        before = smr.stats().containers
        maps = [Map() for _ in range(7)]
        assert smr.stats().containers == before + 7
        del maps[2:]
        assert smr.stats().containers == before + 2

    def test_the_clocks_go_on(self, Map, smr_scheme):
        m = Map()
        before = smr.stats(m).era, smr.stats().eras
        for n in range(10_000):
            m[n % 5] = n
        if smr_scheme == "ibr":
            assert smr.stats(m).era > before[0]
            assert smr.stats().eras > before[1]
        else:  # debra's epochs are moved on by scans
            with stalled_reader(m):
                for n in range(1000):
                    m[n % 5] = n
            assert smr.stats(m).era > before[0]

    def test_what_is_retired_and_released_is_counted_on_demand_only(self, Map, counting):
        m = Map({1: 1})
        before = smr.stats()
        for n in range(100):
            m[1] = n
        after = smr.stats()
        assert after.retired - before.retired == 100
        assert after.released - before.released == 100
        config.enable_statistics = False
        for n in range(100):
            m[1] = n
        assert smr.stats()[7:10] == after[7:10]

    def test_scans_are_counted(self, Map, counting):
        m = Map()
        before = smr.stats().scans
        with waiting_in(m):
            m.flush()
        m.flush()
        assert smr.stats().scans - before >= 2

    def test_a_stalled_reader_under_debra_is_neutralized_and_counted(self, Map):
        before = config.smr_scheme
        config.smr_scheme = "debra"
        m = Map()
        config.smr_scheme = before
        if m.smr_scheme != "debra":
            pytest.skip("this system has no signals for it")
        counted = smr.stats()
        with stalled_reader(m):
            for n in range(5000):
                m[n % 5] = Object()
            after = smr.stats()
            # Either a scan has ended its reservation, which is counted; or the signal was quicker, and it has made
            # a new one.
            here = smr.stats(m)
            assert (
                after.neutralizations > counted.neutralizations
                or here.oldest is None
                or here.oldest.age < here.era // 2
            )
            # How many have refused is up to the machine: whoever is asked while its handler is at work does.
            assert after.waiting < 1000
        assert m.flush() == 0

    @pytest.mark.skip_lists_only  # nodes of a tree are too large for blocks
    def test_the_memory_of_entries_is_told_and_goes_back(self, Map):
        before = smr.stats().node_bytes
        m = Map(dict.fromkeys(range(20_000)))
        full = smr.stats().node_bytes
        assert full >= max(before, 20_000 * 40)  # what others have left is used first
        m.clear()
        assert m.flush() == 0
        assert smr.stats().node_bytes <= full - 20_000 * 40 // 2

    def test_the_memory_of_entries_is_told_while_others_work(self, Map):
        """It is the difference of two counters, and never below 0 (seen as a huge number)."""
        m = Map()

        def fill_and_clear():
            fill(m, 2_000)
            m.clear()

        with in_background(fill_and_clear):
            for _ in range(rounds(2_000)):
                assert smr.stats().node_bytes < 2**34

    def test_only_ordered_containers_have_statistics_of_their_own(self):
        with pytest.raises(TypeError):
            smr.stats({})

    def test_statistics_may_be_asked_for_while_containers_come_and_go(self, Map, eager_switching):
        def work(index):
            for n in range(rounds(1000)):
                if index == 0:
                    found = smr.stats()
                    assert found.containers >= 1
                    assert found.waiting >= 0
                else:
                    m = Map({1: 1})
                    m[1] = n
                    assert smr.stats(m).era >= 1

        keep = Map()
        run_copies(3, work)
        del keep
