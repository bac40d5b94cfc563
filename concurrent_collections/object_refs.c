/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_refs.h"

#include <string.h>

#include "object_keys.h"
#include "ordered/skiplist.h"

cc_ordered *cc_objects_new(void) {
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &cc_object_words);
    if (!list) {
        PyErr_NoMemory();
    }
    return list;
}

/* ---------------------------------------------------------------- asking Python */

/* Answer the question of a search. 0, or -1 with an exception. */
static int answer(cc_ordered *list, cc_search *search, PyObject *key) {
    PyObject *other =
        cc_key_object(search->needed.kind, search->needed.digest, search->needed.word);
    if (!other) {
        return -1;
    }
    int order = cc_key_compare_by_python(key, other);
    Py_DECREF(other);
    if (order == -2) {
        return -1;
    }
    if (cc_search_learn(&cc_object_words, search, order)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Forget what a search has learnt. An operation that has had its effect may leave a question: it is not asked. */
static void end_search(cc_ordered *list, cc_search *search) {
    if (search->known_count || search->asks) {
        cc_search_end(&cc_object_words, search);
    }
}

/* Run `operation` (an expression of type cc_status) until it needs no more comparisons. Afterwards
 * `status` is its answer, or CC_NO_MEMORY with an exception set. */
#define UNTIL_DECIDED(status, list, search, key, operation)                                        \
    while ((status = (operation)) == CC_NEED_COMPARE) {                                            \
        if (answer(list, search, key)) {                                                           \
            status = CC_NO_MEMORY;                                                                 \
            break;                                                                                 \
        }                                                                                          \
    }                                                                                              \
    if (status == CC_NO_MEMORY && !PyErr_Occurred()) {                                             \
        PyErr_NoMemory();                                                                          \
    }

/* What a look-up makes of a key that does not compare with the keys inside. */
typedef enum lookup_policy {
    REFUSE_UNCOMPARABLE, /* TypeError, as when it is stored */
    ABSENT_IF_BUILTIN, /* not there, if both are of exact built-in types */
    ABSENT_IF_ANY, /* not there, of whatever types they are */
} lookup_policy;

/* What UNTIL_DECIDED has left as an exception may be an answer: a key that has no order with one that is inside is not
 * inside itself. */
static cc_status absent_if_refused(const cc_search *search, PyObject *key, cc_status status,
                                   lookup_policy policy) {
    if (status != CC_NO_MEMORY || !search->asks || policy == REFUSE_UNCOMPARABLE ||
        !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return status;
    }
    PyObject *other =
        cc_key_object(search->needed.kind, search->needed.digest, search->needed.word);
    bool was_refused = other && cc_key_was_refused(key, other, policy == ABSENT_IF_ANY);
    Py_XDECREF(other);
    return was_refused ? CC_ABSENT : status;
}

/* ---------------------------------------------------------------- one key */

/* CC_FOUND and a new reference in *value (if not NULL), CC_ABSENT, or CC_NO_MEMORY with an exception. */
static cc_status find(cc_ordered *list, PyObject *key, PyObject **value, lookup_policy policy) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (cc_key_begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    UNTIL_DECIDED(status, list, &search, key, cc_ordered_get(list, &search, value ? &word : NULL));
    status = absent_if_refused(&search, key, status, policy);
    if (value) {
        *value = (PyObject *)word;
    }
    end_search(list, &search);
    return status;
}

/* A tuple handed to PyErr_SetObject would become the exception's arguments. */
static void raise_key_error(PyObject *key) {
    PyObject *arguments = PyTuple_Pack(1, key);
    if (arguments) {
        PyErr_SetObject(PyExc_KeyError, arguments);
        Py_DECREF(arguments);
    }
}

int cc_objects_contains(cc_ordered *list, PyObject *key) {
    return (int)find(list, key, NULL, ABSENT_IF_BUILTIN);
}

int cc_objects_has(cc_ordered *list, PyObject *key) {
    int is_nan = cc_key_is_nan(key);
    return is_nan ? (is_nan < 0 ? -1 : 0) : (int)find(list, key, NULL, ABSENT_IF_ANY);
}

PyObject *cc_objects_get(cc_ordered *list, PyObject *key, PyObject *otherwise) {
    PyObject *value;
    cc_status status = find(list, key, &value, ABSENT_IF_BUILTIN);
    if (status == CC_FOUND) {
        return value;
    }
    if (status == CC_ABSENT) {
        if (otherwise) {
            return Py_NewRef(otherwise);
        }
        raise_key_error(key);
    }
    return NULL;
}

/* Put key and value: the core's answer, or CC_NO_MEMORY with an exception. *old: a new reference, when
 * CC_FOUND and old is not NULL. */
static cc_status put(cc_ordered *list, PyObject *key, PyObject *value, cc_put_policy policy,
                     PyObject **old) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (cc_key_begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    if (search.kind == CC_KIND_OTHER && policy != CC_PUT_IF_PRESENT &&
        cc_ordered_length(list) == 0) {
        /* Nothing to compare with: find out now whether such a key can be ordered at all. */
        if (cc_key_check_order(key)) {
            return CC_NO_MEMORY;
        }
    }
    Py_INCREF(value);
    if (search.key) {
        Py_INCREF(key);
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_ordered_put(list, &search, (uintptr_t)value, policy, old ? &word : NULL));
    bool inserted = status == CC_ABSENT && policy != CC_PUT_IF_PRESENT;
    bool replaced = status == CC_FOUND && policy != CC_PUT_IF_ABSENT;
    bool key_is_ours = search.key && !inserted;
    if (old) {
        *old = (PyObject *)word;
    }
    end_search(list, &search);
    if (!inserted && !replaced) {
        Py_DECREF(value);
    }
    if (key_is_ours) {
        Py_DECREF(key);
    }
    return status;
}

int cc_objects_set(cc_ordered *list, PyObject *key, PyObject *value) {
    return put(list, key, value, CC_PUT_ALWAYS, NULL) == CC_NO_MEMORY ? -1 : 0;
}

PyObject *cc_objects_put(cc_ordered *list, PyObject *key, PyObject *value, int policy,
                         PyObject *otherwise) {
    PyObject *old;
    cc_status status = put(list, key, value, (cc_put_policy)policy, &old);
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

int cc_objects_add(cc_ordered *list, PyObject *key) {
    cc_status status = put(list, key, Py_None, CC_PUT_IF_ABSENT, NULL);
    return status == CC_NO_MEMORY ? -1 : status == CC_ABSENT;
}

static cc_status take_out(cc_ordered *list, PyObject *key, PyObject **old) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (cc_key_begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    UNTIL_DECIDED(status, list, &search, key, cc_ordered_remove(list, &search, old ? &word : NULL));
    status = absent_if_refused(&search, key, status, ABSENT_IF_BUILTIN);
    if (old) {
        *old = (PyObject *)word;
    }
    end_search(list, &search);
    return status;
}

int cc_objects_delete(cc_ordered *list, PyObject *key) {
    return (int)take_out(list, key, NULL);
}

PyObject *cc_objects_pop(cc_ordered *list, PyObject *key, PyObject *otherwise) {
    PyObject *old;
    cc_status status = take_out(list, key, &old);
    if (status == CC_ABSENT && !otherwise) {
        raise_key_error(key);
        return NULL;
    }
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

int cc_objects_replace_if(cc_ordered *list, PyObject *key, PyObject *expected, PyObject *value) {
    for (;;) {
        PyObject *current;
        cc_status status = find(list, key, &current, REFUSE_UNCOMPARABLE);
        if (status != CC_FOUND) {
            return (int)status;
        }
        int equal =
            PyObject_RichCompareBool(current, expected, Py_EQ); /* identity counts as equal */
        if (equal <= 0) {
            Py_DECREF(current);
            return equal;
        }
        cc_search search;
        cc_key_resume_search(&search, key);
        Py_INCREF(value);
        /* `current` is held, so no other object can be at its address: the CAS means this object. */
        UNTIL_DECIDED(
            status, list, &search, key,
            cc_ordered_replace_exact(list, &search, (uintptr_t)current, (uintptr_t)value));
        end_search(list, &search);
        Py_DECREF(current);
        if (status == CC_FOUND) {
            return 1;
        }
        Py_DECREF(value);
        if (status != CC_MISMATCH) {
            return (int)status;
        }
    }
}

/* ---------------------------------------------------------------- order */

static void drop_entry(cc_entry *e) {
    Py_XDECREF((PyObject *)e->key);
    Py_DECREF((PyObject *)e->value);
}

/* What is wanted of an entry; its references are given away or dropped. */
static PyObject *convert_entry(cc_entry *e, int want) {
    PyObject *key, *item, *value = (PyObject *)e->value;
    if (want == CC_WANT_VALUE) {
        Py_XDECREF((PyObject *)e->key);
        return value;
    }
    key = cc_key_object(e->kind, e->digest, e->key);
    Py_XDECREF((PyObject *)e->key);
    if (want == CC_WANT_KEY || !key) {
        Py_DECREF(value);
        return key;
    }
    item = PyTuple_New(2);
    if (!item) {
        Py_DECREF(key);
        Py_DECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(item, 0, key);
    PyTuple_SET_ITEM(item, 1, value);
    return item;
}

static PyObject *nothing_there(PyObject *otherwise) {
    if (!otherwise) {
        PyErr_SetString(PyExc_KeyError, "the container is empty");
    }
    return Py_XNewRef(otherwise);
}

PyObject *cc_objects_neighbour(cc_ordered *list, PyObject *key, int relation, int want,
                               PyObject *otherwise) {
    cc_search search;
    cc_status status;
    cc_entry entry;
    if (!key) {
        memset(&search, 0, sizeof search);
    } else if (cc_key_begin_search(&search, key)) {
        return NULL;
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_ordered_neighbour(list, &search, (cc_relation)relation, &entry));
    end_search(list, &search);
    if (status == CC_ABSENT && key && cc_ordered_length(list) == 0 && cc_key_check_order(key)) {
        return NULL; /* nothing to compare it with has shown that it has no order */
    }
    return status == CC_FOUND    ? convert_entry(&entry, want)
           : status == CC_ABSENT ? nothing_there(otherwise)
                                 : NULL;
}

/* Everything that can fail is made before the entry is removed: afterwards an exception would lose it. */
PyObject *cc_objects_pop_end(cc_ordered *list, int relation, int want, PyObject *otherwise) {
    PyObject *key = NULL, *item = NULL;
    cc_stored_key prepared = {.kind = 0}; /* no key is of that kind */
    cc_entry entry;
    cc_status status;
    if (want == CC_WANT_ITEM) {
        item = PyTuple_New(2);
        if (!item) {
            return NULL;
        }
        PyObject_GC_UnTrack(item); /* nobody must meet it while it is empty */
    }
    while ((status = cc_ordered_pop_end(list, (cc_relation)relation, &prepared, &entry)) ==
           CC_MISMATCH) {
        Py_XDECREF(key);
        key = cc_key_object(entry.kind, entry.digest, 0);
        if (!key) {
            Py_XDECREF(item);
            return NULL;
        }
        prepared = (cc_stored_key){.digest = entry.digest, .kind = entry.kind};
    }
    if (status != CC_FOUND || entry.key) {
        Py_CLEAR(key); /* not made for what was found in the end */
    }
    if (status != CC_FOUND) {
        Py_XDECREF(item);
        return status == CC_ABSENT ? nothing_there(otherwise) : PyErr_NoMemory();
    }
    if (entry.key) {
        key = (PyObject *)entry.key;
    }
    if (!item) {
        Py_DECREF((PyObject *)entry.value);
        return key;
    }
    PyTuple_SET_ITEM(item, 0, key);
    PyTuple_SET_ITEM(item, 1, (PyObject *)entry.value);
    PyObject_GC_Track(item);
    return item;
}

/* ---------------------------------------------------------------- scanning */

/* Keys that do not go on from `from` in the direction of travel, or come round again to `first`: a `<` that is no
 * order would make an iteration endless. 1, 0, or -1 with an exception. */
static int goes_on(PyObject *from, PyObject *first, PyObject *keys, int downwards) {
    PyObject *next = PyList_GET_ITEM(keys, 0);
    if (cc_key_compare_natively(from, next) != CC_UNDECIDED) {
        return 1; /* built-in keys do not lie */
    }
    int there = cc_key_compare_by_python(from, next);
    int back = there == -2 ? -2 : cc_key_compare_by_python(next, from);
    if (back == -2) {
        return -1;
    }
    if (there != (downwards ? 1 : -1) || back != -there) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); i++) {
        if (PyList_GET_ITEM(keys, i) == first) {
            return 0;
        }
    }
    return 1;
}

#ifndef MOST_ENTRIES_AT_ONCE
#define MOST_ENTRIES_AT_ONCE 256
#endif

/* How many of `entries` (with keys[i]) lie before the far bound. -1 with an exception. */
static Py_ssize_t count_within(PyObject *keys, PyObject *stop, int stop_inclusive, int downwards) {
    Py_ssize_t low = 0, high = PyList_GET_SIZE(keys);
    Py_ssize_t probe = high - 1; /* most chunks lie within as a whole: ask the last one first */
    while (low < high) {
        int order = cc_key_compare_objects(PyList_GET_ITEM(keys, probe), stop);
        if (order == -2) {
            return -1;
        }
        order = downwards ? -order : order;
        if (order < 0 || (order == 0 && stop_inclusive)) {
            low = probe + 1;
        } else {
            high = probe;
        }
        probe = (low + high) / 2;
    }
    return low;
}

PyObject *cc_objects_scan(cc_ordered *list, PyObject *from, int from_exclusive, PyObject *first,
                          PyObject *stop, int stop_inclusive, int downwards, int want,
                          Py_ssize_t room, PyObject **results, int *is_last) {
    cc_entry entries[MOST_ENTRIES_AT_ONCE];
    cc_search search;
    cc_status status;
    size_t count = 0;
    size_t most = room < MOST_ENTRIES_AT_ONCE ? (size_t)room : MOST_ENTRIES_AT_ONCE;
    *results = NULL;
    *is_last = 0;
    if (from) {
        cc_key_resume_search(&search, from); /* a bound or a key: looked at before */
    }
    cc_search *s = from ? &search : NULL;
    UNTIL_DECIDED(status, list, &search, from,
                  downwards ? cc_ordered_scan_down(list, s, from_exclusive, entries, most, &count)
                            : cc_ordered_scan_up(list, s, from_exclusive, entries, most, &count));
    if (s) {
        end_search(list, s);
    }
    if (status != CC_FOUND) {
        return NULL;
    }
    PyObject *keys = PyList_New((Py_ssize_t)count);
    PyObject *others =
        keys && want != CC_WANT_KEY ? PyList_New((Py_ssize_t)count) : Py_XNewRef(keys);
    size_t i = 0;
    for (; keys && others && i < count; i++) {
        PyObject *key = cc_key_object(entries[i].kind, entries[i].digest, entries[i].key);
        if (!key) {
            break;
        }
        PyList_SET_ITEM(keys, (Py_ssize_t)i, key);
        PyObject *other = want == CC_WANT_KEY ? NULL : convert_entry(&entries[i], want);
        if (want == CC_WANT_KEY) {
            drop_entry(&entries[i]);
        } else if (other) {
            PyList_SET_ITEM(others, (Py_ssize_t)i, other);
        } else {
            i++; /* convert_entry has dropped it */
            break;
        }
    }
    if (i < count || !others || (count && !PyList_GET_ITEM(others, (Py_ssize_t)count - 1))) {
        for (; i < count; i++) {
            drop_entry(&entries[i]);
        }
        Py_XDECREF(keys);
        Py_XDECREF(others);
        return NULL;
    }
    Py_ssize_t all = (Py_ssize_t)count, within = all;
    int fine = first && count ? goes_on(from, first, keys, downwards) : 1;
    if (fine == 0) {
        within = 0; /* the iteration ends here */
    } else if (stop && count) {
        within = count_within(keys, stop, stop_inclusive, downwards);
    }
    if (fine < 0 || within < 0 ||
        (within < all && (PyList_SetSlice(keys, within, all, NULL) ||
                          (others != keys && PyList_SetSlice(others, within, all, NULL))))) {
        Py_DECREF(keys);
        Py_DECREF(others);
        return NULL;
    }
    *is_last = within < all;
    *results = others;
    return keys;
}

/* ---------------------------------------------------------------- the whole */

int cc_objects_clear(cc_ordered *list) {
    if (list && cc_ordered_clear(list) == CC_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

typedef struct visit_closure {
    visitproc visit;
    void *argument;
} visit_closure;

static int visit_word(uintptr_t word, void *closure) {
    visit_closure *c = closure;
    return c->visit((PyObject *)word, c->argument);
}

int cc_objects_traverse(cc_ordered *list, visitproc visit, void *argument) {
    visit_closure c = {visit, argument};
    return list ? cc_ordered_visit(list, visit_word, &c) : 0;
}

int cc_objects_install_type(PyTypeObject *type, const char *name, int is_mapping,
                            traverseproc traverse, inquiry clear) {
    if (!PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)) {
        PyErr_Format(PyExc_SystemError, "%s was built without garbage collection", type->tp_name);
        return -1;
    }
    type->tp_name = name;
    type->tp_traverse = traverse;
    type->tp_clear = clear;
    if (is_mapping) {
        type->tp_flags |= Py_TPFLAGS_MAPPING; /* what the match statement looks at */
    }
    PyType_Modified(type);
    return 0;
}
