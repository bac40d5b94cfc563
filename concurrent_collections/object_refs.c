/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_refs.h"

#include <math.h>
#include <string.h>

#include "concurrent_collections/cc_atomic.h"

/* ---------------------------------------------------------------- kinds and digests */

/* Keys of one kind are ordered by their digests as far as those differ. */
enum {
    KIND_INT = 1, /* exact int (held whole when the word is 0), or bool (keeps its object) */
    KIND_FLOAT,   /* exact float; held whole, but -0.0 keeps its object, so that it stays -0.0 */
    KIND_STR,
    KIND_BYTES,
    KIND_EMPTY_TUPLE,
    KIND_OTHER,      /* ordered by Python's `<` alone; every digest is 0 */
    KIND_TUPLE = 16, /* plus the kind of the first element; the digest is that element's */
};

#define SIGN_BIT (UINT64_C(1) << 63)

static uint64_t digest_of_int64(long long value) {
    return (uint64_t)value ^ SIGN_BIT;
}

static uint64_t digest_of_double(double value) {
    uint64_t bits;
    value = value == 0.0 ? 0.0 : value; /* one zero */
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static double double_of_digest(uint64_t digest) {
    uint64_t bits = digest & SIGN_BIT ? digest & ~SIGN_BIT : ~digest;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t digest_of_bytes(const unsigned char *bytes, Py_ssize_t length) {
    uint64_t digest = 0;
    for (int i = 0; i < 8; i++) {
        digest = digest << 8 | (i < length ? bytes[i] : 0);
    }
    return digest;
}

/* The first eight bytes of the UTF-8 form, whose order is that of the code points. Lone surrogates are
 * encoded like any other code point; PyUnicode_AsUTF8 would refuse them, and cache. */
static uint64_t digest_of_str(PyObject *str) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (PyUnicode_IS_ASCII(str)) {
        return digest_of_bytes(PyUnicode_DATA(str), length);
    }
    unsigned char bytes[8 + 3];
    int n = 0;
    int kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    for (Py_ssize_t i = 0; i < length && n < 8; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c < 0x80) {
            bytes[n++] = (unsigned char)c;
        } else if (c < 0x800) {
            bytes[n++] = (unsigned char)(0xc0 | c >> 6);
            bytes[n++] = (unsigned char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            bytes[n++] = (unsigned char)(0xe0 | c >> 12);
            bytes[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
            bytes[n++] = (unsigned char)(0x80 | (c & 0x3f));
        } else {
            bytes[n++] = (unsigned char)(0xf0 | c >> 18);
            bytes[n++] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
            bytes[n++] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
            bytes[n++] = (unsigned char)(0x80 | (c & 0x3f));
        }
    }
    return digest_of_bytes(bytes, n);
}

/* Kind and digest of an object; *whole says that the digest is the key. */
static unsigned classify(PyObject *o, uint64_t *digest, bool *whole) {
    *digest = 0;
    *whole = false;
    if (PyLong_CheckExact(o) || PyBool_Check(o)) {
        int overflow;
        long long value = PyLong_AsLongLongAndOverflow(o, &overflow);
        *digest = overflow ? (overflow > 0 ? UINT64_MAX : 0) : digest_of_int64(value);
        *whole = !overflow && !PyBool_Check(o);
        return KIND_INT;
    }
    if (PyFloat_CheckExact(o)) {
        double value = PyFloat_AS_DOUBLE(o);
        if (isnan(value)) {
            return KIND_OTHER; /* reached for a tuple's element only */
        }
        *digest = digest_of_double(value);
        *whole = !(value == 0.0 && signbit(value));
        return KIND_FLOAT;
    }
    if (PyUnicode_CheckExact(o)) {
#if PY_VERSION_HEX < 0x030c0000
        if (PyUnicode_READY(o)) { /* 3.11 still has strings that are not laid out yet */
            PyErr_Clear();
            return KIND_OTHER;
        }
#endif
        *digest = digest_of_str(o);
        return KIND_STR;
    }
    if (PyBytes_CheckExact(o)) {
        *digest = digest_of_bytes((const unsigned char *)PyBytes_AS_STRING(o), PyBytes_GET_SIZE(o));
        return KIND_BYTES;
    }
    return KIND_OTHER;
}

/* An int's or bool's word is 0 unless it is a bool or does not fit. */
static bool is_big_int(uint64_t digest, uintptr_t word) {
    return word && (digest == 0 || digest == UINT64_MAX) && !PyBool_Check((PyObject *)word);
}

/* In a region: looks at caches, runs nothing. */
static uint64_t hash_of_key(unsigned kind, uint64_t digest, uintptr_t word) {
    switch (kind) {
    case KIND_INT:
        return is_big_int(digest, word) ? 0 : cc_mix(digest);
    case KIND_FLOAT:
        return cc_mix(digest + 1);
    case KIND_STR:
    case KIND_BYTES:
        return cc_mix((uint64_t)PyObject_Hash((PyObject *)word)); /* cached since the key was put */
    default:
        return 0;
    }
}

/* Fill in a search for `key`. -1 with an exception for a NaN. */
static int begin_search(cc_search *search, PyObject *key) {
    bool whole;
    memset(search, 0, offsetof(cc_search, needed));
    search->lessons = NULL;
    search->lesson_count = search->lesson_room = 0;
    search->unswept = NULL;
    search->record = NULL;
    search->asks = false;
    unsigned kind = classify(key, &search->digest, &whole);
    if (kind == KIND_OTHER) {
        if (PyFloat_CheckExact(key)) {
            PyErr_SetString(PyExc_ValueError, "key: NaN has no place in an order");
            return -1;
        }
        if (PyTuple_CheckExact(key)) {
            if (PyTuple_GET_SIZE(key) == 0) {
                kind = KIND_EMPTY_TUPLE;
            } else {
                bool ignored;
                kind = KIND_TUPLE + classify(PyTuple_GET_ITEM(key, 0), &search->digest, &ignored);
            }
        }
    }
    search->kind = (uint8_t)kind;
    search->key = whole ? 0 : (uintptr_t)key;
    search->hash = hash_of_key(kind, search->digest, search->key);
    return 0;
}

/* ---------------------------------------------------------------- comparing without running Python */

static int sign(long long x) {
    return (x > 0) - (x < 0);
}

/* Exact: a double holds 53 bits, an int64 63. */
static int compare_int64_with_double(long long i, double d) {
    if (d >= 9223372036854775808.0) {
        return -1;
    }
    if (d < -9223372036854775808.0) {
        return 1;
    }
    double whole = trunc(d);
    long long w = (long long)whole;
    return i != w ? (i > w) - (i < w) : whole < d ? -1 : whole > d;
}

static int compare_bytes(PyObject *a, PyObject *b) {
    Py_ssize_t m = PyBytes_GET_SIZE(a), n = PyBytes_GET_SIZE(b);
    int order = memcmp(PyBytes_AS_STRING(a), PyBytes_AS_STRING(b), (size_t)(m < n ? m : n));
    return order ? sign(order) : (m > n) - (m < n);
}

static bool is_int(PyObject *o) {
    return PyLong_CheckExact(o) || PyBool_Check(o);
}

/* The slot itself: PyObject_RichCompare counts recursion, and may raise. */
static bool big_int_is(PyObject *a, PyObject *b, int how) {
    PyObject *answer = PyLong_Type.tp_richcompare(a, b, how); /* True or False: compares digits */
    bool yes = answer == Py_True;
    Py_DECREF(answer);
    return yes;
}

#define DEEPEST_NATIVE_TUPLE 8

/* Order of two objects of exact built-in types, or CC_UNDECIDED where Python must be asked. Runs no
 * Python code and allocates nothing: it is called inside protected regions. */
static int compare_natively(PyObject *a, PyObject *b, int depth) {
    if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) {
        return sign(PyUnicode_Compare(a, b)); /* by code points; cannot fail on exact strings */
    }
    if (PyBytes_CheckExact(a) && PyBytes_CheckExact(b)) {
        return compare_bytes(a, b);
    }
    if (is_int(a) && is_int(b)) {
        int p, q;
        long long x = PyLong_AsLongLongAndOverflow(a, &p), y = PyLong_AsLongLongAndOverflow(b, &q);
        if (p != q) {
            return p < q ? -1 : 1;
        }
        if (!p) {
            return (x > y) - (x < y);
        }
        return big_int_is(a, b, Py_LT) ? -1 : !big_int_is(a, b, Py_EQ);
    }
    if (PyFloat_CheckExact(a) && PyFloat_CheckExact(b)) {
        double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : CC_UNDECIDED;
    }
    bool float_first = PyFloat_CheckExact(a);
    if ((float_first && is_int(b)) || (is_int(a) && PyFloat_CheckExact(b))) {
        int overflow;
        double d = PyFloat_AS_DOUBLE(float_first ? a : b);
        long long i = PyLong_AsLongLongAndOverflow(float_first ? b : a, &overflow);
        if (overflow || isnan(d)) {
            return CC_UNDECIDED;
        }
        int order = compare_int64_with_double(i, d);
        return float_first ? -order : order;
    }
    if (PyTuple_CheckExact(a) && PyTuple_CheckExact(b) && depth < DEEPEST_NATIVE_TUPLE) {
        Py_ssize_t m = PyTuple_GET_SIZE(a), n = PyTuple_GET_SIZE(b);
        for (Py_ssize_t i = 0; i < m && i < n; i++) {
            PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
            int order =
                x == y ? 0 : compare_natively(x, y, depth + 1); /* as tuples do: identity first */
            if (order) {
                return order;
            }
        }
        return (m > n) - (m < n);
    }
    return CC_UNDECIDED;
}

/* A key that has no object: an int or a float. */
static int compare_numbers(unsigned kind, uint64_t digest, PyObject *other) {
    if (kind == KIND_INT) {
        long long i = (long long)(digest ^ SIGN_BIT);
        int overflow;
        if (is_int(other)) {
            long long y = PyLong_AsLongLongAndOverflow(other, &overflow);
            return overflow ? -overflow : (i > y) - (i < y);
        }
        if (PyFloat_CheckExact(other) && !isnan(PyFloat_AS_DOUBLE(other))) {
            return compare_int64_with_double(i, PyFloat_AS_DOUBLE(other));
        }
    } else if (kind == KIND_FLOAT) {
        double d = double_of_digest(digest);
        int overflow;
        if (is_int(other)) {
            long long y = PyLong_AsLongLongAndOverflow(other, &overflow);
            return overflow ? CC_UNDECIDED : -compare_int64_with_double(y, d);
        }
        if (PyFloat_CheckExact(other) && !isnan(PyFloat_AS_DOUBLE(other))) {
            double y = PyFloat_AS_DOUBLE(other);
            return (d > y) - (d < y);
        }
    }
    return CC_UNDECIDED;
}

/* The core asks this inside a region, when digests do not decide. */
static int compare_keys(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t word) {
    if (search->key && search->key == word) {
        return 0; /* one object is one key, whatever its `<` says */
    }
    if (search->key && word) {
        return compare_natively((PyObject *)search->key, (PyObject *)word, 0);
    }
    if (search->key) {
        int order = compare_numbers(kind, digest, (PyObject *)search->key);
        return order == CC_UNDECIDED ? order : -order;
    }
    if (word) {
        return compare_numbers(search->kind, search->digest, (PyObject *)word);
    }
    if (search->kind == kind) {
        return (search->digest > digest) - (search->digest < digest);
    }
    long long i = (long long)((search->kind == KIND_INT ? search->digest : digest) ^ SIGN_BIT);
    double d = double_of_digest(search->kind == KIND_INT ? digest : search->digest);
    int order = compare_int64_with_double(i, d);
    return search->kind == KIND_INT ? order : -order;
}

static void acquire_object(uintptr_t word) {
    Py_INCREF((PyObject *)word);
}

static void release_object(uintptr_t word) {
    Py_DECREF((PyObject *)word);
}

static const cc_word_table object_words = {acquire_object, release_object, compare_keys,
                                           hash_of_key};

cc_skiplist *cc_objects_new(void) {
    cc_skiplist *list = cc_skiplist_new(&object_words);
    if (!list) {
        PyErr_NoMemory();
    }
    return list;
}

/* ---------------------------------------------------------------- asking Python */

/* A new reference to a stored key. */
static PyObject *object_of_key(unsigned kind, uint64_t digest, uintptr_t word) {
    if (word) {
        return Py_NewRef((PyObject *)word);
    }
    return kind == KIND_FLOAT ? PyFloat_FromDouble(double_of_digest(digest))
                              : PyLong_FromLongLong((long long)(digest ^ SIGN_BIT));
}

/* Order by Python's `<` in both directions: -1, 0, 1; or -2 with an exception. */
static int compare_by_python(PyObject *a, PyObject *b) {
    int less = PyObject_RichCompareBool(a, b, Py_LT);
    if (less) {
        return less < 0 ? -2 : -1;
    }
    int greater = PyObject_RichCompareBool(b, a, Py_LT);
    return greater < 0 ? -2 : greater;
}

static int compare_objects(PyObject *a, PyObject *b) {
    int order = a == b ? 0 : compare_natively(a, b, 0);
    return order == CC_UNDECIDED ? compare_by_python(a, b) : order;
}

/* Answer the question of a search. 0, or -1 with an exception. */
static int answer(cc_skiplist *list, cc_search *search, PyObject *key) {
    PyObject *other =
        object_of_key(search->needed.kind, search->needed.digest, search->needed.word);
    if (!other) {
        return -1;
    }
    int order = compare_by_python(key, other);
    Py_DECREF(other);
    if (order == -2) {
        return -1;
    }
    if (cc_search_learn(list, search, order)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Unlink what an operation has left linked, then forget the search. The operation has taken effect by
 * now, so a comparison that fails is reported, not raised. */
static void end_search(cc_skiplist *list, cc_search *search, PyObject *key) {
    while (search->unswept) {
        if (search->asks && answer(list, search, key)) {
            PyErr_WriteUnraisable(key);
            cc_skiplist_finish_without_comparing(list, search);
        } else {
            cc_skiplist_finish(list, search);
        }
    }
    if (search->lesson_count || search->asks) {
        cc_search_end(list, search);
    }
}

/* Run `operation` (an expression of type cc_status) until it needs no more comparisons. Afterwards
 * `status` is its answer, or CC_NO_MEMORY with an exception set. */
#define UNTIL_DECIDED(status, list, search, key, operation)                                        \
    while ((status = (operation)) == CC_NEED_COMPARE) {                                            \
        if (answer(list, search, key)) {                                                           \
            status = CC_NO_MEMORY;                                                                 \
            break;                                                                                 \
        }                                                                                          \
    }                                                                                              \
    if (status == CC_NO_MEMORY && !PyErr_Occurred()) {                                             \
        PyErr_NoMemory();                                                                          \
    }

/* ---------------------------------------------------------------- one key */

/* CC_FOUND and a new reference in *value (if not NULL), CC_ABSENT, or CC_NO_MEMORY with an exception. */
static cc_status find(cc_skiplist *list, PyObject *key, PyObject **value) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    UNTIL_DECIDED(status, list, &search, key, cc_skiplist_get(list, &search, value ? &word : NULL));
    if (value) {
        *value = (PyObject *)word;
    }
    end_search(list, &search, key);
    return status;
}

/* A tuple handed to PyErr_SetObject would become the exception's arguments. */
static void raise_key_error(PyObject *key) {
    PyObject *arguments = PyTuple_Pack(1, key);
    if (arguments) {
        PyErr_SetObject(PyExc_KeyError, arguments);
        Py_DECREF(arguments);
    }
}

int cc_objects_contains(cc_skiplist *list, PyObject *key) {
    return (int)find(list, key, NULL);
}

PyObject *cc_objects_get(cc_skiplist *list, PyObject *key, PyObject *otherwise) {
    PyObject *value;
    cc_status status = find(list, key, &value);
    if (status == CC_FOUND) {
        return value;
    }
    if (status == CC_ABSENT) {
        if (otherwise) {
            return Py_NewRef(otherwise);
        }
        raise_key_error(key);
    }
    return NULL;
}

/* Put key and value: the core's answer, or CC_NO_MEMORY with an exception. *old: a new reference, when
 * CC_FOUND and old is not NULL. */
static cc_status put(cc_skiplist *list, PyObject *key, PyObject *value, cc_put_policy policy,
                     PyObject **old) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    if (search.kind == KIND_OTHER && policy != CC_PUT_IF_PRESENT && cc_skiplist_length(list) == 0) {
        /* Nothing to compare with: find out now whether such a key can be ordered at all. */
        if (PyObject_RichCompareBool(key, key, Py_LT) < 0) {
            return CC_NO_MEMORY;
        }
    }
    Py_INCREF(value);
    if (search.key) {
        Py_INCREF(key);
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_skiplist_put(list, &search, (uintptr_t)value, policy, old ? &word : NULL));
    bool inserted = status == CC_ABSENT && policy != CC_PUT_IF_PRESENT;
    bool replaced = status == CC_FOUND && policy != CC_PUT_IF_ABSENT;
    bool key_is_ours = search.key && !inserted;
    if (old) {
        *old = (PyObject *)word;
    }
    end_search(list, &search, key);
    if (!inserted && !replaced) {
        Py_DECREF(value);
    }
    if (key_is_ours) {
        Py_DECREF(key);
    }
    return status;
}

int cc_objects_set(cc_skiplist *list, PyObject *key, PyObject *value) {
    return put(list, key, value, CC_PUT_ALWAYS, NULL) == CC_NO_MEMORY ? -1 : 0;
}

PyObject *cc_objects_put(cc_skiplist *list, PyObject *key, PyObject *value, int policy,
                         PyObject *otherwise) {
    PyObject *old;
    cc_status status = put(list, key, value, (cc_put_policy)policy, &old);
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

int cc_objects_add(cc_skiplist *list, PyObject *key) {
    cc_status status = put(list, key, Py_None, CC_PUT_IF_ABSENT, NULL);
    return status == CC_NO_MEMORY ? -1 : status == CC_ABSENT;
}

static cc_status take_out(cc_skiplist *list, PyObject *key, PyObject **old) {
    cc_search search;
    cc_status status;
    uintptr_t word = 0;
    if (begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_skiplist_remove(list, &search, old ? &word : NULL));
    if (old) {
        *old = (PyObject *)word;
    }
    end_search(list, &search, key);
    return status;
}

int cc_objects_delete(cc_skiplist *list, PyObject *key) {
    return (int)take_out(list, key, NULL);
}

PyObject *cc_objects_pop(cc_skiplist *list, PyObject *key, PyObject *otherwise) {
    PyObject *old;
    cc_status status = take_out(list, key, &old);
    if (status == CC_ABSENT && !otherwise) {
        raise_key_error(key);
        return NULL;
    }
    return status == CC_FOUND ? old : status == CC_ABSENT ? Py_NewRef(otherwise) : NULL;
}

int cc_objects_replace_if(cc_skiplist *list, PyObject *key, PyObject *expected, PyObject *value) {
    for (;;) {
        PyObject *current;
        cc_status status = find(list, key, &current);
        if (status != CC_FOUND) {
            return (int)status;
        }
        int equal =
            PyObject_RichCompareBool(current, expected, Py_EQ); /* identity counts as equal */
        if (equal <= 0) {
            Py_DECREF(current);
            return equal;
        }
        cc_search search;
        if (begin_search(&search, key)) {
            Py_DECREF(current);
            return -1;
        }
        Py_INCREF(value);
        /* `current` is held, so no other object can be at its address: the CAS means this object. */
        UNTIL_DECIDED(
            status, list, &search, key,
            cc_skiplist_replace_exact(list, &search, (uintptr_t)current, (uintptr_t)value));
        end_search(list, &search, key);
        Py_DECREF(current);
        if (status == CC_FOUND) {
            return 1;
        }
        Py_DECREF(value);
        if (status != CC_MISMATCH) {
            return (int)status;
        }
    }
}

/* ---------------------------------------------------------------- order */

static void drop_entry(cc_entry *e) {
    Py_XDECREF((PyObject *)e->key);
    Py_DECREF((PyObject *)e->value);
}

/* What is wanted of an entry; its references are given away or dropped. */
static PyObject *convert_entry(cc_entry *e, int want) {
    PyObject *key, *item, *value = (PyObject *)e->value;
    if (want == CC_WANT_VALUE) {
        Py_XDECREF((PyObject *)e->key);
        return value;
    }
    key = object_of_key(e->kind, e->digest, e->key);
    Py_XDECREF((PyObject *)e->key);
    if (want == CC_WANT_KEY || !key) {
        Py_DECREF(value);
        return key;
    }
    item = PyTuple_New(2);
    if (!item) {
        Py_DECREF(key);
        Py_DECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(item, 0, key);
    PyTuple_SET_ITEM(item, 1, value);
    return item;
}

static PyObject *nothing_there(int relation) {
    if (relation == CC_FIRST || relation == CC_LAST) {
        PyErr_SetString(PyExc_KeyError, "the container is empty");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *cc_objects_neighbour(cc_skiplist *list, PyObject *key, int relation, int want) {
    cc_search search;
    cc_status status;
    cc_entry entry;
    if (!key) {
        memset(&search, 0, sizeof search);
    } else if (begin_search(&search, key)) {
        return NULL;
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_skiplist_neighbour(list, &search, (cc_relation)relation, &entry));
    end_search(list, &search, key);
    return status == CC_FOUND    ? convert_entry(&entry, want)
           : status == CC_ABSENT ? nothing_there(relation)
                                 : NULL;
}

/* Remove the very entry that was found. */
static cc_status remove_found(cc_skiplist *list, cc_entry *entry, PyObject *key) {
    cc_search search;
    cc_status status;
    if (begin_search(&search, key)) {
        return CC_NO_MEMORY;
    }
    UNTIL_DECIDED(status, list, &search, key,
                  cc_skiplist_remove_exact(list, &search, entry->value));
    end_search(list, &search, key);
    return status;
}

PyObject *cc_objects_pop_end(cc_skiplist *list, int relation, int want) {
    for (;;) {
        cc_search search;
        cc_entry entry;
        memset(&search, 0, sizeof search);
        cc_status status = cc_skiplist_neighbour(list, &search, (cc_relation)relation, &entry);
        if (status == CC_ABSENT) {
            return nothing_there(relation);
        }
        if (status != CC_FOUND) {
            return PyErr_NoMemory();
        }
        PyObject *key = object_of_key(entry.kind, entry.digest, entry.key);
        if (!key) {
            drop_entry(&entry);
            return NULL;
        }
        /* Made before the entry is removed: an exception afterwards would lose it. */
        Py_INCREF((PyObject *)entry.value);
        Py_XINCREF((PyObject *)entry.key);
        cc_entry copy = entry;
        PyObject *result = convert_entry(&copy, want);
        status = result ? remove_found(list, &entry, key) : CC_NO_MEMORY;
        Py_DECREF(key);
        drop_entry(&entry);
        if (status == CC_FOUND || !result) {
            return result;
        }
        Py_DECREF(result);
        if (status == CC_NO_MEMORY) {
            return NULL;
        }
    }
}

/* ---------------------------------------------------------------- scanning */

/* Keys that do not go on from `from` in the direction of travel, or come round again to `first`: a `<` that is no
 * order would make an iteration endless. 1, 0, or -1 with an exception. */
static int goes_on(PyObject *from, PyObject *first, PyObject *keys, int downwards) {
    PyObject *next = PyList_GET_ITEM(keys, 0);
    if (compare_natively(from, next, 0) != CC_UNDECIDED) {
        return 1; /* built-in keys do not lie */
    }
    int there = compare_by_python(from, next);
    int back = there == -2 ? -2 : compare_by_python(next, from);
    if (back == -2) {
        return -1;
    }
    if (there != (downwards ? 1 : -1) || back != -there) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); i++) {
        if (PyList_GET_ITEM(keys, i) == first) {
            return 0;
        }
    }
    return 1;
}

enum { MOST_ENTRIES_AT_ONCE = 256 };

/* How many of `entries` (with keys[i]) lie before the far bound. -1 with an exception. */
static Py_ssize_t count_within(PyObject *keys, PyObject *stop, int stop_inclusive, int downwards) {
    Py_ssize_t low = 0, high = PyList_GET_SIZE(keys);
    Py_ssize_t probe = high - 1; /* most chunks lie within as a whole: ask the last one first */
    while (low < high) {
        int order = compare_objects(PyList_GET_ITEM(keys, probe), stop);
        if (order == -2) {
            return -1;
        }
        order = downwards ? -order : order;
        if (order < 0 || (order == 0 && stop_inclusive)) {
            low = probe + 1;
        } else {
            high = probe;
        }
        probe = (low + high) / 2;
    }
    return low;
}

PyObject *cc_objects_scan(cc_skiplist *list, PyObject *from, int from_exclusive, PyObject *first,
                          PyObject *stop, int stop_inclusive, int downwards, int want,
                          Py_ssize_t room, PyObject **results, int *is_last) {
    cc_entry entries[MOST_ENTRIES_AT_ONCE];
    cc_search search;
    cc_status status;
    size_t count = 0;
    size_t most = room < MOST_ENTRIES_AT_ONCE ? (size_t)room : MOST_ENTRIES_AT_ONCE;
    *results = NULL;
    *is_last = 0;
    if (from && begin_search(&search, from)) {
        return NULL;
    }
    cc_search *s = from ? &search : NULL;
    UNTIL_DECIDED(status, list, &search, from,
                  downwards ? cc_skiplist_scan_down(list, s, from_exclusive, entries, most, &count)
                            : cc_skiplist_scan_up(list, s, from_exclusive, entries, most, &count));
    if (s) {
        end_search(list, s, from);
    }
    if (status != CC_FOUND) {
        return NULL;
    }
    PyObject *keys = PyList_New((Py_ssize_t)count);
    PyObject *others =
        keys && want != CC_WANT_KEY ? PyList_New((Py_ssize_t)count) : Py_XNewRef(keys);
    size_t i = 0;
    for (; keys && others && i < count; i++) {
        PyObject *key = object_of_key(entries[i].kind, entries[i].digest, entries[i].key);
        if (!key) {
            break;
        }
        PyList_SET_ITEM(keys, (Py_ssize_t)i, key);
        PyObject *other = want == CC_WANT_KEY ? NULL : convert_entry(&entries[i], want);
        if (want == CC_WANT_KEY) {
            drop_entry(&entries[i]);
        } else if (other) {
            PyList_SET_ITEM(others, (Py_ssize_t)i, other);
        } else {
            i++; /* convert_entry has dropped it */
            break;
        }
    }
    if (i < count || !others || (count && !PyList_GET_ITEM(others, (Py_ssize_t)count - 1))) {
        for (; i < count; i++) {
            drop_entry(&entries[i]);
        }
        Py_XDECREF(keys);
        Py_XDECREF(others);
        return NULL;
    }
    Py_ssize_t all = (Py_ssize_t)count, within = all;
    int fine = first && count ? goes_on(from, first, keys, downwards) : 1;
    if (fine == 0) {
        within = 0; /* the iteration ends here */
    } else if (stop && count) {
        within = count_within(keys, stop, stop_inclusive, downwards);
    }
    if (fine < 0 || within < 0 ||
        (within < all && (PyList_SetSlice(keys, within, all, NULL) ||
                          (others != keys && PyList_SetSlice(others, within, all, NULL))))) {
        Py_DECREF(keys);
        Py_DECREF(others);
        return NULL;
    }
    *is_last = within < all;
    *results = others;
    return keys;
}

/* ---------------------------------------------------------------- the whole */

int cc_objects_clear(cc_skiplist *list) {
    if (list && cc_skiplist_clear(list) == CC_NO_MEMORY) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

typedef struct visit_closure {
    visitproc visit;
    void *argument;
} visit_closure;

static int visit_word(uintptr_t word, void *closure) {
    visit_closure *c = closure;
    return c->visit((PyObject *)word, c->argument);
}

int cc_objects_traverse(cc_skiplist *list, visitproc visit, void *argument) {
    visit_closure c = {visit, argument};
    return list ? cc_skiplist_visit(list, visit_word, &c) : 0;
}

int cc_objects_install_type(PyTypeObject *type, const char *name, int is_mapping,
                            traverseproc traverse, inquiry clear) {
    if (!PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)) {
        PyErr_Format(PyExc_SystemError, "%s was built without garbage collection", type->tp_name);
        return -1;
    }
    type->tp_name = name;
    type->tp_traverse = traverse;
    type->tp_clear = clear;
    if (is_mapping) {
        type->tp_flags |= Py_TPFLAGS_MAPPING; /* what the match statement looks at */
    }
    PyType_Modified(type);
    return 0;
}
