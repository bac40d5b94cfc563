# cython: language_level=3, freethreading_compatible=True
"""Which numbers are in many arrays, and how often: counted by any number of threads in one ordered map."""

from libc.stdint cimport int64_t, uintptr_t

from concurrent_collections cimport capi


cdef class Totals:
    cdef capi.cc_i64map *map

    def __cinit__(self):
        self.map = capi.cc_i64map_new()
        if self.map == NULL:
            raise MemoryError

    def __dealloc__(self):
        capi.cc_i64map_free(self.map)  # nobody uses it any more; NULL is nothing

    def add(self, const int64_t[::1] numbers):
        """Count each of the numbers. Other threads may add to the same totals meanwhile."""
        cdef int answer = 0
        cdef Py_ssize_t i
        with nogil:  # from here on no Python object is touched
            for i in range(numbers.shape[0]):
                answer = count_one(self.map, numbers[i])
                if answer < 0:
                    break
        if answer < 0:
            raise MemoryError

    def count(self, int64_t number):
        """How often the number has been added."""
        cdef uintptr_t count = 0
        if capi.cc_i64map_get(self.map, number, &count) < 0:  # a thread's first call may need memory
            raise MemoryError
        return count

    def between(self, int64_t first, int64_t last):
        """The numbers from `first` to `last`, in order, each with how often it has been added."""
        cdef int64_t number
        cdef uintptr_t count
        found = []
        cdef int answer = capi.cc_i64map_ceiling(self.map, first, &number, &count)
        while answer == capi.CC_I64MAP_PRESENT and number <= last:
            found.append((number, count))
            answer = capi.cc_i64map_higher(self.map, number, &number, &count)
        if answer < 0:
            raise MemoryError
        return found


cdef int count_one(capi.cc_i64map *map, int64_t number) noexcept nogil:
    """Add one, in one step: a compare-and-swap that begins again if another thread was faster."""
    cdef uintptr_t seen = 0
    cdef int answer = capi.cc_i64map_put_if_absent(map, number, 1, &seen)
    while answer == capi.CC_I64MAP_PRESENT:
        if capi.cc_i64map_replace_if(map, number, seen, seen + 1) == capi.CC_I64MAP_PRESENT:
            return answer
        answer = capi.cc_i64map_put_if_absent(map, number, 1, &seen)
    return answer
