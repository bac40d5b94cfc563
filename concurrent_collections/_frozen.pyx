# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""Frozen ordered containers: thin classes over object_frozen.h. Users import `concurrent_collections`."""
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.object cimport Py_EQ, Py_GE, Py_LE, Py_LT, Py_NE, PyObject, PyTypeObject

from concurrent_collections.family cimport *
from concurrent_collections.object_frozen cimport *
from concurrent_collections.object_map cimport *
from concurrent_collections.object_order cimport *
from concurrent_collections.object_type cimport *

cc_core_import()

import copy
import operator
import sys
from array import array
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pickle import PickleBuffer
from types import GenericAlias

from concurrent_collections._ordered import (
    _OUR_CLASSES,
    SkipListMap,
    SkipListSet,
    _comparator_of,
    _is_in,
    _keeps_all_equal,
    _keeps_equal,
    _order_from,
    _order_settings,
    _OrderedMap,
    _OrderedSet,
    _shown,
)
from concurrent_collections._pretty import print_elements, print_map
from concurrent_collections._views import SkipListItemsView, SkipListKeysView, SkipListValuesView

cdef extern from "Python.h":
    int Py_ReprEnter(object o) except -1
    void Py_ReprLeave(object o)

cdef enum:
    MOST_COMPLETIONS = 10_000  # more are of no use at a prompt

cdef object KEYS_VIEW = SkipListKeysView, VALUES_VIEW = SkipListValuesView, ITEMS_VIEW = SkipListItemsView
cdef object PRINT_MAP = print_map, PRINT_ELEMENTS = print_elements
cdef object ORDERED_MAP = _OrderedMap, ORDERED_SET = _OrderedSet
# A subclass may have its own, and then means that.
cdef object MAP_ITEMS = _OrderedMap.items, SET_ITER = _OrderedSet.__iter__

include "arguments.pxi"
include "frozen.pxi"
include "frozen_map.pxi"
include "frozen_set.pxi"
include "columns.pxi"

_OUR_CLASSES += [FrozenSkipListMap, FrozenSkipListSet]
