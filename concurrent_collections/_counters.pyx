# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""Counters: thin classes over csrc/sync/counters.c, and what is made of them. Users import `concurrent_collections`."""
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int64_t, uint32_t, uint64_t

from concurrent_collections.counters cimport *
from concurrent_collections.family cimport *
from concurrent_collections.object_type cimport *

cc_core_import()

import operator

include "counters.pxi"
include "access_tracker.pxi"
