"""Ranges under change: every entry is taken out once, parts have every key that stays, views show nothing from outside."""

from __future__ import annotations

import collections
import random

import pytest
from support import Key, check, in_background, rounds, run_copies, run_threads


@pytest.mark.parametrize("kind", [int, str, Key])
def test_threads_that_take_out_of_ranges_get_each_entry_once(Map, eager_switching, kind):
    # They overlap, go both ways, and meet others who pop and who remove.
    count = rounds(1500 if kind is Key else 15_000)
    key_of = (lambda n: str(n).zfill(6)) if kind is str else kind
    m = Map((key_of(n), n) for n in range(count))

    def work(index):
        generator = random.Random(index)
        taken = []
        while m:
            low = generator.randrange(count)
            bounds = (key_of(low), key_of(low + generator.randrange(400)))
            choice = generator.randrange(6)
            if choice < 3:
                most = generator.choice([None, 1, 7, 300])
                entries = m.pop_range(*bounds, most, reverse=choice == 2)
                order = [value for _, value in entries]
                assert order == sorted(order, reverse=choice == 2)
                assert all(low <= value < low + 400 for value in order)
            elif choice == 3:
                entries = [entry] if (entry := m.submap(*bounds).pop_first(None)) else []
            elif choice == 4:
                entries = [entry] if (entry := m.pop_last(None)) else []
            else:
                entries = m.pop_range(max_items=2)
            for key, value in entries:
                assert getattr(key, "rank", key) == (str(value).zfill(6) if kind is str else value)
            taken += [value for _, value in entries]
        return taken

    taken = [value for each in run_copies(4, work) for value in each]
    assert sorted(taken) == list(range(count))
    check(m)


def test_clearing_ranges_counts_what_it_removes(Set, eager_switching):
    count = rounds(20_000)
    s = Set(range(count))

    def work(index):
        generator = random.Random(index)
        removed = 0
        for _ in range(rounds(200)):
            low = generator.randrange(count)
            removed += s.clear_range(low, low + 100)
        return removed + s.clear_range()

    assert sum(run_copies(4, work)) == count
    assert len(s) == 0
    check(s)


def test_items_go_through_a_window_once(Map, eager_switching):
    # As due times: some add, others take what is below a bound that moves.
    each, adders = rounds(4000), 2
    m = Map()
    finished = collections.deque()

    def add(index):
        for n in range(each):
            m[(n, index)] = n
        finished.append(index)

    def take(_):
        taken, now = [], 0
        while len(finished) < adders or m:
            now += 50
            taken += m.pop_range(stop=(now, 0), max_items=64)
        return taken

    results = run_threads(
        *(lambda i=i: add(i) for i in range(adders)), *(lambda i=i: take(i) for i in range(2))
    )
    taken = [key for result in results if result for key, _ in result]
    assert sorted(taken) == sorted((n, i) for n in range(each) for i in range(adders))


def change_all_but_multiples_of(m, count, step):
    generator = random.Random(7)

    def change():
        for _ in range(50):
            key = generator.randrange(count)
            if key % step:
                if generator.random() < 0.5:
                    m[key] = key
                else:
                    m.delete(key)

    return change


def test_parts_beside_writers(Map, eager_switching):
    # Disjoint, all of the range, and together they show every key that was there all the time.
    count, step = rounds(12_000), 5
    m = Map((n, n) for n in range(count))
    stay = set(range(0, count, step))
    with in_background(change_all_but_multiples_of(m, count, step)):
        for turn in range(rounds(30)):
            whole = [m, m.descending(), m.submap(count // 3)][turn % 3]
            n = 1 + turn % 9
            parts = whole.split(n)
            assert 1 <= len(parts) <= n
            found = [list(part) for part in parts]
            flat = [key for keys in found for key in keys]
            assert flat == sorted(set(flat), reverse=turn % 3 == 1)
            wanted = {key for key in stay if turn % 3 < 2 or key >= count // 3}
            assert wanted <= set(flat)
            for part, keys in zip(parts, found, strict=True):
                low, high = sorted(
                    [part.start, part.stop], key=lambda bound: (bound is not None, bound or 0)
                )
                if None not in (low, high):
                    assert all(low <= key <= high for key in keys)
    check(m)


def test_map_parts_beside_writers(Map, eager_switching):
    count, step = rounds(20_000), 4
    m = Map((n, n) for n in range(count))
    with in_background(change_all_but_multiples_of(m, count, step)):
        for _ in range(rounds(10)):
            counts = m.map_parts(lambda part: sum(key % step == 0 for key in part), 4)
            assert sum(counts) == len(range(0, count, step))
    check(m)


def test_views_beside_writers(Map, eager_switching):
    # Scans, ends and neighbours of views, both ways: in order, in the range, nothing left out that stays.
    count, step, low, high = 600, 6, 100, 400
    m = Map((n, n) for n in range(count))
    stay = [n for n in range(low, high) if n % step == 0]

    def look(index):
        generator = random.Random(index)
        part = m.submap(low, high)
        for _ in range(rounds(150)):
            view = part if generator.random() < 0.5 else part.descending()
            items = list(view.items())
            keys = [key for key, _ in items]
            assert all(key == value for key, value in items)
            assert keys == sorted(set(keys), reverse=view is not part)
            assert all(low <= key < high for key in keys)
            assert set(stay) <= set(keys)
            assert low <= part.first_key() <= stay[0]
            assert stay[-1] <= part.last_key() < high
            asked = generator.randrange(-50, count + 50)
            floor, ceiling = part.floor_key(asked), part.ceiling_key(asked)
            assert floor is None or low <= floor <= asked
            assert ceiling is None or asked <= ceiling < high
            assert floor is not None or asked < stay[0]
            assert ceiling is not None or asked > stay[-1]
            assert len(stay) <= len(view) <= high - low
            assert len(stay) <= part.count_range(low, high)
            key = generator.randrange(low, high)
            if key % step:
                part.put(key, key)
                assert view.pop(key, key) == key

    with in_background(change_all_but_multiples_of(m, count, step)):
        run_copies(3, look)
    check(m)
