/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Keys of ordered containers of objects: their kinds, digests and hashes, and how two of them compare. object_refs.h has
 * the operations that use them.
 *
 * Everything needs an attached thread state. cc_key_compare_natively and the functions of cc_object_words run no
 * Python code and allocate nothing: the core calls the latter inside protected regions.
 */
#ifndef CC_OBJECT_KEYS_H
#define CC_OBJECT_KEYS_H

#include <Python.h>

#include "ordered/search.h"

/* Keys of one kind are ordered by their digests as far as those differ. */
enum {
    CC_KIND_INT = 1, /* exact int (held whole when the word is 0), or bool (keeps its object) */
    CC_KIND_FLOAT, /* exact float; held whole, but -0.0 keeps its object, so that it stays -0.0 */
    CC_KIND_STR,
    CC_KIND_BYTES,
    CC_KIND_EMPTY_TUPLE,
    CC_KIND_OTHER, /* ordered by Python's `<` alone; every digest is 0 */
    CC_KIND_TUPLE = 16, /* plus the kind of the first element; the digest is that element's */
};

/* The C core's view of words that are references. */
extern const cc_word_table cc_object_words;

/* Fill in a search for `key`, which must equal itself. -1 with a ValueError for a NaN, of whatever type, and with what
 * `==` of a type that we do not know raises. */
int cc_key_begin_search(cc_search *search, PyObject *key);

/* The same for a key that has been looked at before. Runs nothing. */
void cc_key_resume_search(cc_search *search, PyObject *key);

/* Whether a key does not equal itself: 1, 0, or -1 with an exception. A NaN inside a tuple is not seen. */
int cc_key_is_nan(PyObject *key);

/* The one question that can be asked of a key alone: whether it compares with itself. 0, or -1 with an exception. */
int cc_key_check_order(PyObject *key);

/* Both questions, for a bound of a range. ValueErrors begin with the name of the argument. 0, or -1. */
int cc_key_check_bound(PyObject *bound, const char *argument);

/* A new reference to a stored key. */
PyObject *cc_key_object(unsigned kind, uint64_t digest, uintptr_t word);

/* Order of two objects of exact built-in types: -1, 0, 1, or CC_UNDECIDED where Python must be asked. */
int cc_key_compare_natively(PyObject *a, PyObject *b);

/* Order by Python's `<` in both directions: -1, 0, 1; or -2 with an exception. */
int cc_key_compare_by_python(PyObject *a, PyObject *b);

/* The same, natively where that is possible. */
int cc_key_compare_objects(PyObject *a, PyObject *b);

/* After a comparison of the two has raised: whether that is Python's own TypeError for objects of exact built-in types that
 * have no common order; with `of_any_type` also for other types, neither of which knows the other. Then 1, and the
 * exception is cleared. Else 0, and it stays: it is what somebody's code has raised. */
int cc_key_was_refused(PyObject *a, PyObject *b, int of_any_type);

/* Whether two keys are one key in an ordered container: neither is less. What does not compare is not equal.
 * 1, 0, or -1 with an exception. */
int cc_key_equal(PyObject *a, PyObject *b);

#endif
