# Comparator: an order of keys (object_order.h) as users see it.


cdef class Comparator:
    """Comparator()\n--\n\nAn order of keys for ordered containers: ``SkipListMap(comparator=c)``. Immutable.

    Made by ``natural``, ``by_key``, ``from_function`` and ``from_c``, and of others by ``reversed`` and ``then``. ``Comparator()`` is
    ``Comparator.natural()``. Two keys that it does not tell apart are one key. Called with two keys it answers as
    ``functools.cmp_to_key`` takes it: less than 0, 0, or greater. Comparators are equal if they are made of the same parts with
    the very same functions; they can be pickled where the functions can.

    >>> by_length = Comparator.by_key(len).then(Comparator.natural())
    >>> list(SkipListSet(["pear", "fig", "kiwi"], comparator=by_length))
    ['fig', 'kiwi', 'pear']
    >>> by_length("fig", "kiwi")
    -1

    A comparator that is no order (it changes its mind, or says that a < b < c < a) gives entries strange places, and does no
    other harm: no operation crashes or goes on for ever. What its functions raise comes out of the operation, which then has
    changed nothing.
    """
    cdef object order  # an _Order of the core

    def __cinit__(self):
        self.order = <object>cc_order_object(cc_order_ascending_one())

    def __init__(self):
        pass

    @staticmethod
    def natural():
        """Return the order of keys by their own ``<``: that of containers to which nothing is said."""
        return comparator_of(((CC_BY_NATURE, False, None),))

    @staticmethod
    def by_key(function, /):
        """Return the order by ``<`` of what a function makes of a key, as ``key=`` of ``sorted`` takes it.

        The function is called once an operation, for the key that the operation is given; what it has returned is kept with the
        entry. It must return the same for equal keys, always. Raises TypeError if it is not callable.
        """
        return comparator_of(((CC_BY_KEY, False, a_callable("function", function)),))

    @staticmethod
    def from_c(function, /, context=None, *, keys=None):
        """Return the order by a C function of two keys, which runs without Python, as fast as keys of built-in types are compared.

        Parameters
        ----------
        function : int or capsule
            Its address, as ctypes and cffi tell it; the code must stay loaded. Or a capsule, of one of two names: the header
            ``concurrent_collections/cc_comparator.h`` has them, the types, and the rules that the function must keep.
        context : int, capsule, object with a buffer, or None
            What the function gets as its third argument: an address, a capsule's pointer, or the address of a buffer (of bytes, an
            array, a ctypes structure), which nobody can resize from then on. None: the capsule's own context, or NULL. Kept alive.
        keys : {"objects", "int64s"}, optional
            What an address is the address of: a function of two ``PyObject *`` (unless something else is said), or of two
            ``int64_t``. A capsule says it by its name.

        It returns less than 0, 0 or more than 0, as the first key is before, equal to or behind the second; or CC_CANNOT_COMPARE, and
        then the operation raises TypeError and changes nothing. It is called O(log n) times an operation, and may be called again
        for the same two. With int64s, a key that is no exact int (or a bool) raises TypeError, one of more than 64 bits OverflowError.

        Raises TypeError or ValueError for what is no address, no capsule of these names, or no context. Such a comparator cannot be
        pickled.
        """
        return comparator_of(((CC_BY_C_FUNCTION, False, cc_c_function_new(function, context, keys)),))

    @staticmethod
    def from_function(function, /):
        """Return the order by a function of two keys, as ``functools.cmp_to_key`` takes it.

        It returns a number: less than 0, 0 or greater, as the first key is before, equal to or behind the second. It is called for
        each comparison, O(log n) times an operation, and never for one object twice. Raises TypeError if it is not callable.
        """
        return comparator_of(((CC_BY_FUNCTION, False, a_callable("function", function)),))

    def reversed(self):
        """Return this order the other way round."""
        return comparator_of(tuple([(form, not is_reversed, function) for form, is_reversed, function in parts_of(self)]))

    def then(self, other, /):
        """Return the order by this one, and of keys that it does not tell apart by the other."""
        if not isinstance(other, Comparator):
            raise TypeError(f"other: expected a Comparator, got {type(other).__name__}")
        return comparator_of(parts_of(self) + parts_of(other))

    def __call__(self, a, b, /):
        """Compare two keys: -1, 0 or 1. Calls key functions for both."""
        return cc_order_compare_keys(cc_order_in(self.order), a, b)

    def __eq__(self, other):
        if not isinstance(other, Comparator):
            return NotImplemented
        return cc_order_is_same(cc_order_in(self.order), cc_order_in((<Comparator>other).order))

    def __hash__(self):
        return hash(tuple([
            (form, is_reversed, cc_c_function_hash(function) if form == CC_BY_C_FUNCTION else id(function))
            for form, is_reversed, function in parts_of(self)]))

    def __repr__(self):
        text = ""
        for form, is_reversed, function in parts_of(self):
            one = f"Comparator.{COMPARATOR_FORMS[form]}({arguments_text(form, function)})"
            one += ".reversed()" if is_reversed else ""
            text = f"{text}.then({one})" if text else one
        return text

    def __reduce__(self):
        parts = parts_of(self)
        for form, _, _ in parts:
            if form == CC_BY_C_FUNCTION:
                raise TypeError("cannot pickle a Comparator.from_c: the address of a C function means nothing in another process")
        return _comparator_from, parts

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self  # as of a function


def _order_settings(comparator):
    """What repr shows of a container's order besides its content: a list of keyword arguments."""
    cdef tuple parts = parts_of(comparator)
    form, is_reversed, function = parts[0]
    if len(parts) > 1 or form not in (CC_BY_NATURE, CC_BY_KEY):
        return [f"comparator={comparator!r}"]
    return ([f"key={function!r}"] if form == CC_BY_KEY else []) + (["reverse=True"] if is_reversed else [])


def _shown(name, content, settings):
    """A container as repr shows it: what is in it, unless that is nothing, and its settings."""
    arguments = [f"{{{content}}}"] if content else []
    return f"{name}({', '.join(arguments + settings)})"


cdef tuple COMPARATOR_FORMS = ("natural", "by_key", "from_function", "from_c")  # by their numbers


cdef str arguments_text(form, function):
    if form == CC_BY_NATURE:
        return ""
    if form != CC_BY_C_FUNCTION:
        return repr(function)
    source, context, keys = cc_c_function_arguments(function)
    text = hex(source) if isinstance(source, int) else repr(source)
    text += "" if context is None else f", {context!r}"
    return f"{text}, keys={keys!r}"


cdef tuple parts_of(Comparator comparator):
    return cc_order_parts(cc_order_in(comparator.order))


cdef Comparator comparator_of(tuple parts):
    return comparator_around(cc_order_from_parts(parts))


cdef Comparator comparator_around(order):
    cdef Comparator result = Comparator.__new__(Comparator)
    result.order = order
    return result


cdef object a_callable(str name, function):
    if not callable(function):
        raise TypeError(f"{name}: expected a callable, got {type(function).__name__}")
    return function


def _comparator_from(*parts):
    """What pickles make a comparator with."""
    cdef list checked = []
    for form, is_reversed, function in parts:
        if form not in (CC_BY_NATURE, CC_BY_KEY, CC_BY_FUNCTION):
            raise ValueError(f"parts: {form!r} is no form of a comparator")
        checked.append((form, bool(is_reversed), None if form == CC_BY_NATURE else a_callable("parts", function)))
    return comparator_of(tuple(checked))


# So that pickles do not name the family's module.
_comparator_from.__module__ = "concurrent_collections"
cc_container_type_publish(<PyTypeObject *>Comparator, b"concurrent_collections.Comparator", False)


# ---- of containers ----

def _order_from(key, reverse, comparator):
    """The _Order that a constructor's keywords ask for; None if they ask for none."""
    if comparator is not None:
        if not isinstance(comparator, Comparator):
            hint = "; Comparator.from_function(f) makes one of a function" if callable(comparator) else ""
            raise TypeError(f"comparator: expected a Comparator, got {type(comparator).__name__}{hint}")
        if key is not None:
            raise TypeError("key: not together with comparator; Comparator.by_key(key).then(...) combines them")
        return (<Comparator>(comparator.reversed() if reverse else comparator)).order
    if key is not None:
        return cc_order_from_parts(((CC_BY_KEY, bool(reverse), a_callable("key", key)),))
    return cc_order_from_parts(((CC_BY_NATURE, True, None),)) if reverse else None


cdef int set_order(owner, cc_ordered *entries, key, reverse, comparator) except -1:
    # As __init__ is told: before anything is put, and only once.
    order = _order_from(key, reverse, comparator)
    if order is None:
        cc_order_of_map(entries)  # and the ascending one from now on, if there is none yet
    elif not cc_order_set(entries, cc_order_in(order)):
        raise TypeError(f"{type(owner).__name__}: the order of a container that is in use cannot be changed")
    return 0


cdef object no_entries(owner, dict entries):
    # What a constructor raises that is given entries as keyword arguments.
    names = ", ".join(entries)
    return TypeError(
        f"{type(owner).__name__}() got unexpected keyword arguments: {names}; entries as keyword arguments are for update()")


cdef bint is_plain(cc_ordered *entries):
    return cc_order_is_natural(cc_order_of_map(entries))


def _comparator_of(container):
    """The Comparator of an ordered container."""
    return comparator_around(<object>cc_order_object(order_in(container)))


cdef const cc_order *order_in(container) except NULL:
    cdef cc_frozen *table = cc_frozen_in(container)
    return cc_frozen_order(table) if table != NULL else cc_order_of_map(entries_of(container))


cdef bint is_between(container, key, start, stop, inclusive) except -1:
    # Whether bounds admit a key, in the order of the container: for views.
    at_start, at_stop = inclusive
    cdef const cc_order *order = order_in(container)
    cdef int where
    if start is not OPEN:
        where = cc_order_compare_keys(order, key, start)
        if where < 0 or (where == 0 and not at_start):
            return False
    if stop is not OPEN:
        where = cc_order_compare_keys(order, key, stop)
        if where > 0 or (where == 0 and not at_stop):
            return False
    return True


cdef bint has_own_order(container) except -1:
    # Not by nature: then a key may be in it as one that is not equal by `==`.
    if type(container) is SUB_MAP or type(container) is SUB_SET:
        container = container._container
    cdef cc_ordered *entries = cc_object_map_in(container)
    cdef cc_frozen *table = cc_frozen_in(container)
    return (entries != NULL and not is_plain(entries)) or (
        table != NULL and not cc_order_is_natural(cc_frozen_order(table)))


cdef bint keeps_all_equal(elements, container) except -1:
    # keeps_equal of each.
    if has_own_order(container):
        for element in elements:
            if not keeps_equal(element, container):
                return False
    return True


cdef bint keeps_equal(key, container) except -1:
    # Of a key that is in a container: whether it is there as one that is equal by `==`. In orders
    # by nature it is.
    if type(container) is SUB_MAP or type(container) is SUB_SET:
        container = container._container
    cdef cc_ordered *entries = cc_object_map_in(container)
    cdef cc_frozen *table = cc_frozen_in(container)
    cdef Py_ssize_t where = 0
    if entries != NULL and not is_plain(entries):
        theirs = cc_object_map_neighbour(entries, <PyObject *>key, CC_CEILING, CC_WANT_KEY, <PyObject *>None)
    elif table != NULL and not cc_order_is_natural(cc_frozen_order(table)):
        if not cc_frozen_find(table, key, CC_REFUSE_UNCOMPARABLE, &where):
            return False
        theirs = cc_frozen_get(table, where, CC_WANT_KEY)
    else:
        return True
    return theirs is key or theirs == key


def _keeps_equal(key, container):
    """What the frozen family asks."""
    return keeps_equal(key, container)


def _keeps_all_equal(elements, container):
    """The same of many."""
    return keeps_all_equal(elements, container)
