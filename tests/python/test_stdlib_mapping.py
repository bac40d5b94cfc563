"""CPython's own tests of mappings, run against our ordered maps.

What they demand of hash tables only (a hash of the key, an error when a mapping changes under an
iterator, keys of mixed kinds) is left out, each with its reason.
"""

from __future__ import annotations

from ordered_kinds import MAPS
from support import standard_tests

mapping_tests = standard_tests("mapping_tests")


def made_for(cls):
    class Tests(mapping_tests.TestHashMappingProtocol):
        type2test = cls

        test_mutatingiteration = None  # wants a RuntimeError; our iterators are weakly consistent
        test_repr = None  # wants the repr of dict
        test_repr_deep = None  # wants that, too; test_references.py has our own
        test_eq = None  # stores keys that have no order
        test_items = None  # wants that items() takes no argument; ours takes bounds
        test_values = None  # the same
        test_popitem = None  # the same; ours takes `last`

        def test_constructor(self):  # the original goes on with entries as keyword arguments
            mapping_tests.BasicTestMappingProtocol.test_constructor(self)

        # The originals of these go on with keys whose __hash__ fails.

        def test_getitem(self):
            mapping_tests.TestMappingProtocol.test_getitem(self)

        def test_pop(self):
            mapping_tests.TestMappingProtocol.test_pop(self)

        def test_setdefault(self):
            mapping_tests.TestMappingProtocol.test_setdefault(self)

    return Tests


globals().update({f"Test{cls.__name__}": made_for(cls) for cls in MAPS})
