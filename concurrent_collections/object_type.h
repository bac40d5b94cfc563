/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The base class of all containers of objects, `_Container`, in plain C: whoever has a container in
 * hand need not know its class.
 *
 *     const cc_container_kind my_kind = {.make = ..., .traverse = ..., .free = ..., ...};
 *
 *     cdef class MyContainer(_Container):            # in the family's .pyx
 *         cdef cc_ordered *entries                   # what is inside: its first attribute
 *
 *     cc_container_class_add(<PyTypeObject *>MyContainer, &my_kind, ...)
 *
 * Promises. The collector tracks an instance, finds what it holds by the kind's `traverse` and
 * breaks cycles by `clear`; weak references to it work; `free` is called once, when it is neither
 * tracked nor weakly referenced any more. A class that derives from it in Cython writes nothing of
 * this. Where the kind has a `make`, no instance is ever without what is inside: without memory for
 * it there is no instance, whose __del__ might use it.
 *
 * How. Cython takes a base class that is declared `extern` as it is: the slots that it generates
 * for a class without object attributes call the base's. So no slot is changed after Cython has
 * made it.
 *
 * Two kinds never share an instance: each family's base class adds attributes of its own, so
 * CPython refuses a class that derives from both. Within a family it allows that, and the first
 * one says what is inside.
 */
#ifndef CC_OBJECT_TYPE_H
#define CC_OBJECT_TYPE_H

#include <Python.h>

struct cc_smr_domain;
struct cc_waitable;

/* What the base class asks of a container. Without a `make`, `self` may be one whose __init__ has
 * not run: with nothing inside. */
typedef struct cc_container_kind {
    /* Make what is inside, before there is an instance; NULL with an exception. `how` is what its
     * class was added with, `names` the keyword arguments of __new__ (NULL: none), which are
     * __init__'s to check. NULL where __init__ makes it. */
    void *(*make)(const void *how, PyObject *names);
    /* There will be no instance after all. NULL without `make`. */
    void (*unmake)(void *inside);
    /* For tp_traverse: the world is stopped. */
    int (*traverse)(PyObject *self, visitproc visit, void *argument);
    /* For tp_clear: drop what it holds. Raises nothing. */
    void (*clear)(PyObject *self);
    /* May run finalizers. The reference count of `self` is 0: no reference to it may be taken, not
     * even for a moment. */
    void (*free)(PyObject *self);
    /* By which it reclaims, or NULL; NULL where that is nobody's business. */
    struct cc_smr_domain *(*domain)(PyObject *self);
    /* What there is for tasks to wait for (waiting.h), of what the container's own coroutines know
     * by number; NULL where tasks cannot wait. 0, or -1 with an exception. */
    int (*find_waitable)(PyObject *self, int what, struct cc_waitable *found);
    /* What is broken, or NULL. For tests; NULL where there is nothing to check. */
    const char *(*check)(PyObject *self);
} cc_container_kind;

/* For `traverse`: a core calls cc_visit_word with each word inside and a cc_visit_closure. */
typedef struct cc_visit_closure {
    visitproc visit;
    void *argument;
} cc_visit_closure;

static inline int cc_visit_word(uintptr_t word, void *closure) {
    cc_visit_closure *c = (cc_visit_closure *)closure;
    return c->visit((PyObject *)word, c->argument);
}

typedef struct cc_container_object {
    PyObject_HEAD const cc_container_kind *kind; /* set by __new__, once */
    PyObject *weak_references;
} cc_container_object;

extern PyTypeObject cc_container_type;

/* Make the type: before any other call. 0, or -1 with an exception. */
int cc_container_type_ready(void);

/* Instances of `type`, and of classes that derive from it, are of this kind; other classes have no
 * instances. Called once for a type, before it has any. 0, or -1 with an exception. */
int cc_container_class_add(PyTypeObject *type, const cc_container_kind *kind, const void *how);

/* Give a type its public name, and with `is_mapping` what the match statement looks at. The name
 * must live as long as the process, and the type have no instances yet. */
void cc_container_type_publish(PyTypeObject *type, const char *name, int is_mapping);

/* Allow no new subclass. A class that derived in Python from what the classes of a family have in
 * common could get around what they make. */
void cc_container_type_close(PyTypeObject *type);

/* Whether `o` is a container of this kind. */
int cc_container_is(PyObject *o, const cc_container_kind *kind);

/* By which domain a container reclaims; NULL with a TypeError. */
struct cc_smr_domain *cc_container_domain(PyObject *o);

/* 0, or -1 with an exception: a TypeError where tasks cannot wait. */
int cc_container_find_waitable(PyObject *o, int what, struct cc_waitable *found);

#if defined(CC_TEST_HOOKS)
/* What is broken inside, or NULL, also with a TypeError. */
const char *cc_container_check(PyObject *o);
#endif

#endif
