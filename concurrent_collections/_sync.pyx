# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""What threads and tasks meet at: thin classes over csrc/sync. Users import `concurrent_collections`."""
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint32_t, uint64_t, uintptr_t

from concurrent_collections.family cimport *
from concurrent_collections.object_type cimport *
from concurrent_collections.semaphore cimport *
from concurrent_collections.waiting cimport *

cc_core_import()

include "semaphores.pxi"
