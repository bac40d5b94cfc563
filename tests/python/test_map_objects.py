"""Ordered maps and sets as Python objects: copy, pickle, repr, subclasses, weakrefs, size."""

from __future__ import annotations

import copy
import gc
import operator
import pickle
import sys
import types
import weakref

import pytest
from ordered_kinds import MAPS, OF_THE_TESTS, SETS
from support import Key

from concurrent_collections import (  # noqa: F401  (what repr shows)
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
)

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


class Named(SkipListMap):
    """A subclass with state of its own; at module level, so that it can be pickled."""

    def __init__(self, *arguments, name="unnamed", **keywords):
        super().__init__(*arguments, **keywords)
        self.name = name


class NamedSet(SkipListSet):
    pass


class SlottedSet(SkipListSet):
    __slots__ = ("__dict__", "extra")


class SelfMadeSet(SkipListSet):
    """Saves and restores itself in its own way."""

    def __getstate__(self):
        return "saved"

    def __setstate__(self, state):
        self.restored = state


class Element(Key):
    """Leads back to where it is."""

    home = None


class Slotted(SkipListMap):
    __slots__ = ("extra",)


class Demanding(SkipListMap):
    def __init__(self, name):
        super().__init__()
        self.name = name


class DemandingSet(SkipListSet):
    def __init__(self, name):
        super().__init__()
        self.name = name


class Reserved(SkipListMap):
    """Says itself what of its attributes is to be saved."""

    def __getstate__(self):
        return {"saved": "by getstate"}


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, through_pickle])
class TestCopiesOfSubclasses:
    """They are made as those of subclasses of dict are."""

    def test_slots_are_copied(self, how):
        m = Slotted({1: "a"})
        m.extra = 5
        twin = how(m)
        assert twin.extra == 5
        assert dict(twin) == {1: "a"}

    @pytest.mark.parametrize("cls", [Demanding, DemandingSet])
    def test_init_is_not_called_again(self, how, cls):
        container = cls("mine")
        container.update([(1, "a")])
        twin = how(container)
        assert type(twin) is cls
        assert twin.name == "mine"
        assert list(twin) == list(container)

    def test_getstate_is_asked(self, how):
        m = Reserved({1: "a"})
        m.saved = "no"
        assert how(m).saved == "by getstate"


class TestCopy:
    @pytest.mark.parametrize("how", [operator.methodcaller("copy"), copy.copy])
    def test_a_map_s_copy_is_shallow_and_independent(self, Map, how):
        value = []
        m = Map({1: value, 2: "b"})
        twin = how(m)
        assert type(twin) is Map
        assert twin == m
        assert twin[1] is value
        twin[3] = "c"
        del twin[2]
        assert dict(m) == {1: [], 2: "b"}

    @pytest.mark.parametrize("how", [operator.methodcaller("copy"), copy.copy])
    def test_a_set_s_copy_is_independent(self, Set, how):
        s = Set([1, 2])
        twin = how(s)
        assert type(twin) is Set
        twin.add(3)
        assert list(s) == [1, 2]
        assert list(twin) == [1, 2, 3]

    @pytest.mark.reads
    def test_a_deep_copy_shares_nothing(self, Map):
        m = Map({1: [1], 2: Map({1: [2]})})
        twin = copy.deepcopy(m)
        assert twin == m
        twin[1].append(2)
        twin[2][1].append(3)
        assert m[1] == [1]
        assert m[2][1] == [2]

    def test_a_deep_copy_of_a_map_that_contains_itself_contains_itself(self, Map):
        m = Map()
        m[1] = m
        twin = copy.deepcopy(m)
        assert twin is not m
        assert twin[1] is twin
        m.clear()
        twin.clear()

    @pytest.mark.reads
    def test_a_deep_copy_of_a_set_copies_its_elements(self, Set):
        element = Key(1)
        twin = copy.deepcopy(Set([element]))
        assert twin.first() == element
        assert twin.first() is not element

    def test_a_subclass_s_copy_keeps_its_class_and_attributes(self):
        m = Named({1: "a"}, name="mine")
        for twin in (m.copy(), copy.copy(m), copy.deepcopy(m)):
            assert type(twin) is Named
            assert dict(twin) == {1: "a"}
        assert copy.copy(m).name == "mine"
        assert copy.deepcopy(m).name == "mine"


class TestPickle:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    @pytest.mark.parametrize(
        "entries",
        [
            {},
            {1: "a", 2: None},
            {"x": [1], "y": {}},
            {(1, "a"): 2.5, (0, "b"): b""},
            {10**30: 1, -(10**30): 2, 0.5: 3},
            {"\ud800": 1, "\U0001f600": 2, "a\0": 3},
        ],
    )
    def test_a_map_comes_back_equal(self, Map, protocol, entries):
        m = Map(entries)
        twin = pickle.loads(pickle.dumps(m, protocol))
        assert type(twin) is Map
        assert twin == m
        assert list(twin) == list(m)

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_set_comes_back_equal(self, Set, protocol):
        s = Set(["b", "a", "c"])
        twin = pickle.loads(pickle.dumps(s, protocol))
        assert type(twin) is Set
        assert list(twin) == ["a", "b", "c"]

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_subclass_comes_back_with_its_attributes(self, protocol):
        m = Named({1: "a"}, name="mine")
        twin = pickle.loads(pickle.dumps(m, protocol))
        assert type(twin) is Named
        assert dict(twin) == {1: "a"}
        assert twin.name == "mine"
        s = NamedSet([1, 2])
        s.name = "a set"
        twin = pickle.loads(pickle.dumps(s, protocol))
        assert type(twin) is NamedSet
        assert list(twin) == [1, 2]
        assert twin.name == "a set"

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_map_that_contains_itself_comes_back_so(self, Map, protocol):
        m = Map()
        m[1] = m
        twin = pickle.loads(pickle.dumps(m, protocol))
        assert twin[1] is twin
        m.clear()
        twin.clear()

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("kind", [*SETS, NamedSet])
    def test_a_set_whose_elements_lead_back_to_it_comes_back_so(self, protocol, kind):
        s = kind()
        for rank in (2, 1, 3):
            element = Element(rank)
            element.home = s
            s.add(element)
        for twin in (pickle.loads(pickle.dumps(s, protocol)), copy.deepcopy(s)):
            assert type(twin) is kind
            assert [element.rank for element in twin] == [1, 2, 3]
            assert all(element.home is twin for element in twin)
            assert twin.first() is not s.first()
            twin.clear()
        s.clear()

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, through_pickle])
    def test_a_set_comes_back_with_attributes_slots_and_its_own_state(self, Set, how):
        s = SlottedSet([2, 1])
        s.extra, s.other = "slot", "attribute"
        twin = how(s)
        assert (list(twin), twin.extra, twin.other) == ([1, 2], "slot", "attribute")
        twin = how(SelfMadeSet([2, 1]))
        assert (list(twin), twin.restored) == ([1, 2], "saved")
        twin = how(Set())
        assert type(twin) is Set
        assert not twin

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickles_name_public_modules_only(self, Map, Set, protocol):
        for container in (Map({1: 2}), Set([1]), SelfMadeSet([1])):
            assert b"_ordered" not in pickle.dumps(container, protocol)

    def test_a_large_map_comes_back(self, Map):
        m = Map.fromkeys(range(20_000), "v")
        assert pickle.loads(pickle.dumps(m)) == m

    def test_the_pickled_class_is_named_by_the_public_module(self, Map, Set):
        for cls in (Map, Set):
            if cls not in OF_THE_TESTS:  # those are the tests' own
                assert cls.__module__ == "concurrent_collections"
                assert cls.__qualname__ == cls.__name__


class TestRepr:
    @pytest.mark.reads
    def test_it_shows_the_entries_in_order(self, Map, Set):
        assert repr(Map({2: "b", 1: "a"})) == f"{Map.__name__}({{1: 'a', 2: 'b'}})"
        assert repr(Map()) in (f"{Map.__name__}({{}})", f"{Map.__name__}()")
        assert repr(Set([2, 1])) == f"{Set.__name__}({{1, 2}})"
        assert repr(Set()) == f"{Set.__name__}()"

    def test_it_can_be_evaluated(self, Map, Set):
        names = {Map.__name__: Map, Set.__name__: Set}
        m = Map({"b": [2], "a": (1,)})
        assert eval(repr(m), names) == m
        assert eval(repr(Map()), names) == Map()
        s = Set(["x", "y"])
        assert eval(repr(s), names) == s

    def test_a_map_that_contains_itself_is_shown_with_dots(self, Map):
        m = Map()
        m[1] = m
        assert repr(m) == f"{Map.__name__}({{1: {Map.__name__}({{...}})}})"
        m[2] = [m]
        assert "..." in repr(m)
        m.clear()

    def test_it_names_the_subclass(self):
        assert repr(Named({1: "a"})) == "Named({1: 'a'})"
        assert repr(NamedSet([1])) == "NamedSet({1})"

    def test_an_error_in_a_value_s_repr_comes_through_and_leaves_no_dots_behind(self, Map):
        class Broken:
            def __repr__(self):
                raise LookupError("repr")

        m = Map({1: Broken()})
        with pytest.raises(LookupError):
            repr(m)
        m[1] = "a"
        assert repr(m) == f"{Map.__name__}({{1: 'a'}})"

    def test_a_repr_that_empties_the_map_is_harmless(self, Map):
        class Emptier:
            def __repr__(self):
                m.clear()
                return "emptier"

        m = Map({key: Emptier() for key in range(100)})
        assert repr(m).startswith(f"{Map.__name__}({{0: emptier")


class TestSubclasses:
    def test_they_may_override_methods(self, Map):
        class Counting(Map):
            stores = 0

            def __setitem__(self, key, value):
                self.stores += 1
                super().__setitem__(key, value)

        m = Counting()
        m[1] = "a"
        m[1] = "b"
        assert m.stores == 2
        assert m[1] == "b"

    def test_they_may_have_slots(self):
        m = Slotted({1: "a"})
        m.extra = 5
        assert m.extra == 5
        assert dict(m) == {1: "a"}
        with pytest.raises(AttributeError):
            m.other = 1

    def test_the_classes_themselves_take_no_attributes(self, Map):
        if Map in OF_THE_TESTS:
            pytest.skip("a class of the tests' own")
        with pytest.raises(AttributeError):
            Map().attribute = 1
        with pytest.raises(TypeError):
            Map.attribute = 1

    @pytest.mark.parametrize("public", [cls for cls in (*MAPS, *SETS) if cls not in OF_THE_TESTS])
    def test_what_a_family_has_in_common_is_no_base_class(self, public):
        in_common = public.__base__
        with pytest.raises(TypeError, match="not to be instantiated"):
            in_common()
        with pytest.raises(TypeError, match="not an acceptable base type"):
            type("Derived", (in_common,), {})
        derived = type("Derived", (public,), {})
        with pytest.raises(TypeError):
            derived.__bases__ = (in_common,)
        assert len(derived([(1, 2)])) == 1

    def test_fromkeys_makes_the_subclass(self):
        m = Named.fromkeys([2, 1])
        assert type(m) is Named
        assert list(m) == [1, 2]

    def test_a_subclass_that_does_not_call_init_is_empty_and_usable(self, Map):
        class Careless(Map):
            def __init__(self, *arguments):
                pass

        m = Careless({1: "a"})
        assert len(m) == 0
        m[1] = "b"
        assert dict(m) == {1: "b"}

    def test_new_without_init_is_empty_and_usable(self, Map, Set):
        for cls in (Map, Set):
            container = cls.__new__(cls)
            assert len(container) == 0
            assert list(container) == []

    def test_they_can_inherit_from_other_python_classes_too(self, Map):
        class Mixin:
            def double(self):
                return len(self) * 2

        class Mixed(Mixin, Map):
            pass

        assert Mixed({1: 1}).double() == 2

    def test_a_subclass_set_keeps_its_kind_of_elements(self):
        s = NamedSet([3, 1])
        s.add(2)
        assert list(s) == [1, 2, 3]


@pytest.mark.parametrize("cls", [*MAPS, *SETS])
class TestBoth:
    def test_weak_references_work(self, cls):
        container = cls()
        reference = weakref.ref(container)
        assert reference() is container
        del container
        assert reference() is None

    def test_weak_reference_callbacks_run(self, cls):
        called = []
        container = cls()
        reference = weakref.ref(container, called.append)
        del container
        assert called == [reference]

    @pytest.mark.reads
    def test_it_can_be_parametrized_at_run_time(self, Map, cls):
        parameters = (int, str) if cls is Map else int
        alias = cls[parameters]
        assert isinstance(alias, types.GenericAlias)
        assert alias.__origin__ is cls
        assert type(alias()) is cls

    def test_the_collector_knows_it(self, cls):
        container = cls()
        assert gc.is_tracked(container)

    def test_flush_may_be_called_at_any_time(self, cls):
        container = cls()
        container.flush()
        container.flush()


class TestSize:
    def test_the_size_grows_with_entries_and_shrinks_again(self, Map):
        m = Map()
        empty = sys.getsizeof(m)
        m.update((key, None) for key in range(10_000))
        full = sys.getsizeof(m)
        assert full - empty >= 10_000 * 16
        m.clear()
        m.flush()
        assert sys.getsizeof(m) < full / 2

    @pytest.mark.parametrize("size", [10_000, 100_000])
    def test_an_entry_takes_at_most_56_bytes(self, Map, size):
        m = Map()
        empty = sys.getsizeof(m)
        for key in range(size):
            m[key] = None
        assert (sys.getsizeof(m) - empty) / size <= 56

    def test_a_set_has_a_size_too(self, Set):
        s = Set()
        empty = sys.getsizeof(s)
        s.update(range(1000))
        assert sys.getsizeof(s) > empty
