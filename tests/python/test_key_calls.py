"""How often key functions are called: once for each key that an operation is given, and never for what it finds.

A live view calls them for its bounds when it is made, and not again.
"""

from __future__ import annotations

import copy
import gc
import operator
import pickle

import pytest
from ordered_kinds import FROZEN_MAPS, FROZEN_SETS, MAPS, SETS
from support import check

from concurrent_collections import REMOVE, Comparator, SkipListMap, SkipListSet

KEYS = range(0, 100, 10)
live = pytest.mark.parametrize("cls", [*MAPS, *SETS])
calls = []


def rank(key):
    calls.append(key)
    return key % 50, key


ORDERS = {
    "key": {"key": rank},
    "reversed": {"key": rank, "reverse": True},
    "parts": {"comparator": Comparator.by_key(rank).then(Comparator.natural())},
    "part behind another": {"comparator": Comparator.by_key(abs).then(Comparator.by_key(rank))},
    "parts with a function": {
        "comparator": Comparator.by_key(rank).then(
            Comparator.from_function(lambda a, b: (a > b) - (a < b))
        )
    },
}
in_every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


def in_order(order):
    """The keys, as the order has them."""
    return list(SkipListSet(KEYS, **order))


# What takes entries out, or puts one in.
CHANGES = {
    "setitem of another",
    "delitem",
    "compute to remove",
    "delete",
    "discard",
    "remove",
    "default_factory",
}


def made(cls, order):
    return cls([(key, key) for key in KEYS] if hasattr(cls, "items") else KEYS, **order)


def assert_calls(count, operation, *arguments):
    calls.clear()
    result = operation(*arguments)
    assert len(calls) == count, calls
    return result


# By name: what is done with a container and two keys of it, of which the former comes first; and how many calls that is. What an
# operation returns is used, too: that is no call.
READS = {
    "iter": (0, lambda c, a, b: list(c)),
    "reversed": (0, lambda c, a, b: list(reversed(c))),
    "len": (0, lambda c, a, b: (len(c), bool(c))),
    "repr": (0, lambda c, a, b: repr(c)),
    "in": (1, lambda c, a, b: a in c),
    "not in": (1, lambda c, a, b: a + 1 in c),
    "count_range": (2, lambda c, a, b: c.count_range(a, b)),
    "count_range to": (1, lambda c, a, b: c.count_range(stop=b)),
    "count_range both": (2, lambda c, a, b: c.count_range(a, b, inclusive=True)),
}
MAP_READS = {
    "getitem": (1, lambda c, a, b: c[a]),
    "get": (1, lambda c, a, b: c.get(a)),
    "get nothing": (1, lambda c, a, b: c.get(a + 1)),
    "contains": (1, lambda c, a, b: c.contains(a)),
    "first": (0, lambda c, a, b: (c.first_key(), c.last_key(), c.first_item(), c.last_item())),
    "floor": (2, lambda c, a, b: (c.floor_key(a + 1), c.floor_item(b))),
    "ceiling": (2, lambda c, a, b: (c.ceiling_key(a + 1), c.ceiling_item(b))),
    "lower": (2, lambda c, a, b: (c.lower_key(a + 1), c.lower_item(b))),
    "higher": (2, lambda c, a, b: (c.higher_key(a + 1), c.higher_item(b))),
    "keys": (2, lambda c, a, b: use_view(c.keys(a, b))),
    "keys from": (1, lambda c, a, b: use_view(c.keys(a))),
    "keys backwards": (2, lambda c, a, b: use_view(c.keys(a, b, reverse=True))),
    "in keys": (3, lambda c, a, b: a in c.keys(a, b)),
    "in whole keys": (1, lambda c, a, b: a in c.keys()),
    "values": (2, lambda c, a, b: use_view(c.values(a, b))),
    "in values": (2, lambda c, a, b: a in c.values(a, b)),
    "items": (2, lambda c, a, b: use_view(c.items(a, b))),
    "in items": (3, lambda c, a, b: (a, a) in c.items(a, b)),
    "to_dict": (0, lambda c, a, b: c.to_dict()),
}
SET_READS = {
    "first": (0, lambda c, a, b: (c.first(), c.last())),
    "floor": (1, lambda c, a, b: c.floor(a + 1)),
    "ceiling": (1, lambda c, a, b: c.ceiling(a + 1)),
    "lower": (1, lambda c, a, b: c.lower(b)),
    "higher": (1, lambda c, a, b: c.higher(b)),
    "range": (2, lambda c, a, b: use_view(c.range(a, b))),
    "in range": (3, lambda c, a, b: a in c.range(a, b)),
    "range isdisjoint": (3, lambda c, a, b: c.range(a, b).isdisjoint([a])),
}
# Of what changes.
LIVE = {
    "irange": (2, lambda c, a, b: list(c.irange(a, b))),
    "irange backwards": (2, lambda c, a, b: list(c.irange(a, b, reverse=True))),
    "clear_range": (2, lambda c, a, b: c.clear_range(a, b)),
    "clear_range from": (1, lambda c, a, b: c.clear_range(a)),
    "pop_range": (2, lambda c, a, b: c.pop_range(a, b)),
    "pop_range some": (2, lambda c, a, b: c.pop_range(a, b, 1, reverse=True)),
    "pop_first": (0, lambda c, a, b: (c.pop_first(), c.pop_last())),
    "descending": (0, lambda c, a, b: (list(c.descending()), len(c.descending()))),
    "split": (0, lambda c, a, b: [(list(part), len(part)) for part in c.split(3)]),
    "map_parts": (0, lambda c, a, b: c.map_parts(list, 2)),
    "clear": (0, lambda c, a, b: c.clear()),
    "snapshot": (2, lambda c, a, b: use_view(c.snapshot(a, b))),
    "snapshot to": (1, lambda c, a, b: c.snapshot(stop=b)),
    "frozen": (0, lambda c, a, b: c.frozen()),
}
LIVE_MAP = {
    "setitem": (1, lambda c, a, b: c.__setitem__(a, 1)),
    "setitem of another": (1, lambda c, a, b: c.__setitem__(a + 1, 1)),
    "delitem": (1, lambda c, a, b: c.__delitem__(a)),
    "put": (1, lambda c, a, b: c.put(a, 1)),
    "put_if_absent": (1, lambda c, a, b: c.put_if_absent(a, 1)),
    "setdefault": (1, lambda c, a, b: c.setdefault(a, 1)),
    "replace": (1, lambda c, a, b: c.replace(a, 1)),
    "replace_if": (1, lambda c, a, b: c.replace_if(a, a, 1)),
    "compute": (1, lambda c, a, b: c.compute(a, lambda n: n + 1)),
    "compute to remove": (1, lambda c, a, b: c.compute(a, lambda n: REMOVE)),
    "compute_if_present": (1, lambda c, a, b: c.compute_if_present(a, lambda n: n + 1)),
    "compute_if_absent": (1, lambda c, a, b: c.compute_if_absent(a, list)),
    "merge": (1, lambda c, a, b: c.merge(a, 1, max)),
    "increment": (1, lambda c, a, b: c.increment(a)),
    "get_or_insert": (1, lambda c, a, b: c.get_or_insert(a, 1)),
    "delete": (1, lambda c, a, b: c.delete(a)),
    "delete nothing": (1, lambda c, a, b: c.delete(a + 1)),
    "pop": (1, lambda c, a, b: c.pop(a)),
    "pop nothing": (1, lambda c, a, b: c.pop(a + 1, None)),
    "popitem": (0, lambda c, a, b: (c.popitem(), c.popitem(last=False))),
    "items of one instant": (2, lambda c, a, b: list(c.items(a, b, consistent=True))),
    "submap": (2, lambda c, a, b: use_part(c.submap(a, b))),
    "submap of a submap": (4, lambda c, a, b: use_part(c.submap(a, b).submap(a, b))),
    "submap the other way": (2, lambda c, a, b: use_part(c.descending().submap(b, a))),
}
LIVE_SET = {
    "add": (1, lambda c, a, b: c.add(a)),
    "discard": (1, lambda c, a, b: c.discard(a)),
    "discard nothing": (1, lambda c, a, b: c.discard(a + 1)),
    "remove": (1, lambda c, a, b: c.remove(a)),
    "pop": (0, lambda c, a, b: c.pop()),
    "subset": (2, lambda c, a, b: use_part(c.subset(a, b))),
    "subset of a subset": (4, lambda c, a, b: use_part(c.subset(a, b).subset(a, b))),
    "subset the other way": (2, lambda c, a, b: use_part(c.descending().subset(b, a))),
}


def use_view(view):
    return list(view), list(reversed(view)), len(view), bool(view), repr(view)


def use_part(part):
    ends = part.first_key if hasattr(part, "first_key") else part.first
    return use_view(part), ends(None), part.split(2), part.start, part.stop, part.inclusive


def operations_on(cls):
    reads = {**READS, **(MAP_READS if cls in [*MAPS, *FROZEN_MAPS] else SET_READS)}
    more = LIVE_MAP if cls in MAPS else LIVE_SET
    return reads if cls in [*FROZEN_MAPS, *FROZEN_SETS] else {**reads, **LIVE, **more}


def narrowed(cls, order, start, stop):
    container = made(cls, order)
    return (container.submap if cls in MAPS else container.subset)(start, stop)


def assert_each_calls_once(cls, make, first, last):
    wrong = {}
    for name, (count, operation) in operations_on(cls).items():
        container = make()
        calls.clear()
        operation(container, first, last)
        if len(calls) != count:
            wrong[name] = count, list(calls)
    assert not wrong


@in_every_order
@pytest.mark.parametrize("cls", [*MAPS, *SETS, *FROZEN_MAPS, *FROZEN_SETS])
def test_a_container_calls_once_for_each_argument(cls, order):
    keys = in_order(order)
    assert_each_calls_once(cls, lambda: made(cls, order), keys[2], keys[7])


@in_every_order
@live
def test_a_live_part_calls_for_its_bounds_when_it_is_made(cls, order):
    keys = in_order(order)
    calls.clear()
    part = narrowed(cls, order, keys[1], keys[8])
    assert len(calls) == len(KEYS) + 2

    def other_way():
        return narrowed(cls, order, keys[1], keys[8]).descending()

    assert_each_calls_once(cls, lambda: narrowed(cls, order, keys[1], keys[8]), keys[2], keys[7])
    assert_each_calls_once(cls, other_way, keys[7], keys[2])
    assert_each_calls_once(cls, lambda: made(cls, order).descending(), keys[7], keys[2])
    assert part.start == keys[1]
    assert part.stop == keys[8]


@pytest.mark.parametrize("cls", MAPS)
def test_a_default_is_made_with_one_call(cls):
    m = cls({1: "a"}, key=rank, default_factory=list)
    for container in (m, m.submap(0, 49), m.descending()):
        assert assert_calls(1, container.__getitem__, 7) == []
        assert assert_calls(1, container.__getitem__, 7) == []
        assert container.delete(7)


@live
def test_what_is_outside_costs_no_more_calls(cls):
    part = narrowed(cls, {"key": rank}, 60, 20)
    assert list(part) == [60]
    for operation in (
        part.__contains__,
        *([part.get, part.delete] if cls in MAPS else [part.discard]),
    ):
        for key in (50, 20, 11):
            assert_calls(1, operation, key)
    with pytest.raises(ValueError, match=r"^(key|element): 50 lies outside"):
        assert_calls(1, part.setdefault if cls in MAPS else part.add, 50)
    assert 50 in made(cls, {})


def what_raises(operation, *arguments):
    with pytest.raises(KeyError) as raised:
        operation(*arguments)
    (key,) = raised.value.args
    return key


class TestUsersNeverSeeWhatIsPrepared:
    """A key that has been prepared for an order is inside alone."""

    @pytest.mark.parametrize("cls", MAPS)
    def test_in_maps(self, cls):
        met = []

        class Mine(cls):
            def __missing__(self, key):
                met.append(key)
                return super().__missing__(key)

        m = Mine({1: "a", 20: "b", 30: "c"}, key=rank)
        for container in (m, m.submap(0, 60), m.descending()):
            assert what_raises(container.__getitem__, 7) == 7
            assert what_raises(container.__delitem__, 7) == 7
            assert what_raises(container.pop, 7) == 7
        assert met == [7, 7, 7]
        assert all(type(key) is int for key in met)
        part = m.submap(1, 30)
        found = [
            part.start,
            part.stop,
            part.first_key(),
            part.last_key(),
            part.floor_key(25),
            part.higher_key(1),
        ]
        for item in (
            part.first_item(),
            part.floor_item(25),
            *part.items(),
            *part.pop_range(),
            *m.items(30, inclusive=True),
        ):
            found.append(item[0])
        assert part.put(20, 1) is None
        found += [part.pop_first()[0], *m.submap(30).popitem(), *m]
        found += [bound for part in m.split(2) for bound in (part.start, part.stop)]
        assert {type(one) for one in found} <= {int, str, type(None)}

    @pytest.mark.parametrize("cls", MAPS)
    def test_a_subclass_gets_keys(self, cls):
        """Whichever method it has overridden; then its own call may run the function again."""
        met = []

        def noting(name):
            def method(self, key, *arguments, **names):
                met.append(key)
                met.extend(names.values())
                return getattr(cls, name)(self, key, *arguments, **names)

            return method

        names = (
            "get",
            "__getitem__",
            "__setitem__",
            "__contains__",
            "put",
            "delete",
            "pop",
            "compute",
        )
        for name in names:
            mine = type("Mine", (cls,), {name: noting(name)})
            m = mine({1: "a", 20: "b"}, key=rank, default_factory=list)
            part = m.submap(0, 49)
            part[20] = "c"
            assert part[20] == "c"
            assert part[7] == []
            assert part.get(20) == "c"
            assert 20 in part
            assert (20, "c") in part.items()
            assert 20 in part.keys(1)
            assert part.put(20, "d") == "c"
            assert part.compute(20, str.upper) == "D"
            assert part.delete(7)
            assert part.pop(20) == "D"
            assert {type(key) for key in met} <= {int, str}, name
            assert met
            met.clear()

    @live
    def test_snapshots_of_a_subclass(self, cls):
        met = []

        class Mine(cls):
            def snapshot(self, start=None, stop=None, **names):
                met.extend([start, stop])
                return super().snapshot(start, stop, **names)

        c = made(Mine, {"key": rank})
        part = (c.submap if cls in MAPS else c.subset)(60, 30)
        assert list(part.snapshot()) == [60, 20, 70]
        assert met == [60, 30]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("cls", [*MAPS, *FROZEN_MAPS])
def test_views_are_pickled_with_their_bounds(cls, protocol):
    m = made(cls, {"key": rank})
    for view in (m.keys(60, 30), m.items(60, 30, reverse=True), m.values(60)):
        pickled = pickle.dumps(view, protocol)
        for again in (pickle.loads(pickled), copy.copy(view), copy.deepcopy(view)):
            assert type(again) is type(view)
            assert list(again) == list(view)
            assert_calls(0, use_view, again)
            one = {"SkipListKeysView": 60, "SkipListItemsView": (60, 60)}.get(type(view).__name__)
            assert one is None or assert_calls(1, again.__contains__, one)


@pytest.mark.parametrize("cls", [*SETS, *FROZEN_SETS])
def test_views_of_sets_are_pickled_with_their_bounds(cls):
    view = made(cls, {"key": rank}).range(60, 30)
    for again in (pickle.loads(pickle.dumps(view)), copy.copy(view), copy.deepcopy(view)):
        assert list(again) == list(view)
        assert_calls(0, use_view, again)
        assert_calls(1, again.__contains__, 60)
        assert list(pickle.loads(pickle.dumps(again))) == list(view)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            again.nothing


class Numbered:
    def __init__(self, number):
        self.number = number


def test_a_bound_that_leads_to_its_view_is_copied():
    m = SkipListMap({Numbered(7): 7}, key=operator.attrgetter("number"))
    bound = Numbered(1)
    bound.view = m.keys(bound, None)
    for again in (copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))):
        assert [key.number for key in again.view] == [7]
        assert again.view.__getstate__()[1]["_given"][0] is again


def plain(thing):
    assert type(thing) is int
    return thing


class TestWhoComesBetweenGetsTheKeyItself:
    @pytest.mark.parametrize("name", ["get", "put", "delete", "snapshot"])
    def test_an_attribute_of_the_container(self, name):
        class Own(SkipListMap):
            pass

        m = Own({1: 1, 2: 2}, key=operator.neg)
        view, met = m.submap(3, 0), []
        usual = getattr(m, name)
        most = 2 if name == "snapshot" else 1
        setattr(m, name, lambda *a, **named: met.extend(a[:most]) or usual(*a, **named))
        {
            "get": lambda: view.get(2, 0),
            "put": lambda: view.put(2, 5),
            "delete": lambda: view.delete(2),
            "snapshot": lambda: view.snapshot(2, 1),
        }[name]()
        assert {type(key) for key in met} == {int}

    def test_getattribute(self):
        class Own(SkipListMap):
            def __getattribute__(self, name):
                found = super().__getattribute__(name)
                if name != "get":
                    return found
                return lambda key, *rest: found(plain(key), *rest)

        assert Own({1: 1, 2: 2}, key=operator.neg).submap(3, 0)[2] == 2

    def test_what_a_key_function_overrides(self):
        class Own(SkipListMap):
            pass

        def rank_and_override(key):
            Own.get = lambda self, key, default=None: SkipListMap.get(self, plain(key), default)
            return -key

        m = Own({1: 1, 2: 2}, key=rank_and_override)
        view = m.submap(3, 0)
        del Own.get
        assert view.get(2) == 2

    def test_a_view_s_own_methods(self):
        m = SkipListMap({1: 1, 2: 2}, key=operator.neg)
        kind = type(m.submap())

        class Own(kind):
            def __missing__(self, key):
                return plain(key)

            def __contains__(self, key):
                return plain(key) == 1 and super().__contains__(key)

        view = Own(m, m.submap()._bounds, False)
        assert view[7] == 7
        assert not view.delete(2)
        assert view.delete(1)
        assert list(m) == [2]


def test_what_is_missing_is_told_before_its_rank_is_asked():
    m = SkipListMap({"b": 1}, key=len)
    with pytest.raises(KeyError) as caught:
        m.submap().__missing__(7)
    assert caught.value.args == (7,)


class Refusing:
    """A key function that raises at its n-th call, and uses the container at each."""

    def __init__(self):
        self.container = None
        self.left = -1

    def __call__(self, key):
        self.left -= 1
        if self.left == 0:
            raise ZeroDivisionError
        if self.container is not None:
            container, self.container = self.container, None
            assert len(list(container)) == len(container)
            assert 20 in container
            self.container = container
        return key


@live
def test_a_key_function_that_raises_changes_nothing(cls):
    for name, (count, operation) in operations_on(cls).items():
        for n in range(1, count + 1):
            key = Refusing()
            c = made(cls, {"key": key})
            before = list(c)
            key.left = n
            with pytest.raises(ZeroDivisionError):
                operation(c, 20, 70)
            assert list(c) == before, name
            check(c)


@live
def test_a_key_function_may_use_the_container(cls):
    for count, operation in operations_on(cls).values():
        key = Refusing()
        key.container = c = made(cls, {"key": key})
        operation(c, 20, 70)
        key.container = None
        check(c)
        assert count >= 0


@live
def test_bounds_let_go_of_everything(cls):
    class Rank:
        made = 0

        def __init__(self, key):
            self.key = key
            Rank.made += 1

        def __del__(self):
            Rank.made -= 1

        def __lt__(self, other):
            return self.key < other.key

    c = made(cls, {"key": Rank})
    part = (c.submap if cls in MAPS else c.subset)(20, 70)
    made_before = Rank.made
    for name, (_, operation) in operations_on(cls).items():
        if "pop" not in name and "clear" not in name and name not in CHANGES:
            operation(part, 30, 60)
    gc.collect()
    assert Rank.made == made_before
    # A part that its own container holds is garbage with it.
    if cls in MAPS:
        c[20] = part
    del c, part
    gc.collect()
    assert Rank.made == 0
