# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""The stack: thin classes over csrc/stack. Users import `concurrent_collections`."""
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from concurrent_collections.family cimport *
from concurrent_collections.object_stack cimport *
from concurrent_collections.object_store cimport *
from concurrent_collections.object_type cimport *
from concurrent_collections.waiting cimport *

cc_core_import()

import sys
from types import GenericAlias

from concurrent_collections._queues import Full, ShutDown  # and tasks can wait from then on

include "stack.pxi"
