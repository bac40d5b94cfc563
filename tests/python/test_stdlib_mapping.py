"""CPython's own tests of mappings, run against SkipListMap.

What they demand of hash tables only (a hash of the key, an error when a mapping changes under an
iterator, keys of mixed kinds) is left out, each with its reason.
"""

from __future__ import annotations

import pytest

mapping_tests = pytest.importorskip(
    "test.mapping_tests", reason="this Python comes without its test package"
)

from concurrent_collections import SkipListMap  # noqa: E402


class TestSkipListMap(mapping_tests.TestHashMappingProtocol):
    type2test = SkipListMap

    test_mutatingiteration = None  # wants a RuntimeError; our iterators are weakly consistent
    test_bad_key = None  # wants keys to be hashed

    def test_getitem(self):
        # The original goes on with keys whose __hash__ fails.
        mapping_tests.TestMappingProtocol.test_getitem(self)

    def test_pop(self):
        # The same.
        mapping_tests.TestMappingProtocol.test_pop(self)

    def test_setdefault(self):
        mapping_tests.TestMappingProtocol.test_setdefault(self)

    def test_fromkeys(self):
        mapping_tests.TestMappingProtocol.test_fromkeys(self)
