/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What only Python can say of keys: their order by `<`, whether they have one, whether they are
 * NaN.
 *
 * Promises. Everything here may run arbitrary Python code, so it is called outside of regions, with
 * nothing of a container in hand, and before an operation has its effect.
 *
 * Answers are ints. An error is -2 from comparisons, -1 from all other functions, with an
 * exception. Every function needs an attached thread.
 */
#ifndef CC_OBJECT_COMPARE_H
#define CC_OBJECT_COMPARE_H

#include <Python.h>

/* ---- two keys ---- */

/* Order by Python's `<` in both directions: -1, 0, 1; or -2. */
int cc_key_compare_by_python(PyObject *a, PyObject *b);

/* The same, natively where that is possible. */
int cc_key_compare_objects(PyObject *a, PyObject *b);

/* Whether two keys are one key in an ordered container: neither is less. What does not compare is
 * not equal. 1, 0, or -1. */
int cc_key_equal(PyObject *a, PyObject *b);

/* After a comparison of the two has raised: whether that is Python's own TypeError for objects that
 * have no common order. They must be of exact built-in types, or with `of_any_type` of types of
 * which neither knows the other. 1: it is, and the exception is cleared. 0: somebody's code has
 * raised the exception, and it stays. */
int cc_key_was_refused(PyObject *a, PyObject *b, int of_any_type);

/* ---- one key ---- */

/* Whether a key does not equal itself. 1, 0, or -1. A NaN inside a tuple is not seen. */
int cc_key_is_nan(PyObject *key);

/* Refuse a NaN, where the key is of unknown type (object_keys.h): 0, or -1 with a ValueError that
 * begins with the name of the argument, or with what the key's `==` has raised. */
int cc_key_refuse_nan(PyObject *key, const char *argument);

/* Whether the key has an order at all, as far as the key alone can tell: it compares with itself.
 * 0, or -1. */
int cc_key_check_order(PyObject *key);

#endif
