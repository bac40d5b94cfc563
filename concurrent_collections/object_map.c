/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_map.h"

#include <string.h>

#include "object_search.h"
#include "ordered/bptree.h"
#include "ordered/bst.h"
#include "ordered/skiplist.h"
#include "ordered/skiplist_locked.h"

cc_ordered *cc_object_map_new(const cc_ordered_operations *ops) {
    cc_ordered *map = cc_ordered_new(ops, &cc_object_words);
    if (!map) {
        PyErr_NoMemory();
    }
    return map;
}

/* ---------------------------------------------------------------- one key */

CC_ALWAYS_INLINE cc_status find_searched(cc_ordered *map, cc_search *search, PyObject *key,
                                         PyObject **value, cc_lookup_policy policy) {
    cc_status status;
    uintptr_t word = 0;
    CC_UNTIL_DECIDED(status, map, search, key, cc_ordered_get(map, search, value ? &word : NULL));
    status = cc_key_lookup_status(search, key, status, policy);
    if (value) {
        *value = (PyObject *)word;
    }
    return status;
}

cc_status cc_object_map_find(cc_ordered *map, cc_search *search, PyObject *key, PyObject **value,
                             cc_lookup_policy policy) {
    return find_searched(map, search, key, value, policy);
}

static cc_status find(cc_ordered *map, PyObject *key, PyObject **value, cc_lookup_policy policy) {
    cc_search search;
    if (cc_key_begin_search(&search, cc_order_of(map), key)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_searched(map, &search, key, value, policy);
    cc_key_end_search(&search);
    return status;
}

int cc_object_map_contains(cc_ordered *map, PyObject *key) {
    return (int)find(map, key, NULL, CC_ABSENT_IF_BUILTIN);
}

int cc_object_map_has(cc_ordered *map, PyObject *key) {
    cc_search search;
    int is_nan = cc_key_begin_search_if_taken(&search, cc_order_of(map), key);
    if (is_nan) {
        return is_nan < 0 ? -1 : 0;
    }
    cc_status status = cc_object_map_find(map, &search, key, NULL, CC_ABSENT_IF_ANY);
    cc_key_end_search(&search);
    return (int)status;
}

PyObject *cc_object_map_get(cc_ordered *map, PyObject *key, PyObject *otherwise) {
    PyObject *value;
    cc_status status = find(map, key, &value, CC_ABSENT_IF_BUILTIN);
    if (status == CC_FOUND) {
        return value;
    }
    if (status == CC_ABSENT) {
        if (otherwise) {
            return Py_NewRef(otherwise);
        }
        cc_key_raise_missing(key);
    }
    return NULL;
}

PyObject *cc_object_map_get_or_prepare(cc_ordered *map, PyObject *key, PyObject *otherwise,
                                       PyObject **prepared) {
    const cc_order *order = cc_order_of(map);
    PyObject *value;
    cc_search search;
    if (cc_key_begin_search(&search, order, key)) {
        return NULL;
    }
    cc_status status = find_searched(map, &search, key, &value, CC_ABSENT_IF_BUILTIN);
    if (status == CC_ABSENT) {
        *prepared =
            order->is_ranked ? cc_order_prepare_stored(order, 0, 0, search.key) : Py_NewRef(key);
        value = *prepared ? Py_NewRef(otherwise) : NULL;
    }
    cc_key_end_search(&search);
    return status == CC_NO_MEMORY ? NULL : value;
}

int cc_object_map_check_first(const cc_ordered *map, const cc_search *search, PyObject *key) {
    const cc_order *order = search->order;
    /* Of the other kinds every key has an order of its own. */
    return (search->kind == CC_KIND_OTHER || !order->is_plain) && cc_ordered_length(map) == 0
               ? cc_order_check(order, cc_key_word_of(search, key))
               : 0;
}

/* The core's answer, or CC_NO_MEMORY with an exception. *old (if not NULL): a new reference, when
 * CC_FOUND. The search goes on being the caller's. */
static cc_status put_searched(cc_ordered *map, cc_search *search, PyObject *key, PyObject *value,
                              cc_put_policy policy, PyObject **old) {
    cc_status status;
    uintptr_t word = 0;
    PyObject *of_map = (PyObject *)search->key;
    Py_INCREF(value);
    Py_XINCREF(of_map);
    CC_UNTIL_DECIDED(status, map, search, key,
                     cc_ordered_put(map, search, (uintptr_t)value, policy, old ? &word : NULL));
    bool inserted = status == CC_ABSENT && policy != CC_PUT_IF_PRESENT;
    bool replaced = status == CC_FOUND && policy != CC_PUT_IF_ABSENT;
    if (old) {
        *old = (PyObject *)word;
    }
    cc_key_forget(search);
    if (!inserted && !replaced) {
        Py_DECREF(value);
    }
    if (!inserted) {
        Py_XDECREF(of_map);
    }
    return status;
}

static cc_status put(cc_ordered *map, PyObject *key, PyObject *value, cc_put_policy policy,
                     PyObject **old) {
    cc_search search;
    cc_status status = CC_NO_MEMORY;
    if (cc_key_begin_search(&search, cc_order_of(map), key)) {
        return CC_NO_MEMORY;
    }
    if (policy == CC_PUT_IF_PRESENT || !cc_object_map_check_first(map, &search, key)) {
        status = put_searched(map, &search, key, value, policy, old);
    }
    cc_key_end_search(&search);
    return status;
}

int cc_object_map_store_stored(cc_ordered *map, unsigned kind, uint64_t digest, PyObject *word,
                               PyObject *value, cc_put_policy policy) {
    cc_search search;
    cc_key_fill_stored_search(&search, cc_order_of(map), kind, digest, (uintptr_t)word);
    return put_searched(map, &search, NULL, value, policy, NULL) == CC_NO_MEMORY ? -1 : 0;
}

int cc_object_map_store(cc_ordered *map, PyObject *key, PyObject *value, cc_put_policy policy) {
    return put(map, key, value, policy, NULL) == CC_NO_MEMORY ? -1 : 0;
}

int cc_object_map_set(cc_ordered *map, PyObject *key, PyObject *value) {
    return cc_object_map_store(map, key, value, CC_PUT_ALWAYS);
}

PyObject *cc_object_map_put(cc_ordered *map, PyObject *key, PyObject *value, int policy,
                            PyObject *otherwise) {
    PyObject *old;
    cc_status status = put(map, key, value, (cc_put_policy)policy, &old);
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

int cc_object_map_add(cc_ordered *map, PyObject *key) {
    cc_status status = put(map, key, Py_None, CC_PUT_IF_ABSENT, NULL);
    return status == CC_NO_MEMORY ? -1 : status == CC_ABSENT;
}

static cc_status take_out(cc_ordered *map, PyObject *key, PyObject **old) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (cc_key_begin_search(&search, cc_order_of(map), key)) {
        return CC_NO_MEMORY;
    }
    CC_UNTIL_DECIDED(status, map, &search, key,
                     cc_ordered_remove(map, &search, old ? &word : NULL));
    status = cc_key_lookup_status(&search, key, status, CC_ABSENT_IF_BUILTIN);
    if (old) {
        *old = (PyObject *)word;
    }
    cc_key_end_search(&search);
    return status;
}

int cc_object_map_delete(cc_ordered *map, PyObject *key) {
    return (int)take_out(map, key, NULL);
}

PyObject *cc_object_map_pop(cc_ordered *map, PyObject *key, PyObject *otherwise) {
    PyObject *old;
    cc_status status = take_out(map, key, &old);
    if (status == CC_ABSENT && !otherwise) {
        cc_key_raise_missing(key);
        return NULL;
    }
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

/* ---------------------------------------------------------------- order */

/* What is wanted of an entry; its references are given away or dropped. */
static PyObject *convert_entry(const cc_order *order, cc_entry *e, int want) {
    PyObject *key, *item, *value = (PyObject *)e->value;
    if (want == CC_WANT_VALUE) {
        Py_XDECREF((PyObject *)e->key);
        return value;
    }
    if (want & CC_WANT_PREPARED) {
        key = cc_order_prepare_stored(order, e->kind, e->digest, e->key);
        Py_XDECREF((PyObject *)e->key);
    } else {
        key = cc_key_taken(e->kind, e->digest, e->key);
    }
    if (!key || !(want & CC_WANT_ITEM)) {
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

PyObject *cc_object_map_neighbour(cc_ordered *map, PyObject *key, int relation, int want,
                                  PyObject *otherwise) {
    cc_search search;
    cc_status status;
    cc_entry entry;
    if (!key) {
        memset(&search, 0, sizeof search);
    } else if (cc_key_begin_search(&search, cc_order_of(map), key)) {
        return NULL;
    }
    CC_UNTIL_DECIDED(status, map, &search, key,
                     cc_ordered_neighbour(map, &search, (cc_relation)relation, &entry));
    cc_key_forget(&search);
    if (status == CC_ABSENT && key && cc_ordered_length(map) == 0 &&
        cc_order_check(search.order, cc_key_word_of(&search, key))) {
        status = CC_NO_MEMORY; /* nothing to compare it with has shown that it has no order */
    }
    if (key) {
        cc_key_end_search(&search);
    }
    return status == CC_FOUND    ? convert_entry(cc_order_of(map), &entry, want)
           : status == CC_ABSENT ? nothing_there(otherwise)
                                 : NULL;
}

/* Everything that can fail is made before the entry is removed: afterwards an exception would lose
 * it. */
PyObject *cc_object_map_pop_end(cc_ordered *map, int relation, int want, PyObject *otherwise) {
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
    while ((status = cc_ordered_pop_end(map, (cc_relation)relation, &prepared, &entry)) ==
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
        key = cc_key_taken(entry.kind, entry.digest, entry.key);
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

/* ---------------------------------------------------------------- the whole */

int cc_object_map_clear(cc_ordered *map) {
    if (map && cc_ordered_clear(map) == CC_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* ---------------------------------------------------------------- as a container */

/* One that a map has, or had: none goes before the map, so whoever reads one needs no more than its
 * address. */
typedef struct default_factory {
    struct default_factory *before;
    PyObject *factory; /* NULL: from then on there was none */
} default_factory;

typedef struct map_container {
    cc_container_object base;
    cc_ordered *map;
    cc_atomic_uptr factories; /* default_factory *: the last one. Sets have no such member */
} map_container;

static cc_ordered *map_in(PyObject *self) {
    return ((map_container *)self)->map;
}

static cc_atomic_uptr *factories_of(PyObject *self) {
    return &((map_container *)self)->factories;
}

cc_ordered *cc_object_map_in(PyObject *o) {
    return cc_container_is(o, &cc_object_map_kind) || cc_container_is(o, &cc_object_set_kind)
               ? map_in(o)
               : NULL;
}

PyObject *cc_object_map_default_factory(PyObject *self) {
    /* (1) */
    const default_factory *last = (const default_factory *)cc_load_acquire_uptr(factories_of(self));
    return last ? last->factory : NULL;
}

int cc_object_map_set_default_factory(PyObject *self, PyObject *factory) {
    if (factory == cc_object_map_default_factory(self)) {
        return 0;
    }
    default_factory *added = PyMem_Malloc(sizeof *added);
    if (!added) {
        PyErr_NoMemory();
        return -1;
    }
    added->factory = Py_XNewRef(factory);
    uintptr_t last = cc_load_acquire_uptr(factories_of(self));
    do {
        added->before = (default_factory *)last;
    } while (!cc_cas_acq_rel_uptr(factories_of(self), &last, (uintptr_t)added)); /* (1) */
    return 0;
}

static void drop_factories(PyObject *self) {
    default_factory *last = (default_factory *)cc_exchange_acq_rel_uptr(factories_of(self), 0);
    while (last) {
        default_factory *before = last->before;
        Py_XDECREF(last->factory);
        PyMem_Free(last);
        last = before;
    }
}

static int traverse_set(PyObject *self, visitproc visit, void *argument) {
    cc_visit_closure c = {visit, argument};
    cc_ordered *map = map_in(self);
    if (!map) {
        return 0;
    }
    int answer = cc_order_visit((const cc_order *)cc_ordered_order(map), visit, argument);
    return answer ? answer : cc_ordered_visit(map, cc_visit_word, &c);
}

static int traverse_map(PyObject *self, visitproc visit, void *argument) {
    const default_factory *f = (const default_factory *)cc_load_relaxed_uptr(factories_of(self));
    for (; f; f = f->before) {
        int answer = f->factory ? visit(f->factory, argument) : 0;
        if (answer) {
            return answer;
        }
    }
    return traverse_set(self, visit, argument);
}

static void clear_set(PyObject *self) {
    if (map_in(self)) {
        (void)cc_ordered_clear(map_in(self)); /* no memory: the rest is garbage a little longer */
    }
}

static void clear_map(PyObject *self) {
    drop_factories(self);
    clear_set(self);
}

static void free_set(PyObject *self) {
    cc_ordered *map = map_in(self);
    const cc_order *order = map ? (const cc_order *)cc_ordered_order(map) : NULL;
    if (map) {
        cc_tally_free(map);
    }
    cc_ordered_free(map);
    cc_order_drop(order);
}

static void free_map(PyObject *self) {
    drop_factories(self);
    free_set(self);
}

static struct cc_smr_domain *domain_of_map(PyObject *self) {
    cc_ordered *map = map_in(self);
    return map ? cc_ordered_domain(map) : NULL;
}

static const char *check_map(PyObject *self) {
    cc_ordered *map = map_in(self);
    return map ? cc_ordered_check(map) : NULL;
}

/* ---------------------------------------------------------------- backends */

/* What a constructor's `backend` chooses among, in classes that were added with `automatic`, which
 * is what "auto" means. */
static const struct {
    const cc_ordered_operations *automatic;
    const char *name;
    const cc_ordered_operations *operations;
} backends[] = {
    {&cc_skiplist_operations, "lockfree", &cc_skiplist_operations},
    {&cc_skiplist_operations, "locked", &cc_skiplist_locked_operations},
    {&cc_bptree_operations, "locked", &cc_bptree_operations},
    {&cc_bptree_operations, "lockfree", &cc_bst_operations},
};
enum { BACKENDS = sizeof backends / sizeof *backends };

/* The row of a table of operations, each of which is in one. */
static int backend_row(const cc_ordered_operations *operations) {
    int row = 0;
    while (backends[row].operations != operations) {
        row++;
    }
    return row;
}

/* Whose name that is, in a class that may have `its_own`, which "auto" stands for; NULL with a
 * ValueError. */
static const cc_ordered_operations *operations_named(PyObject *name,
                                                     const cc_ordered_operations *its_own) {
    const bool is_text = PyUnicode_Check(name);
    const cc_ordered_operations *automatic = backends[backend_row(its_own)].automatic;
    if (is_text && PyUnicode_CompareWithASCIIString(name, "auto") == 0) {
        return its_own;
    }
    for (int i = 0; is_text && i < BACKENDS; i++) {
        if (backends[i].automatic == automatic &&
            PyUnicode_CompareWithASCIIString(name, backends[i].name) == 0) {
            return backends[i].operations;
        }
    }
    PyErr_Format(PyExc_ValueError, "backend: expected one of 'auto', 'lockfree', 'locked', got %R",
                 name);
    return NULL;
}

const char *cc_object_map_backend(const cc_ordered *map) {
    return backends[backend_row(cc_ordered_operations_of(map))].name;
}

bool cc_object_map_is_automatic(const cc_ordered *map) {
    const cc_ordered_operations *its_own = cc_ordered_operations_of(map);
    return backends[backend_row(its_own)].automatic == its_own;
}

int cc_object_map_has_backend(const cc_ordered *map, PyObject *name) {
    const cc_ordered_operations *its_own = cc_ordered_operations_of(map);
    const cc_ordered_operations *wanted = operations_named(name, its_own);
    return wanted ? wanted == its_own : -1;
}

int cc_object_map_check_backend(const cc_ordered *map, PyObject *name) {
    int has = cc_object_map_has_backend(map, name);
    if (has == 0) {
        PyErr_Format(PyExc_TypeError,
                     "backend: __new__ has made this container with '%s', which it keeps; a "
                     "subclass hands backend to __new__, too",
                     cc_object_map_backend(map));
    }
    return has == 1 ? 0 : -1;
}

/* `names` may have the backend. If it names none it is __init__'s to say so, which may be a
 * subclass's and mean something else by it. */
static void *make_map(const void *operations, PyObject *names) {
    const cc_ordered_operations *ops = operations;
    PyObject *key = names ? PyUnicode_InternFromString("backend") : NULL;
    PyObject *name = key ? PyDict_GetItemWithError(names, key) : NULL; /* borrowed */
    Py_XDECREF(key);
    if (name && !(ops = operations_named(name, operations))) {
        ops = operations;
        PyErr_Clear();
    }
    return PyErr_Occurred() ? NULL : cc_object_map_new(ops);
}

static void unmake_map(void *map) {
    cc_ordered_free(map);
}

const cc_container_kind cc_object_map_kind = {
    .make = make_map,
    .unmake = unmake_map,
    .traverse = traverse_map,
    .clear = clear_map,
    .free = free_map,
    .domain = domain_of_map,
    .check = check_map,
};

const cc_container_kind cc_object_set_kind = {
    .make = make_map,
    .unmake = unmake_map,
    .traverse = traverse_set,
    .clear = clear_set,
    .free = free_set,
    .domain = domain_of_map,
    .check = check_map,
};
