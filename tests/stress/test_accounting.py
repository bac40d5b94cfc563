"""A million mixed operations by 16 threads, after which every entry and every value is accounted for.

Values are ints. Every thread notes, per key, what it has put in and what it has got out; what is in
the map at the end must be exactly the difference. A value that is lost, returned twice, or returned
by two threads shows in its key's sum; an entry that is counted wrongly shows in its key's count.
"""

from __future__ import annotations

import random

import pytest
from ordered_kinds import LockFreeTreeMap
from support import Key, check, rounds, run_copies

from concurrent_collections import REMOVE

THREADS = 16
OPERATIONS = 1_000_000


class Ledger:
    """One thread's notes: per key, entries and values put in minus those got out."""

    def __init__(self, keys):
        self.entries = [0] * keys
        self.values = [0] * keys

    def inserted(self, key, value):
        self.entries[key] += 1
        self.values[key] += value

    def replaced(self, key, old, new):
        self.values[key] += new - old

    def removed(self, key, value):
        self.entries[key] -= 1
        self.values[key] -= value


def perform(m, ledger, generator, keys, count, first_value, make_key, rank_of):
    """`count` random operations on `m`, noted in `ledger`; every value stored is a new one."""
    value = first_value
    choose, pick = generator.random, generator.randrange
    absent = object()
    for _ in range(count):
        choice = choose()
        rank = pick(keys)
        key = make_key(rank)
        if choice < 0.30:
            found = m.get(key)
            assert found is None or type(found) is int
        elif choice < 0.50:
            value += 1
            old = m.put(key, value)
            if old is None:
                ledger.inserted(rank, value)
            else:
                ledger.replaced(rank, old, value)
        elif choice < 0.60:
            old = m.pop(key, None)
            if old is not None:
                ledger.removed(rank, old)
        elif choice < 0.66:
            value += 1
            if m.put_if_absent(key, value) is None:
                ledger.inserted(rank, value)
        elif choice < 0.72:
            value += 1
            old = m.replace(key, value)
            if old is not None:
                ledger.replaced(rank, old, value)
        elif choice < 0.82:
            old = m.get(key)
            if old is not None:
                value += 1
                if m.replace_if(key, old, value):
                    ledger.replaced(rank, old, value)
        elif choice < 0.86:
            value += 1
            if m.setdefault(key, value) == value:
                ledger.inserted(rank, value)
        elif choice < 0.90:
            try:
                found, old = m.pop_first() if choice < 0.88 else m.pop_last()
            except KeyError:
                continue
            ledger.removed(rank_of(found), old)
        elif choice < 0.94:
            item = m.ceiling_item(key) if choice < 0.92 else m.lower_item(key)
            if item is not None:
                near = rank_of(item[0])
                assert near >= rank if choice < 0.92 else near < rank
        elif choice < 0.96:
            assert m.pop(make_key(keys + rank), absent) is absent
        elif choice < 0.999:
            assert (key in m) in (True, False)
        else:
            previous = -1
            for found, old in m.items(key, make_key(rank + 20)):
                assert previous < rank_of(found) < rank + 20
                assert type(old) is int
                previous = rank_of(found)


def settle(m, ledgers, keys, make_key):
    """Compare the map with the sum of all ledgers."""
    wrong = []
    total = 0
    for rank in range(keys):
        entries = sum(ledger.entries[rank] for ledger in ledgers)
        value = sum(ledger.values[rank] for ledger in ledgers)
        total += entries
        if entries not in (0, 1) or m.get(make_key(rank), 0) != value:
            wrong.append((rank, entries, value, m.get(make_key(rank))))
        assert (make_key(rank) in m) == bool(entries)
    assert wrong == []
    assert len(m) == total == len(list(m)) == len(list(reversed(m)))
    if hasattr(m, "_check"):
        check(m)


KINDS = {
    "ints": (1.0, lambda rank: rank, lambda key: key),
    "texts": (0.25, lambda rank: f"prefix-{rank:06}", lambda key: int(key[7:])),
    "tuples": (0.1, lambda rank: ("t", rank), lambda key: key[1]),
    "python keys": (0.02, Key, lambda key: key.rank),
}


@pytest.mark.parametrize("keys", [20, 2_000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_mixed_operations_by_sixteen_threads_are_all_accounted_for(
    Map, kind, keys, eager_switching
):
    share, make_key, rank_of = KINDS[kind]
    m = Map()
    each = rounds(OPERATIONS * share) // THREADS
    ledgers = [Ledger(keys) for _ in range(THREADS)]

    def work(index):
        generator = random.Random(f"{kind} {keys} {index}")
        first_value = (index + 1) * 10**9
        perform(m, ledgers[index], generator, keys, each, first_value, make_key, rank_of)

    run_copies(THREADS, work, timeout=280)
    settle(m, ledgers, keys, make_key)


def test_set_operations_by_sixteen_threads_are_all_accounted_for(Set, eager_switching):
    s = Set()
    elements = 200
    each = rounds(200_000) // THREADS

    def work(index):
        generator = random.Random(index)
        taken = []
        for _ in range(each):
            element = generator.randrange(elements)
            choice = generator.random()
            if choice < 0.5:
                s.add(element)
            elif choice < 0.7:
                s.discard(element)
            elif choice < 0.8:
                try:
                    s.remove(element)
                    taken.append(element)
                except KeyError:
                    pass
            elif choice < 0.9:
                try:
                    taken.append(s.pop_first() if choice < 0.85 else s.pop_last())
                except KeyError:
                    pass
            else:
                assert (element in s) in (True, False)
                near = s.floor(element)
                assert near is None or near <= element
        return taken

    run_copies(THREADS, work, timeout=280)
    assert len(s) == len(list(s)) == len(set(s))
    assert list(s) == sorted(s)
    check(s)


def test_each_element_is_taken_by_exactly_one_thread(Map, eager_switching):
    for name in ("pop_first", "pop_last", "popitem", "pop", "delete"):
        count = rounds(20_000)
        m = Map((key, key * 10) for key in range(count))

        def take(index):
            taken = []
            if name in ("pop", "delete"):
                for key in range(count):
                    if name == "pop":
                        value = m.pop(key, None)
                        if value is not None:
                            assert value == key * 10
                            taken.append(key)
                    elif m.delete(key):
                        taken.append(key)
                return taken
            while True:
                try:
                    key, value = getattr(m, name)()
                except KeyError:
                    return taken
                assert value == key * 10
                taken.append(key)

        taken = sorted(key for part in run_copies(4, take) for key in part)
        assert taken == list(range(count))
        assert len(m) == 0
        assert list(m) == []


def test_a_counter_raised_by_compare_and_swap_misses_nothing(Map, eager_switching):
    m = Map({0: 0})
    each = rounds(5_000)

    def work(index):
        done = 0
        while done < each:
            current = m[0]
            done += m.replace_if(0, current, current + 1)

    run_copies(4, work)
    assert m[0] == 4 * each


def test_what_is_added_in_one_call_misses_nothing(Map, eager_switching):
    # Sums and collections under a few keys, which other threads take away whole now and then.
    m = Map()
    each = rounds(3_000)

    def work(index):
        taken = dict.fromkeys("im", 0)
        for n in range(each):
            m.increment(f"i{n % 2}")
            m.merge(f"m{n % 2}", 1, lambda old, new: old + new)
            if index == 0 and n % 10 == 0:
                taken["i"] += m.pop("i0", 0)
                left = []
                m.compute_if_present("m0", lambda old, left=left: left.append(old) or REMOVE)
                taken["m"] += left[-1]  # nobody else takes it away
        return taken

    results = run_copies(4, work)
    for name in "im":
        total = sum(taken[name] for taken in results) + m.get(f"{name}0", 0) + m[f"{name}1"]
        assert total == 4 * each
    check(m)


def test_one_of_many_wins_every_insertion(Map, eager_switching):
    m = Map()
    count = rounds(5_000)

    def work(index):
        won = 0
        mine = {}
        for key in range(count):
            if index % 2:
                won += m.put_if_absent(key, index) is None
            else:
                token = (index, key)
                mine[key] = m.setdefault(key, token)
                won += mine[key] is token
        return won

    assert sum(run_copies(4, work)) == count
    assert list(m) == list(range(count))


@pytest.mark.maps_too.with_args(LockFreeTreeMap)
def test_one_of_many_wins_every_removal_of_a_key_that_keeps_coming_back(Map, eager_switching):
    m = Map()
    each = rounds(10_000)

    def work(index):
        put = got = 0
        for n in range(each):
            if index % 2:
                put += m.put_if_absent(0, n) is None
            else:
                got += m.delete(0)
        return put, got

    results = run_copies(4, work)
    put, got = (sum(column) for column in zip(*results, strict=True))
    assert put - got == len(m)
    assert len(m) in (0, 1)
