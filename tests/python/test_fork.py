"""A forked child can use the containers, whatever other threads of the parent were doing."""

from __future__ import annotations

import gc
import threading
import time
import weakref

from support import Object, collect, dead, forks_beside_threads, in_background, in_child, rounds

pytestmark = forks_beside_threads([])


def exercise(m):
    """Use every kind of operation."""
    for key in range(1000, 1100):
        m[key] = key
    assert all(m[key] == key for key in range(1000, 1100))
    for key in range(1000, 1100, 2):
        del m[key]
    assert [key for key in m if key >= 1000] == list(range(1001, 1100, 2))
    before = len(m)
    m.pop_first()
    assert len(m) == before - 1
    m.flush()
    gc.collect()
    m.clear()
    assert list(m) == []
    value = Object()
    reference = weakref.ref(value)
    m[1] = value
    del value
    m.clear()
    collect(m)
    assert dead(reference), "limbo of threads that do not exist here blocks nothing"


def test_a_child_sees_what_was_there_and_changes_only_its_own_copy(Map):
    m = Map({n: str(n) for n in range(100)})

    def child():
        assert dict(m) == {n: str(n) for n in range(100)}
        exercise(m)

    in_child(child)
    assert dict(m) == {n: str(n) for n in range(100)}
    exercise(m)


def test_a_child_works_while_threads_of_the_parent_were_in_the_middle(Map, eager_switching):
    m = Map((n, n) for n in range(200))
    turn = iter(range(10**9))

    def churn():
        base = next(turn) % 100
        for key in range(base, base + 50):
            m[key] = [key]
        for key in range(base, base + 50, 3):
            m.delete(key)
        list(m.items(base, base + 20))

    with in_background(churn), in_background(lambda: list(m)):
        for _ in range(rounds(15)):
            in_child(lambda: exercise(m))
    exercise(m)


def test_a_child_may_start_threads_of_its_own(Map):
    m = Map()

    def work(index):
        for n in range(200):
            m[index * 1000 + n] = n

    def child():
        threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(m) == 800
        m.clear()
        exercise(m)

    with in_background(lambda: m.put(-1, None)):
        pass
    m.clear()
    in_child(child)
    assert len(m) == 0


def test_a_child_of_a_child_works_too(Map):
    m = Map({1: 1})

    def grandchild():
        assert m[2] == 2
        exercise(m)

    def child():
        m[2] = 2
        in_child(grandchild)
        exercise(m)

    in_child(child)
    assert dict(m) == {1: 1}


def test_a_fork_from_another_thread_works(Map):
    m = Map({1: 1})
    errors = []

    def forker():
        try:
            m[2] = 2
            in_child(lambda: exercise(m))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=forker)
    thread.start()
    thread.join()
    assert not errors
    exercise(m)


def test_a_fork_from_inside_a_comparison_works(Map):
    # Rule: no protected region is open while foreign code runs, so nothing is left half done.
    from support import HookedKey, Key

    m = Map((Key(n), n) for n in range(20))
    done = []

    def child():
        m[Key(50)] = 50
        assert len(m) == 21
        m.delete(Key(3))
        assert Key(3) not in m
        assert list(m.values()) == [0, 1, 2, *range(4, 20), 50]

    def hook(*_):
        if not done:
            done.append(True)
            in_child(child)

    probe = HookedKey(30, hook)
    m[probe] = 30
    probe.hook = None
    assert list(m.values()) == [*range(20), 30]


def test_what_waited_for_dead_threads_is_released_in_the_child(Map, Set, eager_switching):
    m = Map({n: None for n in range(10)})
    references = []

    def churn():
        value = Object()
        references.append(weakref.ref(value))
        m[len(references) % 10] = value

    s = Set(range(100))
    with in_background(churn), in_background(lambda: list(s)):
        time.sleep(0.05)

        def child():
            known = list(references)
            m.clear()
            collect(m, s)
            # One value may be held by the stack of the thread that is no more.
            assert sum(not dead(reference) for reference in known) <= 2

        for _ in range(rounds(5)):
            in_child(child)
