/* SPDX-License-Identifier: BSD-3-Clause
 *
 * By what a container of objects orders its keys, and the core's view of keys that are objects.
 *
 *     const cc_order *order = cc_order_of(map);
 *     PyObject *word = cc_order_word(order, key);             may run a key function
 *     cc_key_fill_search(&search, order, word);
 *     ...
 *     Py_DECREF(word);
 *
 * Promises. An order never changes, and a container has one for life. Where an order leads to code
 * of users (key functions, functions of two keys, `<` of their types), that runs outside of
 * regions, in functions that say so. Orders that lie give entries strange places and do no other
 * harm: search.h says why.
 *
 * Orders. An order has parts: the first one that tells two keys apart decides. A part is by nature
 * (`<` of the keys), by key (`<` of what a function makes of each), or by a function of two
 * keys, in Python or in C; and each can be reversed. Keys that no part tells apart are one key.
 *
 * Words. What the core has as the word of a key depends on its container's order:
 *
 *   plain     one part, by nature: the key itself, or nothing where the digest holds it whole. In
 *             an order that is reversed digests are inverted, so that the core compares them as it
 *             always does; numbers then have kinds of their own, since they have no word that could
 *             tell their container's order.
 *   ranked    several parts, or one by key: a cc_ranked_key, which remembers what key functions
 *             have made of the key. Digest and hash are those of the first rank and of all ranks.
 *   foreign   one part, by a function of two keys: the key itself; every digest is the same, there
 *             is no hash, and all is left to the function.
 *
 * C functions (object_c_function.h) are asked as the core compares, inside regions, where they
 * can tell; so the core is told that what it is told there may be a lie (cc_ordered_distrust). And
 * nothing remembers what they have said: two steps of one operation may be told different things.
 * Where such steps could go on for ever, the search is made cautious: then C functions are asked
 * outside, once about each pair, as functions of Python are.
 *
 * Prepared keys. A key that goes into several functions, as a bound of a range does, is prepared
 * once: a cc_prepared_key has its word, and stands wherever the key may stand in a container with
 * that order. Only in ranked orders there is one, as in others a word costs nothing. Users never
 * get to see one: what goes to them, or to code of theirs, is the original. (Unless one thread
 * overrides a method while another one is calling it.)
 *
 * Hashes. What the core's index needs (equal keys have equal hashes) holds for plain orders, since
 * turning an order round changes no equality, and for ranks by nature and by key, since keys are
 * equal only if all their ranks are. Of a function of two keys nothing is known: where an order has
 * one, whatever its other parts, keys have no hash, and no look-up is answered by the index alone.
 * (A hash of the other ranks would be right, but all keys with that hash would be put to the
 * function; and one that changes its mind could be found by the index and never by order.)
 *
 * Memory. An order is a Python object that the collector knows, as functions in it may lead back to
 * the container. A container owns a reference to its order; plain ones are shared by all, live for
 * ever, and are not counted.
 *
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_ORDER_H
#define CC_OBJECT_ORDER_H

#include "object_c_function.h"
#include "object_keys.h"
#include "ordered/ordered.h"

typedef enum cc_order_form {
    CC_BY_NATURE,
    CC_BY_KEY,
    CC_BY_FUNCTION,
    CC_BY_C_FUNCTION, /* from here on: functions of two keys */
} cc_order_form;

typedef struct cc_order_part {
    cc_order_form form;
    bool is_reversed;
    PyObject *function; /* of one key or two, a cc_c_function in C; NULL by nature */
} cc_order_part;

typedef struct cc_order {
    PyObject_VAR_HEAD uint64_t flip; /* of digests: all ones where the first part is reversed */
    bool is_plain, is_ranked; /* else foreign */
    bool has_c; /* a part that is a C function */
    bool checks_keys; /* a part that does not take all keys as they are (cc_order_word) */
    cc_order_part parts[];
} cc_order;

typedef struct cc_ranked_key {
    PyObject_VAR_HEAD PyObject *key;
    uint64_t digest, hash;
    uint8_t kind;
    PyObject *ranks[]; /* one for each part; where it has made nothing of the key, the key */
} cc_ranked_key;

/* Immutable. In another ranked order than its own it is what its key is. */
typedef struct cc_prepared_key {
    PyObject_HEAD const cc_order *order; /* ranked: a reference */
    PyObject *word;
} cc_prepared_key;

extern PyTypeObject cc_order_type, cc_ranked_key_type, cc_prepared_key_type;

/* The two plain ones. */
extern cc_order *cc_order_ascending, *cc_order_descending;

/* Make the types and the plain orders: before any other call. 0, or -1 with an exception. */
int cc_order_ready(void);

/* ---- orders ---- */

/* An order of a tuple of parts, each (form, is_reversed, function or None): a new reference, or
 * NULL with an exception. */
PyObject *cc_order_from_parts(PyObject *parts);

/* The tuple: a new reference, or NULL with a MemoryError. */
PyObject *cc_order_parts(const cc_order *order);

/* Whether two orders are of the same parts, with the very same functions. */
bool cc_order_is_same(const cc_order *a, const cc_order *b);

/* Whether keys are ordered by nature alone, in whatever direction. */
bool cc_order_is_natural(const cc_order *order);

static inline bool cc_order_is_counted(const cc_order *order) {
    return !order->is_plain;
}

/* The order of a map. One that has none yet gets the ascending one. */
static inline const cc_order *cc_order_of(cc_ordered *map) {
    uintptr_t order = cc_ordered_order(map);
    return (const cc_order *)(order ? order
                                    : cc_ordered_set_order(map, (uintptr_t)cc_order_ascending));
}

/* These two for families, which know no variables of the core. */
const cc_order *cc_order_of_map(cc_ordered *map);
const cc_order *cc_order_ascending_one(void);

/* As an object, and back: borrowed. */
static inline PyObject *cc_order_object(const cc_order *order) {
    return (PyObject *)order;
}

static inline const cc_order *cc_order_in(PyObject *object) {
    return (const cc_order *)object;
}

/* References that containers own: none to what lives for ever. */
static inline const cc_order *cc_order_held(const cc_order *order) {
    if (cc_order_is_counted(order)) {
        Py_INCREF(cc_order_object(order));
    }
    return order;
}

static inline void cc_order_drop(const cc_order *order) {
    if (order && cc_order_is_counted(order)) {
        Py_DECREF(cc_order_object(order));
    }
}

static inline int cc_order_visit(const cc_order *order, visitproc visit, void *argument) {
    return order && cc_order_is_counted(order) ? visit(cc_order_object(order), argument) : 0;
}

/* Give a map its order, if it has none yet. 1: it has this one, or one that is the same; 0: it has
 * another. */
int cc_order_set(cc_ordered *map, const cc_order *order);

/* ---- keys ---- */

/* The core's view of words that are references. */
extern const cc_word_table cc_object_words;

/* A key as its order has it: ranked, or itself. A new reference, or NULL with what a key function
 * has raised, or of a key that a C function does not take. */
PyObject *cc_order_word(const cc_order *order, PyObject *key);

/* A key, prepared where the order is ranked; itself elsewhere, or if it is prepared, or C functions
 * of the order do not take it. A new reference, or NULL with what a key function has raised. */
PyObject *cc_order_prepare(const cc_order *order, PyObject *key);

/* The same of a bound of a range, which is a key; but NULL with an exception if it has no place in
 * the order, as far as it alone can tell, or is a NaN: that one names the argument. */
PyObject *cc_order_prepare_bound(const cc_order *order, PyObject *bound, const char *argument);

/* The same of a stored key: calls nothing. NULL with a MemoryError. */
PyObject *cc_order_prepare_stored(const cc_order *order, unsigned kind, uint64_t digest,
                                  uintptr_t word);

/* What somebody has prepared: borrowed from it. Anything else is itself. */
PyObject *cc_order_original(PyObject *key);

/* Whether the order's C functions take a key at all. */
bool cc_order_takes(const cc_order *order, PyObject *key);

/* Fill in a search for such a word, which the search borrows. It asks for order. */
void cc_key_fill_search(cc_search *search, const cc_order *order, PyObject *word);

/* The same for a stored key. */
void cc_key_fill_stored_search(cc_search *search, const cc_order *order, unsigned kind,
                               uint64_t digest, uintptr_t word);

/* The number in place of whose word there is 0. NULL with a MemoryError. */
PyObject *cc_key_number_of(unsigned kind, uint64_t digest);

static inline PyObject *cc_key_word_object(unsigned kind, uint64_t digest, uintptr_t word) {
    return word ? Py_NewRef((PyObject *)word) : cc_key_number_of(kind, digest);
}

/* The key that somebody has put: a new reference, or NULL with a MemoryError. */
static inline PyObject *cc_key_object(unsigned kind, uint64_t digest, uintptr_t word) {
    if (!word) {
        return cc_key_number_of(kind, digest);
    }
    PyObject *o = (PyObject *)word;
    return Py_NewRef(Py_IS_TYPE(o, &cc_ranked_key_type) ? ((cc_ranked_key *)o)->key : o);
}

/* The same of a word whose reference is given away. */
static inline PyObject *cc_key_taken(unsigned kind, uint64_t digest, uintptr_t word) {
    PyObject *key = cc_key_object(kind, digest, word);
    Py_XDECREF((PyObject *)word);
    return key;
}

/* The kind without regard to the direction of the order. */
static inline unsigned cc_kind_of_any_order(unsigned kind) {
    return kind < CC_KIND_TUPLE ? kind & ~(unsigned)CC_KIND_DESCENDING : kind;
}

/* ---- comparing ---- */

/* Order of two words of one order, as objects. Natively, or by C functions: -1, 0, 1, or
 * CC_UNDECIDED. */
int cc_order_compare_natively(const cc_order *order, PyObject *a, PyObject *b);

/* Order of two keys: -1, 0, 1, or -2 with an exception. Runs key functions for both. */
int cc_order_compare_keys(const cc_order *order, PyObject *a, PyObject *b);

/* Whether comparing them, which are two objects, comes to a C function: for counts. Asks none. */
bool cc_order_comes_to_c(const cc_order *order, PyObject *a, PyObject *b);

/* By code of users, where native comparing has not decided, or is not to be believed: -1, 0, 1, or
 * -2 with an exception. */
int cc_order_compare_by_python(const cc_order *order, PyObject *a, PyObject *b);

/* The one, or the other. */
int cc_order_compare(const cc_order *order, PyObject *a, PyObject *b);

/* Order of two stored keys: -1, 0, 1, or -2 with an exception. */
int cc_order_compare_stored(const cc_order *order, const cc_stored_key *a, const cc_stored_key *b);

/* As cc_key_was_refused (object_compare.h), of two words. */
int cc_order_was_refused(const cc_order *order, PyObject *a, PyObject *b, int of_any_type);

/* ---- one word ---- */

/* Whether `<` is asked of anything in it that does not equal itself. 1, 0, or -1. */
int cc_order_is_nan(const cc_order *order, PyObject *word);

/* cc_order_word of a key of which that is not so: else NULL with a ValueError, which begins with
 * the name of the argument. */
PyObject *cc_order_word_unless_nan(const cc_order *order, PyObject *key, const char *argument);

/* Whether it has a place in the order at all, as far as it alone can tell: it compares with itself.
 * 0, or -1. */
int cc_order_check(const cc_order *order, PyObject *word);

#endif
