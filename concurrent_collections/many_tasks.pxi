# Many items at once, for tasks: what a _TaskWait (tasks.pxi) tries for async_get_many and
# async_put_many. object_store.c has these two functions from here, for every kind of store.
#
# What a task may rely on. A call that is cancelled, or in which anything raises, has lost no item:
# a get that raises has taken nothing, and the exception of a put says how many items were put, and
# which one was taken from the iterable but not put. Handlers of signals run in the iterable's code,
# if that is Python's, and otherwise not in the middle of an attempt.

@cython.final
cdef class _TaskPuts:
    """What a task that puts many has put, and has yet to put. One _TaskWait at a time works on it."""
    cdef object iterator, item  # NOTHING: no item is in hand
    cdef readonly Py_ssize_t items_put
    cdef bint is_at_work        # and not the iterable

    def __cinit__(self, iterable):
        self.item = NOTHING
        self.iterator = iter(iterable)

    def say_how_far(self, error):
        """Give an exception the attributes that the one of put_many has."""
        say_how_far(error, self.items_put, self.item, self.is_at_work)


cdef int put_many_for_task(void *closure, PyObject *argument, PyObject **result) except -1:
    # As many as there is room for, a few at a time. The result is how many that were.
    cdef cc_object_store *s = <cc_object_store *>closure
    cdef object count
    cdef _TaskPuts puts = <_TaskPuts?><object>argument
    cdef Py_ssize_t left = CC_ITEMS_PER_LOOK
    if puts.items_put == 0 and puts.item is NOTHING and cc_object_store_is_closed(s):
        puts.is_at_work = True
        raise ShutDown
    while left:
        if puts.item is NOTHING:
            puts.is_at_work = False
            puts.item = next(puts.iterator, NOTHING)
            if puts.item is NOTHING:
                count = puts.items_put
                Py_INCREF(count)
                result[0] = <PyObject *>count
                return CC_HAS_WORKED
        puts.is_at_work = True
        if not cc_object_store_try_put(s, puts.item):
            return CC_NOT_NOW
        puts.items_put += 1
        puts.item = NOTHING
        left -= 1
    return CC_ANOTHER_TURN


cdef int get_many_for_task(void *closure, PyObject *most, PyObject **result) except -1:
    cdef list items = []
    try:
        if not cc_object_store_get_many_now(<cc_object_store *>closure, items, <object>most):
            return CC_NOT_NOW
    except BaseException as error:
        if items:
            set_attribute(error, "items_taken", items)
        raise
    Py_INCREF(items)
    result[0] = <PyObject *>items
    return CC_HAS_WORKED


def _most_for_task(max_items):
    """How many items a task takes at most when it may have max_items: no loop is held up for long."""
    return min(count_from("max_items", max_items, 1, sys.maxsize), CC_ITEMS_PER_LOOK)
