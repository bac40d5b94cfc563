"""Counters under load, each run accounted for at its end: no add is lost, none counts twice, no number wraps."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from support import rounds, run_copies

from concurrent_collections import AccessTracker, AtomicCounter, Stats, StripedCounter

THREADS = 12
MOST = 2**63 - 1


def try_to_add(counter, amount):
    """What was added: nothing if there was no room."""
    try:
        counter.add(amount)
    except OverflowError:
        return 0
    return amount


@pytest.mark.parametrize("Counted", [AtomicCounter, StripedCounter])
def test_amounts_of_all_sizes(Counted, eager_switching):
    c = Counted()
    take = c.sum_then_reset if Counted is StripedCounter else lambda: c.get_and_set(0)

    def work(index):
        generator = random.Random(index)
        balance = 0
        for i in range(rounds(30_000)):
            amount = generator.choice((1, -1, 1000, MOST // 3, -(MOST // 3), MOST, -MOST))
            balance += try_to_add(c, amount)
            if i % 100 == index:
                balance -= take()
        return balance

    assert sum(run_copies(THREADS, work)) == int(c)


def test_tickets_and_turns(eager_switching):
    """compare_and_set as a lock without waiting: who gets it changes plain things alone."""
    turn, tickets = AtomicCounter(), AtomicCounter()
    plain = [0, 0]

    def work(_):
        had = won = 0
        for _ in range(rounds(20_000)):
            had = max(had, tickets.add())
            if turn.compare_and_set(0, 1):
                plain[0] += 1
                plain[1] += 1
                assert plain[0] == plain[1]
                assert turn.get_and_set(0) == 1
                won += 1
        return had, won

    answers = run_copies(THREADS, work)
    assert max(had for had, _ in answers) == tickets.get() == THREADS * rounds(20_000)
    assert sum(won for _, won in answers) == plain[0] == plain[1]


def test_many_names_beside_snapshots(eager_switching):
    stats = Stats()
    working = AtomicCounter(THREADS - 2)
    each = rounds(6_000)

    def work(index):
        if index < 2:
            taken = Counter()
            while working.get():
                taken.update(stats.snapshot_then_reset() if index else {})
                names = list(stats)
                assert list(stats.snapshot())[: len(names)] == names
            return taken
        generator = random.Random(index)
        mine = Counter()
        for _ in range(each):
            name, amount = f"n{generator.randrange(40)}", generator.randrange(-9, 10)
            stats.add(name, amount)
            mine[name] -= amount
        working.add(-1)
        return mine

    total = Counter()
    for part in run_copies(THREADS, work):
        total.update(part)
    total.update(stats.snapshot())
    assert not any(total.values())


def test_many_keys_beside_looks(eager_switching):
    tracker = AccessTracker(half_life=1e6)
    working = AtomicCounter(THREADS - 1)
    each = rounds(6_000)

    def work(index):
        if index == 0:
            before = Counter()
            while working.get():
                top = tracker.top(5)
                assert [score for _, score in top] == sorted((s for _, s in top), reverse=True)
                counts = {key: access.accesses for key, access in tracker.snapshot().items()}
                assert all(counts[key] >= count for key, count in before.items())
                before = Counter(counts)
            return Counter()
        generator = random.Random(index)
        mine = Counter()
        for _ in range(each):
            key, amount = generator.randrange(200), generator.randrange(1, 5)
            assert tracker.record(key, amount) >= amount
            mine[key] += amount
        working.add(-1)
        return mine

    total = sum(run_copies(THREADS, work), Counter())
    assert {key: tracker.count(key) for key in tracker} == dict(total)
    assert all(abs(tracker.score(key) / count - 1) < 1e-3 for key, count in total.items())
