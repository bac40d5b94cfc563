"""Ordered maps as mappings: every method on its own, one thread."""

from __future__ import annotations

import collections
import collections.abc
import itertools
import weakref

import pytest
from support import Object, collect, dead


class OddError(ValueError):
    """Cannot be made with one argument."""

    def __init__(self, data, place):
        super().__init__(data, place)


class TestConstruction:
    @pytest.mark.reads
    def test_without_arguments_it_is_empty(self, Map):
        m = Map()
        assert len(m) == 0
        assert not m
        assert list(m) == []

    @pytest.mark.reads
    def test_it_takes_a_dict(self, Map):
        assert list(Map({2: "b", 1: "a"}).items()) == [(1, "a"), (2, "b")]

    def test_it_takes_another_skip_list_map(self, Map):
        source = Map({2: "b", 1: "a"})
        m = Map(source)
        m[3] = "c"
        assert list(m) == [1, 2, 3]
        assert list(source) == [1, 2]

    @pytest.mark.reads
    def test_it_takes_pairs_and_the_last_one_of_a_key_wins(self, Map):
        assert dict(Map([(1, "a"), [2, "b"], (1, "c")])) == {1: "c", 2: "b"}

    @pytest.mark.reads
    def test_it_takes_a_generator_of_pairs(self, Map):
        assert dict(Map((i, i * i) for i in range(5))) == {i: i * i for i in range(5)}

    def test_entries_as_keyword_arguments_are_refused_by_name(self, Map):
        with pytest.raises(TypeError, match=r"keyword arguments: a, self; entries .* update\(\)"):
            Map({"a": 1}, a=1, self=2)

    @pytest.mark.reads
    def test_it_takes_anything_with_keys_and_getitem(self, Map):
        class Source:
            def keys(self):
                return ["b", "a"]

            def __getitem__(self, key):
                return key * 2

        assert dict(Map(Source())) == {"a": "aa", "b": "bb"}

    @pytest.mark.reads
    @pytest.mark.parametrize("wrong", [None, 1, [1], [(1, 2, 3)], [(1,)], object()])
    def test_what_is_neither_mapping_nor_pairs_is_an_error(self, Map, wrong):
        with pytest.raises((TypeError, ValueError)):
            Map(wrong)

    @pytest.mark.reads
    def test_two_positional_arguments_are_an_error(self, Map):
        with pytest.raises(TypeError):
            Map({}, {})

    @pytest.mark.reads
    def test_fromkeys_gives_every_key_the_same_value(self, Map):
        assert dict(Map.fromkeys("ba")) == {"a": None, "b": None}
        assert dict(Map.fromkeys([2, 1], 0)) == {1: 0, 2: 0}

    def test_calling_init_again_updates_as_dict_does(self, Map):
        m = Map({1: "a"})
        m.__init__({2: "b"})
        assert dict(m) == {1: "a", 2: "b"}

    @pytest.mark.reads
    def test_an_error_from_the_source_comes_through(self, Map):
        def broken():
            yield 1, 1
            raise LookupError("source")

        with pytest.raises(LookupError, match="source"):
            Map(broken())


class TestOneKey:
    def test_stored_values_are_found_and_are_the_same_objects(self, Map):
        value = object()
        m = Map()
        m[1] = value
        assert m[1] is value
        assert m.get(1) is value
        assert m.pop(1) is value

    def test_storing_again_replaces_the_value_and_keeps_the_length(self, Map):
        m = Map({1: "a"})
        m[1] = "b"
        assert m[1] == "b"
        assert len(m) == 1

    def test_a_missing_key_is_a_key_error_that_carries_the_key(self, Map):
        m = Map({1: "a"})
        for operation in (lambda: m[2], lambda: m.__delitem__(2), lambda: m.pop(2)):
            with pytest.raises(KeyError) as caught:
                operation()
            assert caught.value.args == (2,)

    @pytest.mark.reads
    def test_a_tuple_as_missing_key_is_carried_whole(self, Map):
        with pytest.raises(KeyError) as caught:
            Map({(0, 0): 0})[(1, 2)]
        assert caught.value.args == ((1, 2),)

    def test_del_removes(self, Map):
        m = Map({1: "a", 2: "b"})
        del m[1]
        assert dict(m) == {2: "b"}
        assert 1 not in m

    @pytest.mark.reads
    def test_contains_is_in(self, Map):
        m = Map({1: None})
        assert 1 in m
        assert m.contains(1) is True
        assert 2 not in m
        assert m.contains(2) is False

    @pytest.mark.reads
    def test_get_has_a_default(self, Map):
        m = Map({1: "a"})
        assert m.get(2) is None
        assert m.get(2, "x") == "x"
        assert m.get(2, default="x") == "x"
        assert m.get(1, "x") == "a"

    def test_put_returns_the_previous_value_or_none(self, Map):
        m = Map()
        assert m.put(1, "a") is None
        assert m.put(1, "b") == "a"
        assert m[1] == "b"

    def test_pop_has_a_default_that_may_be_none(self, Map):
        m = Map({1: "a"})
        assert m.pop(1) == "a"
        assert m.pop(1, None) is None
        assert m.pop(1, "x") == "x"
        with pytest.raises(KeyError):
            m.pop(1)

    def test_setdefault_stores_only_when_absent(self, Map):
        m = Map()
        assert m.setdefault(1, "a") == "a"
        assert m.setdefault(1, "b") == "a"
        assert m.setdefault(2) is None
        assert 2 in m
        assert m.setdefault(2, "c") is None

    def test_delete_says_whether_the_key_was_there(self, Map):
        m = Map({1: "a"})
        assert m.delete(1) is True
        assert m.delete(1) is False

    def test_put_if_absent_returns_the_existing_value_or_the_default(self, Map):
        absent = object()
        m = Map()
        assert m.put_if_absent(1, "a") is None
        assert m.put_if_absent(1, "b") == "a"
        assert m[1] == "a"
        assert m.put_if_absent(2, None, default=absent) is absent
        assert m.put_if_absent(2, "x", default=absent) is None
        assert m[2] is None

    def test_replace_stores_only_when_present(self, Map):
        absent = object()
        m = Map({1: "a", 2: None})
        assert m.replace(1, "b") == "a"
        assert m[1] == "b"
        assert m.replace(3, "x") is None
        assert m.replace(3, "x", default=absent) is absent
        assert 3 not in m
        assert m.replace(2, "y", default=absent) is None
        assert m[2] == "y"

    def test_none_is_a_value_like_any_other(self, Map):
        m = Map({1: None})
        assert m[1] is None
        assert m.put(1, None) is None
        assert m.pop(1, "x") is None
        assert m.pop(1, "x") == "x"

    def test_two_times_the_same_object_as_value_and_key_is_fine(self, Map):
        key = "some key"
        m = Map({key: key})
        m[key] = key
        assert m.pop(key) is key


class TestReplaceIf:
    def test_it_replaces_an_equal_value(self, Map):
        m = Map({1: 1000})
        assert m.replace_if(1, 10**3, "b") is True
        assert m[1] == "b"

    def test_it_leaves_another_value_alone(self, Map):
        m = Map({1: "a"})
        assert m.replace_if(1, "x", "b") is False
        assert m[1] == "a"

    def test_it_is_false_for_a_missing_key(self, Map):
        m = Map({1: "a"})
        assert m.replace_if(2, None, "b") is False
        assert 2 not in m

    def test_identity_is_enough(self, Map):
        value = float("nan")  # not equal to itself
        m = Map({1: value})
        assert m.replace_if(1, value, "b") is True

    def test_an_error_in_eq_comes_through_and_changes_nothing(self, Map):
        class Broken:
            def __eq__(self, other):
                raise LookupError("eq")

            __hash__ = None

        value = Broken()
        m = Map({1: value})
        with pytest.raises(LookupError, match="eq"):
            m.replace_if(1, 0, "b")
        assert m[1] is value

    def test_a_change_during_eq_means_compare_again_with_the_new_value(self, Map):
        class Meddler:
            calls = 0

            def __eq__(self, other):
                Meddler.calls += 1
                m[1] = "expected"
                return True

            __hash__ = None

        m = Map()
        m[1] = Meddler()
        assert m.replace_if(1, "expected", "new") is True
        assert Meddler.calls == 1
        assert m[1] == "new"

    def test_a_removal_during_eq_means_false(self, Map):
        class Remover:
            def __eq__(self, other):
                m.delete(1)
                return True

            __hash__ = None

        m = Map()
        m[1] = Remover()
        assert m.replace_if(1, "expected", "new") is False
        assert 1 not in m


class TestEnds:
    def test_popitem_takes_the_last_and_on_request_the_first(self, Map):
        m = Map({1: "a", 2: "b", 3: "c"})
        assert m.popitem() == (3, "c")
        assert m.popitem(last=False) == (1, "a")
        assert m.popitem(last=True) == (2, "b")
        assert len(m) == 0

    def test_pop_first_and_pop_last(self, Map):
        m = Map({1: "a", 2: "b", 3: "c"})
        assert m.pop_first() == (1, "a")
        assert m.pop_last() == (3, "c")
        assert dict(m) == {2: "b"}

    @pytest.mark.reads
    def test_first_and_last(self, Map):
        m = Map({2: "b", 1: "a", 3: "c"})
        assert m.first_key() == 1
        assert m.last_key() == 3
        assert m.first_item() == (1, "a")
        assert m.last_item() == (3, "c")
        assert len(m) == 3

    @pytest.mark.parametrize(
        "name",
        ["popitem", "pop_first", "pop_last", "first_key", "last_key", "first_item", "last_item"],
    )
    @pytest.mark.parametrize("emptied", [False, True])
    def test_an_empty_map_has_no_ends(self, Map, name, emptied):
        m = Map({i: i for i in range(10)}) if emptied else Map()
        m.clear()
        with pytest.raises(KeyError):
            getattr(m, name)()


class TestBulk:
    def test_clear_empties_and_the_map_stays_usable(self, Map):
        m = Map({i: i for i in range(1000)})
        m.clear()
        assert len(m) == 0
        assert list(m) == []
        assert 5 not in m
        m[5] = "x"
        assert dict(m) == {5: "x"}

    def test_clear_of_an_empty_map_is_fine(self, Map):
        m = Map()
        m.clear()
        assert not m

    def test_update_takes_what_the_constructor_takes_and_keywords(self, Map):
        m = Map({"a": 1})
        m.update({"b": 2})
        m.update([("c", 3)])
        m.update(Map({"d": 4}))
        m.update(e=5, a=0)
        m.update({"f": 6}, g=7, key=8, self=9, other=10)
        m.update()
        expected = {"a": 0, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7}
        assert dict(m) == expected | {"key": 8, "self": 9, "other": 10}

    def test_update_with_itself_changes_nothing(self, Map):
        m = Map({i: i for i in range(300)})
        m.update(m)
        assert dict(m) == {i: i for i in range(300)}

    @pytest.mark.parametrize("wrong", [None, 1, [(1, 2, 3)]])
    def test_update_with_nonsense_is_an_error(self, Map, wrong):
        m = Map({1: 1})
        with pytest.raises((TypeError, ValueError)):
            m.update(wrong)
        assert dict(m) == {1: 1}

    @pytest.mark.parametrize(
        "error",
        [
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            OddError(b"\xff", 1),
            TypeError("of the element's own"),
        ],
    )
    def test_what_unpacking_an_element_raises_comes_through_as_it_is(self, Map, error):
        class Pair:
            def __iter__(self):
                raise error

            def __repr__(self):
                raise AssertionError("nobody asks for this")

        m = Map()
        with pytest.raises(type(error)) as caught:
            m.update([("a", 1), Pair()])
        assert caught.value is error
        assert "element 1 of the iterable, of type Pair" in error.__notes__[-1]
        assert list(m.items()) == [("a", 1)], "those before it are stored"

    @pytest.mark.reads
    @pytest.mark.parametrize("element", [7, (1,), (1, 2, 3), ""])
    def test_an_element_that_is_no_pair_is_the_error_that_dict_raises(self, Map, element):
        with pytest.raises(Exception) as of_dict:
            dict([(1, 2), element])
        with pytest.raises(of_dict.type) as caught:
            Map([(1, 2), element])
        assert "element 1 of the iterable" in caught.value.__notes__[-1]

    def test_many_entries_come_back_in_order(self, Map):
        import random

        keys = list(range(20_000))
        random.Random(1).shuffle(keys)
        m = Map()
        for key in keys:
            m[key] = -key
        assert len(m) == 20_000
        assert list(m.items()) == [(key, -key) for key in range(20_000)]
        for key in keys[:10_000]:
            del m[key]
        assert list(m) == sorted(keys[10_000:])


class TestEquality:
    @pytest.mark.reads
    def test_it_equals_any_mapping_with_the_same_entries(self, Map):
        m = Map({1: "a", 2: "b"})
        assert m == Map({2: "b", 1: "a"})
        assert m == {1: "a", 2: "b"}
        assert {1: "a", 2: "b"} == m
        assert m == collections.OrderedDict({2: "b", 1: "a"})
        assert m == collections.UserDict({2: "b", 1: "a"})

    @pytest.mark.reads
    def test_it_differs_in_keys_values_and_length(self, Map):
        m = Map({1: "a", 2: "b"})
        for other in ({1: "a"}, {1: "a", 2: "c"}, {1: "a", 3: "b"}, {1: "a", 2: "b", 3: "c"}, {}):
            assert m != other
            assert m != Map(other)
            assert not (m == other)

    @pytest.mark.reads
    def test_it_is_unequal_to_what_is_no_mapping(self, Map):
        m = Map({1: "a"})
        assert m != [(1, "a")]
        assert m != 1
        assert m != None  # noqa: E711

    @pytest.mark.reads
    def test_keys_of_another_kind_make_it_unequal_without_an_error(self, Map):
        assert Map({1: "a"}) != {"a": "a"}
        assert {"a": "a"} != Map({1: "a"})
        assert Map({1: "a"}) != Map({"a": "a"})
        assert Map({1: "a"}) != {None: "a"}

    @pytest.mark.reads
    def test_values_that_are_identical_count_as_equal(self, Map):
        nan = float("nan")
        assert Map({1: nan}) == {1: nan}
        assert Map({1: nan}) == Map({1: nan})

    @pytest.mark.reads
    def test_comparing_with_a_default_dict_asks_for_no_defaults(self, Map):
        other = collections.defaultdict(int, {2: 0})
        assert Map({1: 0}) != other
        assert dict(other) == {2: 0}

    @pytest.mark.parametrize("error", [TypeError, ValueError, OSError])
    def test_an_error_in_the_other_mapping_s_getitem_comes_through(self, Map, error):
        class Broken(collections.UserDict):
            def __contains__(self, key):
                return True

            def __getitem__(self, key):
                raise error("broken")

        other = Broken()
        other.data["a"] = 1
        with pytest.raises(error, match="broken"):
            Map({"a": 1}) == other
        with pytest.raises(error, match="broken"):
            other == Map({"a": 1})

    def test_a_key_that_has_gone_from_the_other_meanwhile_makes_it_unequal(self, Map):
        class Fleeting(collections.UserDict):
            def __contains__(self, key):
                found = key in self.data
                self.data.pop(key, None)
                return found

        assert Map({"a": 1}) != Fleeting(a=1)

    @pytest.mark.reads
    def test_a_nan_among_the_other_s_keys_makes_it_unequal(self, Map):
        nan = float("nan")
        assert Map({1.0: 1}) != {nan: 1}
        assert {nan: 1} != Map({1.0: 1})

    @pytest.mark.reads
    def test_an_error_in_a_value_s_eq_comes_through(self, Map):
        class Broken:
            def __eq__(self, other):
                raise LookupError("eq")

            __hash__ = None

        with pytest.raises(LookupError):
            Map({1: Broken()}) == {1: 0}

    def test_it_has_no_order_and_no_hash(self, Map):
        m = Map()
        with pytest.raises(TypeError):
            hash(m)
        with pytest.raises(TypeError):
            m < m
        assert not isinstance(m, collections.abc.Hashable)


class TestWhatTheDocumentsSayAboutChangesMeanwhile:
    def test_a_dict_of_the_items_misses_no_key_that_a_dict_of_the_map_misses(self, Map):
        class Remover(str):
            def __hash__(self):
                m.delete("b")  # as another thread could, between the keys and their values
                return super().__hash__()

        m = Map([(Remover("a"), 1), ("b", 2), ("c", 3)])
        with pytest.raises(KeyError, match="b"):
            dict(m)
        for copied in (lambda: dict(m.items()), lambda: dict(m.copy().items())):
            m["b"] = 2
            assert list(copied()) in (["a", "b", "c"], ["a", "c"])

    def test_what_is_added_ahead_is_met_again(self, Set):
        s = Set(range(10))
        s.update(itertools.islice((x + 1 for x in s), 5000))
        assert list(s) == list(range(5001))
        s.update([x + 1 for x in s])
        assert len(s) == 5002

    @pytest.mark.parametrize("length", [10, 300, 2000])
    def test_an_iterator_keeps_at_most_256_entries_of_its_chunk_alive(self, Map, length):
        kept = []
        for _ in range(5):  # where a chunk ends is chance: one may have ended just here
            m = Map({key: Object() for key in range(length)})
            references = [weakref.ref(value) for value in m.values()]
            iterator = iter(m.values())
            for _ in range(length // 2):
                next(iterator)
            m.clear()
            collect(m)
            kept.append(sum(not dead(reference) for reference in references))
            assert list(iterator) == []
            collect(m)
            assert all(map(dead, references))
        assert 0 < max(kept) <= 256


class TestUnion:
    @pytest.mark.reads
    def test_or_makes_a_new_map_in_which_the_right_side_wins(self, Map):
        left, right = Map({1: "a", 2: "b"}), Map({2: "c", 3: "d"})
        both = left | right
        assert type(both) is Map
        assert dict(both) == {1: "a", 2: "c", 3: "d"}
        assert dict(left) == {1: "a", 2: "b"}
        assert dict(right) == {2: "c", 3: "d"}

    @pytest.mark.reads
    def test_or_works_with_a_dict_on_either_side(self, Map):
        m = Map({1: "a", 2: "b"})
        assert dict(m | {2: "c"}) == {1: "a", 2: "c"}
        reflected = {2: "c", 0: "z"} | m
        assert isinstance(reflected, (Map, dict))
        assert dict(reflected) == {0: "z", 1: "a", 2: "b"}

    def test_in_place_or_updates_the_same_object(self, Map):
        m = alias = Map({1: "a"})
        m |= {2: "b"}
        m |= [(3, "c")]
        assert m is alias
        assert dict(m) == {1: "a", 2: "b", 3: "c"}

    @pytest.mark.reads
    def test_or_with_what_is_no_mapping_is_a_type_error(self, Map):
        m = Map({1: "a"})
        for wrong in (1, None, [(1, 2)], "ab"):
            with pytest.raises(TypeError):
                m | wrong
            with pytest.raises(TypeError):
                wrong | m


class TestProtocols:
    def test_it_is_a_mutable_mapping(self, Map):
        assert isinstance(Map(), collections.abc.MutableMapping)
        assert issubclass(Map, collections.abc.MutableMapping)
        assert isinstance(Map(), collections.abc.Reversible)

    @pytest.mark.reads
    def test_it_matches_mapping_patterns(self, Map):
        match Map({"a": 1, "b": 2}):
            case {"a": value, **rest}:
                assert value == 1
                assert rest == {"b": 2}
            case _:
                pytest.fail("not seen as a mapping")

    def test_it_unpacks_as_keywords_and_into_a_dict(self, Map):
        assert dict(**Map({"a": 1})) == {"a": 1}
        assert {**Map({1: 2})} == {1: 2}

    def test_wrong_numbers_of_arguments_are_type_errors(self, Map):
        m = Map({1: 1})
        for name, arguments in [
            ("get", ()),
            ("get", (1, 2, 3)),
            ("put", (1,)),
            ("pop", ()),
            ("pop", (1, 2, 3)),
            ("delete", ()),
            ("replace_if", (1, 2)),
            ("setdefault", ()),
            ("first_key", (1, 2)),
            ("last_item", (1, 2)),
            ("floor_key", ()),
            ("clear", (1,)),
        ]:
            with pytest.raises(TypeError):
                getattr(m, name)(*arguments)
        assert dict(m) == {1: 1}
