"""The four patterns of use: uniform, hot spot, producer and consumer, range scan with mutation.

Each is accounted for at its end, like everything in test_accounting.
"""

from __future__ import annotations

import gc
import itertools
import random
import threading
import weakref

from support import Object, check, collect, dead, in_background, rounds, run_copies, run_threads


def test_uniform_random_operations(Map, eager_switching):
    keys = 10_000
    m = Map()
    each = rounds(40_000)

    def work(index):
        generator = random.Random(index)
        change = 0
        for n in range(each):
            key = generator.randrange(keys)
            choice = generator.random()
            if choice < 0.5:
                value = m.get(key)
                assert value is None or value[0] == key
            elif choice < 0.75:
                change += m.put(key, (key, index, n)) is None
            else:
                change -= m.delete(key)
        return change

    total = sum(run_copies(8, work))
    assert len(m) == total
    assert all(value[0] == key for key, value in m.items())
    check(m)


def test_a_hot_spot_of_a_fifth_of_the_keys(Map, eager_switching):
    # 80 % of the operations go to 20 % of the keys; every value is an object that must die in the end.
    keys = 500
    m = Map()
    each = rounds(25_000)
    references = [[] for _ in range(8)]

    def work(index):
        generator = random.Random(index)
        change = 0
        for n in range(each):
            hot = generator.random() < 0.8
            key = generator.randrange(keys // 5) if hot else generator.randrange(keys // 5, keys)
            choice = generator.random()
            if choice < 0.4:
                value = m.get(key)
                assert value is None or value.key == key
            elif choice < 0.7:
                value = Object()
                value.key = key
                if n % 16 == 0:
                    references[index].append(weakref.ref(value))
                change += m.put(key, value) is None
            elif choice < 0.8:
                value = m.get(key)
                if value is not None:
                    new = Object()
                    new.key = key
                    m.replace_if(key, value, new)
            else:
                change -= m.delete(key)
        return change

    total = sum(run_copies(8, work))
    assert len(m) == total
    check(m)
    m.clear()
    collect(m)
    assert all(dead(reference) for row in references for reference in row)


def test_producers_and_consumers_pass_every_item_once(Map, eager_switching):
    # The map as a priority queue: consumers take the first entry.
    m = Map()
    producers, consumers, each = 4, 4, rounds(10_000)
    finished = threading.Semaphore(0)
    done = threading.Event()

    def produce(index):
        generator = random.Random(index)
        numbers = list(range(index, each * producers, producers))
        generator.shuffle(numbers)
        for number in numbers:
            assert m.put_if_absent(number, Object()) is None
        finished.release()

    def consume():
        taken = []
        while True:
            is_last_look = done.is_set()
            try:
                number, _ = m.pop_first()
            except KeyError:
                if is_last_look:
                    return taken
                continue
            taken.append(number)

    def supervise():
        for _ in range(producers):
            finished.acquire()
        done.set()

    results = run_threads(
        *(lambda index=index: produce(index) for index in range(producers)),
        *(consume for _ in range(consumers)),
        supervise,
    )
    taken = sorted(number for part in results if part for number in part)
    assert taken == list(range(each * producers))
    assert len(m) == 0
    check(m)


def test_what_one_consumer_takes_from_the_front_of_finished_work_is_in_order(Map, eager_switching):
    m = Map.fromkeys(range(rounds(20_000)))

    def consume(index):
        taken = []
        while True:
            try:
                taken.append(m.pop_first()[0])
            except KeyError:
                return taken

    for taken in run_copies(4, consume):
        assert all(a < b for a, b in itertools.pairwise(taken))


def test_range_scans_while_others_change_the_map(Map, eager_switching):
    # Multiples of 10 stay, everything else comes and goes.
    size = 5_000
    m = Map((key, key) for key in range(0, size, 10))

    def mutate(index):
        generator = random.Random(index)
        change = 0
        for _ in range(rounds(40_000)):
            key = generator.randrange(size)
            if key % 10 == 0:
                m[key] = key
            elif generator.random() < 0.5:
                change += m.put(key, key) is None
            else:
                change -= m.delete(key)
        return change

    def scan(index):
        generator = random.Random(1000 + index)
        for turn in range(rounds(400)):
            start = generator.randrange(size - 500)
            stop = start + generator.randrange(500)
            reverse = turn % 2 == 1
            if turn % 3:
                items = list(m.items(start, stop, reverse=reverse))
                assert all(key == value for key, value in items)
                seen = [key for key, _ in items]
            else:
                seen = list(m.keys(start, stop, reverse=reverse))
            if reverse:
                seen.reverse()
            assert all(a < b for a, b in itertools.pairwise(seen))
            assert all(start <= key < stop for key in seen)
            lasting = [key for key in range(-(-start // 10) * 10, stop, 10)]
            assert [key for key in seen if key % 10 == 0] == lasting
        return 0

    def ask(index):
        generator = random.Random(2000 + index)
        for _ in range(rounds(20_000)):
            key = generator.randrange(10, size - 20)
            low, high = m.floor_key(key), m.ceiling_key(key)
            assert key // 10 * 10 <= low <= key <= high <= -(-key // 10) * 10
            low, high = m.lower_key(key), m.higher_key(key)
            assert (key - 1) // 10 * 10 <= low < key < high <= (key // 10 + 1) * 10
        return 0

    results = run_threads(
        *(lambda index=index: mutate(index) for index in range(3)),
        *(lambda index=index: scan(index) for index in range(2)),
        lambda: ask(0),
    )
    assert len(m) == size // 10 + sum(results)
    check(m)


def test_the_ends_are_right_while_others_change_the_middle(Map, eager_switching):
    m = Map((key, key) for key in (0, 1, 998, 999))

    def mutate(index):
        generator = random.Random(index)
        for _ in range(rounds(20_000)):
            key = generator.randrange(2, 998)
            if generator.random() < 0.5:
                m[key] = key
            else:
                m.delete(key)

    def look(index):
        for _ in range(rounds(20_000)):
            assert m.first_key() == 0
            assert m.last_item() == (999, 999)
            assert m.lower_key(1) == 0
            assert m.ceiling_key(998) == 998

    run_threads(*(lambda i=i: mutate(i) for i in range(3)), lambda: look(0), lambda: look(1))


def test_clearing_while_others_work_leaves_a_sound_map(Map, eager_switching):
    m = Map()
    references = [[] for _ in range(4)]

    def work(index):
        generator = random.Random(index)
        for n in range(rounds(10_000)):
            value = Object()
            if n % 8 == 0:
                references[index].append(weakref.ref(value))
            m[generator.randrange(300)] = value
            if n % 500 == 0:
                m.clear()
            if n % 7 == 0:
                list(itertools.islice(m.items(generator.randrange(300)), 20))

    run_copies(4, work)
    assert len(m) == len(list(m))
    check(m)
    m.clear()
    assert len(m) == 0
    collect(m)
    assert all(dead(reference) for row in references for reference in row)


def test_whole_map_operations_beside_changes(Map, Set, eager_switching):
    # copy, ==, |, pickle, repr are not atomic, but they see what is there throughout.
    import copy
    import pickle

    m = Map((key, key) for key in range(0, 200, 2))
    lasting = set(range(0, 200, 2))

    def churn():
        for key in range(1, 200, 2):
            m[key] = key
        for key in range(1, 200, 2):
            m.delete(key)

    with in_background(churn), in_background(churn):
        for turn in range(rounds(150)):
            whole = [
                m.copy,
                lambda: copy.copy(m),
                lambda: pickle.loads(pickle.dumps(m)),
                lambda: m | {0: 0},
                lambda: Map(m),
                lambda: eval(repr(m), {Map.__name__: Map}),
                lambda: dict(m.items()),
                lambda: Set(m),
            ][turn % 8]()
            assert lasting <= set(whole)
            assert len(whole) <= 200
            m == whole


def test_collections_run_all_the_time_beside_every_pattern(Map, eager_switching):
    m = Map()

    class Node:
        def __init__(self, key):
            self.key = key
            self.map = m

    references = [[] for _ in range(3)]

    def work(index):
        generator = random.Random(index)
        for n in range(rounds(15_000)):
            key = generator.randrange(100)
            choice = generator.random()
            if choice < 0.4:
                node = Node(key)
                if n % 10 == 0:
                    references[index].append(weakref.ref(node))
                m[key] = node
                node = None
            elif choice < 0.6:
                m.delete(key)
            elif choice < 0.9:
                found = m.get(key)
                assert found is None or found.key == key
            else:
                for at, node in m.items(key, key + 10):
                    assert node.key == at
                node = None

    with in_background(gc.collect, pause=1e-3):
        run_copies(3, work)
    whole = weakref.ref(m)
    m = None
    gc.collect()
    gc.collect()
    assert dead(whole)
    assert all(dead(reference) for row in references for reference in row)


def test_threads_that_come_and_go_in_the_middle_of_work(Map, eager_switching):
    m = Map()

    def short(index):
        generator = random.Random(index)
        change = 0
        for _ in range(100):
            key = generator.randrange(200)
            if generator.random() < 0.5:
                change += m.put(key, Object()) is None
            else:
                change -= m.delete(key)
        return change

    total = 0
    with in_background(lambda: list(m.values())):
        for batch in range(rounds(60)):
            total += sum(run_copies(8, lambda index: short(batch * 8 + index)))
    assert len(m) == total
    check(m)
