"""Random programs of all methods against sequential models: SortedDict, and a sorted list.

One thread: every answer must be exactly the model's.
"""

from __future__ import annotations

import bisect
import copy
import functools
import pickle

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
from ordered_kinds import MAPS, SETS, UNBALANCED, of_file
from sortedcontainers import SortedDict
from support import Key, rounds

from concurrent_collections import REMOVE, Comparator, SkipListMap, SkipListSet, _core

texts = st.text("ab\0é\ud800\uffff\U00010000", max_size=3) | st.sampled_from(
    ["prefix00", "prefix00\0", "prefix00a", "prefix00b", "prefix01"]
)
numbers = st.one_of(
    st.integers(-6, 6),
    st.integers(-6, 6).map(float),
    st.sampled_from([True, False, -0.0, 0.5, 1e300, float("inf"), float("-inf")]),
    st.sampled_from(
        [2**53, 2**53 + 1, 2.0**53, 2**63 - 1, 2**63, 2.0**63, -(2**63), 2**64, 10**30]
    ),
)
KEYS = {
    "small ints": st.integers(-8, 8),
    "numbers": numbers,
    "texts": texts,
    "bytes": st.binary(max_size=2) | st.sampled_from([b"prefix00", b"prefix00\0", b"prefix00a"]),
    "tuples": st.tuples(st.sampled_from("ab"), st.integers(0, 3))
    | st.tuples(st.sampled_from("ab")),
    "python keys": st.integers(-6, 6).map(Key),
}
# Python refuses to compare them with any of these keys, so they are not there, whatever is inside.
STRANGERS = [None, 1j, {}, {1}, [1], object(), int, ...]
FOR_NUMBERS = [*STRANGERS, "a", b"a", (1,)]
FOREIGN = {
    "small ints": FOR_NUMBERS,
    "numbers": FOR_NUMBERS,
    "texts": [*STRANGERS, 1, 0.5, b"a", ("a",)],
    "bytes": [*STRANGERS, 1, 0.5, "a", (b"a",)],
    "tuples": [*STRANGERS, 1, "a", b"a"],
    "python keys": [],  # where users have a say it is a TypeError
}
values = st.integers(0, 3) | st.none()
MISSING = object()

PROGRAMS = settings(max_examples=rounds(40), stateful_step_count=40)
FEWER = settings(PROGRAMS, max_examples=rounds(12))  # the same Python code, over another core
FEWEST = settings(PROGRAMS, max_examples=rounds(5))  # over yet another one


def programs_of(cls):
    return PROGRAMS if cls in (SkipListMap, SkipListSet) else FEWEST if cls in UNBALANCED else FEWER


def answer(function, *arguments, **keywords):
    """What a call returns, or which exception it raises, in a form that can be compared."""
    try:
        result = function(*arguments, **keywords)
    except (KeyError, ValueError, TypeError) as error:
        return type(error)
    return result


def as_it_is(key):
    return key


@functools.total_ordering
class Backwards:
    """A key, ordered the other way round."""

    def __init__(self, key):
        self.key = key

    def __lt__(self, other):
        return other.key < self.key

    def __eq__(self, other):
        return self.key == other.key


def three_way(a, b):
    return -7 if a < b else 2.5 if b < a else 0


def by_thirds(key):
    return hash(key) % 3


def by_thirds_downwards(key):
    return -by_thirds(key), key


def backwards_within_thirds(key):
    return by_thirds(key), Backwards(key)


def in_a_tuple(key):
    return (key,)


# What a constructor is told, and by what the model is sorted. Keys that are equal are so in all of
# them, so that a model that hashes is right.
ORDERS = {
    "ascending": ({}, as_it_is),
    "descending": ({"reverse": True}, Backwards),
    "by key": ({"key": in_a_tuple}, as_it_is),
    "by key that Python compares, descending": ({"key": Backwards, "reverse": True}, as_it_is),
    "by function": ({"comparator": Comparator.from_function(three_way)}, as_it_is),
    "by function, descending": (
        {"comparator": Comparator.from_function(three_way), "reverse": True},
        Backwards,
    ),
    "by keys": (
        {"comparator": Comparator.by_key(by_thirds).reversed().then(Comparator.by_key(in_a_tuple))},
        by_thirds_downwards,
    ),
    "by key, then by function": (
        {
            "comparator": Comparator.by_key(by_thirds).then(
                Comparator.from_function(three_way).reversed()
            )
        },
        backwards_within_thirds,
    ),
}
if hasattr(_core, "_test_hooks"):
    NATIVELY = Comparator.from_c(_core._test_hooks.comparators()["natively"])
    ORDERS["by C function"] = {"comparator": NATIVELY}, as_it_is
    ORDERS["by key, then by C function"] = (
        {"comparator": Comparator.by_key(by_thirds).then(NATIVELY.reversed())},
        backwards_within_thirds,
    )
# Where code of users compares, what it raises comes out.
REFUSED_BY_PYTHON = {"ascending", "descending", "by key"}


def pickled(container):
    if "from_c" in repr(container.comparator):  # which has no pickles
        return copy.deepcopy(container)
    return pickle.loads(pickle.dumps(container))


class Ordered:
    """Neighbours and ranges of a sorted list, which both models share."""

    def __init__(self, rank):
        self.rank = rank

    def neighbour(self, keys, relation, asked):
        asked, keys_by_rank = self.rank(asked), [self.rank(key) for key in keys]
        left = bisect.bisect_left(keys_by_rank, asked)
        right = bisect.bisect_right(keys_by_rank, asked)
        index = {"floor": right - 1, "lower": left - 1, "ceiling": left, "higher": right}[relation]
        return keys[index] if 0 <= index < len(keys) else None

    def between(self, keys, limits, inclusive, reverse):
        with_start, with_stop = inclusive
        low, high = 0, len(keys)
        keys_by_rank = [self.rank(key) for key in keys]
        if limits.get("start") is not None:
            cut = bisect.bisect_left if with_start else bisect.bisect_right
            low = cut(keys_by_rank, self.rank(limits["start"]))
        if limits.get("stop") is not None:
            cut = bisect.bisect_right if with_stop else bisect.bisect_left
            high = cut(keys_by_rank, self.rank(limits["stop"]))
        found = keys[low:high]
        return found[::-1] if reverse else found


relations = st.sampled_from(["floor", "lower", "ceiling", "higher"])
inclusives = st.tuples(st.booleans(), st.booleans())


def machine_of_maps(map_class, keys, foreign, orders):
    bounds = st.fixed_dictionaries(
        {}, optional={"start": keys | st.none(), "stop": keys | st.none()}
    )

    class MapMachine(RuleBasedStateMachine):
        @initialize(
            order=st.sampled_from(orders), entries=st.dictionaries(keys, values, max_size=8)
        )
        def construct(self, order, entries):
            self.options, self.rank = ORDERS[order]
            self.ordered = Ordered(self.rank)
            self.refuses = order in REFUSED_BY_PYTHON
            self.model = SortedDict(None if self.rank is as_it_is else self.rank, entries)
            self.m = self.made(entries)
            self.iterators = []

        def made(self, entries):
            return map_class(entries, **self.options)

        def thawed(self, frozen):
            return frozen.thaw() if map_class is SkipListMap else self.made(frozen)

        # -- one key --

        @rule(key=keys, value=values)
        def put(self, key, value):
            assert self.m.put(key, value) == self.model.get(key)
            self.model[key] = value

        @rule(key=keys, value=values)
        def setitem(self, key, value):
            self.m[key] = value
            self.model[key] = value

        @rule(key=keys)
        def getitem(self, key):
            assert answer(lambda: self.m[key]) == answer(lambda: self.model[key])
            assert self.m.get(key, MISSING) is self.model.get(key, MISSING)
            assert (key in self.m) == (key in self.model)
            assert self.m.contains(key) == (key in self.model)

        @rule(key=keys)
        def delete(self, key):
            assert self.m.delete(key) is (self.model.pop(key, MISSING) is not MISSING)

        @rule(key=keys)
        def delitem(self, key):
            assert answer(self.m.__delitem__, key) == answer(self.model.__delitem__, key)

        @rule(key=keys)
        def pop(self, key):
            assert answer(self.m.pop, key) == answer(self.model.pop, key)

        @rule(key=keys)
        def pop_with_default(self, key):
            assert self.m.pop(key, MISSING) is self.model.pop(key, MISSING)

        @rule(key=keys, value=values)
        def setdefault(self, key, value):
            assert self.m.setdefault(key, value) == self.model.setdefault(key, value)

        @rule(key=keys, value=values)
        def put_if_absent(self, key, value):
            found = self.m.put_if_absent(key, value, default=MISSING)
            assert found is self.model.get(key, MISSING)
            self.model.setdefault(key, value)

        @rule(key=keys, value=values)
        def replace(self, key, value):
            found = self.m.replace(key, value, default=MISSING)
            assert found is self.model.get(key, MISSING)
            if key in self.model:
                self.model[key] = value

        @rule(key=keys, expected=values, new=values)
        def replace_if(self, key, expected, new):
            matches = key in self.model and self.model[key] == expected
            assert self.m.replace_if(key, expected, new) is matches
            if matches:
                self.model[key] = new

        @rule(key=keys, new=values | st.just(REMOVE), default=values)
        def compute(self, key, new, default):
            def f(value):
                assert value is self.model.get(key, default)
                return new

            assert self.m.compute(key, f, default) is self.store(key, new, default)

        @rule(key=keys, new=values | st.just(REMOVE))
        def compute_if_present(self, key, new):
            expected = self.store(key, new, MISSING) if key in self.model else MISSING
            assert self.m.compute_if_present(key, lambda value: new, MISSING) is expected

        @rule(key=keys, new=values | st.just(REMOVE))
        def compute_if_absent(self, key, new):
            there = self.model.get(key, MISSING)
            expected = there if there is not MISSING else self.store(key, new, MISSING)
            assert self.m.compute_if_absent(key, lambda: new, MISSING) is expected

        @rule(key=keys, value=values, new=values | st.just(REMOVE))
        def merge(self, key, value, new):
            expected = self.store(key, new if key in self.model else value, MISSING)
            assert self.m.merge(key, value, lambda old, given: new, MISSING) is expected

        @rule(key=keys, amount=st.integers(-3, 3))
        def increment(self, key, amount):
            there = self.model.get(key, 0)
            if there is None:
                assert answer(self.m.increment, key, amount) is TypeError
            else:
                total = self.m.increment(key, amount)
                assert total == there + amount
                self.model[key] = total

        @rule(key=keys, value=values)
        def get_or_insert(self, key, value):
            assert self.m.get_or_insert(key, value) is self.model.setdefault(key, value)

        def store(self, key, new, default):
            """What the model answers when its entry becomes `new`."""
            if new is REMOVE:
                self.model.pop(key, None)
                return default
            self.model[key] = new
            return new

        @rule(key=keys, value=values)
        def default_factory(self, key, value):
            self.m.default_factory = lambda: value
            assert self.m[key] is self.model.setdefault(key, value)
            self.m.default_factory = None

        if foreign:

            @precondition(lambda self: self.refuses)
            @rule(key=st.sampled_from(foreign), others=st.sets(keys, max_size=4))
            def look_for_what_cannot_be_there(self, key, others):
                m = self.m
                assert key not in m
                assert key not in m.keys(None, None)
                assert (key, 1) not in m.items()
                assert m.get(key, MISSING) is m.pop(key, MISSING) is MISSING
                assert m.delete(key) is False
                for function in (m.__getitem__, m.__delitem__, m.pop):
                    assert answer(function, key) is KeyError
                assert set(m.keys() & [key, *others]) == set(self.model) & others
                assert set(m.keys() - [key, *others]) == set(self.model) - others
                assert m.keys().isdisjoint([key, *others]) == others.isdisjoint(self.model)
                assert m != dict.fromkeys(self.model, MISSING) | {"stranger": 1}
                if self.model:
                    assert answer(m.setdefault, key) is TypeError

        # -- order --

        @rule(last=st.booleans())
        def popitem(self, last):
            if self.model:
                assert self.m.popitem(last=last) == self.model.popitem(-1 if last else 0)
            else:
                assert answer(self.m.popitem, last=last) is KeyError

        @rule(last=st.booleans(), default=st.sampled_from([(), (MISSING,)]))
        def pop_end(self, last, default):
            function = self.m.pop_last if last else self.m.pop_first
            if self.model:
                assert function(*default) == self.model.popitem(-1 if last else 0)
            else:
                assert answer(function) is KeyError
                assert function(MISSING) is MISSING

        @rule()
        def ends(self):
            for name, index in (("first", 0), ("last", -1)):
                if self.model:
                    assert getattr(self.m, f"{name}_key")() == self.model.peekitem(index)[0]
                    assert getattr(self.m, f"{name}_item")() == self.model.peekitem(index)
                else:
                    assert answer(getattr(self.m, f"{name}_key")) is KeyError
                    assert answer(getattr(self.m, f"{name}_item")) is KeyError
                for what in ("key", "item"):
                    function = getattr(self.m, f"{name}_{what}")
                    assert function(MISSING) == (function() if self.model else MISSING)

        @rule(relation=relations, key=keys)
        def neighbour(self, relation, key):
            expected = self.ordered.neighbour(list(self.model), relation, key)
            assert getattr(self.m, f"{relation}_key")(key) == expected
            item = None if expected is None else (expected, self.model[expected])
            assert getattr(self.m, f"{relation}_item")(key) == item

        @rule(limits=bounds, inclusive=inclusives, reverse=st.booleans(), key=keys)
        def between(self, limits, inclusive, reverse, key):
            expected = self.ordered.between(list(self.model), limits, inclusive, reverse)
            how = {**limits, "inclusive": inclusive, "reverse": reverse}
            view = self.m.keys(**how)
            assert list(view) == expected
            assert list(reversed(view)) == expected[::-1]
            assert bool(view) == bool(expected)
            assert len(view) == len(expected)
            assert (key in view) == (key in expected)
            assert list(self.m.values(**how)) == [self.model[k] for k in expected]
            assert list(self.m.items(**how)) == [(k, self.model[k]) for k in expected]

        @rule(others=st.sets(keys, max_size=4))
        def views_are_sets(self, others):
            ours, theirs = self.m.keys(), set(self.model)
            assert set(ours & others) == theirs & others
            assert set(ours | others) == theirs | others
            assert set(ours - others) == theirs - others
            assert set(ours ^ others) == theirs ^ others
            assert (ours <= others) == (theirs <= others)
            assert ours.isdisjoint(others) == theirs.isdisjoint(others)

        # -- iterators that live across other steps: they see at least what stays and at most what
        # was there at some time, in order --

        @precondition(lambda self: len(self.iterators) < 3)
        @rule(reverse=st.booleans())
        def start_iterating(self, reverse):
            iterator = reversed(self.m) if reverse else iter(self.m)
            self.iterators.append((iterator, reverse, [], set(self.model), set(self.model)))

        @rule()
        def step(self):
            self.note()
            for entry in list(self.iterators):
                iterator, reverse, seen, stayed, _ = entry
                try:
                    key = next(iterator)
                except StopIteration:
                    assert stayed <= set(seen)
                    self.iterators.remove(entry)
                    continue
                assert key in self.model, "one's own deletion must be seen at once"
                if seen:
                    low, high = (key, seen[-1]) if reverse else (seen[-1], key)
                    assert self.rank(low) < self.rank(high)
                seen.append(key)

        def note(self):
            present = set(self.model)
            for _, _, _, stayed, ever in self.iterators:
                stayed &= present
                ever |= present

        # -- the whole --

        @rule(entries=st.dictionaries(keys, values, max_size=5))
        def update(self, entries):
            self.m.update(entries)
            self.model.update(entries)

        @rule(entries=st.dictionaries(keys, values, max_size=3))
        def update_with_pairs(self, entries):
            self.m.update(entries.items())
            self.model.update(entries)

        @rule(entries=st.dictionaries(keys, values, max_size=5))
        def union(self, entries):
            assert self.m | entries == dict(self.model) | entries
            self.m |= entries
            self.model.update(entries)

        @rule()
        def clear(self):
            self.m.clear()
            self.model.clear()

        @rule(
            how=st.sampled_from(
                "copy copy.copy deepcopy pickle items frozen,pickle frozen snapshot from_sorted eval".split()
            )
        )
        def go_on_with_a_copy(self, how):
            twin = {
                "copy": self.m.copy,
                "copy.copy": lambda: copy.copy(self.m),
                "deepcopy": lambda: copy.deepcopy(self.m),
                "pickle": lambda: pickled(self.m),
                "items": lambda: self.made(self.m.items()),
                "frozen": lambda: self.thawed(self.m.frozen()),
                "snapshot": lambda: self.thawed(self.m.snapshot()),
                "frozen,pickle": lambda: self.thawed(pickled(self.m.frozen())),
                "from_sorted": lambda: map_class.from_sorted(self.m.items(), **self.options),
                # Functions do not show how they are made.
                "eval": self.m.copy
                if {"key", "comparator"} & self.options.keys()
                else lambda: eval(
                    repr(self.m),
                    {type(self.m).__name__: type(self.m), "Key": Key, "inf": float("inf")},
                ),
            }[how]()
            assert twin == self.m
            assert twin.comparator == self.m.comparator
            self.m = twin
            self.iterators.clear()

        @rule(entries=st.dictionaries(keys, values, max_size=3))
        def equality(self, entries):
            assert (self.m == entries) == (dict(self.model) == entries)
            is_equal = dict(self.model) == entries
            for other in (map_class(entries), self.made(entries)):
                assert (self.m == other) == (other == self.m) == is_equal
                assert (self.m.frozen() == other) == (other == self.m.frozen()) == is_equal
                assert (self.m.frozen() == other.frozen()) == is_equal
            assert not is_equal or hash(self.m.frozen()) == hash(map_class(entries).frozen())

        @rule()
        def flush(self):
            self.m.flush()

        @invariant()
        def the_same_entries_in_the_same_order(self):
            if not hasattr(self, "m"):
                return
            self.note()
            assert len(self.m) == len(self.model)
            assert bool(self.m) == bool(self.model)
            assert list(self.m.items()) == list(self.model.items())
            # Which of several equal keys is kept shows in its repr.
            assert repr(list(self.m)) == repr(list(self.model))
            assert list(reversed(self.m)) == list(reversed(self.model))

    return MapMachine


def machine_of_sets(set_class, keys, foreign, orders):
    bounds = st.fixed_dictionaries(
        {}, optional={"start": keys | st.none(), "stop": keys | st.none()}
    )
    groups = st.sets(keys, max_size=6)
    kinds = st.sampled_from(["set", "frozenset", "set_class", "made", "frozen"])

    class SetMachine(RuleBasedStateMachine):
        @initialize(order=st.sampled_from(orders), elements=st.lists(keys, max_size=8))
        def construct(self, order, elements):
            self.options, self.rank = ORDERS[order]
            self.ordered = Ordered(self.rank)
            self.refuses = order in REFUSED_BY_PYTHON
            self.model = set(elements)
            self.s = self.made(elements)

        def made(self, elements):
            return set_class(elements, **self.options)

        def thawed(self, frozen):
            return frozen.thaw() if set_class is SkipListSet else self.made(frozen)

        def of_kind(self, kind, elements):
            return {
                "set": set,
                "frozenset": frozenset,
                "set_class": set_class,
                "made": self.made,
                "frozen": lambda elements: self.made(elements).frozen(),
            }[kind](elements)

        def in_order(self, elements):
            return sorted(elements, key=self.rank)

        @rule(element=keys)
        def add(self, element):
            assert self.s.add(element) is None
            self.model.add(element)

        @rule(element=keys)
        def discard(self, element):
            assert self.s.discard(element) is None
            self.model.discard(element)

        @rule(element=keys)
        def remove(self, element):
            assert answer(self.s.remove, element) == answer(self.model.remove, element)

        @rule(element=keys)
        def contains(self, element):
            assert (element in self.s) == (element in self.model)

        @rule(name=st.sampled_from(["pop", "pop_first", "pop_last"]))
        def pop(self, name):
            if self.model:
                expected = self.in_order(self.model)[-1 if name == "pop_last" else 0]
                assert getattr(self.s, name)() == expected
                self.model.remove(expected)
            else:
                assert answer(getattr(self.s, name)) is KeyError
                if name != "pop":
                    assert getattr(self.s, name)(MISSING) is MISSING

        @rule()
        def ends(self):
            keys = self.in_order(self.model)
            assert answer(self.s.first) == (keys[0] if keys else KeyError)
            assert answer(self.s.last) == (keys[-1] if keys else KeyError)
            assert self.s.first(MISSING) == (keys[0] if keys else MISSING)
            assert self.s.last(MISSING) == (keys[-1] if keys else MISSING)

        @rule(relation=relations, element=keys)
        def neighbour(self, relation, element):
            expected = self.ordered.neighbour(self.in_order(self.model), relation, element)
            assert getattr(self.s, relation)(element) == expected

        @rule(limits=bounds, inclusive=inclusives, reverse=st.booleans())
        def between(self, limits, inclusive, reverse):
            expected = self.ordered.between(self.in_order(self.model), limits, inclusive, reverse)
            found = self.s.range(**limits, inclusive=inclusive, reverse=reverse)
            assert list(found) == expected

        @rule(others=groups, kind=kinds)
        def algebra(self, others, kind):
            model, other = self.model, self.of_kind(kind, others)
            for s in (self.s, self.s.frozen()):
                self.algebra_of(s, model, other, others)

        def algebra_of(self, s, model, other, others):
            assert list(s | other) == list(s.union(other)) == self.in_order(model | others)
            assert list(s & other) == list(s.intersection(other)) == self.in_order(model & others)
            assert list(s - other) == list(s.difference(other)) == self.in_order(model - others)
            assert (
                list(s ^ other)
                == list(s.symmetric_difference(other))
                == self.in_order(model ^ others)
            )

        @rule(others=groups, kind=kinds)
        def relations(self, others, kind):
            model, other = self.model, self.of_kind(kind, others)
            for s in (self.s, self.s.frozen()):
                self.relations_of(s, model, other, others)

        def relations_of(self, s, model, other, others):
            assert (s == other) == (model == others)
            assert (s <= other) == s.issubset(other) == (model <= others)
            assert (s < other) == (model < others)
            assert (s >= other) == s.issuperset(other) == (model >= others)
            assert (s > other) == (model > others)
            assert s.isdisjoint(other) == model.isdisjoint(others)

        @rule(others=groups, kind=kinds, symbol=st.sampled_from("|&-^"))
        def change_in_place(self, others, kind, symbol):
            if symbol == "|":
                self.s |= self.of_kind(kind, others)
                self.model |= others
            elif symbol == "&":
                self.s &= self.of_kind(kind, others)
                self.model &= others
            elif symbol == "-":
                self.s -= self.of_kind(kind, others)
                self.model -= others
            else:
                self.s ^= self.of_kind(kind, others)
                self.model ^= others

        @rule(others=groups, name=st.sampled_from(["", "intersection_", "difference_"]))
        def change_by_method(self, others, name):
            getattr(self.s, f"{name}update")(list(others))
            getattr(self.model, f"{name}update")(others)

        if foreign:

            @precondition(lambda self: self.refuses)
            @rule(
                element=st.sampled_from(foreign), others=groups, many=st.sampled_from([list, iter])
            )
            def algebra_with_what_cannot_be_there(self, element, others, many):
                s, model = self.s, self.model
                assert element not in s
                assert s.discard(element) is None
                assert answer(s.remove, element) is KeyError
                assert list(s.intersection(many([element, *others]))) == self.in_order(
                    model & others
                )
                assert list(s.difference(many([element, *others]))) == self.in_order(model - others)
                assert s.isdisjoint(many([element, *others])) == model.isdisjoint(others)
                assert s.issubset(many([*others, element])) == model.issubset(others)
                assert not s.issuperset(many([*others, element]))
                if model - others:  # else there is nothing that it does not compare with
                    change = s.symmetric_difference_update
                    assert answer(change, many([*others, element])) is TypeError
                    assert list(s) == self.in_order(model)
                s.difference_update(many([*others, element]))
                model -= others

        @rule()
        def clear(self):
            self.s.clear()
            self.model.clear()

        @rule(
            how=st.sampled_from(
                "copy copy.copy deepcopy pickle elements frozen snapshot from_sorted".split()
            )
        )
        def go_on_with_a_copy(self, how):
            twin = {
                "copy": self.s.copy,
                "copy.copy": lambda: copy.copy(self.s),
                "deepcopy": lambda: copy.deepcopy(self.s),
                "pickle": lambda: pickled(self.s),
                "elements": lambda: self.made(self.s),
                "frozen": lambda: self.thawed(self.s.frozen()),
                "snapshot": lambda: self.thawed(self.s.snapshot()),
                "from_sorted": lambda: set_class.from_sorted(self.s, **self.options),
            }[how]()
            assert twin == self.s
            assert twin.comparator == self.s.comparator
            self.s = twin

        @invariant()
        def the_same_elements_in_order(self):
            if not hasattr(self, "s"):
                return
            assert len(self.s) == len(self.model)
            assert list(self.s) == self.in_order(self.model)
            assert list(reversed(self.s)) == self.in_order(self.model)[::-1]

    return SetMachine


# Programs of the ascending order for every kind of keys; and programs of all others, with keys whose
# digests say nearly all, with some whose digests say little, and with some that Python compares.
OTHER_ORDERS = [order for order in ORDERS if order != "ascending"]
IN_PYTHON = [order for order in OTHER_ORDERS if "C function" not in order]
PROGRAMS_OF = [
    *((["ascending"], kind) for kind in KEYS),
    (IN_PYTHON, "numbers"),  # a large int and a large float the C function does not compare
    (OTHER_ORDERS, "texts"),
    ([order for order in OTHER_ORDERS if order not in IN_PYTHON] or IN_PYTHON, "small ints"),
    (IN_PYTHON, "python keys"),
]
by_orders_and_kind = pytest.mark.parametrize(
    ("orders", "kind"), PROGRAMS_OF, ids=lambda what: what if isinstance(what, str) else what[-1]
)


@by_orders_and_kind
@pytest.mark.parametrize("map_class", of_file(__name__, MAPS))
def test_a_map_behaves_as_a_sorted_dict_in_any_program(map_class, orders, kind):
    machine = machine_of_maps(map_class, KEYS[kind], FOREIGN[kind], orders)
    run_state_machine_as_test(machine, settings=programs_of(map_class))


@by_orders_and_kind
@pytest.mark.parametrize("set_class", of_file(__name__, SETS))
def test_a_set_behaves_as_a_sorted_set_in_any_program(set_class, orders, kind):
    machine = machine_of_sets(set_class, KEYS[kind], FOREIGN[kind], orders)
    run_state_machine_as_test(machine, settings=programs_of(set_class))
