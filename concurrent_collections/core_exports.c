/* SPDX-License-Identifier: BSD-3-Clause */
#include "core_exports.h"

#define CC_THIS_IS_THE_CORE
#include "core_functions.h"

#include "object_frozen.h"
#include "object_iterator.h"
#include "object_order.h"
#include "object_type.h"

int cc_core_export(PyObject *namespace_) {
    PyObject *table = PyCapsule_New((void *)&cc_core, CC_CORE_CAPSULE, NULL);
    int error = !table || cc_container_type_ready() || cc_object_iterator_ready() ||
                cc_c_function_ready() || cc_order_ready() || cc_frozen_ready() ||
                PyDict_SetItemString(namespace_, CC_CORE_ATTRIBUTE, table) ||
                PyDict_SetItemString(namespace_, "_Container", (PyObject *)&cc_container_type);
    Py_XDECREF(table);
    return error ? -1 : 0;
}
