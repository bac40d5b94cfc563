/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_keys.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- kinds and digests */

/* The first eight bytes, or zeros after fewer. */
static uint64_t digest_of_bytes(const unsigned char *bytes, Py_ssize_t length) {
    uint64_t digest = 0;
    if (length >= 8) {
        for (int i = 0; i < 8; i++) { /* compilers make one load of it */
            digest = digest << 8 | bytes[i];
        }
        return digest;
    }
    for (int i = 0; i < length; i++) {
        digest |= (uint64_t)bytes[i] << (56 - 8 * i);
    }
    return digest;
}

/* From a code point on, the first eight bytes of the UTF-8 form, whose order is that of the code
 * points, and its length as far as it is below eight. Lone surrogates are encoded like any other
 * code point; PyUnicode_AsUTF8 would refuse them, and cache. */
static uint64_t digest_of_str(PyObject *str, Py_ssize_t from, Py_ssize_t *bytes_in_all) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (PyUnicode_IS_ASCII(str)) {
        *bytes_in_all = length - from;
        return digest_of_bytes((const unsigned char *)PyUnicode_DATA(str) + from, length - from);
    }
    unsigned char bytes[8 + 3];
    int n = 0;
    int kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    for (Py_ssize_t i = from; i < length && n < 8; i++) {
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
    *bytes_in_all = n;
    return digest_of_bytes(bytes, n);
}

static bool is_int(PyObject *o) {
    return PyLong_CheckExact(o) || PyBool_Check(o);
}

/* The value of an int; *overflow, when it does not fit, is its sign, else 0. */
static long long int64_of(PyObject *o, int *overflow) {
#if PY_VERSION_HEX >= 0x030c0000
    if (PyUnstable_Long_IsCompact((PyLongObject *)o)) {
        *overflow = 0;
        return PyUnstable_Long_CompactValue((PyLongObject *)o);
    }
#endif
    return PyLong_AsLongLongAndOverflow(o, overflow);
}

/* What can be told of an object at once. */
typedef struct view {
    uint64_t digest;
    unsigned kind;
    bool whole; /* the digest is the key */
    Py_ssize_t bytes; /* of a str or bytes: how many there are, or at least eight */
} view;

static view view_of(PyObject *o) {
    view v = {.kind = CC_KIND_OTHER};
    if (is_int(o)) {
        int overflow;
        long long value = int64_of(o, &overflow);
        v.kind = CC_KIND_INT;
        v.digest = overflow ? (overflow > 0 ? UINT64_MAX : 0) : cc_digest_of_int64(value);
        v.whole = !overflow && !PyBool_Check(o);
    } else if (PyUnicode_CheckExact(o)) {
#if PY_VERSION_HEX < 0x030c0000
        if (PyUnicode_READY(o)) { /* 3.11 still has strings that are not laid out yet */
            PyErr_Clear();
            return v;
        }
#endif
        v.kind = CC_KIND_STR;
        v.digest = digest_of_str(o, 0, &v.bytes);
    } else if (PyFloat_CheckExact(o)) {
        double value = PyFloat_AS_DOUBLE(o);
        if (isnan(value)) {
            return v; /* refused as a key; as an element of a tuple it may be one */
        }
        v.kind = CC_KIND_FLOAT;
        v.digest = cc_digest_of_double(value);
        v.whole = !(value == 0.0 && signbit(value));
    } else if (PyBytes_CheckExact(o)) {
        v.kind = CC_KIND_BYTES;
        v.bytes = PyBytes_GET_SIZE(o);
        v.digest = digest_of_bytes((const unsigned char *)PyBytes_AS_STRING(o), v.bytes);
    }
    return v;
}

/* ---------------------------------------------------------------- units */

static unsigned shared_bytes(const void *a_, const void *b_, Py_ssize_t most) {
    const unsigned char *a = a_, *b = b_;
    Py_ssize_t n = 0;
    while (n < most && a[n] == b[n]) {
        n++;
    }
    return (unsigned)n;
}

static unsigned shared_code_points(PyObject *a, PyObject *b, Py_ssize_t most) {
    int kind = PyUnicode_KIND(a), other = PyUnicode_KIND(b);
    const void *data = PyUnicode_DATA(a), *its = PyUnicode_DATA(b);
    if (kind == PyUnicode_1BYTE_KIND && other == PyUnicode_1BYTE_KIND) {
        return shared_bytes(data, its, most);
    }
    Py_ssize_t n = 0;
    while (n < most && PyUnicode_READ(kind, data, n) == PyUnicode_READ(other, its, n)) {
        n++;
    }
    return (unsigned)n;
}

static Py_ssize_t units_of(const cc_stored_key *key) {
    PyObject *o = (PyObject *)key->word;
    return key->kind == CC_KIND_STR     ? PyUnicode_GET_LENGTH(o)
           : key->kind == CC_KIND_BYTES ? PyBytes_GET_SIZE(o)
                                        : 0;
}

unsigned cc_key_shared(const cc_stored_key *a, const cc_stored_key *b, unsigned most) {
    PyObject *x = (PyObject *)a->word, *y = (PyObject *)b->word;
    if (a->kind != b->kind) {
        return 0;
    }
    Py_ssize_t m = units_of(a), n = units_of(b), limit = m < n ? m : n;
    limit = limit < (Py_ssize_t)most ? limit : (Py_ssize_t)most;
    return a->kind == CC_KIND_STR ? shared_code_points(x, y, limit)
           : a->kind == CC_KIND_BYTES
               ? shared_bytes(PyBytes_AS_STRING(x), PyBytes_AS_STRING(y), limit)
               : 0;
}

uint64_t cc_key_digest_after(const cc_stored_key *key, unsigned skip) {
    PyObject *o = (PyObject *)key->word;
    Py_ssize_t n = units_of(key), from = (Py_ssize_t)skip < n ? (Py_ssize_t)skip : n, bytes;
    return key->kind == CC_KIND_STR ? digest_of_str(o, from, &bytes)
           : key->kind == CC_KIND_BYTES
               ? digest_of_bytes((const unsigned char *)PyBytes_AS_STRING(o) + from, n - from)
               : key->digest;
}

/* ---------------------------------------------------------------- tuples' kinds and digests */

/* The digest of a tuple is what has room in 64 bits of a code for its first element, followed, if
 * that code is whole, by one for its second. Codes of a kind are ordered as the elements are:
 *
 *   int        four bits for the sign and the number of bytes, and the bytes. Of seven and more
 *              bytes there are always eight, which have no room: the code is not whole.
 *   float      32 bits of its digest, one that says whether the code is whole, and if it is not,
 *              31 more.
 *   str, bytes up to eight bytes; after fewer, a zero, and the code is whole. If it has a zero
 *              itself, all after that is ones, and the code is not whole.
 *
 * A whole code belongs to one element alone, so where second codes decide, the first elements are
 * equal. A text with a zero is not before any tuple that begins with what it has before the zero:
 * nothing is above ones. */

#define NO_ROOM 64u

static uint64_t code_of_int(uint64_t digest) {
    uint64_t value = digest ^ CC_SIGN_BIT;
    bool is_negative = value & CC_SIGN_BIT;
    uint64_t magnitude = is_negative ? ~value : value;
    unsigned bytes = 0;
    while (bytes < 7 && magnitude >> 8 * bytes) {
        bytes++;
    }
    uint64_t header = (uint64_t)(is_negative ? 7 - bytes : 8 + bytes) << 60;
    return header | (bytes == 0 ? 0 : bytes == 7 ? value >> 4 : value << (64 - 8 * bytes) >> 4);
}

/* Bits of the whole code of an int at the top of a word; NO_ROOM: it is not whole. */
static unsigned bits_of_int(uint64_t code) {
    unsigned header = (unsigned)(code >> 60);
    unsigned bytes = header < 8 ? 7 - header : header - 8;
    return bytes == 7 ? NO_ROOM : 4 + 8 * bytes;
}

/* Of negative ones, whose digests are their bits' complements, all is the other way round. */
static uint64_t code_of_float(uint64_t digest) {
    uint32_t low = (uint32_t)digest;
    bool is_negative = !(digest & CC_SIGN_BIT);
    bool is_whole = low == (is_negative ? UINT32_MAX : 0);
    uint64_t code = digest >> 32 << 32 | (uint64_t)(is_whole == is_negative) << 31;
    return is_whole ? code : code | low >> 1;
}

static unsigned bits_of_float(uint64_t code) {
    bool is_negative = !(code & CC_SIGN_BIT);
    return (bool)(code >> 31 & 1) == is_negative ? 33 : NO_ROOM;
}

/* Up to the first zero. */
static unsigned bits_of_text(uint64_t code) {
    for (unsigned bits = 8; bits < 64; bits += 8) {
        if (!(code << (bits - 8) >> 56)) {
            return bits;
        }
    }
    return NO_ROOM;
}

static uint64_t code_of_text(const view *v) {
    unsigned bits = bits_of_text(v->digest);
    return bits != NO_ROOM && v->bytes >= bits / 8 ? v->digest | UINT64_MAX >> bits : v->digest;
}

static unsigned first_of(unsigned kind) {
    return kind >> 3 & 7;
}

static unsigned second_of(unsigned kind) {
    return kind & 7;
}

/* Bits of the first element's code in a tuple's digest. */
static unsigned bits_of_first(unsigned kind, uint64_t digest) {
    switch (first_of(kind)) {
    case CC_KIND_INT:
        return bits_of_int(digest);
    case CC_KIND_FLOAT:
        return bits_of_float(digest);
    case CC_KIND_STR:
    case CC_KIND_BYTES:
        return bits_of_text(digest);
    default:
        return NO_ROOM;
    }
}

static uint64_t code_of(const view *v) {
    switch (v->kind) {
    case CC_KIND_INT:
        return code_of_int(v->digest);
    case CC_KIND_FLOAT:
        return code_of_float(v->digest);
    case CC_KIND_STR:
    case CC_KIND_BYTES:
        return code_of_text(v);
    default:
        return 0;
    }
}

static view view_of_tuple(PyObject *tuple) {
    Py_ssize_t length = PyTuple_GET_SIZE(tuple);
    view v = {.kind = CC_KIND_EMPTY_TUPLE};
    if (length == 0) {
        return v;
    }
    view first = view_of(PyTuple_GET_ITEM(tuple, 0));
    v.kind = CC_KIND_TUPLE + 8 * first.kind;
    v.digest = code_of(&first);
    if (length == 1 || first.kind == CC_KIND_OTHER) {
        return v;
    }
    view second = view_of(PyTuple_GET_ITEM(tuple, 1));
    v.kind += second.kind + (length > 2 ? CC_KIND_LONGER : 0);
    unsigned bits = bits_of_first(v.kind, v.digest);
    if (bits != NO_ROOM) {
        v.digest |= code_of(&second) >> bits;
    }
    return v;
}

/* Are two tuples of this kind equal when they have this digest? */
static bool digest_says_all(unsigned kind, uint64_t digest) {
    if (kind >= CC_KIND_LONGER || second_of(kind) != CC_KIND_INT) {
        return false;
    }
    unsigned bits = bits_of_first(kind, digest);
    unsigned more = bits > 60 ? NO_ROOM : bits_of_int(digest << bits);
    return bits + more <= 64;
}

/* Order of two tuples by what their digests say of the first elements; 0: nothing. */
static int order_by_first(unsigned kind, uint64_t digest, unsigned other_kind,
                          uint64_t other_digest) {
    if (first_of(kind) != first_of(other_kind)) {
        return 0;
    }
    unsigned unused = 64 - bits_of_first(kind, digest);
    uint64_t a = digest >> unused, b = other_digest >> unused;
    return (a > b) - (a < b);
}

/* ---------------------------------------------------------------- hashes */

/* Keys that are equal have equal hashes, whatever their kinds, if they have any (search.h).
 *
 * Numbers. What is mixed is, of an int and of every float that equals one: the digest of the int,
 * when it fits 64 bits, else Python's hash of it, which int objects know, and which is computed
 * here for floats. Of other floats it is the digest.
 *
 * Tuples. What is mixed is their lengths and elements, at any depth, in order. Tuples are equal
 * when their elements are, pair by pair; None equals None alone. A tuple with any other element
 * that may equal, or order, by code that is not known here has no hash. After MOST_HASHED_ELEMENTS
 * nothing is looked at: few tuples, each twice in the next, lead to very many elements.
 *
 * All this is read in regions, too: it looks at values and cached hashes, and runs nothing. Hashes
 * of str and bytes have been cached since the key was put. */

#ifndef DEEPEST_NATIVE_TUPLE
#define DEEPEST_NATIVE_TUPLE 8
#endif
#ifndef MOST_HASHED_ELEMENTS
#define MOST_HASHED_ELEMENTS 1024u
#endif

#define TWO_TO_63 9223372036854775808.0

/* Python's hash of a finite float that is an int: modulo 2^bits - 1, where shifting is rotating. */
static uint64_t python_hash_of_large_double(double value) {
    const int bits = sizeof(Py_hash_t) >= 8 ? 61 : 31;
    const uint64_t modulus = (UINT64_C(1) << bits) - 1;
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    uint64_t hash = (uint64_t)ldexp(fraction, 53) % modulus;
    int shift = (exponent - 53) % bits; /* not below 0: the value is 2^63 or more */
    hash = (hash << shift & modulus) | hash >> (bits - shift);
    Py_hash_t with_sign = value < 0 ? -(Py_hash_t)hash : (Py_hash_t)hash;
    return (uint64_t)(with_sign == -1 ? -2 : with_sign);
}

static uint64_t unmixed_hash_of_double(double value, uint64_t digest) {
    if (value >= -TWO_TO_63 && value < TWO_TO_63) {
        long long whole = (long long)value;
        return (double)whole == value ? cc_digest_of_int64(whole) : digest + 1;
    }
    return isinf(value) ? digest + 1 : python_hash_of_large_double(value);
}

/* The slot itself: PyObject_Hash would do as well, by way of more checks. */
static uint64_t unmixed_hash_of_big_int(PyObject *o) {
    return (uint64_t)PyLong_Type.tp_hash(o);
}

static uint64_t unmixed_hash_of_text(PyObject *str_or_bytes) {
    return (uint64_t)PyObject_Hash(str_or_bytes); /* cannot fail */
}

static uint64_t mix_in(uint64_t hash, uint64_t next) {
    hash = (hash ^ next) * 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

/* An int's or bool's word is 0 unless it is a bool or does not fit. */
static bool is_big_int(uint64_t digest, uintptr_t word) {
    return word && (digest == 0 || digest == UINT64_MAX);
}

/* Mix in a tuple's length and elements. False: it has no hash. */
static bool mix_in_tuple(uint64_t *hash, PyObject *tuple, int depth, unsigned *rest) {
    Py_ssize_t length = PyTuple_GET_SIZE(tuple);
    *hash = mix_in(*hash, (uint64_t)length);
    for (Py_ssize_t i = 0; i < length && *rest > 0; i++) {
        --*rest;
        PyObject *o = PyTuple_GET_ITEM(tuple, i);
        uint64_t unmixed;
        if (is_int(o)) {
            int overflow;
            long long value = int64_of(o, &overflow);
            unmixed = overflow ? unmixed_hash_of_big_int(o) : cc_digest_of_int64(value);
        } else if (PyUnicode_CheckExact(o)) {
#if PY_VERSION_HEX < 0x030c0000
            if (!PyUnicode_IS_READY(o)) {
                return false;
            }
#endif
            unmixed = unmixed_hash_of_text(o);
        } else if (PyFloat_CheckExact(o)) {
            double value = PyFloat_AS_DOUBLE(o);
            if (isnan(value)) {
                return false;
            }
            unmixed = unmixed_hash_of_double(value, cc_digest_of_double(value));
        } else if (PyBytes_CheckExact(o)) {
            unmixed = unmixed_hash_of_text(o);
        } else if (o == Py_None) {
            unmixed = 1;
        } else if (PyTuple_CheckExact(o) && depth < DEEPEST_NATIVE_TUPLE) {
            if (!mix_in_tuple(hash, o, depth + 1, rest)) {
                return false;
            }
            continue;
        } else {
            return false;
        }
        *hash = mix_in(*hash, unmixed);
    }
    return true;
}

static uint64_t hash_of_tuple(PyObject *tuple) {
    uint64_t hash = 0;
    unsigned rest = MOST_HASHED_ELEMENTS;
    return mix_in_tuple(&hash, tuple, 1, &rest) ? cc_mix(hash) : 0;
}

uint64_t cc_key_hash(const cc_stored_key *key) {
    switch (key->kind) {
    case CC_KIND_INT:
        return cc_mix(is_big_int(key->digest, key->word)
                          ? unmixed_hash_of_big_int((PyObject *)key->word)
                          : key->digest);
    case CC_KIND_FLOAT:
        return cc_mix(unmixed_hash_of_double(cc_double_of_digest(key->digest), key->digest));
    case CC_KIND_STR:
    case CC_KIND_BYTES:
        return cc_mix(unmixed_hash_of_text((PyObject *)key->word));
    case CC_KIND_OTHER:
        return 0;
    default:
        return hash_of_tuple((PyObject *)key->word);
    }
}

/* ---------------------------------------------------------------- keys */

bool cc_key_is_int(PyObject *key) {
    return is_int(key);
}

bool cc_key_is_int64(PyObject *key, long long *value) {
    int overflow = 1;
    *value = is_int(key) ? int64_of(key, &overflow) : 0;
    return !overflow;
}

bool cc_key_is_of_unknown_type(PyObject *key) {
    return !PyTuple_CheckExact(key) && view_of(key).kind == CC_KIND_OTHER;
}

cc_stored_key cc_key_described(PyObject *key) {
    view v = PyTuple_CheckExact(key) ? view_of_tuple(key) : view_of(key);
    return (cc_stored_key){
        .digest = v.digest, .word = v.whole ? 0 : (uintptr_t)key, .kind = (uint8_t)v.kind};
}

PyObject *cc_key_number(unsigned kind, uint64_t digest) {
    return kind == CC_KIND_FLOAT ? PyFloat_FromDouble(cc_double_of_digest(digest))
                                 : PyLong_FromLongLong(cc_int64_of_digest(digest));
}

/* ---------------------------------------------------------------- comparing without Python */

static int sign(long long x) {
    return (x > 0) - (x < 0);
}

/* Exact: a double holds 53 bits, an int64 63. */
static int compare_int64_with_double(long long i, double d) {
    if (d >= TWO_TO_63) {
        return -1;
    }
    if (d < -TWO_TO_63) {
        return 1;
    }
    double whole = trunc(d);
    long long w = (long long)whole;
    return i != w ? (i > w) - (i < w) : whole < d ? -1 : whole > d;
}

/* An int's order against a float. */
static int compare_int_with_double(PyObject *o, double d) {
    int overflow;
    long long i = int64_of(o, &overflow);
    if (isnan(d)) {
        return CC_UNDECIDED;
    }
    if (!overflow) {
        return compare_int64_with_double(i, d);
    }
    if (isinf(d)) {
        return d > 0 ? -1 : 1;
    }
    return (overflow > 0 ? d < TWO_TO_63 : d >= -TWO_TO_63) ? overflow : CC_UNDECIDED;
}

static int opposite(int order) {
    return order == CC_UNDECIDED ? order : -order;
}

static int compare_bytes(const void *a, Py_ssize_t m, const void *b, Py_ssize_t n) {
    int order = memcmp(a, b, (size_t)(m < n ? m : n));
    return order ? sign(order) : (m > n) - (m < n);
}

/* By code points. */
static int compare_texts(PyObject *a, PyObject *b) {
    return PyUnicode_IS_ASCII(a) && PyUnicode_IS_ASCII(b)
               ? compare_bytes(PyUnicode_DATA(a), PyUnicode_GET_LENGTH(a), PyUnicode_DATA(b),
                               PyUnicode_GET_LENGTH(b))
               : sign(PyUnicode_Compare(a, b)); /* cannot fail on exact strings */
}

/* The slot itself: PyObject_RichCompare counts recursion, and may raise. */
static bool big_int_is(PyObject *a, PyObject *b, int how) {
    PyObject *answer = PyLong_Type.tp_richcompare(a, b, how); /* True or False: compares digits */
    bool yes = answer == Py_True;
    Py_DECREF(answer);
    return yes;
}

/* Order of two objects of exact built-in types, or CC_UNDECIDED where Python must be asked. Runs no
 * Python code and allocates nothing: it is called inside protected regions. */
static int compare_natively(PyObject *a, PyObject *b, int depth) {
    if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b)) {
        return compare_texts(a, b);
    }
    if (PyBytes_CheckExact(a) && PyBytes_CheckExact(b)) {
        return compare_bytes(PyBytes_AS_STRING(a), PyBytes_GET_SIZE(a), PyBytes_AS_STRING(b),
                             PyBytes_GET_SIZE(b));
    }
    if (is_int(a) && is_int(b)) {
        int p, q;
        long long x = int64_of(a, &p), y = int64_of(b, &q);
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
    if (is_int(a) && PyFloat_CheckExact(b)) {
        return compare_int_with_double(a, PyFloat_AS_DOUBLE(b));
    }
    if (PyFloat_CheckExact(a) && is_int(b)) {
        return opposite(compare_int_with_double(b, PyFloat_AS_DOUBLE(a)));
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
    if (kind == CC_KIND_INT) {
        long long i = cc_int64_of_digest(digest);
        int overflow;
        if (is_int(other)) {
            long long y = int64_of(other, &overflow);
            return overflow ? -overflow : (i > y) - (i < y);
        }
        if (PyFloat_CheckExact(other) && !isnan(PyFloat_AS_DOUBLE(other))) {
            return compare_int64_with_double(i, PyFloat_AS_DOUBLE(other));
        }
    } else if (kind == CC_KIND_FLOAT) {
        double d = cc_double_of_digest(digest);
        if (is_int(other)) {
            return opposite(compare_int_with_double(other, d));
        }
        if (PyFloat_CheckExact(other) && !isnan(PyFloat_AS_DOUBLE(other))) {
            double y = PyFloat_AS_DOUBLE(other);
            return (d > y) - (d < y);
        }
    }
    return CC_UNDECIDED;
}

int cc_key_compare_natively(PyObject *a, PyObject *b) {
    return compare_natively(a, b, 0);
}

/* ---------------------------------------------------------------- comparing keys */

int cc_key_compare_described(const cc_stored_key *a, const cc_stored_key *b) {
    if (a->word && a->word == b->word) {
        return 0;
    }
    if (a->word && b->word) {
        if (a->kind >= CC_KIND_TUPLE && b->kind >= CC_KIND_TUPLE) {
            /* Without a look at the objects, where possible. */
            if (a->kind != b->kind) {
                int order = order_by_first(a->kind, a->digest, b->kind, b->digest);
                if (order) {
                    return order;
                }
            } else if (a->digest == b->digest && digest_says_all(a->kind, a->digest)) {
                return 0;
            }
        }
        return compare_natively((PyObject *)a->word, (PyObject *)b->word, 0);
    }
    if (a->word) {
        return opposite(compare_numbers(b->kind, b->digest, (PyObject *)a->word));
    }
    if (b->word) {
        return compare_numbers(a->kind, a->digest, (PyObject *)b->word);
    }
    if (a->kind == b->kind) {
        return (a->digest > b->digest) - (a->digest < b->digest);
    }
    long long i = cc_int64_of_digest(a->kind == CC_KIND_INT ? a->digest : b->digest);
    double d = cc_double_of_digest(a->kind == CC_KIND_INT ? b->digest : a->digest);
    int order = compare_int64_with_double(i, d);
    return a->kind == CC_KIND_INT ? order : -order;
}
