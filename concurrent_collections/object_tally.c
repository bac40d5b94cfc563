/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_tally.h"

#include <string.h>

#include "memory/cc_alloc.h"
#include "object_order.h"

/* Programs that make types as they run shall not make a map's list ever longer. */
#ifndef MOST_TALLIED_TYPES
#define MOST_TALLIED_TYPES 64
#endif

/* Types beyond that are counted under one name, which no type has. */
static const char others[] = "...";

typedef struct tally {
    struct tally *next;
    int place; /* how many are behind it in the list */
    cc_atomic_u64 counts[CC_TALLY_ROOM];
    char name[];
} tally;

static const char *const paths[CC_TALLY_ROOM] = {"native", "memo", "python", "c"};

static tally *first_of(cc_ordered *map) {
    return (tally *)cc_load_acquire_uptr(cc_ordered_notes(map)); /* (1) */
}

static tally *find(tally *from, const tally *to, const char *name) {
    for (; from != to; from = from->next) {
        if (strcmp(from->name, name) == 0) {
            return from;
        }
    }
    return NULL;
}

static tally *new_tally(const char *name) {
    size_t length = strlen(name) + 1;
    tally *added = cc_alloc(sizeof *added + length);
    if (added) {
        memset((void *)added, 0, sizeof *added);
        memcpy(added->name, name, length);
    }
    return added;
}

/* The entry of a name, which is made if there is none; NULL without memory. */
static tally *entry_of(cc_ordered *map, const char *name) {
    cc_atomic_uptr *notes = cc_ordered_notes(map);
    tally *seen = first_of(map), *found = find(seen, NULL, name), *added = NULL;
    while (!found) {
        if (seen && seen->place >= MOST_TALLIED_TYPES - 1 && strcmp(name, others) != 0) {
            cc_free(added);
            return entry_of(map, others); /* once: that name is always let in */
        }
        if (!added && !(added = new_tally(name))) {
            return NULL;
        }
        added->next = seen;
        added->place = seen ? seen->place + 1 : 0;
        uintptr_t first = (uintptr_t)seen;
        if (cc_cas_acq_rel_uptr(notes, &first, (uintptr_t)added)) { /* (1) */
            return added;
        }
        found = find((tally *)first, seen, name);
        seen = (tally *)first;
    }
    cc_free(added);
    return found;
}

static const char *name_of_key(const cc_search *search, PyObject *key) {
    if (!key && !search->key) {
        return cc_kind_of_any_order(search->kind) == CC_KIND_FLOAT ? "float" : "int";
    }
    PyObject *word = key ? key : (PyObject *)search->key;
    return Py_TYPE(Py_IS_TYPE(word, &cc_ranked_key_type) ? ((cc_ranked_key *)word)->key : word)
        ->tp_name;
}

void cc_tally_collect_now(cc_ordered *map, cc_search *search, PyObject *key) {
    tally *entry = entry_of(map, name_of_key(search, key));
    for (int i = 0; i < CC_TALLY_ROOM; i++) {
        if (entry && search->tally[i]) {
            cc_fetch_add_relaxed_u64(&entry->counts[i], search->tally[i]);
        }
        search->tally[i] = 0;
    }
    search->has_tally = false;
}

static PyObject *counts_of(tally *entry) {
    PyObject *counts = PyDict_New();
    for (int i = 0; counts && i < CC_TALLY_ROOM; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(cc_load_relaxed_u64(&entry->counts[i]));
        if (!count || PyDict_SetItemString(counts, paths[i], count)) {
            Py_CLEAR(counts);
        }
        Py_XDECREF(count);
    }
    return counts;
}

PyObject *cc_tally_of(cc_ordered *map) {
    PyObject *all = PyDict_New();
    for (tally *entry = first_of(map); all && entry; entry = entry->next) {
        PyObject *counts = counts_of(entry);
        if (!counts || PyDict_SetItemString(all, entry->name, counts)) {
            Py_CLEAR(all);
        }
        Py_XDECREF(counts);
    }
    return all;
}

void cc_tally_free(cc_ordered *map) {
    tally *entry = first_of(map);
    while (entry) {
        tally *next = entry->next;
        cc_free(entry);
        entry = next;
    }
}

size_t cc_tally_bytes(cc_ordered *map) {
    size_t sum = 0;
    for (tally *entry = first_of(map); entry; entry = entry->next) {
        sum += sizeof *entry + strlen(entry->name) + 1;
    }
    return sum;
}
