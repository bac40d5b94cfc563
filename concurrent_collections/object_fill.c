/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_fill.h"

#include "object_map.h"
#include "object_order.h"
#include "object_scan.h"
#include "object_search.h"
#include "waiting.h"

void cc_object_fill_begin(cc_object_filler *f, cc_ordered *map, int policy, int may_wait) {
    f->map = map;
    f->policy = (cc_put_policy)policy;
    f->order = cc_order_of(map);
    f->may_wait = may_wait && f->order->is_plain;
    f->expects = false;
    f->count = 0;
}

void cc_object_fill_expect(cc_object_filler *f, Py_ssize_t entries) {
    if (f->may_wait && entries > MOST_WAITING_ENTRIES) {
        f->expects = true;
        cc_ordered_expect(f->map, (size_t)entries);
    }
}

/* ---------------------------------------------------------------- putting what waits */

/* An ordinary put. 0, or -1 with an exception. Both references stay in the entry. */
static int put_entry(cc_ordered *map, const cc_new_entry *e, cc_put_policy policy) {
    return cc_object_map_store_stored(map, e->kind, e->digest, (PyObject *)e->key,
                                      (PyObject *)e->value, policy);
}

/* May run finalizers. */
static void drop_entry(const cc_new_entry *e) {
    Py_XDECREF((PyObject *)e->key);
    Py_XDECREF((PyObject *)e->value);
}

int cc_object_fill_flush(cc_object_filler *f) {
    unsigned i = 0;
    int error = 0;
    while (!error && i < f->count) {
        size_t run;
        size_t put = cc_ordered_append(f->map, &f->entries[i], f->count - i, &run);
        i += (unsigned)put; /* their references are the map's */
        for (; !put && !error && run > 0; run--) {
            const cc_new_entry *e = &f->entries[i];
            error = put_entry(f->map, e, f->policy);
            if (!error) {
                drop_entry(e);
                i++;
            }
        }
    }
    cc_raised raised = cc_put_aside(); /* finalizers run beside it */
    for (; i < f->count; i++) {
        drop_entry(&f->entries[i]);
    }
    cc_raise_again(raised);
    f->count = 0;
    return error;
}

int cc_object_fill_end(cc_object_filler *f) {
    cc_raised raised = cc_put_aside(); /* what has stopped the caller: what waits is put first */
    int error = cc_object_fill_flush(f);
    if (raised.type) {
        PyErr_Clear(); /* the first one is told */
        cc_raise_again(raised);
    }
    if (f->expects) {
        f->expects = false;
        cc_ordered_expect(f->map, 0);
    }
    return error;
}

/* ---------------------------------------------------------------- adding */

/* Let an entry wait; the references are given away. */
static int let_wait(cc_object_filler *f, const cc_search *search, PyObject *value) {
    f->entries[f->count++] = (cc_new_entry){.digest = search->digest,
                                            .hash = search->hash,
                                            .key = search->key,
                                            .value = (uintptr_t)value,
                                            .kind = search->kind};
    return f->count == MOST_WAITING_ENTRIES ? cc_object_fill_flush(f) : 0;
}

int cc_object_fill_add(cc_object_filler *f, PyObject *key, PyObject *value) {
    if (f->may_wait) {
        cc_search search;
        cc_key_fill_search(&search, f->order, key); /* the order is plain */
        if (search.hash) { /* of a type that we know */
            Py_XINCREF((PyObject *)search.key);
            return let_wait(f, &search, Py_NewRef(value));
        }
        if (cc_object_fill_flush(f)) {
            return -1;
        }
    }
    return cc_object_map_store(f->map, key, value, f->policy);
}

int cc_object_fill_add_stored(cc_object_filler *f, const cc_order *order, cc_entry *e) {
    cc_search search;
    PyObject *value = (PyObject *)e->value, *key;
    int error;
    e->value = 0;
    if (!cc_order_is_same(order, f->order)) {
        key = cc_key_object(e->kind, e->digest, e->key);
        error = key ? cc_object_fill_add(f, key, value) : -1;
        Py_XDECREF(key);
        Py_DECREF(value);
        return error;
    }
    cc_key_fill_stored_search(&search, f->order, e->kind, e->digest, e->key);
    if (search.hash) {
        Py_XINCREF((PyObject *)search.key);
        return let_wait(f, &search, value);
    }
    error =
        cc_object_fill_flush(f) || cc_object_map_store_stored(f->map, e->kind, e->digest,
                                                              (PyObject *)e->key, value, f->policy);
    Py_DECREF(value);
    return error ? -1 : 0;
}

/* ---------------------------------------------------------------- from map to map */

int cc_object_map_update(cc_ordered *map, cc_ordered *source, int keys_alone) {
    cc_object_scan s;
    cc_dropped dropped;
    cc_object_filler f;
    int answer, error = 0;
    if (map == source) {
        return 0; /* it has them */
    }
    dropped.count = 0;
    cc_object_fill_begin(&f, map, keys_alone ? CC_PUT_IF_ABSENT : CC_PUT_ALWAYS, true);
    cc_object_fill_expect(&f, (Py_ssize_t)cc_ordered_length(source));
    cc_object_scan_begin_whole(&s, source, keys_alone ? CC_KEYS_ALONE : 0);
    s.room = LARGEST_CHUNK;
    while (!error && (answer = cc_object_scan_fetch(&s, &dropped)) != 0) {
        cc_drop(&dropped);
        error = answer < 0;
        for (; !error && s.index < s.count; s.index++) {
            cc_entry *e = &s.entries[s.index];
            if (keys_alone) {
                e->value = (uintptr_t)Py_NewRef(Py_None);
            }
            error = cc_object_fill_add_stored(&f, cc_order_of(source), e);
        }
        /* Before anybody else gets to run: what has been handed out is there. */
        error = error || cc_object_fill_flush(&f) || cc_let_interpreter_in();
    }
    error = cc_object_fill_end(&f) || error;
    cc_object_scan_end(&s, &dropped);
    cc_drop(&dropped);
    return error ? -1 : 0;
}
