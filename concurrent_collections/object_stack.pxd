# Stacks of objects, as Cython sees them: object_stack.h and csrc/stack/stack.h say what each one promises.
from libc.stdint cimport uint32_t, uint64_t

from concurrent_collections.object_store cimport cc_object_store
from concurrent_collections.object_type cimport cc_smr_domain

cdef extern from "stack/stack.h":
    ctypedef struct cc_stack:
        pass
    ctypedef struct cc_stack_options:
        size_t capacity
        uint32_t cells, wait
    ctypedef struct cc_stack_statistics:
        uint64_t pushes, pops, lost, offers, eliminated
    void cc_stack_get_statistics(const cc_stack *stack, cc_stack_statistics *out)

cdef extern from "object_stack.h":
    cc_object_store *cc_object_stack_new(const cc_stack_options *options) except NULL
    const cc_stack *cc_object_stack_core(const cc_object_store *s)
    object cc_object_stack_peek(cc_object_store *s, object otherwise)
    list cc_object_stack_snapshot(cc_object_store *s)
    cc_smr_domain *cc_object_stack_domain(const cc_object_store *s)
