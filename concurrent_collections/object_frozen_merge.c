/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_frozen_build.h"
#include "waiting.h"

/* Append the key of another table, with a value that is borrowed, if `t` has values. (It need not
 * when `from` has: an instance can be given the class of a set.) */
static int append_key(cc_frozen *t, const cc_frozen *from, Py_ssize_t i, PyObject *value) {
    cc_stored_key key;
    if (cc_frozen_take_key(from, i, &key)) {
        return -1;
    }
    value = t->has_values ? value : NULL;
    Py_XINCREF(value);
    if (cc_frozen_append(t, &key, (uintptr_t)value)) {
        Py_XDECREF((PyObject *)key.word);
        Py_XDECREF(value);
        return -1;
    }
    return 0;
}

static PyObject *value_at(const cc_frozen *t, Py_ssize_t i) {
    return t->has_values ? t->values[i] : NULL;
}

/* Go through two tables side by side, until all keys have been seen, or without `t` until one of
 * the wanted ones; append these to t. 1: there were such; 0; or -1 with an exception. */
static int go_through(cc_frozen *left, cc_frozen *right, unsigned wanted, cc_frozen *t) {
    Py_ssize_t i = 0, j = 0;
    bool was_found = false;
    for (Py_ssize_t steps = 1; i < left->count || j < right->count; steps++) {
        unsigned what;
        if (i == left->count || j == right->count) {
            what = i < left->count ? CC_ONLY_LEFT : CC_ONLY_RIGHT;
            if (!(wanted & what)) {
                break;
            }
        } else {
            const cc_stored_key a = cc_frozen_key(left, i), b = cc_frozen_key(right, j);
            int order = cc_order_compare_stored(left->order, &a, &b);
            if (order == -2) {
                return -1;
            }
            what = order < 0 ? CC_ONLY_LEFT : order > 0 ? CC_ONLY_RIGHT : CC_IN_BOTH;
        }
        if (wanted & what) {
            was_found = true;
            if (!t) {
                return 1;
            }
            int error = what == CC_ONLY_LEFT    ? append_key(t, left, i, value_at(left, i))
                        : what == CC_ONLY_RIGHT ? append_key(t, right, j, value_at(right, j))
                                                : append_key(t, left, i, value_at(right, j));
            if (error) {
                return -1;
            }
        }
        i += what != CC_ONLY_RIGHT;
        j += what != CC_ONLY_LEFT;
        if (steps % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            return -1;
        }
    }
    return was_found;
}

PyObject *cc_frozen_merge(cc_frozen *left, cc_frozen *right, int wanted) {
    cc_frozen *t = cc_frozen_new(left->has_values && right->has_values, left->order);
    if (t && go_through(left, right, (unsigned)wanted, t) < 0) {
        Py_CLEAR(t);
    }
    return t ? (PyObject *)cc_frozen_finished(t) : NULL;
}

int cc_frozen_differ(cc_frozen *left, cc_frozen *right, int wanted) {
    return go_through(left, right, (unsigned)wanted, NULL);
}

PyObject *cc_frozen_keys_of(cc_frozen *t) {
    cc_frozen *keys = cc_frozen_new(false, t->order);
    int error = !keys || cc_frozen_reserve(keys, t->count);
    for (Py_ssize_t i = 0; !error && i < t->count; i++) {
        error = append_key(keys, t, i, NULL);
    }
    if (error) {
        Py_XDECREF((PyObject *)keys);
        return NULL;
    }
    return (PyObject *)cc_frozen_finished(keys);
}
