/* SPDX-License-Identifier: BSD-3-Clause */
#include "object_frozen_build.h"

#include <string.h>

#include "object_fill.h"
#include "object_scan.h"
#include "waiting.h"

/* ---------------------------------------------------------------- a table that grows */

/* Of keys that are numbers, in that order. */
static unsigned kind_in(const cc_order *order, unsigned kind) {
    return order->flip ? kind | CC_KIND_DESCENDING : kind;
}

cc_frozen *cc_frozen_new(int has_values, const cc_order *order) {
    cc_frozen *t = PyObject_GC_New(cc_frozen, &cc_frozen_type);
    if (t) {
        memset((char *)t + sizeof t->ob_base, 0, sizeof *t - sizeof t->ob_base);
        t->order = cc_order_held(order);
        t->form = order->is_plain ? CC_FROZEN_INTS : CC_FROZEN_OBJECTS;
        t->kind = kind_in(order, CC_KIND_INT);
        t->has_values = has_values;
    }
    return t;
}

/* An array of another size; NULL with a MemoryError, and there still is the old one. */
static void *resized(void *array, size_t count, size_t size) {
    void *other =
        count > PY_SSIZE_T_MAX / size ? NULL : PyMem_Realloc(array, count ? count * size : 1);
    if (!other) {
        PyErr_NoMemory();
    }
    return other;
}

/* 0, or -1 with a MemoryError. */
#define RESIZE(array, count, other)                                                                \
    ((other = resized((void *)(array), (count), sizeof *(array))) ? ((array) = other, 0) : -1)

/* All arrays that there are; `capacity` is at least `count`. */
static int set_capacity(cc_frozen *t, Py_ssize_t capacity) {
    const size_t n = (size_t)capacity;
    void *other;
    if (RESIZE(t->numbers, n, other) || (t->has_values && RESIZE(t->values, n, other)) ||
        (t->form == CC_FROZEN_OBJECTS && RESIZE(t->keys, n, other)) ||
        (!t->kind && RESIZE(t->kinds, n, other))) {
        return -1;
    }
    t->capacity = capacity;
    return 0;
}

int cc_frozen_reserve(cc_frozen *t, Py_ssize_t capacity) {
    return capacity > t->capacity ? set_capacity(t, capacity) : 0;
}

#ifndef FIRST_CAPACITY
#define FIRST_CAPACITY 8
#endif

static int make_room(cc_frozen *t) {
    return t->count < t->capacity ? 0
                                  : set_capacity(t, t->capacity ? 2 * t->capacity : FIRST_CAPACITY);
}

/* The bits of a key that can be kept as a number of this form. */
static bool is_number(const cc_frozen *t, const cc_stored_key *key, uint64_t *number) {
    PyObject *o = (PyObject *)key->word;
    const unsigned kind = cc_kind_of_any_order(key->kind);
    const uint64_t digest = key->digest ^ t->order->flip;
    if (!t->order->is_plain) {
        return false; /* the word says more */
    }
    if (t->form == CC_FROZEN_INTS && kind == CC_KIND_INT) {
        *number = digest ^ CC_SIGN_BIT;
        /* The digests at both ends are those of ints that are beyond, too. */
        return !o || (PyLong_CheckExact(o) && digest && digest != UINT64_MAX);
    }
    if (t->form == CC_FROZEN_FLOATS && kind == CC_KIND_FLOAT) {
        double value = o ? PyFloat_AS_DOUBLE(o) : cc_double_of_digest(digest);
        memcpy(number, &value, sizeof value);
        return true;
    }
    return false;
}

/* From numbers to objects. 0, or -1 with a MemoryError and nothing changed. */
static int become_objects(cc_frozen *t) {
    PyObject **keys = PyMem_Malloc((size_t)t->capacity * sizeof *keys);
    if (!keys) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < t->count; i++) {
        keys[i] = cc_frozen_get(t, i, 0);
        if (!keys[i]) {
            while (i-- > 0) {
                Py_DECREF(keys[i]);
            }
            PyMem_Free((void *)keys);
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < t->count; i++) {
        t->numbers[i] = cc_frozen_key(t, i).digest;
    }
    t->keys = keys;
    t->form = CC_FROZEN_OBJECTS;
    return 0;
}

/* From one kind of objects to several. */
static int let_kinds_differ(cc_frozen *t) {
    t->kinds = PyMem_Malloc((size_t)t->capacity * sizeof *t->kinds);
    if (!t->kinds) {
        PyErr_NoMemory();
        return -1;
    }
    memset(t->kinds, (int)t->kind, (size_t)t->count);
    t->kind = 0;
    return 0;
}

int cc_frozen_append(cc_frozen *t, const cc_stored_key *key, uintptr_t value) {
    uint64_t number;
    PyObject *object = (PyObject *)key->word;
    if (make_room(t)) {
        return -1;
    }
    if (t->count == 0 && t->form == CC_FROZEN_INTS &&
        cc_kind_of_any_order(key->kind) == CC_KIND_FLOAT) {
        t->form = CC_FROZEN_FLOATS;
        t->kind = key->kind;
    }
    if (is_number(t, key, &number)) {
        Py_XDECREF(object); /* an exact int or float: nothing runs */
    } else {
        if (t->form != CC_FROZEN_OBJECTS && become_objects(t)) {
            return -1;
        }
        if (t->count == 0) {
            t->kind = key->kind;
        }
        if (t->kind && t->kind != key->kind && let_kinds_differ(t)) {
            return -1;
        }
        PyObject *o = object ? object : cc_key_object(key->kind, key->digest, 0);
        if (!o) {
            return -1;
        }
        t->keys[t->count] = o;
        if (!t->kind) {
            t->kinds[t->count] = key->kind;
        }
        number = key->digest;
    }
    t->numbers[t->count] = number;
    if (t->has_values) {
        t->values[t->count] = (PyObject *)value;
    }
    t->count++;
    return 0;
}

cc_frozen *cc_frozen_finished(cc_frozen *t) {
    if (t->count < t->capacity && set_capacity(t, t->count)) {
        PyErr_Clear(); /* it stays larger than it need be */
    }
    if (t->keys || t->values || !t->order->is_plain) { /* numbers alone lead nowhere */
        PyObject_GC_Track((PyObject *)t);
    }
    return t;
}

/* ---------------------------------------------------------------- what is to be sorted */

void cc_frozen_begin(cc_frozen_builder *b, int has_values, const cc_order *order) {
    *b = (cc_frozen_builder){.order = order, .has_values = has_values};
}

int cc_frozen_add(cc_frozen_builder *b, PyObject *key, PyObject *value) {
    cc_search search;
    if (cc_key_begin_search(&search, b->order, key)) {
        return -1;
    }
    if (b->count == b->room) {
        size_t room = b->room ? 2 * b->room : FIRST_CAPACITY;
        void *other;
        if (RESIZE(b->entries, room, other)) {
            cc_key_end_search(&search);
            return -1;
        }
        b->room = room;
    }
    Py_XINCREF((PyObject *)search.key);
    b->entries[b->count++] = (cc_entry){
        .digest = search.digest,
        .key = search.key,
        .value = b->has_values ? (uintptr_t)Py_NewRef(value) : 0,
        .kind = search.kind,
    };
    cc_key_end_search(&search);
    return 0;
}

void cc_frozen_end(cc_frozen_builder *b) {
    cc_frozen_builder mine = *b;
    cc_frozen_begin(b, mine.has_values, mine.order);
    for (size_t i = 0; i < mine.count; i++) {
        Py_XDECREF((PyObject *)mine.entries[i].key);
        Py_XDECREF((PyObject *)mine.entries[i].value);
    }
    PyMem_Free(mine.entries);
}

/* ---------------------------------------------------------------- sorting */

/* A natural merge sort. Runs that ascend are found, and the short ones made longer by insertion;
 * then neighbours are merged, pass after pass. Nothing is moved before a comparison that may raise:
 * at any moment each entry is in the builder's array once. */

#ifndef SHORTEST_RUN
#define SHORTEST_RUN 16
#endif

static cc_stored_key key_of(const cc_entry *e) {
    return (cc_stored_key){.digest = e->digest, .word = e->key, .kind = e->kind};
}

static int compare_entries(const cc_order *by, const cc_entry *a, const cc_entry *b) {
    if (a->kind == b->kind && a->digest != b->digest) {
        return a->digest < b->digest ? -1 : 1;
    }
    const cc_stored_key x = key_of(a), y = key_of(b);
    return cc_order_compare_stored(by, &x, &y);
}

static void turn_round(cc_entry *e, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        cc_entry other = e[i];
        e[i] = e[n - 1 - i];
        e[n - 1 - i] = other;
    }
}

/* The length of the run that e begins with, made to ascend; 0 with an exception. */
static size_t find_run(const cc_order *by, cc_entry *e, size_t n) {
    size_t length = 1;
    int order = n > 1 ? compare_entries(by, &e[0], &e[1]) : 0;
    if (order > 0) { /* strictly descending: equal ones must keep their order */
        while (length < n && (order = compare_entries(by, &e[length - 1], &e[length])) > 0) {
            length++;
        }
        if (order != -2) {
            turn_round(e, length);
        }
    } else if (order != -2) {
        length = n > 1 ? 2 : 1;
        while (length < n && (order = compare_entries(by, &e[length - 1], &e[length])) <= 0 &&
               order != -2) {
            length++;
        }
    }
    return order == -2 ? 0 : length;
}

/* Where an entry belongs among `count` that ascend, behind equal ones; -1 with an exception. */
static Py_ssize_t place_among(const cc_order *by, const cc_entry *e, const cc_entry *among,
                              size_t count) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_entries(by, e, &among[middle]);
        if (order == -2) {
            return -1;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return (Py_ssize_t)low;
}

/* Make a sorted beginning of `length` entries `wanted` entries long. 0, or -1 with an exception. */
static int insert_until(const cc_order *by, cc_entry *e, size_t length, size_t wanted) {
    for (; length < wanted; length++) {
        Py_ssize_t place = place_among(by, &e[length], e, length);
        if (place < 0) {
            return -1;
        }
        cc_entry inserted = e[length];
        memmove(&e[place + 1], &e[place], (length - (size_t)place) * sizeof *e);
        e[place] = inserted;
    }
    return 0;
}

/* Merge two runs into `to`. 0, or -1 with an exception. */
static int merge_runs(const cc_order *by, const cc_entry *a, size_t m, const cc_entry *b, size_t n,
                      cc_entry *to) {
    while (m && n) {
        int order = compare_entries(by, b, a);
        if (order == -2) {
            return -1;
        }
        bool from_b = order < 0; /* of equal ones, those of `a` first */
        *to++ = from_b ? *b++ : *a++;
        n -= from_b;
        m -= !from_b;
    }
    memcpy(to, a, m * sizeof *a);
    memcpy(to + m, b, n * sizeof *b);
    return 0;
}

/* Where runs end, and the entries' other place. */
typedef struct runs {
    size_t *ends;
    size_t count, room;
    cc_entry *other;
} runs;

static int find_runs(cc_frozen_builder *b, runs *r) {
    size_t looked = 0;
    for (size_t begin = 0; begin < b->count;) {
        size_t rest = b->count - begin, length = find_run(b->order, &b->entries[begin], rest);
        if (!length) {
            return -1;
        }
        if (length < SHORTEST_RUN) {
            size_t wanted = rest < SHORTEST_RUN ? rest : SHORTEST_RUN;
            if (insert_until(b->order, &b->entries[begin], length, wanted)) {
                return -1;
            }
            length = wanted;
        }
        if (r->count == r->room) {
            size_t room = r->room ? 2 * r->room : FIRST_CAPACITY;
            void *other;
            if (RESIZE(r->ends, room, other)) {
                return -1;
            }
            r->room = room;
        }
        begin += length;
        r->ends[r->count++] = begin;
        if ((looked += length) >= CC_ITEMS_PER_LOOK) {
            looked = 0;
            if (cc_let_interpreter_in()) {
                return -1;
            }
        }
    }
    return 0;
}

/* One pass: half as many runs, in the other array, which becomes the builder's. */
static int merge_pairs(cc_frozen_builder *b, runs *r) {
    size_t begin = 0, count = 0, looked = 0;
    for (size_t i = 0; i < r->count; i += 2) {
        size_t middle = r->ends[i], end = i + 1 < r->count ? r->ends[i + 1] : middle;
        if (merge_runs(b->order, &b->entries[begin], middle - begin, &b->entries[middle],
                       end - middle, &r->other[begin])) {
            return -1;
        }
        if ((looked += end - begin) >= CC_ITEMS_PER_LOOK) {
            looked = 0;
            if (cc_let_interpreter_in()) {
                return -1;
            }
        }
        begin = end;
        r->ends[count++] = end; /* which is not read any more in this pass */
    }
    cc_entry *merged = r->other;
    r->other = b->entries;
    b->entries = merged;
    b->room = b->count;
    r->count = count;
    return 0;
}

/* 0, or -1 with an exception. */
static int sort(cc_frozen_builder *b) {
    runs r = {0};
    int error = find_runs(b, &r);
    if (!error && r.count > 1) {
        r.other = resized(NULL, b->count, sizeof *r.other);
        error = r.other ? 0 : -1;
    }
    while (!error && r.count > 1) {
        error = merge_pairs(b, &r);
    }
    PyMem_Free(r.ends);
    PyMem_Free(r.other);
    return error;
}

/* ---------------------------------------------------------------- from sorted entries */

/* Its value replaces that of the one before, whose key stays. */
static void take_value(cc_frozen *t, cc_entry *e) {
    PyObject *key = (PyObject *)e->key, *value = (PyObject *)e->value;
    e->key = e->value = 0;
    if (t->has_values) {
        PyObject *old = t->values[t->count - 1];
        t->values[t->count - 1] = value;
        value = old;
    }
    Py_XDECREF(key);
    Py_XDECREF(value);
}

/* Append all entries; `argument`: keys must ascend. 0, or -1 with an exception. */
static int append_all(cc_frozen *t, cc_frozen_builder *b, const char *argument) {
    cc_stored_key last = {.kind = 0}; /* borrowed from the table, or whole */
    if (cc_frozen_reserve(t, (Py_ssize_t)b->count)) {
        return -1;
    }
    for (size_t i = 0; i < b->count; i++) {
        cc_entry *e = &b->entries[i];
        const cc_stored_key key = key_of(e);
        int order = i ? cc_order_compare_stored(b->order, &last, &key) : -1;
        if (order == -2) {
            return -1;
        }
        if (argument && order >= 0) {
            PyErr_Format(PyExc_ValueError,
                         b->order == cc_order_ascending
                             ? "%s: the key at position %zu is not greater than the one before it"
                             : "%s: the key at position %zu does not come after the one before it",
                         argument, i);
            return -1;
        }
        if (order == 0) {
            take_value(t, e);
            continue;
        }
        if (cc_frozen_append(t, &key, e->value)) {
            return -1;
        }
        e->key = e->value = 0;
        last = cc_frozen_key(t, t->count - 1);
        if ((i + 1) % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            return -1;
        }
    }
    return 0;
}

static PyObject *table_of(cc_frozen_builder *b, const char *argument) {
    const cc_entry *first = b->entries;
    if (b->count && (first->kind == CC_KIND_OTHER || !b->order->is_plain) &&
        cc_order_check(b->order, (PyObject *)first->key)) {
        return NULL; /* when it is the only one, nothing else would show that it has no order */
    }
    if (!argument && sort(b)) {
        return NULL;
    }
    cc_frozen *t = cc_frozen_new(b->has_values, b->order);
    if (t && append_all(t, b, argument)) {
        Py_CLEAR(t);
    }
    return t ? (PyObject *)cc_frozen_finished(t) : NULL;
}

PyObject *cc_frozen_sorted(cc_frozen_builder *b) {
    return table_of(b, NULL);
}

PyObject *cc_frozen_in_order(cc_frozen_builder *b, const char *argument) {
    return table_of(b, argument);
}

/* ---------------------------------------------------------------- from what has an order */

/* Append what a scan has fetched. */
static int append_chunk(cc_frozen *t, cc_object_scan *s) {
    for (; s->index < s->count; s->index++) {
        cc_entry *e = &s->entries[s->index];
        const cc_stored_key key = key_of(e);
        Py_XINCREF((PyObject *)e->key); /* the scan goes on from its last key */
        if (cc_frozen_append(t, &key, e->value)) {
            Py_XDECREF((PyObject *)e->key);
            return -1;
        }
        e->value = 0;
    }
    return 0;
}

PyObject *cc_frozen_from_map(cc_ordered *map, int has_values) {
    return cc_frozen_from_range(map, has_values, NULL, NULL, 0);
}

PyObject *cc_frozen_from_range(cc_ordered *map, int has_values, PyObject *start, PyObject *stop,
                               unsigned how) {
    cc_object_scan s;
    cc_dropped dropped;
    int answer = 0, error;
    cc_frozen *t = cc_frozen_new(has_values, cc_order_of(map));
    if (!t || cc_object_scan_begin(&s, map, start, stop, how | (has_values ? 0 : CC_KEYS_ALONE))) {
        Py_XDECREF((PyObject *)t);
        return NULL;
    }
    dropped.count = 0;
    s.room = LARGEST_CHUNK;
    /* How much lies between bounds is not known. */
    error = cc_frozen_reserve(t, start || stop ? 0 : (Py_ssize_t)cc_ordered_length(map));
    while (!error && (answer = cc_object_scan_fetch(&s, &dropped)) != 0) {
        cc_drop(&dropped);
        error = answer < 0 || append_chunk(t, &s) || cc_let_interpreter_in();
    }
    cc_object_scan_end(&s, &dropped);
    cc_drop(&dropped);
    if (error) {
        Py_DECREF((PyObject *)t);
        return NULL;
    }
    return (PyObject *)cc_frozen_finished(t);
}

/* Step until the instant has been. 0, or -1 with an exception. */
static int finish_snapshot(cc_snapshot *s) {
    for (;;) {
        switch (cc_snapshot_step(s)) {
        case CC_ABSENT:
            return 0;
        case CC_NEED_COMPARE:
            if (cc_key_answer(cc_snapshot_search(s), NULL)) {
                return -1;
            }
            break;
        case CC_NO_MEMORY:
            PyErr_NoMemory();
            return -1;
        default:
            if (cc_let_interpreter_in()) {
                return -1;
            }
        }
    }
}

/* Take the content: first entries that are in order, *in_order of them. 0, or -1 with an
 * exception. */
static int take_snapshot(cc_frozen_builder *b, cc_snapshot *s, size_t *in_order) {
    size_t count;
    bool is_in_order;
    b->room = cc_snapshot_room(s);
    b->entries = resized(NULL, b->room, sizeof *b->entries);
    *in_order = 0;
    if (!b->entries) {
        return -1;
    }
    while ((count = cc_snapshot_take(s, b->entries + b->count, &is_in_order)) > 0) {
        for (size_t i = b->count; !b->has_values && i < b->count + count; i++) {
            Py_XDECREF((PyObject *)b->entries[i].value); /* None */
            b->entries[i].value = 0;
        }
        b->count += count;
        *in_order += is_in_order ? count : 0;
        if (cc_let_interpreter_in()) {
            return -1;
        }
    }
    return 0;
}

/* Sort what comes behind the first `in_order` entries in among them, which are not compared with
 * each other. 0, or -1 with an exception. */
static int sort_in(cc_frozen_builder *b, size_t in_order) {
    cc_frozen_builder late = {.order = b->order, .count = b->count - in_order};
    late.entries = resized(NULL, late.count, sizeof *late.entries);
    if (!late.entries) {
        return -1;
    }
    memcpy(late.entries, &b->entries[in_order], late.count * sizeof *late.entries);
    int error = sort(&late);
    size_t end = in_order, left = late.count; /* what is not merged yet; behind it is the rest */
    while (!error && left) {
        Py_ssize_t place = place_among(b->order, &late.entries[left - 1], b->entries, end);
        if (place < 0 || (left % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in())) {
            error = -1;
            break;
        }
        memmove(&b->entries[(size_t)place + left], &b->entries[place],
                (end - (size_t)place) * sizeof *b->entries);
        end = (size_t)place;
        left--;
        b->entries[end + left] = late.entries[left];
    }
    memcpy(&b->entries[end], late.entries, left * sizeof *late.entries); /* to be let go of */
    PyMem_Free(late.entries);
    return error;
}

/* Append entries that are in order, and compared no more. 0, or -1 with an exception. */
static int append_in_order(cc_frozen *t, cc_frozen_builder *b) {
    if (cc_frozen_reserve(t, (Py_ssize_t)b->count)) {
        return -1;
    }
    for (size_t i = 0; i < b->count; i++) {
        cc_entry *e = &b->entries[i];
        const cc_stored_key key = key_of(e);
        if (cc_frozen_append(t, &key, e->value)) {
            return -1;
        }
        e->key = e->value = 0;
        if ((i + 1) % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            return -1;
        }
    }
    return 0;
}

PyObject *cc_frozen_snapshot(cc_ordered *map, int has_values) {
    cc_frozen_builder b;
    cc_frozen *t = NULL;
    size_t in_order;
    cc_snapshot *s = cc_ordered_snapshot(map);
    if (!s) {
        return PyErr_NoMemory();
    }
    cc_frozen_begin(&b, has_values, cc_order_of(map));
    int error = finish_snapshot(s) || take_snapshot(&b, s, &in_order);
    cc_snapshot_end(s);
    if (!error && !(in_order < b.count && sort_in(&b, in_order))) {
        t = cc_frozen_new(has_values, b.order);
    }
    if (t && append_in_order(t, &b)) {
        Py_CLEAR(t);
    }
    cc_frozen_end(&b);
    return t ? (PyObject *)cc_frozen_finished(t) : NULL;
}

PyObject *cc_frozen_part(cc_frozen *t, Py_ssize_t first, Py_ssize_t count) {
    cc_frozen *part = cc_frozen_new(t->has_values, t->order);
    if (!part || cc_frozen_reserve(part, count)) {
        Py_XDECREF((PyObject *)part);
        return NULL;
    }
    for (Py_ssize_t i = first; i < first + count; i++) {
        cc_stored_key key;
        uintptr_t value = t->has_values ? (uintptr_t)Py_NewRef(t->values[i]) : 0;
        bool has_key = cc_frozen_take_key(t, i, &key) == 0;
        if (!has_key || cc_frozen_append(part, &key, value)) {
            Py_XDECREF(has_key ? (PyObject *)key.word : NULL);
            Py_XDECREF((PyObject *)value);
            Py_DECREF((PyObject *)part);
            return NULL;
        }
        if ((i - first + 1) % CC_ITEMS_PER_LOOK == 0 && cc_let_interpreter_in()) {
            Py_DECREF((PyObject *)part);
            return NULL;
        }
    }
    return (PyObject *)cc_frozen_finished(part);
}

int cc_frozen_thaw(cc_frozen *t, cc_ordered *map) {
    cc_object_filler f;
    int error = 0;
    cc_object_fill_begin(&f, map, CC_PUT_ALWAYS, true);
    cc_object_fill_expect(&f, t->count);
    for (Py_ssize_t i = 0; !error && i < t->count; i++) {
        cc_stored_key key;
        if (cc_frozen_take_key(t, i, &key)) {
            error = -1;
            break;
        }
        cc_entry e = {.digest = key.digest,
                      .key = key.word,
                      .value = (uintptr_t)Py_NewRef(t->has_values ? t->values[i] : Py_None),
                      .kind = key.kind};
        error = cc_object_fill_add_stored(&f, t->order, &e);
        Py_XDECREF((PyObject *)key.word);
        if (!error && (i + 1) % CC_ITEMS_PER_LOOK == 0) {
            error = cc_object_fill_flush(&f) || cc_let_interpreter_in();
        }
    }
    return cc_object_fill_end(&f) || error ? -1 : 0;
}

/* Whether a number goes on from the one before it, or is the first one; no NaN does. */
static bool goes_on(const cc_frozen *t, Py_ssize_t i) {
    if (t->form == CC_FROZEN_FLOATS) {
        double pair[2];
        memcpy(&pair[1], &t->numbers[i], sizeof *pair);
        memcpy(&pair[0], i ? &t->numbers[i - 1] : &t->numbers[i], sizeof *pair);
        return i == 0 ? pair[1] == pair[1] : t->order->flip ? pair[0] > pair[1] : pair[0] < pair[1];
    }
    const int64_t next = (int64_t)t->numbers[i], last = i ? (int64_t)t->numbers[i - 1] : next;
    return i == 0 || (t->order->flip ? last > next : last < next);
}

PyObject *cc_frozen_from_numbers(const cc_order *order, int are_floats, const void *numbers,
                                 Py_ssize_t bytes, PyObject *values) {
    Py_ssize_t count = bytes / (Py_ssize_t)sizeof(uint64_t);
    bool has_values = values != Py_None;
    if (bytes % (Py_ssize_t)sizeof(uint64_t)) {
        PyErr_SetString(PyExc_ValueError, "keys: their bytes are no multiple of 8");
        return NULL;
    }
    if (has_values && (!PyTuple_CheckExact(values) || PyTuple_GET_SIZE(values) != count)) {
        PyErr_SetString(PyExc_ValueError,
                        "values: not a tuple of as many values as there are keys");
        return NULL;
    }
    cc_frozen *t = cc_frozen_new(has_values, order);
    if (!t || cc_frozen_reserve(t, count)) {
        Py_XDECREF((PyObject *)t);
        return NULL;
    }
    if (count && are_floats) {
        t->form = CC_FROZEN_FLOATS;
        t->kind = kind_in(order, CC_KIND_FLOAT);
    }
    if (count) {
        memcpy(t->numbers, numbers, (size_t)bytes);
    }
    for (; t->count < count; t->count++) {
        if (!goes_on(t, t->count)) {
            PyErr_Format(PyExc_ValueError,
                         "keys: the one at position %zd is not %s than the one before it", t->count,
                         order->flip ? "less" : "greater");
            Py_DECREF((PyObject *)t);
            return NULL;
        }
        if (has_values) {
            t->values[t->count] = Py_NewRef(PyTuple_GET_ITEM(values, t->count));
        }
    }
    return (PyObject *)cc_frozen_finished(t);
}
