"""Live parts of ordered containers: any program of all their methods against a sequential model.

A part is a view of a map or set: its range may lie inside another one's, in the order of the container or in the opposite
one. The model of a part is the list of conditions that its keys fulfil.
"""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import MutableMapping, MutableSet

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ordered_kinds import MAPS, SETS
from support import Key, Object, collect, dead, rounds

MISSING = object()
MOST_PARTS = 4
PROGRAMS = settings(max_examples=rounds(40), stateful_step_count=40)

KEYS = {
    "small ints": st.integers(-8, 8),
    "numbers": st.integers(-4, 4)
    | st.integers(-4, 4).map(float)
    | st.sampled_from([True, 0.5, -0.0, 2**63, 2**64, float("inf")]),
    "texts": st.text("ab\0é", max_size=2),
    "python keys": st.integers(-6, 6).map(Key),
}
# Not to be compared with any of these keys, which is nobody's doing but Python's.
STRANGERS = {"small ints": "a", "numbers": "a", "texts": 1}
values = st.integers(0, 3)
inclusives = st.tuples(st.booleans(), st.booleans())


def answer(function, *arguments, **keywords):
    """What a call returns, or which exception it raises, in a form that can be compared."""
    try:
        return function(*arguments, **keywords)
    except (KeyError, ValueError, TypeError) as error:
        return type(error)


class Part:
    """What is known of a part: conditions, each of two bounds in ascending order, and its direction."""

    def __init__(self, conditions=(), reverse=False):
        self.conditions = conditions
        self.reverse = reverse

    def has(self, key):
        return all(
            (low is None or low < key or (at_low and not key < low))
            and (high is None or key < high or (at_high and not high < key))
            for low, high, (at_low, at_high) in self.conditions
        )

    def keys(self, among):
        return sorted(filter(self.has, among), reverse=self.reverse)

    def within(self, start, stop, inclusive):
        if self.reverse:
            start, stop, inclusive = stop, start, inclusive[::-1]
        return Part((*self.conditions, (start, stop, inclusive)), self.reverse)

    def descending(self):
        return Part(self.conditions, not self.reverse)

    def comes_before(self, a, b):
        return b < a if self.reverse else a < b

    def neighbour(self, among, relation, asked):
        """By the definition of the relations, in the part's own order."""
        before, keys = self.comes_before, self.keys(among)
        found = {
            "floor": [k for k in keys if not before(asked, k)][-1:],
            "lower": [k for k in keys if before(k, asked)][-1:],
            "ceiling": [k for k in keys if not before(k, asked)][:1],
            "higher": [k for k in keys if before(asked, k)][:1],
        }[relation]
        return found[0] if found else None


relations = st.sampled_from(["floor", "lower", "ceiling", "higher"])


class PartsMachine(RuleBasedStateMachine):
    """What parts of maps and of sets have in common; `model` is a dict or a set."""

    def begin(self, model, container):
        self.model, self.container = model, container
        self.parts = [(container, Part())]

    def chosen(self, number):
        return self.parts[number % len(self.parts)]

    def keep(self, view, part):
        if len(self.parts) == MOST_PARTS:
            del self.parts[1]
        self.parts.append((view, part))

    def remove(self, keys):
        for key in keys:
            self.model.pop(key) if isinstance(self.model, dict) else self.model.remove(key)

    def entry(self, key):
        return (key, self.model[key]) if isinstance(self.model, dict) else key

    @invariant()
    def every_part_shows_what_it_should(self):
        if not hasattr(self, "parts"):
            return
        for view, part in self.parts:
            keys = part.keys(self.model)
            assert list(view) == keys
            assert list(reversed(view)) == keys[::-1]
            assert len(view) == len(keys)
            assert bool(view) == bool(keys)
            if isinstance(self.model, dict):
                assert list(view.items()) == [(k, self.model[k]) for k in keys]


numbers = st.integers(0, MOST_PARTS - 1)


def machine_of_parts(keys, stranger):
    bounds = keys | st.none()
    names = {dict: "submap", set: "subset"}

    class Machine(PartsMachine):
        # -- making more of them --

        @rule(number=numbers, start=bounds, stop=bounds, inclusive=inclusives)
        def make_part(self, number, start, stop, inclusive):
            view, part = self.chosen(number)
            make = getattr(view, names[type(self.model)])
            self.keep(make(start, stop, inclusive=inclusive), part.within(start, stop, inclusive))

        @rule(number=numbers)
        def make_descending(self, number):
            view, part = self.chosen(number)
            self.keep(view.descending(), part.descending())

        @rule(number=numbers, n=st.integers(1, 9), which=st.integers(0, 8))
        def split(self, number, n, which):
            view, part = self.chosen(number)
            parts = view.split(n)
            expected = part.keys(self.model)
            assert [key for each in parts for key in each] == expected
            assert 1 <= len(parts) <= n
            chosen = parts[which % len(parts)]
            self.keep(chosen, part.within(chosen.start, chosen.stop, chosen.inclusive))

        # -- order --

        @rule(number=numbers, relation=relations, key=keys)
        def neighbour(self, number, relation, key):
            view, part = self.chosen(number)
            expected = part.neighbour(self.model, relation, key)
            if isinstance(self.model, set):
                assert getattr(view, relation)(key) == expected
            else:
                assert getattr(view, f"{relation}_key")(key) == expected
                item = None if expected is None else self.entry(expected)
                assert getattr(view, f"{relation}_item")(key) == item

        @rule(number=numbers, last=st.booleans())
        def ends(self, number, last):
            view, part = self.chosen(number)
            expected = part.keys(self.model)[-1:] if last else part.keys(self.model)[:1]
            whats = ["_key", "_item"] if isinstance(self.model, dict) else [""]
            for what in whats:
                function = getattr(view, ("last" if last else "first") + what)
                if expected:
                    found = self.entry(expected[0]) if what == "_item" else expected[0]
                    assert function() == function(MISSING) == found
                else:
                    assert answer(function) is KeyError
                    assert function(MISSING) is MISSING

        @rule(number=numbers, last=st.booleans(), default=st.sampled_from([(), (MISSING,)]))
        def pop_end(self, number, last, default):
            view, part = self.chosen(number)
            function = view.pop_last if last else view.pop_first
            expected = part.keys(self.model)[-1:] if last else part.keys(self.model)[:1]
            if expected:
                assert function(*default) == self.entry(expected[0])
                self.remove(expected)
            else:
                assert answer(function) is KeyError
                assert function(MISSING) is MISSING

        # -- ranges --

        @rule(
            number=numbers,
            start=bounds,
            stop=bounds,
            inclusive=inclusives,
            reverse=st.booleans(),
            key=keys,
        )
        def between(self, number, start, stop, inclusive, reverse, key):
            view, part = self.chosen(number)
            expected = part.within(start, stop, inclusive).keys(self.model)
            in_order = expected[::-1] if reverse else expected
            assert view.count_range(start, stop, inclusive=inclusive) == len(expected)
            assert list(view.irange(start, stop, inclusive, reverse)) == in_order
            options = {"inclusive": inclusive, "reverse": reverse}
            if isinstance(self.model, set):
                found = view.range(start, stop, **options)
            else:
                found = view.keys(start, stop, **options)
                entries = [*map(self.entry, in_order)]
                assert list(view.items(start, stop, **options)) == entries
                assert list(view.items(start, stop, **options, consistent=True)) == entries
                assert list(view.values(start, stop, **options)) == [
                    self.model[k] for k in in_order
                ]
            assert list(found) == in_order
            assert list(reversed(found)) == in_order[::-1]
            assert len(found) == len(expected)
            assert (key in found) == (key in expected)

        @rule(number=numbers, start=bounds, stop=bounds, inclusive=inclusives)
        def clear_range(self, number, start, stop, inclusive):
            view, part = self.chosen(number)
            expected = part.within(start, stop, inclusive).keys(self.model)
            assert view.clear_range(start, stop, inclusive=inclusive) == len(expected)
            self.remove(expected)

        @rule(
            number=numbers,
            start=bounds,
            stop=bounds,
            inclusive=inclusives,
            reverse=st.booleans(),
            most=st.none() | st.integers(0, 4),
        )
        def pop_range(self, number, start, stop, inclusive, reverse, most):
            view, part = self.chosen(number)
            expected = part.within(start, stop, inclusive).keys(self.model)
            expected = (expected[::-1] if reverse else expected)[:most]
            popped = view.pop_range(start, stop, most, inclusive=inclusive, reverse=reverse)
            assert popped == [*map(self.entry, expected)]
            self.remove(expected)

        @precondition(lambda self: len(self.model) > 6)
        @rule(number=numbers)
        def clear(self, number):
            view, part = self.chosen(number)
            view.clear()
            self.remove(part.keys(self.model))

        if stranger is not None:

            @rule(number=numbers)
            def look_for_what_cannot_be_there(self, number):
                view, _ = self.chosen(number)
                before = copy.copy(self.model)
                assert stranger not in view
                if isinstance(self.model, set):
                    assert view.discard(stranger) is None
                    assert answer(view.remove, stranger) is KeyError
                    assert list(view & {stranger}) == []
                    store = view.add
                else:
                    assert view.get(stranger, MISSING) is view.pop(stranger, MISSING) is MISSING
                    assert view.delete(stranger) is False
                    for function in (view.__getitem__, view.__delitem__, view.pop):
                        assert answer(function, stranger) is KeyError
                    store = view.setdefault
                if view:
                    assert answer(store, stranger) is TypeError
                assert self.model == before

    return Machine


def machine_of_maps(map_class, keys, stranger):
    class MapMachine(machine_of_parts(keys, stranger)):
        @initialize(entries=st.dictionaries(keys, values, max_size=12))
        def construct(self, entries):
            self.begin(dict(entries), map_class(entries))

        @rule(number=numbers, key=keys, value=values, expected=values)
        def store(self, number, key, value, expected):
            view, part = self.chosen(number)
            stores = {
                "__setitem__": lambda old: (None, value),
                "put": lambda old: (None if old is MISSING else old, value),
                "put_if_absent": lambda old: (None, value) if old is MISSING else (old, old),
                "setdefault": lambda old: (value, value) if old is MISSING else (old, old),
                "replace": lambda old: (None, MISSING) if old is MISSING else (old, value),
            }
            for name, model in stores.items():
                if not part.has(key):
                    assert answer(getattr(view, name), key, value) is ValueError
                    continue
                result, after = model(self.model.get(key, MISSING))
                assert getattr(view, name)(key, value) == result
                if after is not MISSING:
                    self.model[key] = after
                if name != "replace" and value == 0:
                    self.container.delete(key)
                    self.model.pop(key, None)
            if not part.has(key):
                assert answer(view.replace_if, key, expected, value) is ValueError
            else:
                matches = self.model.get(key, MISSING) == expected
                assert view.replace_if(key, expected, value) is matches
                if matches:
                    self.model[key] = value

        @rule(number=numbers, key=keys)
        def look_up(self, number, key):
            view, part = self.chosen(number)
            expected = self.model.get(key, MISSING) if part.has(key) else MISSING
            assert view.get(key, MISSING) is expected
            assert (key in view) is view.contains(key) is (expected is not MISSING)
            assert answer(view.__getitem__, key) == (KeyError if expected is MISSING else expected)

        @rule(number=numbers, key=keys, how=st.sampled_from(["delete", "del", "pop", "default"]))
        def remove_one(self, number, key, how):
            view, part = self.chosen(number)
            old = self.model.get(key, MISSING) if part.has(key) else MISSING
            there = old is not MISSING
            if how == "delete":
                assert view.delete(key) is there
            elif how == "del":
                assert answer(view.__delitem__, key) == (None if there else KeyError)
            elif how == "pop":
                assert answer(view.pop, key) == (old if there else KeyError)
            else:
                assert view.pop(key, MISSING) is old
            if there:
                del self.model[key]

        @rule(number=numbers, last=st.booleans())
        def popitem(self, number, last):
            view, part = self.chosen(number)
            found = part.keys(self.model)[-1:] if last else part.keys(self.model)[:1]
            assert answer(view.popitem, last=last) == (self.entry(found[0]) if found else KeyError)
            self.remove(found)

        @rule(
            number=numbers, entries=st.dictionaries(keys, values, max_size=4), pairs=st.booleans()
        )
        def update(self, number, entries, pairs):
            view, part = self.chosen(number)
            result = answer(view.update, list(entries.items()) if pairs else entries)
            for key, value in entries.items():
                if not part.has(key):
                    assert result is ValueError
                    return
                self.model[key] = value
            assert result is None

        @rule(number=numbers, entries=st.dictionaries(keys, values, max_size=3))
        def compare_and_unite(self, number, entries):
            view, part = self.chosen(number)
            model = {k: self.model[k] for k in part.keys(self.model)}
            assert (view == entries) == (entries == view) == (model == entries)
            assert view == model == view
            assert view == map_class(model) == view
            assert view == view.descending() == view
            assert (view != map_class(entries)) == (model != entries)
            assert view | entries == model | entries
            assert entries | view == entries | model
            assert map_class(entries) | view == entries | model

        @rule(number=numbers)
        def copies(self, number):
            view, part = self.chosen(number)
            items = [(k, self.model[k]) for k in sorted(part.keys(self.model))]
            for make in (view.copy, lambda: copy.copy(view), lambda: copy.deepcopy(view)):
                twin = make()
                assert type(twin) is map_class
                assert list(twin.items()) == items
            assert list(map_class(view).items()) == items
            assert list(view.frozen().items()) == list(view.snapshot().items()) == items
            assert list(view.to_dict().items()) == items[:: -1 if part.reverse else 1]

    return MapMachine


def machine_of_sets(set_class, keys, stranger):
    groups = st.sets(keys, max_size=6)
    kinds = st.sampled_from([set, frozenset, set_class])

    class SetMachine(machine_of_parts(keys, stranger)):
        @initialize(elements=st.sets(keys, max_size=12))
        def construct(self, elements):
            self.begin(set(elements), set_class(elements))

        @rule(number=numbers, key=keys)
        def add(self, number, key):
            view, part = self.chosen(number)
            assert answer(view.add, key) == (None if part.has(key) else ValueError)
            if part.has(key):
                self.model.add(key)

        @rule(number=numbers, key=keys, how=st.sampled_from(["discard", "remove"]))
        def remove_one(self, number, key, how):
            view, part = self.chosen(number)
            there = part.has(key) and key in self.model
            assert (key in view) is there
            assert answer(getattr(view, how), key) == (
                None if there or how == "discard" else KeyError
            )
            if there:
                self.model.remove(key)

        @rule(number=numbers)
        def pop(self, number):
            view, part = self.chosen(number)
            found = part.keys(self.model)[:1]
            assert answer(view.pop) == (found[0] if found else KeyError)
            self.remove(found)

        @rule(number=numbers, others=groups, kind=kinds)
        def algebra(self, number, others, kind):
            view, part = self.chosen(number)
            model, other = set(part.keys(self.model)), kind(others)
            assert list(view | other) == list(view.union(other)) == sorted(model | others)
            assert list(other | view) == sorted(model | others)
            assert list(view & other) == list(view.intersection(other)) == sorted(model & others)
            assert list(view - other) == list(view.difference(other)) == sorted(model - others)
            assert set(other - view) == others - model
            assert list(view ^ other) == sorted(model ^ others)
            assert list(view.symmetric_difference(other)) == sorted(model ^ others)
            assert (view == other) == (other == view) == (model == others)
            assert (view <= other) == view.issubset(other) == (model <= others)
            assert (view < other) == (model < others)
            assert (view >= other) == view.issuperset(other) == (model >= others)
            assert (view > other) == (model > others)
            assert view.isdisjoint(other) == model.isdisjoint(others)

        @rule(number=numbers, others=groups, symbol=st.sampled_from("|&-^"), method=st.booleans())
        def change_in_place(self, number, others, symbol, method):
            view, part = self.chosen(number)
            model = set(part.keys(self.model))
            if not all(map(part.has, others)) and symbol in "|^":
                others = set(filter(part.has, others))
            names = {
                "|": ("update", "__ior__"),
                "&": ("intersection_update", "__iand__"),
                "-": ("difference_update", "__isub__"),
                "^": ("symmetric_difference_update", "__ixor__"),
            }
            name = names[symbol][not method]
            getattr(view, name)(others)
            self.model -= model
            self.model |= set(
                getattr(model, name.replace("__i", "__").replace("_update", ""))(others)
                if name != "update"
                else model | others
            )

        @rule(number=numbers, others=groups)
        def what_lies_outside_is_not_stored(self, number, others):
            view, part = self.chosen(number)
            if not all(map(part.has, others - set(part.keys(self.model)))):
                assert answer(view.symmetric_difference_update, others) is ValueError

        @rule(number=numbers)
        def copies(self, number):
            view, part = self.chosen(number)
            elements = sorted(part.keys(self.model))
            for make in (view.copy, lambda: copy.copy(view), lambda: copy.deepcopy(view)):
                twin = make()
                assert type(twin) is set_class
                assert list(twin) == elements
            assert list(set_class(view)) == elements
            assert list(view.frozen()) == elements

    return SetMachine


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("map_class", MAPS)
def test_parts_of_a_map_behave_as_their_model_in_any_program(map_class, kind):
    machine = machine_of_maps(map_class, KEYS[kind], STRANGERS.get(kind))
    run_state_machine_as_test(machine, settings=PROGRAMS)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("set_class", SETS)
def test_parts_of_a_set_behave_as_their_model_in_any_program(set_class, kind):
    machine = machine_of_sets(set_class, KEYS[kind], STRANGERS.get(kind))
    run_state_machine_as_test(machine, settings=PROGRAMS)


# ---- what a program of methods does not show ----


def test_they_are_what_they_are_views_of(Map, Set):
    part, elements = Map({1: "a"}).submap(1), Set([1]).subset(1)
    assert isinstance(part, MutableMapping)
    assert isinstance(elements, MutableSet)
    for thing in (part, elements):
        with pytest.raises(TypeError, match="unhashable"):
            hash(thing)
        with pytest.raises(AttributeError):
            thing.anything = 1
    match part:
        case {1: value}:
            assert value == "a"


def test_every_public_method_of_the_container_is_there(Map, Set):
    # But those that make a container, or are about its memory.
    others = {"from_sorted", "fromkeys", "flush", "smr_scheme"}
    for container, part in ((Map, Map().submap()), (Set, Set().subset())):
        wanted = {name for name in dir(container) if not name.startswith("_")} - others
        assert wanted <= set(dir(part)), wanted - set(dir(part))


def test_bounds_are_told_in_the_order_of_the_view(Map):
    part = Map().submap(1, 5)
    assert (part.start, part.stop, part.inclusive) == (1, 5, (True, False))
    down = part.descending()
    assert (down.start, down.stop, down.inclusive) == (5, 1, (False, True))
    assert (Map().descending().start, Map().submap(stop=3).start) == (None, None)
    narrower = part.submap(0, 3, inclusive=True).submap(1, 7, inclusive=False)
    assert (narrower.start, narrower.stop, narrower.inclusive) == (1, 3, (False, True))


def test_storing_outside_names_the_key_and_changes_nothing(Map, Set):
    m, s = Map({1: 1}), Set([1])
    with pytest.raises(ValueError, match=r"^key: 7 lies outside of the range"):
        m.submap(0, 5)[7] = 7
    with pytest.raises(ValueError, match=r"^element: 7 lies outside of the range"):
        s.subset(0, 5).add(7)
    assert list(m) == list(s) == [1]


def test_updates_of_one_entry_are_the_map_s(Map):
    m = Map({1: 1, 5: 5})
    part = m.submap(0, 5)
    assert part.compute(1, lambda n: n + 1) == 2
    assert part.compute_if_present(1, lambda n: n + 1) == 3
    assert part.compute_if_present(2, lambda n: n + 1) is None
    assert part.compute_if_absent(2, lambda: 2) == 2
    assert part.merge(2, 40, max) == 40
    assert part.increment(3) == 1
    assert part.increment(3, 5) == 6
    assert part.get_or_insert(4, "x") == "x"
    before = m.to_dict()
    assert before == {1: 3, 2: 40, 3: 6, 4: "x", 5: 5}
    for call in (
        lambda: part.compute(5, lambda n: n),
        lambda: part.compute_if_present(5, lambda n: n),
        lambda: part.compute_if_absent(6, list),
        lambda: part.merge(5, 1, max),
        lambda: part.increment(5),
        lambda: part.get_or_insert(5, 1),
    ):
        with pytest.raises(ValueError, match=r"^key: \d lies outside of the range"):
            call()
    assert m.to_dict() == before


def test_a_default_factory_is_for_keys_in_the_range(Map):
    m = Map(default_factory=list)
    part = m.submap(0, 5)
    part[1].append("a")
    assert m.to_dict() == {1: ["a"]}
    for key in (5, -1):
        with pytest.raises(KeyError):
            part[key]
    with pytest.raises(TypeError):
        part["a"]
    assert part.get(2) is None
    assert m.to_dict() == {1: ["a"]}
    assert part.copy().default_factory is part.default_factory is list
    part.default_factory = dict
    assert part[2] == {} == m[2]
    m.default_factory = None
    with pytest.raises(KeyError):
        part[3]

    class Own(Map):
        def __missing__(self, key):
            return -key

    assert Own().submap(0, 5)[3] == -3
    with pytest.raises(KeyError):
        Own().submap(0, 5)[7]


def test_it_writes_through_the_methods_of_a_subclass(Map):
    class Noting(Map):
        def __setitem__(self, key, value):
            super().__setitem__(key, (value, "noted"))

    m = Noting()
    m.submap(0, 9)[3] = "x"
    assert m[3] == ("x", "noted")
    assert type(m.submap(0, 9).copy()) is Noting


def test_results_of_its_algebra_are_of_the_subclass(Set):
    class Own(Set):
        pass

    part, other = Own([1, 2, 3]).subset(2), {3, 4}
    results = [part | other, part & other, part - other, part ^ other, part.copy()]
    assert [(type(result), list(result)) for result in results] == [
        (Own, numbers) for numbers in ([2, 3, 4], [3], [2], [2, 4], [2, 3])
    ]


def test_they_show_themselves_as_containers_do(Map, Set):
    m, s = Map({1: "a", 2: "b", 3: "c"}), Set([1, 2, 3])
    assert repr(m.submap(2)) == "SkipListSubMap({2: 'b', 3: 'c'})"
    assert repr(s.descending()) == "SkipListSubSet({3, 2, 1}, reverse=True)"
    assert repr(m.submap(7)) == "SkipListSubMap({})"
    assert repr(s.subset(7)) == "SkipListSubSet()"
    m[4] = m.submap(4)
    assert "..." in repr(m)


def test_they_are_copied_as_containers_and_not_pickled(Map, Set):
    for thing in (Map({1: [2]}).submap(), Set([1]).subset()):
        with pytest.raises(TypeError, match=r"^cannot pickle a SkipListSub\w+, which is a view"):
            pickle.dumps(thing)
    inner = [2]
    part = Map({1: inner}).submap()
    assert copy.copy(part)[1] is inner
    assert copy.deepcopy(part)[1] is not inner


def test_a_container_that_holds_a_live_part_of_itself_is_copied_once(Map, Set):
    m = Map({1: "a", 2: "b", 3: "c"})
    m[2] = m.submap(2)
    copied = copy.deepcopy(m)
    assert list(copied) == [1, 2, 3]
    part = copied[2]
    assert type(part) is Map
    assert list(part) == [2, 3]
    assert part[2] is part
    assert copy.deepcopy([m[2], m[2]])[0][2] is not part
    first, second = copy.deepcopy([m[2], m[2]])
    assert first is second
    s = Set(key=lambda element: 0)
    s.add(s.subset())
    (part,) = copy.deepcopy(s)
    assert type(part) is Set
    assert list(part) == [part]


def test_they_keep_the_container_alive_and_no_entry(Map):
    m = Map({1: Object()})
    value, part = weakref.ref(m[1]), m.submap(0, 5)
    whole = weakref.ref(m)
    del m
    gc.collect()
    assert not dead(whole)
    part.clear()
    collect(whole())
    assert dead(value)
    del part
    gc.collect()
    assert dead(whole)


def test_filling_from_a_part_takes_keys_and_values_together(Map):
    # By `keys` and `[]`, as of any other mapping, a key could be gone in between.
    m = Map((n, n) for n in range(100))
    part = m.submap(10, 90)

    class Vanishing(type(part)):
        """A part in which every key is gone when it is looked up."""

        def __getitem__(self, key):
            raise KeyError(key)

    vanishing = Vanishing(m, part._bounds, False)
    assert list(Map(vanishing).items()) == list(m.items(10, 90))
    other = Map()
    other.submap().update(vanishing)
    assert list(other.items()) == list(m.items(10, 90))


class Raising:
    """A bound whose comparison raises, when it is armed."""

    armed = False

    def __lt__(self, other):
        if self.armed:
            raise ZeroDivisionError
        return NotImplemented if not isinstance(other, Raising) else False

    def __gt__(self, other):
        if self.armed:
            raise ZeroDivisionError
        return NotImplemented


def test_hostile_bounds(Map, Set):
    m, s = Map((n, n) for n in range(100)), Set(range(100))
    for make in (m.submap, m.clear_range, m.pop_range, m.count_range, m.submap(1, 90).submap):
        with pytest.raises(ValueError, match=r"^start: NaN cannot be ordered"):
            make(float("nan"), 5)
        with pytest.raises(ValueError, match=r"^stop: NaN cannot be ordered"):
            make(5, float("nan"))
        with pytest.raises(TypeError, match="not supported between instances of 'complex'"):
            make(5, 1j)
        with pytest.raises(TypeError, match=r"^inclusive: expected a bool or a pair of bools"):
            make(5, 7, inclusive=3)
    for make in (s.clear_range, s.pop_range, s.count_range):
        with pytest.raises(TypeError, match="not supported between instances"):
            make("a", "b")
    for bound in ("a", (1,)):
        part = m.submap(bound)
        for use in (
            part.first_key,
            part.__len__,
            lambda: list(part),
            part.clear,
            lambda: part.__setitem__(5, 5),
            lambda: 5 in part,
            lambda: part.submap(1, 2),
            lambda: part.split(2),
            lambda: part.floor_key(5),
            part.pop_first,
        ):
            with pytest.raises(TypeError, match="not supported between instances"):
                use()
        assert "b" not in m.submap(1, 90)
    assert list(m) == list(s) == list(range(100))


def test_a_bound_whose_comparison_raises(Map):
    m, bound = Map((n, n) for n in range(100)), Raising()
    part = m.submap(bound)
    bound.armed = True
    for use in (
        part.first_key,
        part.last_item,
        lambda: part.lower_key(3),
        lambda: list(part),
        lambda: len(part),
        part.clear,
        part.pop_range,
        part.clear_range,
        part.pop_first,
        lambda: part.put(1, 2),
        lambda: part.get(1),
        lambda: part.pop(1),
        lambda: part.split(3),
        lambda: part.submap(3, 5),
        part.copy,
    ):
        with pytest.raises(ZeroDivisionError):
            use()
    assert list(m.items()) == [(n, n) for n in range(100)]


def test_nan_is_refused_in_a_part_as_in_the_container(Map):
    nan = float("nan")
    for part in (Map({1: 1}).submap(0, 5), Map({1: 1}).descending()):
        for use in (
            lambda p=part: p[nan],
            lambda p=part: p.get(nan),
            lambda p=part: p.put(nan, 1),
            lambda p=part: p.floor_key(nan),
            lambda p=part: nan in p,
        ):
            with pytest.raises(ValueError, match=r"^key: NaN cannot be ordered"):
                use()
