/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_range.h"

#include "object_map.h"
#include "object_search.h"
#include "waiting.h"

/* ---------------------------------------------------------------- comparing */

/* Order of a word and a key, or -2. */
static int compare_with(const cc_order *order, PyObject *word, PyObject *key) {
    PyObject *other = cc_order_word_unless_nan(order, key, "key");
    int answer = other ? cc_order_compare(order, word, other) : -2;
    Py_XDECREF(other);
    return answer;
}

int cc_range_compare(cc_ordered *map, PyObject *a, PyObject *b) {
    const cc_order *order = cc_order_of(map);
    PyObject *word = cc_order_word_unless_nan(order, a, "key");
    int answer = word ? compare_with(order, word, b) : -2;
    Py_XDECREF(word);
    return answer;
}

static int place_of(const cc_range *range, const cc_order *by, PyObject *word) {
    if (range->start) {
        int order = compare_with(by, word, range->start);
        if (order == -2 || order < (range->how & CC_START_EXCLUSIVE ? 1 : 0)) {
            return order == -2 ? -2 : -1;
        }
    }
    if (range->stop) {
        int order = compare_with(by, word, range->stop);
        if (order == -2 || order > (range->how & CC_STOP_INCLUSIVE ? 0 : -1)) {
            return order == -2 ? -2 : 1;
        }
    }
    return 0;
}

int cc_range_place(const cc_range *range, PyObject *key, const char *argument) {
    const cc_order *order = cc_order_of(range->map);
    PyObject *word = cc_order_word_unless_nan(order, key, argument);
    int place = word ? place_of(range, order, word) : -2;
    Py_XDECREF(word);
    return place;
}

/* ---------------------------------------------------------------- removing */

int cc_range_remove_exact(cc_ordered *map, PyObject *key, PyObject *value) {
    cc_search search;
    cc_status status;
    if (cc_key_begin_search(&search, cc_order_of(map), key)) {
        return -1;
    }
    /* `value` is held, so no other object can be at its address. */
    CC_UNTIL_DECIDED(status, map, &search, key,
                     cc_ordered_remove_exact(map, &search, (uintptr_t)value));
    cc_key_end_search(&search);
    return status == CC_NO_MEMORY ? -1 : status == CC_FOUND;
}

/* Remove the key of an entry that a scan has met. CC_FOUND, and the value in *value; CC_ABSENT:
 * somebody else has; or CC_NO_MEMORY with an exception. */
static cc_status remove_met(cc_ordered *map, const cc_entry *e, uintptr_t *value) {
    cc_search search;
    cc_status status;
    cc_key_fill_stored_search(&search, cc_order_of(map), e->kind, e->digest, e->key);
    CC_UNTIL_DECIDED(status, map, &search, NULL, cc_ordered_remove(map, &search, value));
    cc_key_forget(&search);
    return status;
}

/* What is appended for an entry: everything that can fail is done before the entry is removed. */
static PyObject *append_place_for(const cc_entry *e, int want, PyObject *list) {
    PyObject *key = cc_key_object(e->kind, e->digest, e->key), *made = key;
    if (key && want == CC_WANT_ITEM) {
        made = PyTuple_New(2);
        if (made) {
            PyObject_GC_UnTrack(made); /* nobody must meet it while it is not complete */
            PyTuple_SET_ITEM(made, 0, key);
            PyTuple_SET_ITEM(made, 1, Py_NewRef(Py_None));
        } else {
            Py_DECREF(key);
        }
    }
    if (made && PyList_Append(list, made)) {
        Py_CLEAR(made);
    }
    Py_XDECREF(made); /* the list has it */
    return made;
}

static void take_last_place_back(PyObject *list) {
    Py_ssize_t n = PyList_GET_SIZE(list);
    cc_raised raised = cc_put_aside();
    if (PyList_SetSlice(list, n - 1, n, NULL)) {
        PyErr_Clear(); /* cannot be: it gets smaller */
    }
    cc_raise_again(raised);
}

/* Remove an entry that a scan has met: 1; 0: it had gone; -1 with an exception. */
static int remove_one(const cc_range *range, const cc_entry *e, int want, PyObject *list) {
    uintptr_t value = 0;
    PyObject *made = NULL;
    if (list) {
        made = append_place_for(e, want, list);
        if (!made) {
            return -1;
        }
    }
    cc_status status = remove_met(range->map, e, &value);
    if (status != CC_FOUND) {
        if (list) {
            take_last_place_back(list);
        }
        return status == CC_ABSENT ? 0 : -1;
    }
    if (list && want == CC_WANT_ITEM) {
        PyTuple_SET_ITEM(made, 1, (PyObject *)value); /* None before, which needs no release */
        PyObject_GC_Track(made);
    } else {
        Py_DECREF((PyObject *)value);
    }
    return 1;
}

Py_ssize_t cc_range_remove(const cc_range *range, Py_ssize_t most, int want, PyObject *list) {
    cc_object_scan s;
    cc_dropped dropped = {.count = 0};
    Py_ssize_t removed = 0;
    int answer = 1;
    if (cc_object_scan_begin(&s, range->map, range->start, range->stop,
                             range->how | CC_KEYS_ALONE)) {
        return -1;
    }
    if (list) {
        PyObject_GC_UnTrack(list);
    }
    while (answer >= 0 && (most < 0 || removed < most)) {
        if (most >= 0 && (size_t)(most - removed) < s.room) {
            s.room = (uint32_t)(most - removed);
        }
        answer = cc_object_scan_fetch(&s, &dropped);
        if (answer <= 0) {
            break;
        }
        while (s.index < s.count && answer >= 0 && (most < 0 || removed < most)) {
            answer = remove_one(range, &s.entries[s.index++], want, list);
            removed += answer > 0;
        }
        cc_raised raised = cc_put_aside();
        cc_drop(&dropped);
        cc_raise_again(raised);
        /* Signals that come meanwhile have their handlers run here, also behind the last chunk: the
         * caller still has what has been removed. Between a return and the caller's store it would
         * be lost. */
        if (answer >= 0) {
            answer = cc_let_interpreter_in();
        }
    }
    cc_raised raised = cc_put_aside();
    cc_object_scan_end(&s, &dropped);
    cc_drop(&dropped);
    cc_raise_again(raised);
    if (list) {
        PyObject_GC_Track(list);
    }
    return answer < 0 ? -1 : removed;
}

/* ---------------------------------------------------------------- cutting into parts */

/* So many sampled keys are wanted of a part, and so many of all parts together. The more there are,
 * the more equal the parts: of k keys, the spread is 1/sqrt(k) of a part. */
#ifndef SAMPLES_PER_PART
#define SAMPLES_PER_PART 64
#endif
#ifndef LEAST_SAMPLES
#define LEAST_SAMPLES 2048
#endif

/* Append the keys that a scan with `every` finds. 0, or -1. */
static int sample(const cc_range *range, size_t every, PyObject *keys) {
    const cc_order *order = cc_order_of(range->map);
    cc_object_scan s;
    cc_dropped dropped = {.count = 0};
    int answer;
    if (cc_object_scan_begin(&s, range->map, range->start, range->stop,
                             range->how | CC_KEYS_ALONE)) {
        return -1;
    }
    s.every = every;
    while ((answer = cc_object_scan_fetch(&s, &dropped)) > 0) {
        while (s.index < s.count && answer >= 0) {
            const cc_entry *e = &s.entries[s.index++];
            PyObject *key = cc_order_prepare_stored(order, e->kind, e->digest, e->key);
            answer = key ? PyList_Append(keys, key) : -1;
            Py_XDECREF(key);
        }
        if (answer < 0) {
            break;
        }
        cc_drop(&dropped);
        answer = cc_let_interpreter_in();
        if (answer) {
            break;
        }
    }
    cc_raised raised = cc_put_aside();
    cc_object_scan_end(&s, &dropped);
    cc_drop(&dropped);
    cc_raise_again(raised);
    return answer < 0 ? -1 : 0;
}

static size_t samples_wanted(size_t parts, size_t length) {
    size_t wanted = parts < length ? parts * SAMPLES_PER_PART : length;
    return wanted > LEAST_SAMPLES ? wanted : LEAST_SAMPLES;
}

/* Of the sampled keys those at equal distances. `all`: every entry has been sampled, the first one,
 * too; else a part begins in front of the first sampled key, and one ends behind the last. */
static PyObject *choose(PyObject *keys, bool all, Py_ssize_t parts) {
    Py_ssize_t count = PyList_GET_SIZE(keys), gaps = all ? count : count + 1;
    PyObject *chosen = PyList_New(0);
    parts = parts < gaps ? parts : gaps;
    for (Py_ssize_t i = 1; chosen && i < parts; i++) {
        Py_ssize_t at = (Py_ssize_t)((uint64_t)i * (uint64_t)gaps / (uint64_t)parts) - !all;
        if (PyList_Append(chosen, PyList_GET_ITEM(keys, at))) {
            Py_CLEAR(chosen);
        }
    }
    return chosen;
}

PyObject *cc_range_cuts(const cc_range *range, Py_ssize_t parts) {
    size_t length = cc_ordered_length(range->map), every = 1;
    size_t wanted = samples_wanted((size_t)parts, length);
    while (parts > 1 && length / every / 4 >= wanted) {
        every *= 4; /* the levels of a skip list */
    }
    for (;; every /= 4) {
        PyObject *keys = PyList_New(0), *chosen = NULL;
        if (keys && parts > 1 && sample(range, every, keys)) {
            Py_CLEAR(keys);
        }
        bool is_enough = keys && (every == 1 || (size_t)PyList_GET_SIZE(keys) >= wanted);
        if (is_enough) {
            chosen = choose(keys, every == 1, parts);
        }
        bool failed = !keys;
        cc_raised raised = cc_put_aside();
        Py_XDECREF(keys);
        cc_raise_again(raised);
        if (is_enough || failed) {
            return chosen;
        }
    }
}
