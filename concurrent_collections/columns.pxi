# A range of an ordered container, live or frozen, as one table; and numbers in it as arrays.

cdef extern from "Python.h":
    double PyFloat_AsDouble(object o) except? -1.0
    long long PyLong_AsLongLong(object o) except? -1


cdef object table_between(owner, start, stop, inclusive, bint has_values, Py_ssize_t *first, Py_ssize_t *end):
    # A table with the range, and where it lies there. The bounds are as parse_bound gives them.
    cdef cc_frozen *table = cc_frozen_in(owner)
    if table != NULL:
        frozen_range(table, start, stop, inclusive, first, end)
        return <object>table
    cdef cc_ordered *entries = cc_object_map_in(owner)
    if entries == NULL:  # of a view that somebody has made by hand
        raise TypeError(f"owner: expected an ordered container, got {type(owner).__name__}")
    at_start, at_stop = inclusive
    result = cc_frozen_from_range(
        entries, has_values, given(start), given(stop), flags_of(at_start, at_stop))
    first[0] = 0
    end[0] = (<cc_frozen *>result).count
    return result


def _freeze(owner, tuple bounds):
    """A range of a live container as a frozen one of the plain class; the bounds as in ranges.pxi."""
    cdef Py_ssize_t first, end
    start, stop, inclusive = bounds
    is_map = isinstance(owner, ORDERED_MAP)
    table = table_between(owner, start, stop, inclusive, is_map, &first, &end)
    return new_frozen(FrozenSkipListMap if is_map else FrozenSkipListSet, table)


cdef object numbers_of(list objects, code, str name):
    # A buffer of them, in the format of `code`, or if it is None in the one that they have.
    cdef Py_buffer view
    cdef Py_ssize_t i = 0
    cdef bint are_floats
    if code is None:
        code = "q"
        for i, o in enumerate(objects):
            if type(o) is float:
                code = "d"
            elif type(o) is not int:
                raise TypeError(f"{name}: entry {i} is of type {type(o).__name__}, neither int nor float; name the format to convert")
    column = array(code, bytes(8 * len(objects)))
    are_floats = code == "d"
    i = 0
    PyObject_GetBuffer(column, &view, PyBUF_WRITABLE)
    try:
        for o in objects:
            if are_floats:
                (<double *>view.buf)[i] = PyFloat_AsDouble(o)
            else:
                (<long long *>view.buf)[i] = PyLong_AsLongLong(operator.index(o))
            i += 1
    except (TypeError, OverflowError) as error:
        if type(error) is not TypeError and type(error) is not OverflowError:
            raise  # of a class whose arguments nobody knows
        raise type(error)(f"{name}: entry {i} has no place in format {code!r}: {error}") from None
    finally:
        PyBuffer_Release(&view)
    return memoryview(column)


cdef object key_column(table, Py_ssize_t first, Py_ssize_t end, code):
    cdef cc_frozen *t = <cc_frozen *>table
    if t.form != CC_FROZEN_OBJECTS and code in (None, "d" if t.form == CC_FROZEN_FLOATS else "q"):
        return memoryview(new_frozen(FrozenSkipListMap if t.has_values else FrozenSkipListSet, table))[first:end]
    return numbers_of(cc_frozen_list(t, first, end - first, 1, CC_WANT_KEY), code, "keys")


def _columns(owner, tuple bounds, bint reverse, tuple wanted):
    """Columns of a range: `wanted` has "key" and "value" with a format, "q" or "d", or None for the one that they have."""
    cdef Py_ssize_t first, end
    start, stop, inclusive = bounds
    result = []
    table = table_between(owner, start, stop, inclusive, any(kind == "value" for kind, _ in wanted), &first, &end)
    for kind, code in wanted:
        if kind == "key":
            column = key_column(table, first, end, code)
        else:
            column = numbers_of(
                cc_frozen_list(<cc_frozen *>table, first, end - first, 1, CC_WANT_VALUE), code, "values")
        result.append(column[::-1] if reverse else column)
    return result
