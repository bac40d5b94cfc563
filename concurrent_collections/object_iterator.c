/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_iterator.h"

#include "concurrent_collections/cc_atomic.h"
#include "object_keys.h"
#include "object_map.h"
#include "object_scan.h"
#include "waiting.h"

typedef struct iterator {
    PyObject_HEAD PyObject *owner; /* keeps the map alive; NULL: the iteration is over */
    PyObject *pair; /* the tuple that is used again, or NULL */
    cc_atomic_u32 is_running;
    int want;
    cc_object_scan scan;
} iterator;

/* ---------------------------------------------------------------- one caller at a time */

/* Whether the caller has the only reference, so that nobody else can be looking, and what those who
 * have had others did is visible. */
static bool is_unshared(PyObject *o) {
#if !defined(Py_GIL_DISABLED)
    return Py_REFCNT(o) == 1;
#elif PY_VERSION_HEX >= 0x030e0000
    return PyUnstable_Object_IsUniquelyReferenced(o);
#else
    return _Py_atomic_load_uintptr_relaxed(&o->ob_tid) == _Py_ThreadId() &&
           _Py_atomic_load_uint32_relaxed(&o->ob_ref_local) == 1 &&
           _Py_atomic_load_ssize_acquire(&o->ob_ref_shared) == 0;
#endif
}

/* Whether nobody else steps it, nor can begin to before we give up the GIL or a reference. */
static inline bool is_ours_alone(iterator *it) {
#if defined(Py_GIL_DISABLED)
    if (!is_unshared((PyObject *)it)) {
        return false;
    }
#endif
    return !cc_load_relaxed_u32(&it->is_running);
}

/* Before anything that may run code of others, who then see that it is running. */
static bool begin_step(iterator *it) {
    if (!is_ours_alone(it)) {
        return !cc_exchange_acq_rel_u32(&it->is_running, 1);
    }
    cc_store_relaxed_u32(&it->is_running, 1);
    return true;
}

static void end_step(iterator *it) {
    cc_store_release_u32(&it->is_running, 0);
}

/* ---------------------------------------------------------------- handing out */

/* Does the collector have to look at it? As when it meets a tuple (a tuple of what it need not look
 * at need not be looked at itself). */
static inline bool may_be_in_cycle(PyObject *o) {
    return PyType_IS_GC(Py_TYPE(o)) && (!PyTuple_CheckExact(o) || PyObject_GC_IsTracked(o));
}

/* A pair of two references that are given away; they stay the caller's when the answer is NULL.
 * What was in the tuple before goes to `old`. A pair of atoms is taken from the collector at once:
 * a list of many pairs would keep it busy until it had found that out by itself. */
static PyObject *make_pair(iterator *it, PyObject *key, PyObject *value, PyObject *old[2]) {
    PyObject *pair = it->pair;
    if (pair && is_unshared(pair)) {
        old[0] = PyTuple_GET_ITEM(pair, 0);
        old[1] = PyTuple_GET_ITEM(pair, 1);
        PyTuple_SET_ITEM(pair, 0, key);
        PyTuple_SET_ITEM(pair, 1, value);
#if PY_VERSION_HEX >= 0x030e0000
        ((PyTupleObject *)pair)->ob_hash = -1; /* that of the pair before */
#endif
        if ((may_be_in_cycle(key) || may_be_in_cycle(value)) && !PyObject_GC_IsTracked(pair)) {
            PyObject_GC_Track(pair); /* it was one of atoms */
        }
        return Py_NewRef(pair);
    }
    PyObject *made = PyTuple_New(2);
    if (made) {
        PyTuple_SET_ITEM(made, 0, key);
        PyTuple_SET_ITEM(made, 1, value);
        if (!may_be_in_cycle(key) && !may_be_in_cycle(value)) {
            PyObject_GC_UnTrack(made);
        }
        if (!pair) {
            it->pair = Py_NewRef(made);
        }
    }
    return made;
}

/* What is wanted of the next entry of the chunk; NULL with an exception, and it is still the next.
 * Where pairs are wanted two references may be left in `old`: the pair before may have had the last
 * ones. */
static inline PyObject *hand_out(iterator *it, PyObject *old[2]) {
    cc_entry *e = &it->scan.entries[it->scan.index];
    PyObject *result;
    if (it->want == CC_WANT_KEY) {
        result = cc_key_object(e->kind, e->digest, e->key);
    } else if (it->want == CC_WANT_VALUE) {
        result = (PyObject *)e->value;
    } else {
        PyObject *key = cc_key_object(e->kind, e->digest, e->key);
        result = key ? make_pair(it, key, (PyObject *)e->value, old) : NULL;
        if (key && !result) {
            Py_DECREF(key);
        }
    }
    it->scan.index += result != NULL;
    return result;
}

/* Let go of everything, but for the owner, which is returned. */
static PyObject *finish(iterator *it, cc_dropped *dropped) {
    PyObject *owner = it->owner;
    it->owner = NULL;
    cc_object_scan_end(&it->scan, dropped);
    cc_drop_later(dropped, (uintptr_t)it->pair);
    it->pair = NULL;
    return owner;
}

/* Out of line: what is dropped takes much of the stack. */
CC_NEVER_INLINE PyObject *step_to_next_chunk(iterator *it) {
    cc_dropped dropped;
    PyObject *result = NULL, *owner = NULL, *old[2] = {NULL, NULL};
    dropped.count = 0;
    if (it->owner) {
        int answer = cc_object_scan_fetch(&it->scan, &dropped);
        if (answer > 0) {
            result = hand_out(it, old);
        } else if (answer == 0) {
            owner = finish(it, &dropped);
        }
    }
    end_step(it);
    cc_raised raised = cc_put_aside(); /* finalizers run beside it */
    cc_drop(&dropped);
    Py_XDECREF(old[0]);
    Py_XDECREF(old[1]);
    Py_XDECREF(owner);
    cc_raise_again(raised);
    return result;
}

/* Out of line: most steps do not come here. */
CC_NEVER_INLINE PyObject *step_with_care(iterator *it) {
    if (!begin_step(it)) {
        PyErr_SetString(PyExc_ValueError, "iterator already executing");
        return NULL;
    }
    if (!cc_object_scan_has_fresh(&it->scan)) { /* nor has a scan that is over */
        return step_to_next_chunk(it);
    }
    PyObject *old[2] = {NULL, NULL};
    PyObject *result = hand_out(it, old);
    end_step(it);
    Py_XDECREF(old[0]);
    Py_XDECREF(old[1]);
    return result;
}

static PyObject *iterator_next(PyObject *self) {
    iterator *it = (iterator *)self;
    /* To hand out a key or a value runs nothing: nobody can see that we are at it. */
    if (it->want != CC_WANT_ITEM && is_ours_alone(it) && cc_object_scan_has_fresh(&it->scan)) {
        return hand_out(it, NULL);
    }
    return step_with_care(it);
}

/* ---------------------------------------------------------------- the object */

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    iterator *it = (iterator *)self;
    Py_VISIT(it->owner);
    Py_VISIT(it->pair);
    return cc_object_scan_traverse(&it->scan, visit, arg);
}

static int iterator_clear(PyObject *self) {
    cc_dropped dropped;
    dropped.count = 0;
    PyObject *owner = finish((iterator *)self, &dropped);
    cc_drop(&dropped);
    Py_XDECREF(owner);
    return 0;
}

static void iterator_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, iterator_dealloc) iterator_clear(self);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static PyTypeObject iterator_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._EntryIterator",
    .tp_basicsize = sizeof(iterator),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = iterator_traverse,
    .tp_clear = iterator_clear,
    .tp_dealloc = iterator_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
};

int cc_object_iterator_ready(void) {
    return PyType_Ready(&iterator_type);
}

PyObject *cc_object_iterator_new(PyObject *owner, cc_ordered *map, PyObject *start, PyObject *stop,
                                 int how, int want) {
    iterator *it = PyObject_GC_New(iterator, &iterator_type);
    if (!it) {
        return NULL;
    }
    if (cc_object_scan_begin(&it->scan, map, start, stop,
                             (unsigned)how | (want == CC_WANT_KEY ? CC_KEYS_ALONE : 0))) {
        PyObject_GC_Del(it);
        return NULL;
    }
    it->owner = Py_NewRef(owner);
    it->pair = NULL;
    it->want = want;
    cc_store_relaxed_u32(&it->is_running, 0);
    PyObject_GC_Track((PyObject *)it);
    return (PyObject *)it;
}
