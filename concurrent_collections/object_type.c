/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_type.h"

#include <stddef.h>

#include "waiting.h"

/* ---------------------------------------------------------------- classes */

/* Added while modules are imported, and never removed, as the types. */
typedef struct container_class {
    struct container_class *next;
    PyTypeObject *type;
    const cc_container_kind *kind;
    const void *how;
} container_class;

static container_class *classes;

int cc_container_class_add(PyTypeObject *type, const cc_container_kind *kind, const void *how) {
    container_class *added = PyMem_Malloc(sizeof *added);
    if (!added) {
        PyErr_NoMemory();
        return -1;
    }
    *added = (container_class){classes, type, kind, how};
    classes = added;
    return 0;
}

static const container_class *class_of(const PyTypeObject *type) {
    for (; type; type = type->tp_base) {
        for (const container_class *c = classes; c; c = c->next) {
            if (c->type == type) {
                return c;
            }
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- slots */

static PyObject *container_new(PyTypeObject *type, PyObject *arguments, PyObject *names) {
    const container_class *c = class_of(type);
    void *inside = NULL;
    (void)arguments;
    if (!c) {
        PyErr_Format(PyExc_TypeError, "%s is not to be instantiated", type->tp_name);
        return NULL;
    }
    if (c->kind->make && !(inside = c->kind->make(c->how, names))) {
        return NULL;
    }
    cc_container_object *self = (cc_container_object *)type->tp_alloc(type, 0);
    if (!self) {
        if (inside) {
            c->kind->unmake(inside);
        }
        return NULL;
    }
    self->kind = c->kind;
    if (inside) {
        *(void **)(self + 1) = inside;
    }
    return (PyObject *)self;
}

static int container_traverse(PyObject *self, visitproc visit, void *argument) {
    cc_container_object *c = (cc_container_object *)self;
    return c->kind ? c->kind->traverse(self, visit, argument) : 0;
}

static int container_clear(PyObject *self) {
    cc_container_object *c = (cc_container_object *)self;
    if (c->kind) {
        c->kind->clear(self);
    }
    return 0;
}

static void container_dealloc(PyObject *self) {
    cc_container_object *c = (cc_container_object *)self;
    PyObject_GC_UnTrack(self);
    if (c->weak_references) {
        PyObject_ClearWeakRefs(self);
    }
    if (c->kind) {
        cc_raised raised = cc_put_aside(); /* finalizers run beside it */
        c->kind->free(self);
        cc_raise_again(raised);
    }
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject cc_container_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "concurrent_collections._core._Container",
    .tp_basicsize = sizeof(cc_container_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = container_new,
    .tp_traverse = container_traverse,
    .tp_clear = container_clear,
    .tp_dealloc = container_dealloc,
    .tp_weaklistoffset = offsetof(cc_container_object, weak_references),
};

/* ---------------------------------------------------------------- what others ask */

int cc_container_type_ready(void) {
    return PyType_Ready(&cc_container_type);
}

void cc_container_type_publish(PyTypeObject *type, const char *name, int is_mapping) {
    type->tp_name = name;
    if (is_mapping) {
        type->tp_flags |= Py_TPFLAGS_MAPPING;
    }
    PyType_Modified(type);
}

void cc_container_type_close(PyTypeObject *type) {
    type->tp_flags &= ~Py_TPFLAGS_BASETYPE;
    PyType_Modified(type);
}

static const cc_container_kind *kind_of(PyObject *o) {
    return PyObject_TypeCheck(o, &cc_container_type) ? ((cc_container_object *)o)->kind : NULL;
}

int cc_container_is(PyObject *o, const cc_container_kind *kind) {
    return kind_of(o) == kind;
}

struct cc_smr_domain *cc_container_domain(PyObject *o) {
    const cc_container_kind *kind = kind_of(o);
    struct cc_smr_domain *domain = kind && kind->domain ? kind->domain(o) : NULL;
    if (!domain) {
        PyErr_Format(PyExc_TypeError,
                     "container: expected one with reclamation of its own, as SkipListMap, got %s",
                     Py_TYPE(o)->tp_name);
    }
    return domain;
}

int cc_container_find_waitable(PyObject *o, int what, struct cc_waitable *found) {
    const cc_container_kind *kind = kind_of(o);
    if (!kind || !kind->find_waitable) {
        PyErr_Format(PyExc_TypeError, "container: tasks cannot wait for a %s", Py_TYPE(o)->tp_name);
        return -1;
    }
    return kind->find_waitable(o, what, found);
}

#if defined(CC_TEST_HOOKS)
const char *cc_container_check(PyObject *o) {
    const cc_container_kind *kind = kind_of(o);
    if (!kind || !kind->check) {
        PyErr_Format(PyExc_TypeError, "container: nothing to check in %s", Py_TYPE(o)->tp_name);
        return NULL;
    }
    return kind->check(o);
}
#endif
