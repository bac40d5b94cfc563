/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_type.h"

int cc_object_type_install(PyTypeObject *type, const char *name, int is_mapping,
                           traverseproc traverse, inquiry clear) {
    if (!PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)) {
        PyErr_Format(PyExc_SystemError, "%s was built without garbage collection", type->tp_name);
        return -1;
    }
    type->tp_name = name;
    type->tp_traverse = traverse;
    type->tp_clear = clear;
    if (is_mapping) {
        type->tp_flags |= Py_TPFLAGS_MAPPING;
    }
    PyType_Modified(type);
    return 0;
}
