/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_frozen.h"

#include <string.h>

#include "object_frozen_build.h"
#include "object_map.h"
#include "object_scan.h"

/* ---------------------------------------------------------------- one entry */

/* The digest of a key of a form that is known where this is inlined. */
CC_ALWAYS_INLINE uint64_t digest_of(uint64_t number, cc_frozen_form form, uint64_t flip) {
    if (form == CC_FROZEN_INTS) {
        return number ^ CC_SIGN_BIT ^ flip;
    }
    if (form == CC_FROZEN_FLOATS) {
        double value;
        memcpy(&value, &number, sizeof value);
        return cc_digest_of_double(value) ^ flip;
    }
    return number;
}

static uint64_t digest_at(const cc_frozen *t, Py_ssize_t i) {
    return digest_of(t->numbers[i], t->form, t->order->flip);
}

cc_stored_key cc_frozen_key(const cc_frozen *t, Py_ssize_t i) {
    return (cc_stored_key){
        .digest = digest_at(t, i),
        .word = t->form == CC_FROZEN_OBJECTS ? (uintptr_t)t->keys[i] : 0,
        .kind = t->kind ? (uint8_t)t->kind : t->kinds[i],
    };
}

static PyObject *key_object(const cc_frozen *t, Py_ssize_t i) {
    if (t->form == CC_FROZEN_INTS) {
        return PyLong_FromLongLong((long long)t->numbers[i]);
    }
    if (t->form == CC_FROZEN_FLOATS) {
        double value; /* not by the digest: it knows one zero */
        memcpy(&value, &t->numbers[i], sizeof value);
        return PyFloat_FromDouble(value);
    }
    return cc_key_object(CC_KIND_OTHER, 0, (uintptr_t)t->keys[i]);
}

/* The same as the table's order has it. */
static PyObject *word_object(const cc_frozen *t, Py_ssize_t i) {
    return t->form == CC_FROZEN_OBJECTS ? Py_NewRef(t->keys[i]) : key_object(t, i);
}

int cc_frozen_take_key(const cc_frozen *t, Py_ssize_t i, cc_stored_key *key) {
    *key = cc_frozen_key(t, i);
    if (t->form == CC_FROZEN_FLOATS && t->numbers[i] == CC_SIGN_BIT) {
        key->word = (uintptr_t)key_object(t, i); /* its digest is that of 0.0 */
        return key->word ? 0 : -1;
    }
    Py_XINCREF((PyObject *)key->word);
    return 0;
}

static PyObject *value_object(const cc_frozen *t, Py_ssize_t i) {
    return Py_NewRef(t->has_values ? t->values[i] : Py_None);
}

CC_ALWAYS_INLINE PyObject *get_entry(const cc_frozen *t, Py_ssize_t i, int want) {
    if (want == CC_WANT_KEY) {
        return key_object(t, i);
    }
    if (want == CC_WANT_VALUE) {
        return value_object(t, i);
    }
    PyObject *key = key_object(t, i);
    PyObject *item = key ? PyTuple_New(2) : NULL;
    if (!item) {
        Py_XDECREF(key);
        return NULL;
    }
    PyTuple_SET_ITEM(item, 0, key);
    PyTuple_SET_ITEM(item, 1, value_object(t, i));
    return item;
}

PyObject *cc_frozen_get(cc_frozen *t, Py_ssize_t i, int want) {
    return get_entry(t, i, want);
}

/* ---------------------------------------------------------------- looking for keys */

/* The first of n sorted digests that is not less than `wanted`, or with `above` that is greater.
 * Without branches, since where the key is cannot be predicted; so the processor has to be told of
 * the two places one of which comes next. */
CC_ALWAYS_INLINE size_t bound_in(const uint64_t *numbers, size_t n, uint64_t wanted, bool above,
                                 cc_frozen_form form, uint64_t flip) {
    const uint64_t *first = numbers;
#define IS_BEFORE(number)                                                                          \
    (above ? digest_of(number, form, flip) <= wanted : digest_of(number, form, flip) < wanted)
    while (n > 1) {
        const size_t half = n / 2;
        n -= half;
        CC_PREFETCH(first + n / 2);
        CC_PREFETCH(first + half + n / 2);
        first = IS_BEFORE(first[half - 1]) ? first + half : first;
    }
    return (size_t)(first - numbers) + (n && IS_BEFORE(*first));
#undef IS_BEFORE
}

static Py_ssize_t digest_bound(const cc_frozen *t, Py_ssize_t from, uint64_t wanted, bool above) {
    const uint64_t *numbers = t->numbers + from, flip = t->order->flip;
    size_t n = (size_t)(t->count - from);
    return from + (Py_ssize_t)(t->form == CC_FROZEN_INTS
                                   ? bound_in(numbers, n, wanted, above, CC_FROZEN_INTS, flip)
                               : t->form == CC_FROZEN_FLOATS
                                   ? bound_in(numbers, n, wanted, above, CC_FROZEN_FLOATS, flip)
                                   : bound_in(numbers, n, wanted, above, CC_FROZEN_OBJECTS, 0));
}

/* cc_frozen_find, with a search that has begun. */
static int find_searched(cc_frozen *t, const cc_search *search, PyObject *key, int policy,
                         Py_ssize_t *where) {
    PyObject *word = cc_key_word_of(search, key);
    cc_stored_key wanted = {.digest = search->digest, .word = search->key, .kind = search->kind};
    Py_ssize_t low = 0, high = t->count;
    if (high == 0 && policy == CC_REFUSE_UNCOMPARABLE && cc_order_check(t->order, word)) {
        return -1;
    }
    if (high && t->kind == wanted.kind) { /* what digests say first: nothing is compared */
        low = digest_bound(t, 0, wanted.digest, false);
        if (low == high || digest_at(t, low) != wanted.digest) {
            *where = low;
            return 0;
        }
        high = low + 1;
        if (high < t->count && digest_at(t, high) == wanted.digest) {
            high = digest_bound(t, high, wanted.digest, true);
        }
    }
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        cc_stored_key other = cc_frozen_key(t, middle);
        int order = cc_order_compare_stored(t->order, &wanted, &other);
        if (order == 0) {
            *where = middle;
            return 1;
        }
        if (order == -2) {
            PyObject *o = policy == CC_REFUSE_UNCOMPARABLE ? NULL : word_object(t, middle);
            int was_refused =
                o ? cc_order_was_refused(t->order, word, o, policy == CC_ABSENT_IF_ANY) : 0;
            Py_XDECREF(o);
            *where = middle;
            return was_refused ? 0 : -1;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *where = low;
    return 0;
}

int cc_frozen_find(cc_frozen *t, PyObject *key, int policy, Py_ssize_t *where) {
    cc_search search;
    if (cc_key_begin_search(&search, t->order, key)) {
        return -1;
    }
    int answer = find_searched(t, &search, key, policy, where);
    cc_key_end_search(&search);
    return answer;
}

int cc_frozen_has(cc_frozen *t, PyObject *key) {
    cc_search search;
    Py_ssize_t where;
    int is_nan = cc_key_begin_search_if_taken(&search, t->order, key);
    if (is_nan) {
        return is_nan < 0 ? -1 : 0;
    }
    int answer = find_searched(t, &search, key, CC_ABSENT_IF_ANY, &where);
    cc_key_end_search(&search);
    return answer;
}

PyObject *cc_frozen_neighbour(cc_frozen *t, PyObject *key, int relation, int want,
                              PyObject *otherwise) {
    Py_ssize_t where = 0;
    int found = key ? cc_frozen_find(t, key, CC_REFUSE_UNCOMPARABLE, &where) : 0;
    if (found < 0) {
        return NULL;
    }
    switch (relation) {
    case CC_LAST:
        where = t->count - 1;
        break;
    case CC_FLOOR:
        where -= !found;
        break;
    case CC_LOWER:
        where--;
        break;
    case CC_HIGHER:
        where += found;
        break;
    default: /* CC_FIRST, CC_CEILING */
        break;
    }
    if (where >= 0 && where < t->count) {
        return get_entry(t, where, want);
    }
    if (!otherwise) {
        PyErr_SetString(PyExc_KeyError, "the container is empty");
    }
    return Py_XNewRef(otherwise);
}

int cc_frozen_range(cc_frozen *t, PyObject *start, PyObject *stop, unsigned how, Py_ssize_t *first,
                    Py_ssize_t *end) {
    *first = 0;
    *end = t->count;
    int found = start ? cc_frozen_find(t, start, CC_REFUSE_UNCOMPARABLE, first) : 0;
    if (found < 0) {
        return -1;
    }
    *first += found && how & CC_START_EXCLUSIVE;
    found = stop ? cc_frozen_find(t, stop, CC_REFUSE_UNCOMPARABLE, end) : 0;
    if (found < 0) {
        return -1;
    }
    *end += found && how & CC_STOP_INCLUSIVE;
    *end = *end < *first ? *first : *end;
    return 0;
}

/* ---------------------------------------------------------------- iterators and lists */

typedef struct iterator {
    PyObject_HEAD cc_frozen *table;
    cc_atomic_u64 given; /* so many entries */
    Py_ssize_t first, count;
    int step, want;
} iterator;

static PyTypeObject iterator_type;

PyObject *cc_frozen_iterate(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, int step, int want) {
    iterator *it = PyObject_GC_New(iterator, &iterator_type);
    if (!it) {
        return NULL;
    }
    it->table = (cc_frozen *)Py_NewRef((PyObject *)t);
    cc_store_relaxed_u64(&it->given, 0);
    it->first = first;
    it->count = count;
    it->step = step;
    it->want = want;
    PyObject_GC_Track((PyObject *)it);
    return (PyObject *)it;
}

static PyObject *iterator_next(PyObject *self) {
    iterator *it = (iterator *)self;
    uint64_t given = cc_load_relaxed_u64(&it->given), count = (uint64_t)it->count;
    if (given >= count) { /* looked at first: the number does not run on at the end */
        return NULL;
    }
#if defined(Py_GIL_DISABLED)
    given = cc_fetch_add_relaxed_u64(&it->given, 1);
    if (given >= count) {
        return NULL;
    }
#else
    cc_store_relaxed_u64(&it->given, given + 1);
#endif
    return get_entry(it->table, it->first + it->step * (Py_ssize_t)given, it->want);
}

static PyObject *iterator_length_hint(PyObject *self, PyObject *unused) {
    iterator *it = (iterator *)self;
    (void)unused;
    Py_ssize_t left = it->count - (Py_ssize_t)cc_load_relaxed_u64(&it->given);
    return PyLong_FromSsize_t(left < 0 ? 0 : left);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((iterator *)self)->table);
    return 0;
}

static void iterator_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, iterator_dealloc) Py_DECREF((PyObject *)((iterator *)self)->table);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject iterator_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._FrozenIterator",
    .tp_basicsize = sizeof(iterator),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = iterator_traverse,
    .tp_dealloc = iterator_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

PyObject *cc_frozen_list(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, Py_ssize_t step,
                         int want) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *o = get_entry(t, first + i * step, want);
        if (!o) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, o);
    }
    return list;
}

/* ---------------------------------------------------------------- the whole */

/* Are the key at position i of one table and that at j of the other equal by `==`? */
static int keys_are_equal(const cc_frozen *a, Py_ssize_t i, const cc_frozen *b, Py_ssize_t j) {
    cc_stored_key x = cc_frozen_key(a, i), y = cc_frozen_key(b, j);
    if (a->order == b->order && a->order->is_plain && x.kind == y.kind &&
        (x.digest != y.digest || !(x.word | y.word))) {
        return x.digest == y.digest;
    }
    PyObject *p = key_object(a, i), *q = p ? key_object(b, j) : NULL;
    int answer = q ? PyObject_RichCompareBool(p, q, Py_EQ) : -1;
    Py_XDECREF(p);
    Py_XDECREF(q);
    return answer;
}

/* Where the key at position i of one table is in another one of whatever order: 1, 0 or -1. */
static int find_key_of(const cc_frozen *a, Py_ssize_t i, cc_frozen *b, Py_ssize_t *where) {
    *where = i;
    if (cc_order_is_same(a->order, b->order)) {
        return 1;
    }
    PyObject *key = key_object(a, i);
    int answer = key ? cc_frozen_find(b, key, CC_ABSENT_IF_ANY, where) : -1;
    if (key && answer < 0 && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear(); /* b's key function does not even take it */
        answer = 0;
    }
    Py_XDECREF(key);
    return answer;
}

int cc_frozen_equal(cc_frozen *a, cc_frozen *b) {
    int answer = a->count == b->count;
    for (Py_ssize_t i = 0, j; a != b && answer == 1 && i < a->count; i++) {
        answer = find_key_of(a, i, b, &j);
        answer = answer == 1 ? keys_are_equal(a, i, b, j) : answer;
        if (answer == 1 && a->has_values && b->has_values) {
            answer = PyObject_RichCompareBool(a->values[i], b->values[j], Py_EQ);
        }
    }
    return answer;
}

const cc_order *cc_frozen_order(const cc_frozen *t) {
    return t->order;
}

Py_hash_t cc_frozen_hash(const cc_frozen *t) {
    return (Py_hash_t)(cc_load_relaxed_u64(&t->hash) - 1);
}

void cc_frozen_remember_hash(cc_frozen *t, Py_hash_t hash) {
    cc_store_relaxed_u64(&t->hash, (uint64_t)hash + 1); /* everybody computes the same */
}

size_t cc_frozen_bytes(const cc_frozen *t) {
    size_t bytes_each = sizeof *t->numbers + (t->keys ? sizeof *t->keys : 0) +
                        (t->kinds ? sizeof *t->kinds : 0) + (t->values ? sizeof *t->values : 0);
    return sizeof *t + (size_t)t->capacity * bytes_each;
}

int cc_frozen_buffer(cc_frozen *t, PyObject *owner, Py_buffer *view, int flags) {
    static Py_ssize_t stride = sizeof(uint64_t);
    static uint64_t nothing;
    static char int64_format[] = "q", double_format[] = "d";
    const char *wrong = t->form == CC_FROZEN_OBJECTS
                            ? "keys: only ints of 64 bits alone, or floats alone, have a buffer"
                        : flags & PyBUF_WRITABLE ? "keys: their buffer cannot be written to"
                                                 : NULL;
    if (wrong) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, wrong);
        return -1;
    }
    *view = (Py_buffer){
        .buf = t->numbers ? t->numbers : &nothing,
        .obj = Py_NewRef(owner),
        .len = t->count * stride,
        .itemsize = stride,
        .readonly = 1,
        .ndim = 1,
        .format = !(flags & PyBUF_FORMAT)       ? NULL
                  : t->form == CC_FROZEN_FLOATS ? double_format
                                                : int64_format,
        .shape = flags & PyBUF_ND ? &t->count : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &stride : NULL,
    };
    return 0;
}

/* ---------------------------------------------------------------- the table's type */

static int table_traverse(PyObject *self, visitproc visit, void *arg) {
    cc_frozen *t = (cc_frozen *)self;
    int answer = cc_order_visit(t->order, visit, arg);
    if (answer) {
        return answer;
    }
    for (Py_ssize_t i = 0; t->keys && i < t->count; i++) {
        Py_VISIT(t->keys[i]);
    }
    for (Py_ssize_t i = 0; t->values && i < t->count; i++) {
        Py_VISIT(t->values[i]);
    }
    return 0;
}

static void table_dealloc(PyObject *self) {
    cc_frozen *t = (cc_frozen *)self;
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, table_dealloc) for (Py_ssize_t i = t->count; i-- > 0;) {
        if (t->keys) {
            Py_DECREF(t->keys[i]);
        }
        if (t->values) {
            Py_DECREF(t->values[i]);
        }
    }
    PyMem_Free(t->numbers);
    PyMem_Free((void *)t->keys);
    PyMem_Free(t->kinds);
    PyMem_Free((void *)t->values);
    cc_order_drop(t->order);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

PyTypeObject cc_frozen_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._FrozenTable",
    .tp_basicsize = sizeof(cc_frozen),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = table_traverse,
    .tp_dealloc = table_dealloc,
};

int cc_frozen_ready(void) {
    return PyType_Ready(&cc_frozen_type) || PyType_Ready(&iterator_type) ? -1 : 0;
}

/* ---------------------------------------------------------------- as a container */

typedef struct frozen_container {
    cc_container_object base;
    cc_frozen *table;
} frozen_container;

static cc_frozen *table_in(PyObject *self) {
    return ((frozen_container *)self)->table;
}

cc_frozen *cc_frozen_in(PyObject *o) {
    return cc_container_is(o, &cc_frozen_kind) ? table_in(o) : NULL;
}

void cc_frozen_hide(PyObject *instance) {
    PyObject_GC_UnTrack(instance);
}

int cc_frozen_is_table(PyObject *o) {
    return Py_IS_TYPE(o, &cc_frozen_type);
}

void cc_frozen_show(PyObject *instance, PyObject *table) {
    Py_SETREF(((frozen_container *)instance)->table, (cc_frozen *)Py_NewRef(table));
    PyObject_GC_Track(instance);
}

static void *make_table(const void *how, PyObject *names) {
    (void)names;
    cc_frozen *t = cc_frozen_new(how != NULL, cc_order_ascending);
    return t ? cc_frozen_finished(t) : NULL;
}

static void unmake_table(void *table) {
    Py_DECREF((PyObject *)table);
}

static int traverse_table(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(table_in(self));
    return 0;
}

static void clear_nothing(PyObject *self) {
    (void)self; /* as a tuple: what has a hash must keep what it is made of */
}

static void free_table(PyObject *self) {
    Py_DECREF((PyObject *)table_in(self));
}

const cc_container_kind cc_frozen_kind = {
    .make = make_table,
    .unmake = unmake_table,
    .traverse = traverse_table,
    .clear = clear_nothing,
    .free = free_table,
};
