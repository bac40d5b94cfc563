# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""The queues: thin classes over csrc/queue, and what their tasks wait with. Users import `concurrent_collections`."""
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from concurrent_collections.family cimport *
from concurrent_collections.object_queue cimport *
from concurrent_collections.object_store cimport *
from concurrent_collections.object_type cimport *
from concurrent_collections.waiting cimport *

cc_core_import()

import sys
from types import GenericAlias

cdef object config
from concurrent_collections._core import config

include "queues.pxi"
