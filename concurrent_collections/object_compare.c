/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_compare.h"

#include "object_keys.h"

/* ---------------------------------------------------------------- two keys */

int cc_key_compare_by_python(PyObject *a, PyObject *b) {
    int less = PyObject_RichCompareBool(a, b, Py_LT);
    if (less) {
        return less < 0 ? -2 : -1;
    }
    int greater = PyObject_RichCompareBool(b, a, Py_LT);
    return greater < 0 ? -2 : greater;
}

int cc_key_compare_objects(PyObject *a, PyObject *b) {
    int order = a == b ? 0 : cc_key_compare_natively(a, b);
    return order == CC_UNDECIDED ? cc_key_compare_by_python(a, b) : order;
}

/* ---------------------------------------------------------------- what Python refuses */

/* Few lists, each twice in the next, lead to one element by as many ways as there are numbers. */
#define MOST_ELEMENTS_LOOKED_AT 1000000

/* Whether everything that `<` looks at in `o` is of an exact built-in type, so that comparing it
 * runs no code of users. 1, 0 (or it leads to more than *rest elements, and is not known), or
 * -1. */
static int is_builtin(PyObject *o, Py_ssize_t *rest) {
    PyTypeObject *const atoms[] = {&PyLong_Type,    &PyFloat_Type,        &PyUnicode_Type,
                                   &PyBytes_Type,   &PyBool_Type,         Py_TYPE(Py_None),
                                   &PyComplex_Type, &PyByteArray_Type,    &PyRange_Type,
                                   &PyType_Type,    Py_TYPE(Py_Ellipsis), &PyBaseObject_Type};
    PyTypeObject *type = Py_TYPE(o);
    for (size_t i = 0; i < sizeof atoms / sizeof atoms[0]; i++) {
        if (type == atoms[i]) {
            return 1;
        }
    }
    if (type != &PyTuple_Type && type != &PyList_Type && type != &PySet_Type &&
        type != &PyFrozenSet_Type && type != &PyDict_Type) {
        return 0;
    }
    if (Py_EnterRecursiveCall(" while looking at a key")) {
        return -1;
    }
    /* A copy: it may change meanwhile. */
    PyObject *elements = type == &PyDict_Type ? PyDict_Items(o) : PySequence_Tuple(o);
    int answer = elements ? 1 : -1;
    for (Py_ssize_t i = 0; answer == 1 && i < PySequence_Fast_GET_SIZE(elements); i++) {
        answer = --*rest < 0 ? 0 : is_builtin(PySequence_Fast_GET_ITEM(elements, i), rest);
    }
    Py_XDECREF(elements);
    Py_LeaveRecursiveCall();
    return answer;
}

/* Whether neither of two objects knows how to compare with the other. May run their comparisons. */
static int do_not_know_each_other(PyObject *a, PyObject *b) {
    PyObject *const pairs[2][2] = {{a, b}, {b, a}};
    int answer = 1;
    for (int i = 0; answer == 1 && i < 2; i++) {
        richcmpfunc compare = Py_TYPE(pairs[i][0])->tp_richcompare;
        if (compare) {
            PyObject *result = compare(pairs[i][0], pairs[i][1], i ? Py_GT : Py_LT);
            answer = !result ? -1 : result == Py_NotImplemented;
            Py_XDECREF(result);
        }
    }
    return answer;
}

static int are_refused(PyObject *a, PyObject *b, bool of_any_type) {
    Py_ssize_t rest = MOST_ELEMENTS_LOOKED_AT;
    int answer = is_builtin(a, &rest);
    answer = answer == 1 ? is_builtin(b, &rest) : answer;
    if (answer || !of_any_type) {
        return answer;
    }
    if (!PyTuple_CheckExact(a) || !PyTuple_CheckExact(b)) {
        return do_not_know_each_other(a, b);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a) && i < PyTuple_GET_SIZE(b); i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
        int equal = PyObject_RichCompareBool(x, y, Py_EQ);
        if (equal < 0) {
            return -1;
        }
        if (!equal) { /* the elements that decide */
            if (Py_EnterRecursiveCall(" while comparing keys")) {
                return -1;
            }
            answer = are_refused(x, y, true);
            Py_LeaveRecursiveCall();
            return answer;
        }
    }
    return 0;
}

int cc_key_was_refused(PyObject *a, PyObject *b, int of_any_type) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) {
        return 0;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int answer = are_refused(a, b, of_any_type);
    if (answer == 1) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        return 1;
    }
    PyErr_Restore(type, value, traceback); /* in place of what was raised while looking */
    return 0;
}

int cc_key_equal(PyObject *a, PyObject *b) {
    int order = cc_key_compare_objects(a, b);
    if (order == -2) {
        return cc_key_was_refused(a, b, 1) ? 0 : -1;
    }
    return order == 0;
}

/* ---------------------------------------------------------------- one key */

/* A key that does not equal itself is neither less nor greater than anything, so it would be one
 * key with whatever it meets first. */
static int differs_from_itself(PyObject *key) {
    PyObject *equal = PyObject_RichCompare(key, key, Py_EQ); /* ...Bool would not ask */
    if (!equal) {
        return -1;
    }
    int is_equal = PyObject_IsTrue(equal);
    Py_DECREF(equal);
    return is_equal < 0 ? -1 : !is_equal;
}

static int is_nan(PyObject *key) {
    return PyFloat_CheckExact(key) ? 1 : differs_from_itself(key); /* other floats have a kind */
}

int cc_key_is_nan(PyObject *key) {
    return cc_key_is_of_unknown_type(key) ? is_nan(key) : 0;
}

int cc_key_refuse_nan(PyObject *key, const char *argument) {
    int nan = is_nan(key);
    if (nan <= 0) {
        return nan;
    }
    if (PyFloat_CheckExact(key)) {
        PyErr_Format(PyExc_ValueError, "%s: NaN cannot be ordered", argument);
    } else {
        PyErr_Format(PyExc_ValueError,
                     "%s: an instance of '%.100s' that does not equal itself, as NaN does not, "
                     "cannot be ordered",
                     argument, Py_TYPE(key)->tp_name);
    }
    return -1;
}

int cc_key_check_order(PyObject *key) {
    return cc_key_is_of_unknown_type(key) && PyObject_RichCompareBool(key, key, Py_LT) < 0 ? -1 : 0;
}
