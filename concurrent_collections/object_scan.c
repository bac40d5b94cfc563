/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_scan.h"

#include <string.h>

#include "object_search.h"
#include "waiting.h"

/* ---------------------------------------------------------------- stored keys */

static PyObject *word_of(const cc_entry *e) {
    return cc_key_word_object(e->kind, e->digest, e->key);
}

/* Whether kinds and digests alone say the order of two keys: *order. */
static bool digests_decide(unsigned kind, uint64_t digest, uintptr_t word, unsigned other_kind,
                           uint64_t other_digest, uintptr_t other_word, int *order) {
    *order = (digest > other_digest) - (digest < other_digest);
    return kind == other_kind && (*order || !(word | other_word));
}

/* ---------------------------------------------------------------- the chunk */

/* Let go of the chunk: of what has been handed out the key alone is ours. */
static void drop_entries(cc_object_scan *s, cc_dropped *dropped) {
    for (uint32_t i = 0; i < s->count; i++) {
        cc_drop_later(dropped, s->entries[i].key);
        if (i >= s->index) {
            cc_drop_later(dropped, s->entries[i].value);
        }
    }
    s->index = s->count = 0;
}

/* The same, and what has been handed out is remembered: the scan goes on behind it. */
static void drop_chunk(cc_object_scan *s, cc_dropped *dropped) {
    if (s->index) {
        cc_entry *e = &s->entries[s->index - 1];
        if (s->chunks++ == s->next_seen) {
            cc_drop_later(dropped, s->seen_word);
            s->seen_word = s->entries[0].key;
            Py_XINCREF((PyObject *)s->seen_word);
            s->next_seen = 2 * s->next_seen + 1;
        }
        cc_drop_later(dropped, s->last.word);
        s->last = (cc_stored_key){e->digest, e->key, e->kind};
        s->has_last = true;
        e->key = 0;
    }
    drop_entries(s, dropped);
}

static uint32_t next_room(uint32_t room) {
    return 4 * room < LARGEST_CHUNK ? 4 * room : LARGEST_CHUNK;
}

static void free_room(cc_object_scan *s) {
    if (s->entries != s->first_entries) {
        PyMem_Free(s->entries);
    }
    s->entries = s->first_entries;
    s->capacity = FIRST_CHUNK;
}

/* Room for s->room entries, or for as many as there is memory. The chunk is empty. */
static void make_room(cc_object_scan *s) {
    if (s->room > s->capacity) {
        cc_entry *more = PyMem_Malloc(s->room * sizeof *more);
        if (more) {
            free_room(s);
            s->entries = more;
            s->capacity = s->room;
        } else {
            s->room = s->capacity;
        }
    }
}

/* ---------------------------------------------------------------- after a chunk has come */

/* Whether keys go on from the last one in the direction of travel, and do not come round to one
 * that has been seen: an order that is none would make an iteration endless. If it goes round from
 * some key on, one of that circle is remembered some day, since the next one is remembered after
 * twice as many chunks (Brent's way to find a cycle). 1, 0, or -1 with an exception. */
static int goes_on(const cc_object_scan *s) {
    const cc_entry *next = &s->entries[0];
    int order;
    if (digests_decide(s->last.kind, s->last.digest, s->last.word, next->kind, next->digest,
                       next->key, &order)) {
        return 1; /* built-in keys do not lie */
    }
    PyObject *a = cc_key_word_object(s->last.kind, s->last.digest, s->last.word);
    PyObject *b = a ? word_of(next) : NULL;
    int answer = -1, forwards = s->how & CC_FROM_ABOVE ? 1 : -1;
    int there = b && !s->order->has_c ? cc_order_compare_natively(s->order, a, b) : CC_UNDECIDED;
    if (b && there != CC_UNDECIDED) {
        answer = there == forwards; /* it may be the very key that was the last one */
    } else if (b) {
        there = cc_order_compare_by_python(s->order, a, b);
        int back = there == -2 ? -2 : cc_order_compare_by_python(s->order, b, a);
        answer = back == -2 ? -1 : there == forwards && back == -there;
        for (uint32_t i = 0; answer == 1 && i < s->count; i++) {
            answer = !s->seen_word || s->entries[i].key != s->seen_word;
        }
    }
    Py_XDECREF(a);
    Py_XDECREF(b);
    return answer;
}

/* Order of an entry's key and the far bound; -2 with an exception. */
static int compare_with_stop(const cc_object_scan *s, const cc_entry *e) {
    int order;
    if (digests_decide(e->kind, e->digest, e->key, s->stop_key.kind, s->stop_key.digest,
                       s->stop_key.key, &order)) {
        return order;
    }
    PyObject *key = word_of(e);
    order = key ? cc_order_compare(s->order, key, s->stop) : -2;
    Py_XDECREF(key);
    return order;
}

/* How many entries of the chunk lie before the far bound. -1 with an exception. */
static Py_ssize_t count_within(const cc_object_scan *s) {
    Py_ssize_t low = 0, high = s->count;
    Py_ssize_t probe = high - 1; /* most chunks lie within as a whole: ask the last one first */
    while (low < high) {
        int order = compare_with_stop(s, &s->entries[probe]);
        if (order == -2) {
            return -1;
        }
        order = s->how & CC_FROM_ABOVE ? -order : order;
        if (order < 0 || (order == 0 && s->how & CC_STOP_INCLUSIVE)) {
            low = probe + 1;
        } else {
            high = probe;
        }
        probe = (low + high) / 2;
    }
    return low;
}

/* ---------------------------------------------------------------- scanning */

void cc_object_scan_begin_whole(cc_object_scan *s, cc_ordered *map, unsigned how) {
    memset(s, 0, offsetof(cc_object_scan, first_entries));
    s->map = map;
    s->order = cc_order_of(map);
    s->how = (uint8_t)how;
    s->room = FIRST_CHUNK;
    s->capacity = FIRST_CHUNK;
    s->entries = s->first_entries;
}

int cc_object_scan_begin(cc_object_scan *s, cc_ordered *map, PyObject *start, PyObject *stop,
                         unsigned how) {
    cc_object_scan_begin_whole(s, map, how);
    if (start && !(s->start = cc_order_word(s->order, start))) {
        return -1;
    }
    if (stop) {
        s->stop = cc_order_word(s->order, stop);
        if (!s->stop) {
            Py_CLEAR(s->start);
            return -1;
        }
        s->room = next_room(FIRST_CHUNK);
        cc_key_fill_search(&s->stop_key, s->order, s->stop);
    }
    return 0;
}

static cc_status next_chunk(cc_object_scan *s, cc_search *from, unsigned how, size_t *count) {
    return s->every > 1 ? cc_ordered_sample(s->map, from, s->every, s->entries, s->room, count)
           : s->how & CC_FROM_ABOVE
               ? cc_ordered_scan_down(s->map, from, how, s->entries, s->room, count)
               : cc_ordered_scan_up(s->map, from, how, s->entries, s->room, count);
}

static cc_status scan_core(cc_object_scan *s, size_t *count) {
    unsigned how = s->how & CC_KEYS_ALONE ? CC_SCAN_WITHOUT_VALUES : 0;
    cc_search search, *from = &search;
    PyObject *key = NULL; /* made when a comparison is needed */
    cc_status status;
    if (s->has_last) {
        cc_key_fill_stored_search(&search, s->order, s->last.kind, s->last.digest, s->last.word);
        how |= CC_SCAN_EXCLUSIVE;
    } else if (s->start) {
        cc_key_fill_search(&search, s->order, s->start); /* a bound: looked at before */
        how |= s->how & CC_START_EXCLUSIVE ? CC_SCAN_EXCLUSIVE : 0;
    } else {
        from = NULL;
    }
    while ((status = next_chunk(s, from, how, count)) == CC_NEED_COMPARE) {
        if (!key) {
            key = s->has_last ? cc_key_word_object(s->last.kind, s->last.digest, s->last.word)
                              : Py_NewRef(s->start);
        }
        if (!key || cc_key_answer(&search, key)) {
            status = CC_NO_MEMORY;
            break;
        }
    }
    if (from) {
        cc_tally_collect(s->map, from, key);
        cc_key_forget(from);
    }
    Py_XDECREF(key);
    if (status == CC_NO_MEMORY && !PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    return status;
}

int cc_object_scan_fetch(cc_object_scan *s, cc_dropped *dropped) {
    size_t count = 0;
    if (s->index < s->count) {
        s->room = FIRST_CHUNK; /* thrown away: the next one may be, too */
    } else if (s->is_last) {
        return 0;
    } else if (s->count) {
        s->room = next_room(s->room);
    }
    drop_chunk(s, dropped);
    make_room(s);
    s->is_last = false;
    s->changes = cc_ordered_changes_by_this_thread(s->map);
    if (scan_core(s, &count) != CC_FOUND) {
        return -1;
    }
    s->count = (uint32_t)count;
    Py_ssize_t within = s->count;
    int fine = count && s->has_last ? goes_on(s) : 1;
    if (fine == 1 && s->stop) {
        within = count_within(s);
    }
    if (fine < 0 || within < 0) {
        drop_chunk(s, dropped);
        return -1;
    }
    within = fine ? within : 0; /* the iteration ends here */
    s->is_last = within < (Py_ssize_t)s->count;
    for (; s->count > (uint32_t)within; s->count--) {
        cc_drop_later(dropped, s->entries[s->count - 1].key);
        cc_drop_later(dropped, s->entries[s->count - 1].value);
    }
    return s->count != 0;
}

void cc_object_scan_end(cc_object_scan *s, cc_dropped *dropped) {
    drop_entries(s, dropped);
    free_room(s);
    cc_drop_later(dropped, s->last.word);
    cc_drop_later(dropped, s->seen_word);
    cc_drop_later(dropped, (uintptr_t)s->start);
    cc_drop_later(dropped, (uintptr_t)s->stop);
    s->last.word = s->seen_word = 0;
    s->start = s->stop = NULL;
}

int cc_object_scan_traverse(const cc_object_scan *s, visitproc visit, void *arg) {
    for (uint32_t i = 0; i < s->count; i++) {
        const cc_entry *e = &s->entries[i];
        if (e->key) {
            Py_VISIT((PyObject *)e->key);
        }
        if (i >= s->index && e->value) {
            Py_VISIT((PyObject *)e->value);
        }
    }
    PyObject *const others[] = {s->start, s->stop, (PyObject *)s->last.word,
                                (PyObject *)s->seen_word};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int answer = others[i] ? visit(others[i], arg) : 0;
        if (answer) {
            return answer;
        }
    }
    return 0;
}

Py_ssize_t cc_object_scan_count(cc_ordered *map, PyObject *start, PyObject *stop, unsigned how) {
    cc_object_scan s;
    cc_dropped dropped = {.count = 0};
    Py_ssize_t sum = 0;
    int answer;
    if (cc_object_scan_begin(&s, map, start, stop, how | CC_KEYS_ALONE)) {
        return -1;
    }
    s.room = next_room(FIRST_CHUNK); /* nobody is waiting for the first ones */
    while ((answer = cc_object_scan_fetch(&s, &dropped)) > 0) {
        sum += s.count;
        s.index = s.count;
        cc_drop(&dropped);
        if (cc_let_interpreter_in()) {
            answer = -1;
            break;
        }
    }
    cc_object_scan_end(&s, &dropped);
    cc_drop(&dropped);
    return answer < 0 ? -1 : sum;
}
