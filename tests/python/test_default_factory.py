"""Maps with a default factory, which behave as collections.defaultdict does, and __missing__, as in a dict."""

from __future__ import annotations

import collections
import copy
import functools
import gc
import pickle
import weakref

import pytest
from support import (
    Key,
    check,
    dead,
    in_background,
    rounds,
    run_copies,
    until_memory_suffices,
)


class Failure(Exception):
    pass


def fail(*_):
    raise Failure


def refuse(*_):
    raise AssertionError("the factory was called")


class TestMissingKeys:
    def test_a_look_up_with_brackets_stores_what_the_factory_makes(self, Map):
        m = Map({1: "there"}, default_factory=list)
        assert m[1] == "there"
        m[2].append("a")
        m[2].append("b")
        assert m == {1: "there", 2: ["a", "b"]}

    def test_nothing_else_asks_the_factory(self, Map):
        m = Map(default_factory=refuse)
        assert m.get(1) is None and m.get(1, "x") == "x"
        assert 1 not in m and not m.contains(1)
        assert m.pop(1, None) is None
        assert m.floor_key(1) is None and list(m.items()) == []
        assert m == {} and m != {1: 1}
        for function in (m.pop, m.__delitem__):
            with pytest.raises(KeyError):
                function(1)

    def test_without_one_it_is_a_key_error(self, Map):
        m = Map()
        assert m.default_factory is None
        for key in (1, (1, 2), "text", Key(1)):
            with pytest.raises(KeyError) as raised:
                m[key]
            assert raised.value.args == (key,)
            with pytest.raises(KeyError):
                m.__missing__(key)
        assert len(m) == 0

    def test_what_the_factory_raises_is_raised(self, Map):
        m = Map(default_factory=fail)
        with pytest.raises(Failure):
            m[1]
        assert len(m) == 0

    def test_a_key_that_cannot_be_stored_is_refused(self, Map):
        m = Map({1: 1}, default_factory=int)
        with pytest.raises(TypeError):
            m["text"]
        with pytest.raises(ValueError, match="NaN"):
            m[float("nan")]
        with pytest.raises(TypeError):
            Map(default_factory=int)[None]
        assert m == {1: 1}

    def test_a_value_that_comes_while_the_factory_runs_stays(self, Map):
        def make():
            m[1] = "other"
            return "mine"

        m = Map(default_factory=make)
        assert m[1] == "other" == m.get(1)

    def test_every_thread_gets_the_same_value(self, Map, smr_scheme, eager_switching):
        m = Map(default_factory=list)
        count = rounds(1_500)

        def work(index):
            for key in range(count):
                m[key].append(index)

        run_copies(4, work)
        assert all(sorted(value) == [0, 1, 2, 3] for value in m.values())
        assert list(m) == list(range(count))
        check(m)

    def test_without_memory_nothing_changes(self, Map, no_failing_allocations):
        m = Map({2: 2}, default_factory=lambda: "made")

        def is_unchanged():
            assert dict(m.items()) == {2: 2}

        assert until_memory_suffices(no_failing_allocations, lambda: m[1], is_unchanged) == "made"

        def set_it():
            m.default_factory = refuse

        until_memory_suffices(no_failing_allocations, set_it)
        assert m.default_factory is refuse


class TestTheAttribute:
    def test_it_can_be_set(self, Map):
        m = Map()
        m.default_factory = list
        assert m.default_factory is list and m[1] == []
        m.default_factory = None
        assert m.default_factory is None
        with pytest.raises(KeyError):
            m[2]
        m.default_factory = int
        assert m[2] == 0

    @pytest.mark.parametrize("bad", [3, "text", []])
    def test_it_has_to_be_callable(self, Map, bad):
        name = type(bad).__name__
        message = f"^default_factory: expected a callable or None, got {name}$"
        with pytest.raises(TypeError, match=message):
            Map(default_factory=bad)
        m = Map(default_factory=int)
        with pytest.raises(TypeError, match=message):
            m.default_factory = bad
        assert m.default_factory is int

    def test_init_sets_it_anew_as_with_defaultdict(self, Map):
        m = Map({1: 1}, default_factory=int)
        m.__init__({2: 2})
        assert m.default_factory is None and m == {1: 1, 2: 2}

    def test_a_keyword_with_another_name_is_no_entry(self, Map):
        with pytest.raises(TypeError, match=r"unexpected keyword arguments: b; .* update\(\)"):
            Map({"a": 1}, default_factory=int, b=2)

    def test_it_lives_as_long_as_the_map(self, Map):
        class Factory:
            def __call__(self):
                return 1

        factories = [Factory(), Factory()]
        references = [weakref.ref(factory) for factory in factories]
        m = Map(default_factory=factories[0])
        m.default_factory = factories[1]
        m.default_factory = None
        del factories
        gc.collect()
        assert not any(map(dead, references))
        del m
        gc.collect()
        assert all(map(dead, references))

    def test_a_cycle_through_the_factory_is_found(self, Map):
        class Factory:
            def __call__(self):
                return 1

        factory = Factory()
        factory.map = Map(default_factory=factory)
        references = weakref.ref(factory), weakref.ref(factory.map)
        del factory
        gc.collect()
        assert all(map(dead, references))

    def test_it_may_be_set_while_others_use_it(self, Map, eager_switching):
        m = Map()

        def change():
            m.default_factory = lambda: "made"
            m.default_factory = None

        def work(index):
            for n in range(rounds(2_000)):
                try:
                    assert m[index, n] == "made"
                except KeyError:
                    pass

        with in_background(change):
            run_copies(2, work)
        check(m)


class TestCopies:
    """As for a defaultdict, the factory goes with the map."""

    def test_repr(self, Map):
        name = Map.__name__
        assert repr(Map(default_factory=list)) == f"{name}(default_factory=<class 'list'>)"
        assert (
            repr(Map({1: 2}, default_factory=int))
            == f"{name}({{1: 2}}, default_factory=<class 'int'>)"
        )
        assert repr(Map({1: 2})) == f"{name}({{1: 2}})"

    def test_a_factory_that_shows_the_map_does_not_go_round(self, Map):
        m = Map()
        m.default_factory = functools.partial(m.get_or_insert, m)
        assert "({...})" in repr(m)

    def test_for_ipython(self, Map):
        pretty = pytest.importorskip("IPython.lib.pretty")
        m = Map({1: 2}, default_factory=int)
        assert pretty.pretty(m) == repr(m)
        assert pretty.pretty(Map(default_factory=int)) == repr(Map(default_factory=int))

    def test_copies_and_pickles(self, Map):
        m = Map({1: [2]}, default_factory=list)
        copies = [m.copy(), copy.copy(m), copy.deepcopy(m)]
        copies += [
            pickle.loads(pickle.dumps(m, protocol))
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ]
        for other in copies:
            assert type(other) is Map and other == m and other is not m
            assert other.default_factory is list
            other[5].append(1)
        assert m == {1: [2]}
        assert copies[1][1] is m[1] and copies[2][1] is not m[1]

    def test_a_subclass_keeps_its_attributes_too(self, Map):
        class Special(Map):
            pass

        m = Special({1: 2}, default_factory=list)
        m.name = "x"
        for other in (copy.copy(m), copy.deepcopy(m)):
            assert type(other) is Special and other.name == "x"
            assert other == {1: 2} and other.default_factory is list

    def test_unions(self, Map):
        m = Map({1: 1}, default_factory=list)
        for union in (m | {2: 2}, {2: 2} | m, m | Map({2: 2}, default_factory=int)):
            assert union == {1: 1, 2: 2} and union.default_factory is list
        m |= {3: 3}
        assert m.default_factory is list
        assert Map.fromkeys([1]).default_factory is None

    def test_it_is_no_part_of_the_value(self, Map):
        assert Map({1: 1}, default_factory=list) == Map({1: 1})
        assert Map({1: 1}, default_factory=list) == collections.defaultdict(int, {1: 1})


class TestMissing:
    """`__missing__` of a subclass, as dict has it."""

    def test_it_answers_brackets_alone(self, Map):
        class Asks(Map):
            def __missing__(self, key):
                return "missing", key

        m = Asks({1: 1})
        assert m[1] == 1 and m[2] == ("missing", 2)
        assert m.get(2) is None and 2 not in m and len(m) == 1
        assert "{x}".format_map(Asks()) == "('missing', 'x')"

    def test_it_may_raise_and_store_and_ask_the_base(self, Map):
        class Stores(Map):
            def __missing__(self, key):
                if key < 0:
                    raise Failure
                if key == 0:
                    return super().__missing__(key)
                return self.setdefault(key, key * 2)

        m = Stores()
        assert m[4] == 8 and m == {4: 8}
        with pytest.raises(Failure):
            m[-1]
        with pytest.raises(KeyError):
            m[0]
        m.default_factory = list
        assert m[0] == [] and m == {0: [], 4: 8}

    def test_it_comes_before_the_factory(self, Map):
        class Asks(Map):
            def __missing__(self, key):
                return "missing"

        assert Asks(default_factory=refuse)[1] == "missing"

    def test_one_of_an_instance_does_not_count(self, Map):
        class Plain(Map):
            pass

        m = Plain()
        m.__missing__ = lambda key: "instance"
        with pytest.raises(KeyError):
            m[1]

    def test_any_descriptor_will_do(self, Map):
        class Callable:
            def __call__(self, key):
                return "called", key

        class First(Map):
            __missing__ = Callable()

        class Second(Map):
            @staticmethod
            def __missing__(key):
                return "static", key

        class Third(Second):
            @classmethod
            def __missing__(cls, key):
                return cls, key

        assert First()[1] == ("called", 1)
        assert Second()[1] == ("static", 1)
        assert Third()[1] == (Third, 1)
