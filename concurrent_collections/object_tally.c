/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_tally.h"

#include <string.h>

#include "memory/cc_alloc.h"
#include "object_order.h"

/* Programs that make types as they run shall not make a map's list ever longer. */
#ifndef MOST_TALLIED_TYPES
#define MOST_TALLIED_TYPES 64
#endif

/* Of a type's name, with the 0 behind it. */
#ifndef BYTES_OF_A_NAME
#define BYTES_OF_A_NAME 128
#endif

/* Types beyond MOST_TALLIED_TYPES are counted under one name; one that is called so, too. */
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
    PyObject *word = search->key ? (PyObject *)search->key : key;
    PyTypeObject *type =
        Py_TYPE(Py_IS_TYPE(word, &cc_ranked_key_type) ? ((cc_ranked_key *)word)->key : word);
    /* That of a static type begins with its module's. */
    const char *dot = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? NULL : strrchr(type->tp_name, '.');
    return dot ? dot + 1 : type->tp_name;
}

/* Once, and no further than there is room: on 3.13t somebody who renames a type frees the old name
 * while others read it. So what is copied need not be text, either. */
static void copy_name(char to[BYTES_OF_A_NAME], const char *from) {
    size_t i = 0;
    for (; i < BYTES_OF_A_NAME - 1 && from[i]; i++) {
        to[i] = from[i];
    }
    memset(to + i, 0, BYTES_OF_A_NAME - i);
}

void cc_tally_collect_now(cc_ordered *map, cc_search *search, PyObject *key) {
    char name[BYTES_OF_A_NAME];
    copy_name(name, name_of_key(search, key));
    tally *entry = entry_of(map, name);
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
        PyObject *name =
            PyUnicode_DecodeUTF8(entry->name, (Py_ssize_t)strlen(entry->name), "replace");
        if (!counts || !name || PyDict_SetItem(all, name, counts)) {
            Py_CLEAR(all);
        }
        Py_XDECREF(counts);
        Py_XDECREF(name);
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
