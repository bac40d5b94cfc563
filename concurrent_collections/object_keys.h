/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Python objects as keys of the C core: their kinds, digests and hashes, and comparing them without
 * Python.
 *
 * Promises. Nothing here runs Python code. Comparing and hashing allocate nothing, wait for nothing
 * and cannot fail, so the core may call them inside a region. Making a key object (cc_key_object)
 * allocates; it is for callers outside.
 *
 * Keys. A key of the core is a kind, a digest and a word (search.h). The word is a reference that
 * the container owns. An int that fits 64 bits and a float have no word: the digest holds them, and
 * a new object is made on the way out.
 *
 * All this is the order of keys by their own `<`. Other orders are made of it: object_order.h. What
 * only Python can compare: object_compare.h. Searching by a Python object: object_search.h.
 * Every function needs an attached thread.
 */
#ifndef CC_OBJECT_KEYS_H
#define CC_OBJECT_KEYS_H

#include <Python.h>

#include <string.h>

#include "ordered/search.h"

/* Keys of one kind are ordered by their digests as far as those differ. A tuple's kind is made of
 * its first two elements' kinds: only where these are the same do digests tell an order that Python
 * would tell as well. */
enum {
    CC_KIND_INT = 1, /* exact int (held whole when the word is 0), or bool (keeps its object) */
    CC_KIND_FLOAT, /* exact float; held whole, but -0.0 keeps its object, so that it stays -0.0 */
    CC_KIND_STR,
    CC_KIND_BYTES,
    CC_KIND_EMPTY_TUPLE,
    CC_KIND_OTHER, /* ordered by Python's `<` alone; every digest is 0 */
    CC_KIND_DESCENDING = 16, /* plus this: an int or float of a reversed order (object_order.h) */
    CC_KIND_TUPLE = 64, /* plus 8 times the first element's kind, plus the second's, or 0 */
    CC_KIND_LONGER = 128, /* plus this, if there are more than two */
};

/* Digests of what they hold whole. They are ordered as the numbers are; there is one zero. */
#define CC_SIGN_BIT (UINT64_C(1) << 63)

static inline uint64_t cc_digest_of_int64(long long value) {
    return (uint64_t)value ^ CC_SIGN_BIT;
}

static inline long long cc_int64_of_digest(uint64_t digest) {
    return (long long)(digest ^ CC_SIGN_BIT);
}

static inline uint64_t cc_digest_of_double(double value) {
    uint64_t bits;
    value = value == 0.0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits & CC_SIGN_BIT ? ~bits : bits | CC_SIGN_BIT;
}

static inline double cc_double_of_digest(uint64_t digest) {
    uint64_t bits = digest & CC_SIGN_BIT ? digest & ~CC_SIGN_BIT : ~digest;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A key as a container has it that orders keys by `<`; its word is borrowed, or 0. */
cc_stored_key cc_key_described(PyObject *key);

/* Its hash (search.h); 0 where it has none. */
uint64_t cc_key_hash(const cc_stored_key *key);

/* Units (search.h): the code points of a str, the bytes of bytes. Of two keys, how many first ones
 * they share, `most` or less; 0 if they are not of one kind that has units. And the digest of a key
 * without its first `skip` ones. */
unsigned cc_key_shared(const cc_stored_key *a, const cc_stored_key *b, unsigned most);
uint64_t cc_key_digest_after(const cc_stored_key *key, unsigned skip);

/* A key without a word as an object: a new reference, or NULL with an exception. */
PyObject *cc_key_number(unsigned kind, uint64_t digest);

/* Order of two such keys: -1, 0, 1, or CC_UNDECIDED where Python must be asked. One object is one
 * key, whatever its `<` says. */
int cc_key_compare_described(const cc_stored_key *a, const cc_stored_key *b);

/* Whether only the key's own type knows how it compares: no tuple, and of no kind above. A NaN
 * counts. */
bool cc_key_is_of_unknown_type(PyObject *key);

/* Whether a key is an exact int, or a bool; and whether it is one of 64 bits: its value. */
bool cc_key_is_int(PyObject *key);
bool cc_key_is_int64(PyObject *key, long long *value);

/* Order of two objects of exact built-in types: -1, 0, 1, or CC_UNDECIDED where Python must be
 * asked. */
int cc_key_compare_natively(PyObject *a, PyObject *b);

#endif
