/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Point-in-time snapshots: the collector, reports, and taking one. snapshot.h says how it works.
 */
#include "snapshot.h"

#include <string.h>

/* ---------------------------------------------------------------- data */

/* Entries that a walk finds at once. */
#ifndef ENTRIES_PER_WALK
#define ENTRIES_PER_WALK 1024u
#endif

/* Reports that a collector has room for, beside four for each entry. */
#ifndef LEAST_REPORTS
#define LEAST_REPORTS 4096u
#endif

/* Room for copies beyond the length of the container. */
#ifndef SPARE_COPIES
#define SPARE_COPIES 64u
#endif

/* Buckets of cells: a power of two. */
#ifndef LEAST_CELL_BUCKETS
#define LEAST_CELL_BUCKETS 64u
#endif
#ifndef MOST_CELL_BUCKETS
#define MOST_CELL_BUCKETS 65536u
#endif

/* What a walk has found, in order; the words acquired. */
typedef struct walked {
    struct walked *next;
    size_t count;
    cc_entry entries[ENTRIES_PER_WALK];
    cc_identity identities[ENTRIES_PER_WALK];
} walked;

typedef struct walk {
    walked *first, *last;
    size_t count;
} walk;

enum { UNANSWERED, ANSWERED, FROZEN };

typedef struct record {
    struct record *older;
    cc_atomic_u32 state;
    uintptr_t value; /* acquired; CC_TOMBSTONE: dead. Written once, before the answer. */
} record;

/* The records of one node. */
typedef struct cell {
    struct cell *next; /* immutable */
    cc_identity identity;
    cc_stored_key key; /* acquired */
    cc_atomic_uptr head; /* the newest record */
    cc_atomic_u32 is_walked; /* 1: the walk has found the node */
    record first;
} cell;

/* A collector's state: one of these, or the walk that has closed it. */
enum { OPEN, GIVEN_UP, TO_BEGIN_AGAIN, OUT_OF_MEMORY, CLOSED };

typedef struct collector {
    cc_atomic_uptr state;
    cc_atomic_u64 reports;
    cc_atomic_u32 users;
    cc_atomic_uptr spare; /* cells that somebody else was faster with */
    uint64_t birth, most;
    cc_retired *retirement; /* for the last user */
    size_t mask;
    cc_atomic_uptr buckets[];
} collector;

struct cc_snapshot {
    cc_ordered *map;
    collector *c; /* NULL: none yet */
    walk *own;
    uint64_t most;
    cc_search from; /* the last key that the walk has found */
    bool goes_on, at_end;
    /* An order that is none can lead round in a circle: one entry is remembered, and another one
     * after twice as many parts (Brent's way to find a cycle). */
    uint64_t parts;
    cc_identity seen;
    /* How far the content has been taken: the next part of the walk, then the next bucket. */
    bool is_taking;
    walked *part;
    size_t bucket;
    /* Where the container copies: its entries, those that the caller has got, and room for more. */
    cc_entry *copied;
    size_t copied_count, handed_out, copy_room;
    bool is_copied;
};

/* ---------------------------------------------------------------- reports */

static cc_atomic_uptr *bucket_of(collector *c, const cc_identity *identity) {
    return &c->buckets[cc_mix((uint64_t)(uintptr_t)identity->thing) >> 8 & c->mask];
}

static inline bool is_same(const cc_identity *a, const cc_identity *b) {
    return a->thing == b->thing && a->stamp == b->stamp;
}

static cell *find_cell(collector *c, const cc_identity *identity) {
    cell *found = (cell *)cc_load_seq_cst_uptr(bucket_of(c, identity));
    while (found && !is_same(&found->identity, identity)) {
        found = found->next;
    }
    return found;
}

static void push_cell(cc_atomic_uptr *list, cell *pushed) {
    uintptr_t head = cc_load_relaxed_uptr(list);
    do {
        pushed->next = (cell *)head;
    } while (!cc_cas_acq_rel_uptr(list, &head, (uintptr_t)pushed));
}

/* It cannot be completed. */
static void fail(collector *c, uintptr_t reason) {
    uintptr_t open = OPEN;
    cc_cas_acq_rel_uptr(&c->state, &open, reason);
}

/* Nobody has to look at it any more. By a user, or in a region that protects it. */
static void disarm(cc_container *owner, const collector *c) {
    uintptr_t expected = (uintptr_t)c;
    cc_cas_seq_cst_uptr(&owner->collector, &expected, 0);
}

/* Memory for a record, which is counted before it is put in place: so there is room for all that
 * are answered (cc_snapshot_room). NULL: the collector has failed. */
static void *room_for_record(collector *c, size_t bytes) {
    if (cc_fetch_add_relaxed_u64(&c->reports, 1) >= c->most) {
        fail(c, GIVEN_UP);
        return NULL;
    }
    void *room = cc_alloc_zeroed(bytes);
    if (!room) {
        fail(c, OUT_OF_MEMORY);
    }
    return room;
}

static cell *new_cell(const cc_container *owner, collector *c, const cc_reported *entry) {
    cell *made = room_for_record(c, sizeof *made);
    if (made) {
        made->identity = entry->identity;
        made->key = entry->key;
        cc_acquire_word(owner, entry->key.word);
        made->first.value = CC_TOMBSTONE;
        cc_store_relaxed_uptr(&made->head, (uintptr_t)&made->first);
    }
    return made;
}

/* A record of ours on top of the entry's; NULL: there is nothing to do. */
static record *put_record(cc_container *owner, collector *c, const cc_reported *entry,
                          const uintptr_t *seen) {
    cc_atomic_uptr *bucket = bucket_of(c, &entry->identity);
    cell *made = NULL;
    record *mine = NULL;
    for (;;) {
        uintptr_t first = cc_load_seq_cst_uptr(bucket);
        cell *in = find_cell(c, &entry->identity);
        if (!in) {
            if (!made && !(made = new_cell(owner, c, entry))) {
                return NULL;
            }
            made->next = (cell *)first;
            if (cc_cas_seq_cst_uptr(bucket, &first, (uintptr_t)made)) { /* (19) */
                return &made->first;
            }
            continue;
        }
        if (made) {
            push_cell(&c->spare, made);
            made = NULL;
        }
        record *top = (record *)cc_load_seq_cst_uptr(&in->head);
        uint32_t state = cc_load_acquire_u32(&top->state); /* (20) */
        if (state == FROZEN || (state == ANSWERED && seen && top->value == *seen)) {
            cc_free(mine);
            return NULL;
        }
        if (!mine && !(mine = room_for_record(c, sizeof *mine))) {
            return NULL;
        }
        mine->value = CC_TOMBSTONE;
        mine->older = top;
        uintptr_t expected = (uintptr_t)top;
        if (cc_cas_seq_cst_uptr(&in->head, &expected, (uintptr_t)mine)) { /* (19) */
            return mine;
        }
    }
}

void cc_report(cc_container *owner, cc_smr_guard *g, const cc_reported *entry,
               const uintptr_t *seen) {
    collector *c =
        (collector *)cc_protect_and_hold(g, &owner->collector, 0, CC_HELD_COLLECTOR); /* (18) */
    if (!c) {
        return;
    }
    if (cc_load_acquire_uptr(&c->state) != OPEN) {
        disarm(owner, c);
        return;
    }
    record *mine = put_record(owner, c, entry, seen);
    if (!mine) {
        return;
    }
    cc_thread *self = g->thread;
    cc_fence_seq_cst(&self->region); /* (19) */
    uintptr_t value = cc_protect_and_hold(g, &entry->slot->value, 0, CC_HELD_REPORTED);
    if (entry->look && !entry->look(owner, entry, &value)) {
        return;
    }
    if (cc_load_acquire_uptr(&c->state) != OPEN) { /* (20) */
        return;
    }
    if (value != CC_TOMBSTONE) {
        cc_acquire_word(owner, value);
    }
    mine->value = value;
    uint32_t unanswered = UNANSWERED;
    cc_cas_acq_rel_u32(&mine->state, &unanswered, ANSWERED); /* (20) */
}

void cc_begin_snapshots_again(cc_container *owner, cc_smr_guard *g) {
    collector *c =
        (collector *)cc_protect_and_hold(g, &owner->collector, 0, CC_HELD_COLLECTOR); /* (18) */
    if (c) {
        fail(c, TO_BEGIN_AGAIN);
        disarm(owner, c);
    }
}

/* ---------------------------------------------------------------- releasing */

static void free_part(const cc_word_table *words, walked *part) {
    for (size_t i = 0; i < part->count; i++) {
        cc_release_word(words, part->entries[i].key);
        cc_release_word(words, part->entries[i].value);
    }
    cc_free(part);
}

static void free_walk(const cc_word_table *words, walk *w) {
    for (walked *part = w ? w->first : NULL, *next; part; part = next) {
        next = part->next;
        free_part(words, part);
    }
    cc_free(w);
}

static void free_cells(const cc_word_table *words, uintptr_t list) {
    for (cell *one = (cell *)list, *next; one; one = next) {
        next = one->next;
        record *r = (record *)cc_load_relaxed_uptr(&one->head);
        while (r) {
            record *older = r->older;
            if (r->value != CC_TOMBSTONE) {
                cc_release_word(words, r->value);
            }
            if (r != &one->first) {
                cc_free(r);
            }
            r = older;
        }
        cc_release_word(words, one->key.word);
        cc_free(one);
    }
}

void cc_release_collector(const cc_word_table *words, uintptr_t word) {
    collector *c = (collector *)word;
    for (size_t i = 0; i <= c->mask; i++) {
        free_cells(words, cc_load_relaxed_uptr(&c->buckets[i]));
    }
    free_cells(words, cc_load_relaxed_uptr(&c->spare));
    uintptr_t state = cc_load_acquire_uptr(&c->state);
    if (state >= CLOSED) {
        free_walk(words, (walk *)state);
    }
    cc_free(c);
}

void cc_forget_collector(cc_container *owner) {
    uintptr_t left = cc_load_relaxed_uptr(&owner->collector);
    if (left) {
        cc_free(((collector *)left)->retirement);
        cc_release_collector(owner->words, left);
    }
}

/* ---------------------------------------------------------------- coming and going */

/* As many buckets as there may be reports, divided by 16: a quarter of the entries at first. */
static collector *new_collector(cc_ordered *map, cc_thread *self, uint64_t most) {
    size_t buckets = LEAST_CELL_BUCKETS;
    while (buckets < most / 16 && buckets < MOST_CELL_BUCKETS) {
        buckets *= 2;
    }
    collector *c =
        cc_reserve(self, 1) ? NULL : cc_alloc_zeroed(sizeof *c + buckets * sizeof c->buckets[0]);
    if (c) {
        c->retirement = cc_take_spare(self);
        c->birth = cc_birth_now(&map->common);
        c->most = most;
        c->mask = buckets - 1;
        cc_store_relaxed_u32(&c->users, 1);
    }
    return c;
}

/* Become a user of one that has some. */
static bool join(collector *c) {
    uint32_t users = cc_load_relaxed_u32(&c->users);
    while (users) {
        if (cc_cas_acq_rel_u32(&c->users, &users, users + 1)) {
            return true;
        }
    }
    return false;
}

/* The open collector, as a user, or NULL: there is none now. */
CC_NEVER_INLINE collector *join_current(cc_container *owner, cc_smr_guard *g) {
    CC_CHECKPOINT(g);
    collector *c = (collector *)cc_protect(g, &owner->collector);
    cc_hold(g, CC_HELD_COLLECTOR, (uintptr_t)c);
    cc_end_reading(g);
    if (!c) {
        return NULL;
    }
    if (cc_load_acquire_uptr(&c->state) != OPEN || !join(c)) {
        disarm(owner, c);
        return NULL;
    }
    return c;
}

/* What is released with a collector. At most: a node's later reports are smaller than a cell, and
 * what has been refused is nothing. */
static size_t bytes_of(const collector *c) {
    size_t bytes = sizeof *c + (c->mask + 1) * sizeof c->buckets[0];
    uint64_t reports = cc_load_relaxed_u64(&c->reports);
    bytes += (size_t)(reports < c->most ? reports : c->most) * sizeof(cell);
    uintptr_t state = cc_load_acquire_uptr(&c->state);
    const walk *w = state >= CLOSED ? (const walk *)state : NULL;
    for (const walked *part = w ? w->first : NULL; part; part = part->next) {
        bytes += sizeof *part;
    }
    return bytes + (w ? sizeof *w : 0);
}

static void leave(cc_ordered *map, cc_thread *self, collector *c) {
    if (cc_fetch_sub_acq_rel_u32(&c->users, 1) == 1) {
        fail(c, GIVEN_UP);
        disarm(&map->common, c);
        cc_retire(map->common.domain, self, c->retirement, (uintptr_t)c, CC_RETIRED_COLLECTOR,
                  c->birth, bytes_of(c));
    }
}

/* Join a collector, or arm one. CC_FOUND or CC_NO_MEMORY. */
static cc_status arm(cc_snapshot *s, cc_thread *self) {
    cc_container *owner = &s->map->common;
    cc_smr_guard g;
    collector *mine = NULL;
    while (!s->c) {
        cc_enter_as(self, owner->domain, &g);
        s->c = join_current(owner, &g);
        cc_leave(&g);
        if (s->c) {
            /* Who closes it looks for other users behind the close. */
            cc_fence_seq_cst(&self->region);
            if (cc_load_acquire_uptr(&s->c->state) == OPEN) {
                break;
            }
            collector *closed = s->c;
            s->c = NULL;
            leave(s->map, self, closed);
            continue;
        }
        if (!mine && !(mine = new_collector(s->map, self, s->most))) {
            return CC_NO_MEMORY;
        }
        uintptr_t none = 0;
        if (cc_cas_seq_cst_uptr(&owner->collector, &none, (uintptr_t)mine)) { /* (18) */
            s->c = mine;
            mine = NULL;
        }
    }
    if (mine) {
        cc_keep_spare(self, mine->retirement);
        cc_free(mine);
    }
    cc_fence_seq_cst(&self->region); /* (18) */
    return CC_FOUND;
}

/* ---------------------------------------------------------------- the walk */

static uint64_t first_most(const cc_ordered *map) {
    return 4 * (uint64_t)cc_ordered_length(map) + LEAST_REPORTS;
}

cc_snapshot *cc_ordered_snapshot(cc_ordered *map) {
    bool takes_some = map->ops->scan_for_snapshot || map->ops->copy_all;
    cc_snapshot *s = takes_some ? cc_alloc_zeroed(sizeof *s) : NULL;
    if (s) {
        s->map = map;
        s->most = first_most(map);
    }
    return s;
}

cc_search *cc_snapshot_search(cc_snapshot *s) {
    return &s->from;
}

/* The walk goes on behind the last entry that it has found. */
static void go_on_behind(cc_snapshot *s, const cc_entry *last) {
    const cc_word_table *words = s->map->common.words;
    cc_search_end(words, &s->from);
    s->from = (cc_search){
        .digest = last->digest,
        .hash =
            words->hash ? words->hash(last->kind, last->digest, last->key) : cc_mix(last->digest),
        .key = last->key,
        .kind = last->kind,
        .order = (const void *)cc_ordered_order(s->map),
    };
    s->goes_on = true;
}

/* An entry of the part has been found before: keys that go on would not come to it. */
static bool comes_round(cc_snapshot *s, const walked *part) {
    for (size_t i = 0; i < part->count; i++) {
        if (is_same(&part->identities[i], &s->seen)) {
            return true;
        }
    }
    if ((s->parts & (s->parts + 1)) == 0) {
        s->seen = part->identities[part->count - 1];
    }
    s->parts++;
    return false;
}

/* The end is not looked for behind it: what has come there meanwhile came behind the arming, and so
 * reports. Else others that append could lead the walk on for ever. */
static cc_status walk_on(cc_snapshot *s) {
    if (!s->own && !(s->own = cc_alloc_zeroed(sizeof *s->own))) {
        return CC_NO_MEMORY;
    }
    walked *part = cc_alloc(sizeof *part);
    if (!part) {
        return CC_NO_MEMORY;
    }
    part->next = NULL;
    cc_status status = s->map->ops->scan_for_snapshot(
        s->map, s->goes_on ? &s->from : NULL, s->goes_on ? CC_SCAN_EXCLUSIVE : 0, part->entries,
        part->identities, ENTRIES_PER_WALK, &part->count, &s->at_end);
    if (status != CC_FOUND || part->count == 0) {
        cc_free(part);
        return status;
    }
    if (comes_round(s, part)) {
        free_part(s->map->common.words, part);
        s->at_end = true;
        return CC_FOUND;
    }
    *(s->own->last ? &s->own->last->next : &s->own->first) = part;
    s->own->last = part;
    s->own->count += part->count;
    go_on_behind(s, &part->entries[part->count - 1]);
    return status;
}

/* Begin again with nothing. Runs foreign code. */
static void give_back(cc_snapshot *s, cc_thread *self) {
    const cc_word_table *words = s->map->common.words;
    walk *own = s->own;
    collector *c = s->c;
    cc_search_end(words, &s->from);
    s->own = NULL;
    s->c = NULL;
    s->goes_on = s->at_end = false;
    s->parts = 0;
    s->seen = (cc_identity){NULL, 0};
    if (c) {
        leave(s->map, self, c);
    }
    free_walk(words, own);
}

/* A container that copies does it in one go, if there is room: with some to spare, for others may
 * put entries before it begins. */
static cc_status copy(cc_snapshot *s) {
    size_t expected = cc_ordered_length(s->map);
    if (s->is_copied) {
        return CC_ABSENT;
    }
    if (s->copy_room < expected || !s->copied) {
        cc_free(s->copied);
        s->copy_room = expected + expected / 8 + SPARE_COPIES;
        s->copied = cc_alloc(s->copy_room * sizeof *s->copied);
    }
    if (!s->copied) {
        return CC_NO_MEMORY;
    }
    s->copied_count = s->map->ops->copy_all(s->map, s->copied, s->copy_room);
    s->is_copied = s->copied_count <= s->copy_room;
    if (!s->is_copied) {
        cc_free(s->copied);
        s->copied = NULL;
    }
    return s->is_copied ? CC_ABSENT : CC_FOUND;
}

static void drop_copy(cc_snapshot *s) {
    const cc_word_table *words = s->map->common.words;
    for (; s->is_copied && s->handed_out < s->copied_count; s->handed_out++) {
        cc_release_word(words, s->copied[s->handed_out].key);
        cc_release_word(words, s->copied[s->handed_out].value);
    }
    cc_free(s->copied);
}

cc_status cc_snapshot_step(cc_snapshot *s) {
    cc_thread *self = cc_thread_self();
    if (self && s->map->ops->copy_all) {
        return copy(s);
    }
    if (!self || (!s->c && arm(s, self) == CC_NO_MEMORY)) {
        return CC_NO_MEMORY;
    }
    uintptr_t state = cc_load_acquire_uptr(&s->c->state); /* (21) */
    if (state == OPEN) {
        if (!s->at_end) {
            cc_status status = walk_on(s);
            if (status != CC_FOUND || !s->at_end || s->own->count) {
                return status;
            }
        }
        if (cc_cas_seq_cst_uptr(&s->c->state, &state, (uintptr_t)s->own)) { /* (21) */
            state = (uintptr_t)s->own;
            s->own = NULL;
        }
    }
    if (state == GIVEN_UP || state == TO_BEGIN_AGAIN) {
        if (state == GIVEN_UP) {
            s->most = s->c->most < UINT64_MAX / 2 ? 2 * s->c->most : UINT64_MAX;
        }
        give_back(s, self);
        return CC_FOUND;
    }
    if (state == OUT_OF_MEMORY) {
        return CC_NO_MEMORY;
    }
    cc_fence_seq_cst(&self->region); /* (21) */
    disarm(&s->map->common, s->c);
    return CC_ABSENT;
}

void cc_snapshot_end(cc_snapshot *s) {
    cc_thread *self = s ? cc_thread_self() : NULL;
    if (self) {
        give_back(s, self);
        drop_copy(s);
    }
    cc_free(s);
}

/* ---------------------------------------------------------------- the content */

static walk *walk_of(const cc_snapshot *s) {
    return (walk *)cc_load_acquire_uptr(&s->c->state); /* (21) */
}

size_t cc_snapshot_room(const cc_snapshot *s) {
    if (s->is_copied) {
        return s->copied_count;
    }
    return walk_of(s)->count + (size_t)cc_load_acquire_u64(&s->c->reports);
}

/* Whether the node was reported, and then its value. */
static bool answer_of(cell *reported, uintptr_t *value) {
    record *r = reported ? (record *)cc_load_seq_cst_uptr(&reported->head) : NULL;
    for (; r; r = r->older) {
        uint32_t state = UNANSWERED;
        if (!cc_cas_acq_rel_u32(&r->state, &state, FROZEN) && state == ANSWERED) { /* (20) */
            *value = r->value;
            return true;
        }
    }
    return false;
}

/* The words of an entry for the caller: the walk's own, where nobody else uses it. */
static void take_words(const cc_container *owner, cc_entry *walked_one, bool alone,
                       const uintptr_t *reported, cc_entry *to) {
    *to = *walked_one;
    to->value = reported ? *reported : walked_one->value;
    if (!alone || reported) {
        cc_acquire_word(owner, to->value);
    } else {
        walked_one->value = 0;
    }
    if (!alone) {
        cc_acquire_word(owner, to->key);
    } else {
        walked_one->key = 0;
    }
}

/* What a part of the walk has found, and what has not died. */
static size_t take_walked(const cc_snapshot *s, walked *part, cc_entry *entries) {
    const bool alone = cc_load_acquire_u32(&s->c->users) == 1; /* nobody joins what is closed */
    const bool has_reports = cc_load_acquire_u64(&s->c->reports) != 0;
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++) {
        cell *reported = has_reports ? find_cell(s->c, &part->identities[i]) : NULL;
        uintptr_t value;
        if (reported) {
            cc_store_release_u32(&reported->is_walked, 1);
        }
        bool is_reported = answer_of(reported, &value);
        if (!is_reported || value != CC_TOMBSTONE) {
            take_words(&s->map->common, &part->entries[i], alone, is_reported ? &value : NULL,
                       &entries[count++]);
        }
    }
    return count;
}

/* What only reports say, of a bucket. */
static size_t take_reported(const cc_snapshot *s, cc_atomic_uptr *bucket, cc_entry *entries) {
    const cc_container *owner = &s->map->common;
    size_t count = 0;
    for (cell *one = (cell *)cc_load_acquire_uptr(bucket); one; one = one->next) {
        uintptr_t value;
        if (!cc_load_acquire_u32(&one->is_walked) && answer_of(one, &value) &&
            value != CC_TOMBSTONE) {
            cc_acquire_word(owner, value);
            cc_acquire_word(owner, one->key.word);
            entries[count++] = (cc_entry){one->key.digest, one->key.word, value, one->key.kind};
        }
    }
    return count;
}

static size_t take_copied(cc_snapshot *s, cc_entry *entries) {
    size_t left = s->copied_count - s->handed_out;
    size_t count = left < ENTRIES_PER_WALK ? left : ENTRIES_PER_WALK;
    for (size_t i = 0; i < count; i++) {
        entries[i] = s->copied[s->handed_out + i];
    }
    s->handed_out += count;
    return count;
}

size_t cc_snapshot_take(cc_snapshot *s, cc_entry *entries, bool *in_order) {
    size_t count = 0;
    *in_order = true;
    if (s->is_copied) {
        return take_copied(s, entries);
    }
    if (!s->is_taking) {
        s->is_taking = true;
        s->part = walk_of(s)->first;
    }
    for (; s->part && !count; s->part = s->part->next) {
        count = take_walked(s, s->part, entries);
    }
    /* Behind all of the walk, which marks the cells of what it has found. */
    if (!count && cc_load_acquire_u64(&s->c->reports)) {
        *in_order = false;
        for (; s->bucket <= s->c->mask && count < ENTRIES_PER_WALK; s->bucket++) {
            count += take_reported(s, &s->c->buckets[s->bucket], entries + count);
        }
    }
    return count;
}
