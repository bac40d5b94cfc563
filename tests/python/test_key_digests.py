"""What the core is told of keys: digests that are ordered as Python orders, hashes that equal keys share.

Where the core would ask Python, its answer is None. It asks for what has no order, so that Python raises what it raises.
"""

from __future__ import annotations

import fractions
import itertools
import math
import random
import sys
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support import hooks

LARGEST_FLOAT = sys.float_info.max
SMALLEST_FLOAT = math.ulp(0.0)


@pytest.fixture(scope="module", autouse=True)
def _only_with_hooks():
    hooks()


def kind_of(key):
    return hooks().key(key)[0]


def digest_of(key):
    return hooks().key(key)[1]


def hash_of(key):
    _, _, searched, stored = hooks().key(key)
    assert searched == stored
    return searched


def order_by_python(a, b):
    """-1, 0 or 1, or None where Python raises."""
    try:
        return -1 if a < b else int(b < a)
    except TypeError:
        return None


# ---- keys ------------------------------------------------------------------------------------

near_powers = st.builds(
    lambda sign, power, offset: sign * (2**power + offset),
    st.sampled_from([-1, 1]),
    st.integers(0, 70) | st.integers(1000, 1030),
    st.integers(-2, 2),
)
ints = st.integers(-9, 9) | near_powers | st.integers()
small_ints = st.integers(-9, 9) | st.integers(-(2**40), 2**40)
floats = (
    st.floats(allow_nan=False)
    | st.integers(-9, 9).map(float)
    | st.builds(math.ldexp, st.integers(-(2**53), 2**53).map(float), st.integers(0, 900))
    | st.builds(lambda n: n / 4, st.integers(-99, 99))
    | st.sampled_from([0.0, -0.0, SMALLEST_FLOAT, LARGEST_FLOAT, math.inf, -math.inf])
)
numbers = st.booleans() | ints | floats
any_text = st.text(st.characters(exclude_categories=()), max_size=12)
texts = (
    any_text
    | st.text("\0a\x7f\x80\ud800\udfff\uffff\U00010000", max_size=12)
    | st.builds(lambda start, end: start + end, st.sampled_from(["same", "the same"]), any_text)
)
byte_strings = (
    st.binary(max_size=12)
    | st.lists(st.sampled_from(b"\0\1\x7f\x80\xff"), max_size=12).map(bytes)
    | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))
)
atoms = numbers | texts | byte_strings
elements = st.recursive(
    atoms | st.none(), lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5
)
tuples = st.lists(elements, max_size=4).map(tuple)
pairs = st.tuples(small_ints | texts | floats | numbers, small_ints | numbers | texts)
keys = atoms | tuples | pairs
few_pairs = st.tuples(
    st.sampled_from([0, 1, 1.0, 0.5, -3, 2**31, "", "a", "a\0", "ab", "abcdefg", b"", b"a"]),
    numbers | texts | byte_strings,
) | st.tuples(st.sampled_from([1, 2, "a"]), st.integers(0, 2), elements)


def twin(key, change):
    """A key that equals `key`, of other types where there are such."""
    if isinstance(key, tuple):
        return tuple(twin(element, change) for element in key)
    if key is None or isinstance(key, str | bytes):
        return key
    options = [key]
    for make in (bool, int, float):
        try:
            made = make(key)
        except OverflowError:
            continue
        if made == key:
            options.append(made)
    if key == 0:
        options.append(-0.0)
    return change.choice(options)


class TestHashes:
    @given(keys, st.randoms(use_true_random=False))
    @example((1, (2.0, ("a", b"a", None))), random.Random(1))
    def test_equal_keys_of_whatever_kinds_have_equal_hashes(self, key, change):
        other = twin(key, change)
        assert key == other
        assert hash_of(key) == hash_of(other)

    @given(st.lists(keys, min_size=2, max_size=12))
    def test_keys_that_happen_to_be_equal_have_equal_hashes(self, some):
        for a in some:
            for b in some:
                if a == b:
                    assert hash_of(a) == hash_of(b)

    @pytest.mark.parametrize(
        "equals",
        [
            [1, 1.0, True],
            [0, 0.0, -0.0, False],
            [2**53, 2.0**53],
            [2**62, 2.0**62],
            [2**63, 2.0**63],
            [-(2**63), -(2.0**63)],
            [2**63 - 1024, 2.0**63 - 1024],
            [2**70, 2.0**70],
            [-(2**61), -(2.0**61)],
            [2**61 - 1, 2**61 - 1],
            [2**122, 2.0**122],
            [-(2**122), -(2.0**122)],  # whose hash would be -1
            [-(2**183), -(2.0**183)],
            [int(LARGEST_FLOAT), LARGEST_FLOAT],
            [-int(LARGEST_FLOAT), -LARGEST_FLOAT],
            [(1, 2), (1.0, True + 1), (True, 2.0)],
            [(2**70, (0,)), (2.0**70, (-0.0,))],
        ],
    )
    def test_numbers_that_are_one_key_share_a_hash(self, equals):
        assert all(equals[0] == other for other in equals)
        assert len({hash_of(key) for key in equals}) == 1
        assert hash_of(equals[0])

    @given(st.integers(53, 1023), st.integers(-(2**53), 2**53), st.booleans())
    def test_large_floats_share_the_hash_of_the_int(self, power, mantissa, is_negative):
        number = mantissa * 2.0 ** (power - 53) * (-1 if is_negative else 1)
        assume(number.is_integer())
        assert hash_of(number) == hash_of(int(number))

    @given(atoms)
    def test_every_exact_key_has_a_hash(self, key):
        assert hash_of(key)

    @given(st.lists(atoms | st.none(), max_size=5).map(tuple))
    def test_every_tuple_of_exact_elements_has_a_hash(self, key):
        assert hash_of(key)

    @pytest.mark.parametrize(
        "foreign",
        [
            fractions.Fraction(1),
            Decimal(1),
            1j,
            ...,
            int,
            [1],
            frozenset([1]),
            type("Int", (int,), {})(1),
            type("Str", (str,), {})("a"),
            type("Float", (float,), {})(1),
            type("Bytes", (bytes,), {})(b"a"),
            type("Tuple", (tuple,), {})([1]),
            float("nan"),
            bytearray(b"a"),
        ],
        ids=repr,
    )
    def test_keys_that_may_equal_others_by_unknown_code_have_none(self, foreign):
        assert hash_of((foreign,)) == 0
        if type(foreign) is not float:  # refused as a key
            assert hash_of(foreign) == 0

    @pytest.mark.parametrize("foreign", [fractions.Fraction(1), float("nan"), [1]], ids=repr)
    def test_one_such_element_takes_the_hash_from_a_tuple(self, foreign):
        assert hash_of(((foreign,), 1)) == 0

    def test_a_tuple_deeper_than_comparisons_go_has_none(self):
        key = (1,)
        for _ in range(50):
            key = (key,)
        assert hash_of(key) == 0

    def test_a_tuple_with_very_many_elements_by_few_objects_is_hashed_soon(self):
        key = (1,) * 1000
        for _ in range(6):
            key = (key,) * 1000
        for _ in range(1000):
            hash_of(key)

    def test_tuples_of_the_same_elements_in_another_form_have_other_hashes(self):
        if hash_of((1, 2)) == hash_of((1, 3)):
            pytest.skip("this build looks at one element only")
        forms = [(), ((),), ((), ()), (1, 2), (2, 1), (1, (2,)), ((1,), 2), ((1, 2),), (1, 2, ())]
        hashes = {hash_of(form) for form in forms} - {0}
        assert len(hashes) == sum(hash_of(form) != 0 for form in forms)

    def test_none_is_an_element_and_no_key(self):
        assert hash_of((None,))
        assert hash_of(None) == 0

    @pytest.mark.parametrize(
        "keys",
        [
            range(20_000),
            [n / 8 for n in range(20_000)],
            [2**70 + n for n in range(20_000)],
            [2.0**70 + n * 2**20 for n in range(20_000)],
            [f"https://example.org/item/{n:07}" for n in range(20_000)],
            [(f"{n:05}",) for n in range(20_000)],
        ],
        ids=["ints", "floats", "large ints", "large floats", "texts", "tuples"],
    )
    def test_different_keys_have_different_hashes_as_a_rule(self, keys):
        hashes = {hash_of(key) for key in keys}
        assert len(hashes) > 19_990
        for low in (4, 50):  # a bucket's number, and a tag
            counts = [0] * 1024
            for h in hashes:
                counts[h >> low & 1023] += 1
            assert max(counts) < 60  # 20 on the average


# Numbers on both sides of all that the codes of pairs tell apart: bytes of ints, digits of floats.
EDGE_INTS = sorted(
    {
        sign * (2**power + offset)
        for power in (0, 1, 7, 8, 15, 16, 24, 31, 32, 40, 47, 48, 55, 56, 60, 62, 63, 64, 70)
        for offset in (-17, -2, -1, 0, 1, 2, 15, 16)
        for sign in (-1, 1)
    }
)
EDGE_FLOATS = sorted(
    {
        sign * number
        for base in (0.0, 1.0, 1.5, 255.0, 2.0**20, 2.0**21 - 1, 1e300, SMALLEST_FLOAT)
        for number in (
            base,
            math.nextafter(base, math.inf),
            math.nextafter(math.nextafter(base, math.inf), math.inf),
            math.nextafter(base, 0),
            math.nextafter(math.nextafter(base, 0), 0),
            base * (1 + 2.0**-20),
            base * (1 + 2.0**-21),
            base * (1 + 2.0**-21 + 2.0**-52),
        )
        for sign in (-1, 1)
    }
    | {math.inf, -math.inf}
)
EDGE_TEXTS = sorted(
    {
        start + end
        for start in ("", "a", "ab", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "é", "ééé")
        for end in (
            "",
            "\0",
            "\0\0",
            "\0z",
            "\1",
            "a",
            "z",
            "\x7f",
            "é",
            "\u0100",
            "\uffff",
            "\U00010000",
        )
    }
)
EDGE_BYTES = sorted({text.encode() for text in EDGE_TEXTS} | {b"\xff" * n for n in range(10)})
SECONDS = {
    "ints": [n for n in EDGE_INTS if n % 2 or abs(n) < 100],
    "floats": EDGE_FLOATS[::2],
    "texts": EDGE_TEXTS[::2],
    "bytes": EDGE_BYTES[::2],
}


def every_key_in_order(firsts, seconds):
    firsts, seconds = SETS[firsts], SECONDS[seconds]
    some = [(first, second) for first in firsts for second in seconds]
    some += [(first, second, "more") for first in firsts[::3] for second in seconds[::3]]
    some += [(first,) for first in firsts]
    return sorted(some)


SETS = {"ints": EDGE_INTS, "floats": EDGE_FLOATS, "texts": EDGE_TEXTS, "bytes": EDGE_BYTES}


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("firsts", SETS)
class TestEdges:
    def test_digests_of_a_kind_never_fall(self, firsts, seconds):
        latest = {}
        for key in every_key_in_order(firsts, seconds):
            digest = digest_of(key)
            assert digest >= latest.get(kind_of(key), 0), key
            latest[kind_of(key)] = digest

    def test_of_neighbours_the_lower_is_less(self, firsts, seconds):
        order = hooks().order
        ordered = every_key_in_order(firsts, seconds)
        for distance in (1, 2, 3, 5, 30):
            for low, high in zip(ordered, ordered[distance:], strict=False):
                assert order(low, high) == -1, (low, high)
                assert order(high, low) == 1, (low, high)

    def test_each_equals_another_of_the_same_elements(self, firsts, seconds):
        for key in every_key_in_order(firsts, seconds):
            assert hooks().order(key, (*key,)) == 0


class TestOrderOfSingleKeys:
    @pytest.mark.parametrize("keys", SETS)
    def test_of_neighbours_the_lower_is_less(self, keys):
        ordered = SETS[keys]
        for low, high in itertools.pairwise(ordered):
            assert hooks().order(low, high) == -1
            assert hooks().order(high, low) == 1


class TestOrder:
    @given(keys, keys)
    def test_what_the_core_answers_is_what_python_says(self, a, b):
        self.agree(a, b)

    @given(tuples, tuples)
    def test_of_tuples(self, a, b):
        self.agree(a, b)

    @given(few_pairs, few_pairs)
    @example((1, 2.5), (1, 2))
    @example((1, "a"), (1, 2))
    @example(("a", 2**60), ("a\0", -(2**60)))
    @example((2**31, 7), (2**31, 8, None))
    def test_of_pairs_with_equal_beginnings(self, a, b):
        self.agree(a, b)

    @given(keys, st.randoms(use_true_random=False))
    def test_of_a_key_and_its_equal(self, key, change):
        other = twin(key, change)
        assert hooks().order(key, other) in (0, None)

    @given(st.lists(few_pairs, max_size=30))
    def test_no_digest_is_less_than_that_of_a_smaller_key(self, some):
        by_kind = {}
        for key in some:
            by_kind.setdefault(kind_of(key), []).append((digest_of(key), key))
        for of_a_kind in by_kind.values():
            for digest, key in of_a_kind:
                for other_digest, other in of_a_kind:
                    if digest < other_digest:
                        assert key < other

    def agree(self, a, b):
        for one, other in ((a, b), (b, a)):
            order = hooks().order(one, other)
            assert order is None or order == order_by_python(one, other)

    @given(atoms | pairs, atoms | pairs)
    def test_python_is_asked_only_about_what_is_large_or_has_no_order(self, a, b):
        assume(order_by_python(a, b) is not None)
        flat = [*(a if isinstance(a, tuple) else [a]), *(b if isinstance(b, tuple) else [b])]
        assume(not any(isinstance(x, int) and abs(x) >= 2**63 for x in flat))
        assert hooks().order(a, b) is not None

    def test_large_ints_and_floats_that_are_apart_are_ordered_without_python(self):
        for big in (2**63, 2**100, 10**400):
            for less in (0.5, 9e18, -1e300, -math.inf):
                assert hooks().order(big, less) == 1
                assert hooks().order(less, big) == -1
                assert hooks().order(-big, -less) == -1
                assert hooks().order(-less, -big) == 1
            assert hooks().order(big, math.inf) == -1
            assert hooks().order(math.inf, big) == 1
            assert hooks().order(-big, -math.inf) == 1


class TestInMaps:
    @given(st.lists(keys, max_size=30), st.randoms(use_true_random=False))
    def test_a_map_finds_each_key_by_its_equal(self, Map, some, change):
        m = Map()
        model = {}
        for key in some:
            if all(order_by_python(key, other) is not None for other in model):
                m[key] = model[key] = len(model)
        for key, value in model.items():
            assert m[twin(key, change)] == value
        assert list(m) == sorted(model)

    @given(st.lists(few_pairs, max_size=40), st.lists(few_pairs, max_size=10))
    def test_pairs_that_have_an_order_are_kept_as_a_sorted_dict_keeps_them(self, Map, some, absent):
        model = {}
        m = Map()
        for index, key in enumerate(some):
            if all(order_by_python(key, other) is not None for other in model):
                model[key] = index
                m[key] = index
        assert list(m.items()) == sorted(model.items(), key=lambda item: item[0])
        for key in absent:
            assert m.get(key, "absent") == model.get(key, "absent")
        for key in list(model)[::2]:
            assert m.pop(key) == model.pop(key)
        assert list(m) == sorted(model)
