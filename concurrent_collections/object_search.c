/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_search.h"

/* The stored key that the search has a question about. */
static PyObject *key_in_question(const cc_search *search) {
    return cc_key_object(search->needed.kind, search->needed.digest, search->needed.word);
}

int cc_key_answer(cc_search *search, PyObject *key) {
    PyObject *other = key_in_question(search);
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

cc_status cc_key_status_of_refusal(const cc_search *search, PyObject *key, bool of_any_type) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
        return CC_NO_MEMORY;
    }
    PyObject *other = key_in_question(search);
    bool was_refused = other && cc_key_was_refused(key, other, of_any_type);
    Py_XDECREF(other);
    return was_refused ? CC_ABSENT : CC_NO_MEMORY;
}

/* A tuple handed to PyErr_SetObject would become the exception's arguments. */
void cc_key_raise_missing(PyObject *key) {
    PyObject *arguments = PyTuple_Pack(1, key);
    if (arguments) {
        PyErr_SetObject(PyExc_KeyError, arguments);
        Py_DECREF(arguments);
    }
}
