"""What tools see of the package: signatures, docstrings, IPython's completions and its way of printing."""

from __future__ import annotations

import inspect

import pytest
from ordered_kinds import MAPS, OF_THE_TESTS

import concurrent_collections
from concurrent_collections import Comparator, LockFreeQueue, smr

VIEWS = [type(view) for Map in MAPS for m in [Map()] for view in (m.keys(), m.values(), m.items())]
CLASSES = [
    thing
    for thing in [getattr(concurrent_collections, name) for name in concurrent_collections.__all__]
    # Exceptions are the standard library's, and have none.
    if isinstance(thing, type) and not issubclass(thing, BaseException)
] + VIEWS
FUNCTIONS = [
    thing
    for module in (concurrent_collections, smr)
    for name, thing in vars(module).items()
    if callable(thing) and not isinstance(thing, type) and not name.startswith("_")
]


def public_methods_of(cls):
    for name in dir(cls):
        if not name.startswith("_") and callable(getattr(cls, name)):
            yield name


class TestSignatures:
    def test_every_class_is_looked_at(self, Map, Set):
        assert {Map, Set, LockFreeQueue} - {*OF_THE_TESTS} < set(CLASSES)
        assert len(CLASSES) >= 9

    @pytest.mark.parametrize("cls", CLASSES)
    def test_a_class_has_one_that_is_right(self, cls):
        signature = inspect.signature(cls)
        if cls in VIEWS:
            return  # made by their containers
        positional, by_name = [], {}
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                positional.append(parameter.default)
            elif parameter.kind is parameter.KEYWORD_ONLY:
                by_name[parameter.name] = parameter.default
            else:
                assert parameter.kind is parameter.VAR_KEYWORD, "nothing takes *args"
                by_name["anything"] = 1
        assert type(cls(*positional, **by_name)) is cls
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                cls(**{parameter.name: parameter.default})
        if by_name.keys() != {"anything"}:
            with pytest.raises(TypeError):
                cls(**by_name, no_such_parameter=1)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_so_has_a_subclass_and_every_method(self, cls):
        assert inspect.signature(type("Sub", (cls,), {})) == inspect.signature(cls)
        for name in public_methods_of(cls):
            assert inspect.signature(getattr(cls, name)) is not None, name

    @pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls not in VIEWS])
    def test_methods_of_an_instance_take_no_self(self, cls):
        instance = cls()
        for name in public_methods_of(cls):
            parameters = inspect.signature(getattr(instance, name)).parameters
            assert "self" not in parameters, name

    @pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
    def test_so_has_a_function(self, function):
        assert inspect.signature(function) is not None

    @pytest.mark.parametrize("cls", CLASSES)
    def test_docstrings_begin_with_a_sentence(self, cls):
        for thing in [cls, *(getattr(cls, name) for name in public_methods_of(cls))]:
            first = (inspect.getdoc(thing) or "").partition("\n")[0]
            assert first, thing
            assert not first.startswith(f"{thing.__name__}("), "the signature shows"


class Lines:
    """As much of IPython's printer as there is a protocol for, with a line for each entry."""

    def __init__(self, most=0):
        self.max_seq_length = most
        self.parts = []
        self.inside = []

    def text(self, text):
        self.parts.append(text)

    def breakable(self):
        self.parts.append("\n")

    def begin_group(self, indent, text):
        assert indent == len(text)
        self.parts.append(text)

    def end_group(self, dedent, text):
        self.parts.append(text)

    def pretty(self, thing):
        if hasattr(type(thing), "_repr_pretty_"):
            cycle = any(thing is other for other in self.inside)
            self.inside.append(thing)
            thing._repr_pretty_(self, cycle)
            self.inside.pop()
        else:
            self.parts.append(repr(thing))

    @classmethod
    def of(cls, thing, most=0):
        lines = cls(most)
        lines.pretty(thing)
        return "".join(lines.parts)


class TestPrinting:
    def test_there_may_be_a_line_break_after_each_entry(self, Map, Set):
        m = Map({2: "b", 1: "a"})
        assert Lines.of(m) == f"{Map.__name__}({{1: 'a',\n2: 'b'}})"
        assert Lines.of(Set("ba")) == f"{Set.__name__}({{'a',\n'b'}})"
        assert Lines.of(m.keys()) == f"{type(m.keys()).__name__}([1,\n2])"
        assert Lines.of(m.values(stop=2)) == f"{type(m.values()).__name__}(['a'])"
        assert Lines.of(m.items(2)) == f"{type(m.items()).__name__}([(2, 'b')])"

    def test_what_is_empty_is_shown_as_repr_shows_it(self, Map, Set):
        for empty in (Map(), Set(), Map().keys()):
            assert Lines.of(empty) == repr(empty)

    def test_a_subclass_is_named_and_nested_containers_are_printed_so_too(self, Map, Set):
        class Named(Map):
            pass

        inner = Set([1, 2])
        assert Lines.of(Named({1: inner})) == f"Named({{1: {Set.__name__}({{1,\n2}})}})"

    def test_a_container_inside_itself_is_shown_with_dots(self, Map):
        m = Map()
        m[1] = m
        assert Lines.of(m) == repr(m) == f"{Map.__name__}({{1: {Map.__name__}({{...}})}})"
        m.clear()

    def test_no_more_is_shown_or_fetched_than_the_printer_wants(self, Map, Set):
        m = Map({key: "x" for key in range(100_000)})
        shown = Lines.of(m, most=3)
        assert shown == f"{Map.__name__}({{0: 'x',\n1: 'x',\n2: 'x',\n...}})"
        assert Lines.of(Set(range(9)), most=2) == f"{Set.__name__}({{0,\n1,\n...}})"
        assert Lines.of(Set(range(2)), most=2) == f"{Set.__name__}({{0,\n1}})"

    def test_ipython_itself_breaks_the_lines(self, Map, Set):
        pretty = pytest.importorskip("IPython.lib.pretty")
        m = Map.fromkeys(range(2000), "value")
        for thing in (m, Set(m), m.keys(), m.values(), m.items()):
            lines = pretty.pretty(thing).splitlines()
            assert len(lines) > 10
            assert max(map(len, lines)) < 80
            assert lines[-1].strip().startswith("...")
        assert pretty.pretty(Map({1: 2})) == f"{Map.__name__}({{1: 2}})"
        m.clear()
        m[1] = m
        assert pretty.pretty(m) == repr(m)
        m.clear()


class TestCompletions:
    def test_keys_are_offered(self, Map):
        assert Map({"b": 1, "a": 2})._ipython_key_completions_() == ["a", "b"]
        assert Map()._ipython_key_completions_() == []

    def test_not_millions_of_them(self, Map):
        offered = Map.fromkeys(range(20_000))._ipython_key_completions_()
        assert offered == list(range(10_000))


class Named:
    """A function whose repr is Python that makes it."""

    def __init__(self, name):
        self.name = name

    def __call__(self, key):
        return abs(key)

    def __repr__(self):
        return f"Named({self.name!r})"


SIZE = Named("size")
ORDERS = {
    "reverse=True": {"reverse": True},
    "key=Named('size')": {"key": SIZE},
    "key=Named('size'), reverse=True": {"key": SIZE, "reverse": True},
    "comparator=Comparator.by_key(Named('size')).then(Comparator.natural().reversed())": {
        "comparator": Comparator.by_key(SIZE).then(Comparator.natural().reversed())
    },
}
every_order = pytest.mark.parametrize(("text", "keywords"), ORDERS.items(), ids=ORDERS)


@every_order
class TestOrders:
    """What shows a container shows its order, as the constructor takes it."""

    def there_and_back(self, thing, names):
        twin = eval(repr(thing), {**names, "Comparator": Comparator, "Named": {"size": SIZE}.get})
        assert twin == thing
        assert list(twin) == list(thing)
        assert twin.comparator == thing.comparator
        assert repr(twin).split("(", 1)[1] == repr(thing).split("(", 1)[1]

    @pytest.mark.reads
    def test_maps(self, Map, text, keywords):
        m = Map({1: "a", -2: "b", 3: "c"}, **keywords)
        entries = ", ".join([f"{key}: {value!r}" for key, value in m.items()])
        assert repr(m) == f"{Map.__name__}({{{entries}}}, {text})"
        assert repr(Map(**keywords)) == f"{Map.__name__}({text})"
        assert Lines.of(m).replace(",\n", ", ") == repr(m)
        assert Lines.of(Map(**keywords)) == repr(Map(**keywords))
        for one in (m, Map(**keywords)):
            self.there_and_back(one, {Map.__name__: Map})

    @pytest.mark.reads
    def test_sets(self, Set, text, keywords):
        s = Set([1, -2, 3], **keywords)
        assert repr(s) == f"{Set.__name__}({{{', '.join(map(repr, s))}}}, {text})"
        assert repr(Set(**keywords)) == f"{Set.__name__}({text})"
        assert Lines.of(s).replace(",\n", ", ") == repr(s)
        for one in (s, Set(**keywords)):
            self.there_and_back(one, {Set.__name__: Set})

    def test_parts(self, Map, Set, text, keywords):
        m, s = Map({1: "a", -2: "b", 3: "c"}, **keywords), Set([1, -2, 3], **keywords)
        for part in (m.submap(), s.subset()):
            assert repr(part).endswith(f"}}, {text})")
            assert Lines.of(part).replace(",\n", ", ") == repr(part)
        self.there_and_back(m.submap(), {"SkipListSubMap": Map})
        self.there_and_back(s.descending(), {"SkipListSubSet": Set})

    @pytest.mark.reads
    def test_fromkeys(self, Map, text, keywords):
        m = Map.fromkeys([1, -2, 3], 0, **keywords)
        assert repr(m) == repr(Map({1: 0, -2: 0, 3: 0}, **keywords))


def test_the_opposite_of_an_order_that_is_turned_round_says_nothing(Map, Set):
    assert repr(Set([1, 2], reverse=True).descending()) == "SkipListSubSet({1, 2})"
    assert repr(Map({1: 2}).descending()) == "SkipListSubMap({1: 2}, reverse=True)"
    assert repr(Map({1: 2}, reverse=True, default_factory=int)) == (
        f"{Map.__name__}({{1: 2}}, reverse=True, default_factory=<class 'int'>)"
    )


def test_a_key_function_that_shows_the_container_does_not_go_round(Map, Set):
    class Showing:
        container = None

        def __call__(self, key):
            return key

        def __repr__(self):
            return repr(self.container)

    for cls in (Map, Set):
        key = Showing()
        key.container = cls(key=key)
        assert repr(key.container) == f"{cls.__name__}(key={cls.__name__}({{...}}))"
        assert Lines.of(key.container) == repr(key.container)
        key.container = None


def test_fromkeys_names_what_the_constructor_does(Map):
    for wrong, error in (
        ({"key": 1}, "key: expected a callable"),
        ({"comparator": 1}, "comparator: expected a Comparator"),
        ({"comparator": Comparator(), "key": len}, "key: not together with comparator"),
    ):
        with pytest.raises(TypeError, match=error):
            Map.fromkeys("ab", **wrong)

    class Plain(Map):
        def __init__(self):
            super().__init__()

    assert Plain.fromkeys("ba") == {"a": None, "b": None}
    with pytest.raises(TypeError, match="reverse"):
        Plain.fromkeys("ba", reverse=True)
