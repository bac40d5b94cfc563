/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Searching a container of the core by a Python object, whatever the container.
 *
 *     cc_search search;
 *     cc_status status;
 *     if (cc_key_begin_search(&search, cc_order_of(map), key)) {
 *         return an error;
 *     }
 *     CC_UNTIL_DECIDED(status, map, &search, key, cc_ordered_get(map, &search, &word));
 *     cc_key_end_search(&search);
 *
 * Promises. Python code runs only between two attempts of an operation, when no region is open, and
 * never after the operation's effect: so what it raises can be reported, and then the container is
 * as it was. It may run in all functions here. A key function runs once, when a search
 * begins; not at all for a key that is prepared (object_order.h).
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_SEARCH_H
#define CC_OBJECT_SEARCH_H

#include "object_compare.h"
#include "object_order.h"
#include "object_tally.h"

/* Begin a search for a key. -1 with what a key function raises, with a ValueError for a NaN, of
 * whatever type, and with what `==` of a type that we do not know raises. A search that has begun
 * must be ended. */
int cc_key_begin_ranked_search(cc_search *search, const cc_order *order, PyObject *key);

static inline int cc_key_begin_search(cc_search *search, const cc_order *order, PyObject *key) {
    if (!order->is_plain) {
        return cc_key_begin_ranked_search(search, order, key);
    }
    cc_key_fill_search(search, order, key);
    return search->kind == CC_KIND_OTHER ? cc_key_refuse_nan(key, "key") : 0;
}

/* The same, but a NaN is no error, nor is a key that a C function of the order does not take: the
 * answer is 1, and nothing has begun. */
int cc_key_begin_search_if_taken(cc_search *search, const cc_order *order, PyObject *key);

/* The key of a search as its order has it: borrowed. */
static inline PyObject *cc_key_word_of(const cc_search *search, PyObject *key) {
    return ((const cc_order *)search->order)->is_plain ? key : (PyObject *)search->key;
}

/* Let Python answer the question that an operation has left in the search; `key` may be NULL. 0, or
 * -1 with an exception; the question stays when it is the comparison that has raised. */
int cc_key_answer(cc_search *search, PyObject *key);

/* Forget what the search has been told. An operation that has had its effect may leave a question:
 * it is not asked. */
static inline void cc_key_forget(cc_search *search) {
    if (search->known_count || search->asks) {
        cc_search_end(&cc_object_words, search);
    }
}

/* The same, and let go of what the beginning has made of the key: not for a search that was filled
 * in (object_order.h). */
static inline void cc_key_end_search(cc_search *search) {
    cc_key_forget(search);
    if (((const cc_order *)search->order)->is_ranked) {
        Py_DECREF((PyObject *)search->key);
    }
}

/* Run `operation` (an expression of type cc_status) on a map until it needs no more comparisons.
 * Afterwards `status` is its answer, or CC_NO_MEMORY with an exception. */
#define CC_UNTIL_DECIDED(status, map, search, key, operation)                                      \
    while ((status = (operation)) == CC_NEED_COMPARE) {                                            \
        if (cc_key_answer(search, key)) {                                                          \
            status = CC_NO_MEMORY;                                                                 \
            break;                                                                                 \
        }                                                                                          \
    }                                                                                              \
    cc_tally_collect(map, search, key);                                                            \
    if (status == CC_NO_MEMORY && !PyErr_Occurred()) {                                             \
        PyErr_NoMemory();                                                                          \
    }

/* What a look-up makes of a key that does not compare with a key inside. */
typedef enum cc_lookup_policy {
    CC_REFUSE_UNCOMPARABLE, /* TypeError, as when it is stored */
    CC_ABSENT_IF_BUILTIN, /* not there, if both are of exact built-in types */
    CC_ABSENT_IF_ANY, /* not there, of whatever types they are */
} cc_lookup_policy;

/* For cc_key_lookup_status, when an operation has left a question and an exception. */
cc_status cc_key_status_of_refusal(const cc_search *search, PyObject *key, bool of_any_type);

/* The status of a look-up. What CC_UNTIL_DECIDED has left as an exception may be an answer: a key
 * that has no order with one that is inside is not inside itself. Then CC_ABSENT, and the exception
 * is cleared. */
static inline cc_status cc_key_lookup_status(const cc_search *search, PyObject *key,
                                             cc_status status, cc_lookup_policy policy) {
    return status == CC_NO_MEMORY && search->asks && policy != CC_REFUSE_UNCOMPARABLE
               ? cc_key_status_of_refusal(search, key, policy == CC_ABSENT_IF_ANY)
               : status;
}

/* Raise KeyError(key), for tuples too; of a prepared key with the original. */
void cc_key_raise_missing(PyObject *key);

#endif
