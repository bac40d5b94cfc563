"""`backend=` of ordered maps and sets: what chooses it, what keeps it, and that it changes nothing else.

What both promise is tested by the tests of ordered containers, which run with both (ordered_kinds.py).
"""

from __future__ import annotations

import copy
import pickle

import pytest

from concurrent_collections import (
    Comparator,
    FrozenSkipListMap,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
)

CLASSES = [SkipListMap, SkipListSet]
BACKENDS = ["lockfree", "locked"]


class OfItsOwnNew(SkipListMap):
    """Takes no arguments where it is made, and chooses itself."""

    def __new__(cls):
        return super().__new__(cls, backend="locked")


class SetOfItsOwnNew(SkipListSet):
    def __new__(cls):
        return super().__new__(cls, backend="locked")


class HandsOn(SkipListMap):
    """Its __new__ takes whatever comes, and hands it on."""

    def __new__(cls, *arguments, **names):
        return super().__new__(cls, *arguments, **names)


class SetHandsOn(SkipListSet):
    def __new__(cls, *arguments, **names):
        return super().__new__(cls, *arguments, **names)


class LocksByDefault(SkipListMap):
    def __new__(cls, backend="locked"):
        return super().__new__(cls, backend=backend)

    def __init__(self, backend="locked"):
        super().__init__(backend=backend)


class Derived(SkipListMap):
    pass


class DerivedSet(SkipListSet):
    pass


def filled(cls, **keywords):
    entries = range(5)
    if issubclass(cls, SkipListSet):
        return cls(entries, **keywords)
    return cls(((n, -n) for n in entries), **keywords)


# ---- choosing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [*CLASSES, Derived, DerivedSet, HandsOn, SetHandsOn])
class TestChoosing:
    def test_auto_is_lock_free(self, cls):
        assert cls().backend == cls(backend="auto").backend == "lockfree"

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_by_name(self, cls, backend):
        assert filled(cls, backend=backend).backend == backend
        assert filled(cls, backend=backend) == filled(cls)

    @pytest.mark.parametrize("wrong", ["", "Locked", "lock", "locked\0", b"locked", None, True, 3])
    def test_what_is_none_of_them(self, cls, wrong):
        for make in (cls, lambda **keywords: cls.from_sorted([], **keywords)):
            with pytest.raises(
                ValueError, match="backend: expected one of 'auto', 'lockfree', 'locked', got"
            ) as found:
                make(backend=wrong)
            assert repr(wrong) in str(found.value)

    def test_it_can_be_read_alone(self, cls):
        container = cls()
        with pytest.raises(AttributeError):
            container.backend = "locked"
        with pytest.raises(AttributeError):
            del container.backend
        assert container.backend == "lockfree"

    def test_beside_the_other_keywords(self, cls):
        container = filled(cls, backend="locked", reverse=True)
        assert (container.backend, list(container)) == ("locked", [4, 3, 2, 1, 0])
        container = filled(cls, backend="locked", key=lambda n: n % 3)
        assert (container.backend, list(container)) == ("locked", [0, 1, 2])

    def test_init_alone_cannot_change_it(self, cls):
        container = filled(cls)
        before = list(container)
        with pytest.raises(
            TypeError, match="backend: __new__ has made this container with 'lockfree'"
        ):
            container.__init__(backend="locked")
        with pytest.raises(ValueError, match="backend"):
            container.__init__(backend="none")
        container.__init__(backend="lockfree")
        assert (container.backend, list(container)) == ("lockfree", before)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_from_sorted(self, cls, backend):
        content = filled(cls)
        pairs = content.items() if isinstance(content, SkipListMap) else content
        made = cls.from_sorted(pairs, backend=backend)
        assert (made.backend, made) == (backend, content)


@pytest.mark.parametrize("cls", [SkipListMap, Derived])
@pytest.mark.parametrize("backend", BACKENDS)
def test_fromkeys(cls, backend):
    made = cls.fromkeys([3, 1, 2], 0, backend=backend, reverse=True)
    assert (type(made), made.backend, list(made.items())) == (
        cls,
        backend,
        [(3, 0), (2, 0), (1, 0)],
    )


def test_a_subclass_whose_new_chooses():
    for cls in (OfItsOwnNew, SetOfItsOwnNew):
        assert cls().backend == "locked"
        assert cls.from_sorted([]).backend == "locked"
        with pytest.raises(
            TypeError, match="backend: __new__ has made this container with 'locked'"
        ):
            cls.from_sorted([], backend="lockfree")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_subclass_whose_new_has_a_default_of_its_own(backend):
    m = LocksByDefault(backend=backend)
    m[1] = 2
    assert (LocksByDefault().backend, m.backend) == ("locked", backend)
    for twin in (m.copy(), copy.deepcopy(m), m | {3: 4}):
        assert (type(twin), twin.backend, twin[1]) == (LocksByDefault, backend, 2)


def test_a_subclass_may_mean_something_else_by_the_word():
    class Stored(SkipListMap):
        def __init__(self, backend=None):
            super().__init__()
            self.stored = backend

    m = Stored(backend="sqlite")
    assert (m.stored, m.backend, Stored(backend=3).stored) == ("sqlite", "lockfree", 3)


def test_what_is_no_str_is_not_compared_with_one():
    class Never:
        def __eq__(self, other):
            raise AssertionError

        __ne__ = __eq__
        __hash__ = None

    for make in (
        SkipListMap,
        lambda **names: SkipListMap.from_sorted([], **names),
        lambda **names: SkipListMap.fromkeys([1], **names),
    ):
        with pytest.raises(ValueError, match="backend: expected one of"):
            make(backend=Never())


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_of_live_parts_have_the_containers(backend):
    part = SkipListSet([1, 2, 3], backend=backend).subset(2)
    for made in (part | {9}, part & {2}, part - {2}, part ^ {2}, {9} - part, part.copy()):
        assert (type(made), made.backend) == (SkipListSet, backend)


def test_pickles_of_what_classes_begin_with_say_nothing_of_it():
    for cls in (SkipListMap, SkipListSet, TreeMap, TreeSet):
        assert b"lock" not in pickle.dumps(cls([]))
        assert pickle.loads(pickle.dumps(cls([]))).backend == cls().backend


def test_a_subclass_whose_init_alone_chooses_is_told_what_to_do():
    class Chooses(SkipListMap):
        def __init__(self):
            super().__init__(backend="locked")

    with pytest.raises(TypeError, match="a subclass hands backend to __new__, too"):
        Chooses()


class TestTrees:
    @pytest.mark.parametrize("cls", [TreeMap, TreeSet])
    def test_auto_has_locks(self, cls):
        assert cls().backend == cls(backend="auto").backend == "locked"
        for wrong in ("", "tree", None):
            with pytest.raises(
                ValueError, match="backend: expected one of 'auto', 'lockfree', 'locked', got"
            ):
                cls(backend=wrong)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_maps_keep_it(self, backend):
        m = TreeMap({n: -n for n in range(300)}, backend=backend, reverse=True)
        twins = [m.copy(), copy.deepcopy(m), pickle.loads(pickle.dumps(m)), m | {}]
        twins.append(TreeMap.from_sorted(m.items(), backend=backend, reverse=True))
        for twin in twins:
            assert (type(twin), twin.backend, list(twin)) == (TreeMap, backend, list(m))
        assert TreeMap.fromkeys([1], backend=backend).backend == m.submap(5).backend == backend
        assert m.snapshot() == m.frozen() == FrozenSkipListMap(m, reverse=True)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_sets_keep_it(self, backend):
        s = TreeSet(range(300), backend=backend)
        for made in (s | {1}, s & s, s - {1}, s ^ {1}, pickle.loads(pickle.dumps(s)), s.copy()):
            assert (type(made), made.backend) == (TreeSet, backend)

    def test_init_alone_cannot_change_it(self):
        with pytest.raises(
            TypeError, match="backend: __new__ has made this container with 'locked'"
        ):
            TreeMap().__init__(backend="lockfree")


# ---- keeping ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls", [*CLASSES, Derived, DerivedSet, HandsOn, SetHandsOn, OfItsOwnNew, SetOfItsOwnNew]
)
@pytest.mark.parametrize("backend", BACKENDS)
class TestKeeping:
    def make(self, cls, backend):
        if cls in (OfItsOwnNew, SetOfItsOwnNew):
            container = cls()
            container.update([(1, 2), (3, 4)] if cls is OfItsOwnNew else [1, 3])
            return container, "locked"
        return filled(cls, backend=backend), backend

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda c: c.copy()])
    def test_copies(self, cls, backend, how):
        container, backend = self.make(cls, backend)
        twin = how(container)
        assert (type(twin), twin.backend, twin) == (cls, backend, container)
        twin.clear()
        assert container

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickles(self, cls, backend, protocol):
        container, backend = self.make(cls, backend)
        twin = pickle.loads(pickle.dumps(container, protocol))
        assert (type(twin), twin.backend, twin) == (cls, backend, container)

    def test_what_operators_make(self, cls, backend):
        container, backend = self.make(cls, backend)
        other = filled(SkipListMap if isinstance(container, SkipListMap) else SkipListSet)
        results = [container | other]
        if isinstance(container, SkipListSet):
            results += [container & other, container - other, container ^ other]
        else:
            results.append(dict(other) | container)
        assert {result.backend for result in results} == {backend}
        before = container
        container |= other
        assert (container is before, container.backend) == (True, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pickles_keep_what_else_there_is(backend):
    m = SkipListMap({1: 2}, backend=backend, reverse=True, default_factory=list)
    twin = pickle.loads(pickle.dumps(m))
    assert (twin.backend, twin.comparator, twin[7]) == (
        backend,
        Comparator.natural().reversed(),
        [],
    )
    s = SkipListSet([1, 2], backend=backend, reverse=True)
    twin = pickle.loads(pickle.dumps(s))
    assert (twin.backend, list(twin)) == (backend, [2, 1])


def test_a_map_that_contains_itself_is_pickled():
    backends = {}
    for backend in BACKENDS:
        m = SkipListMap(backend=backend)
        m[1] = m
        twin = pickle.loads(pickle.dumps(m))
        assert twin[1] is twin
        backends[backend] = twin.backend
    assert backends == dict(zip(BACKENDS, BACKENDS, strict=True))


# ---- nothing else -------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_live_parts_say_what_is_behind_them(backend):
    m = filled(SkipListMap, backend=backend)
    s = filled(SkipListSet, backend=backend)
    assert {m.submap(1).backend, m.descending().backend, s.subset(1, 3).backend} == {backend}


def test_it_is_no_part_of_the_content():
    free, locked = (filled(SkipListMap, backend=backend) for backend in BACKENDS)
    assert free == locked
    assert repr(free) == repr(locked) == "SkipListMap({0: 0, 1: -1, 2: -2, 3: -3, 4: -4})"
    assert SkipListSet(free, backend="locked") == SkipListSet(free)
    assert locked.frozen() == free.snapshot() == locked.snapshot() == FrozenSkipListMap(free)


def test_one_is_filled_from_the_other():
    for backend, another in (BACKENDS, BACKENDS[::-1]):
        m = SkipListMap(filled(SkipListMap, backend=backend), backend=another)
        assert (m.backend, m) == (another, filled(SkipListMap))
        s = SkipListSet(filled(SkipListSet, backend=backend), backend=another)
        assert (s.backend, s) == (another, filled(SkipListSet))


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_ones_thaw_with_what_auto_is(backend):
    assert filled(SkipListMap, backend=backend).frozen().thaw().backend == "lockfree"
    assert filled(SkipListSet, backend=backend).frozen().thaw().backend == "lockfree"
