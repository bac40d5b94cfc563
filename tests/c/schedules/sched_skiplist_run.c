/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One run on a skip list: words that know when they are dead, operations, what they answered, and
 * the judge, whose questions sched_skiplist.c lists.
 *
 * Chance that the core draws from its thread record (tower heights, eras) is
 * decided by each operation's description: the record is set to a state from which it follows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/smr_fast.h"
#include "sched_skiplist.h"

/* ---------------------------------------------------------------- words */

typedef struct word {
    int references;
    unsigned number; /* of the key, or of the value: 0 for none */
    bool is_dead;
    char *body; /* freed when it dies, for ASAN */
} word;

static word values[MOST_VALUES], keys[KEYS];

static void make_word(word *w, unsigned number) {
    *w = (word){1, number, false, malloc(4)};
}

static void acquire(uintptr_t w_) {
    word *w = (word *)w_;
    /* Time passes between finding a word and taking a reference: the region must protect it. */
    sched_point();
    if (w->is_dead || w->references <= 0) {
        sched_fail("%s %u is acquired after its release",
                   w >= values && w < values + MOST_VALUES ? "value" : "key", w->number);
    }
    w->body[0] = 1;
    w->references++;
}

static void release(uintptr_t w_) {
    word *w = (word *)w_;
    bool is_value = w >= values && w < values + MOST_VALUES, is_key = w >= keys && w < keys + KEYS;
    if (!is_value && !is_key) {
        sched_fail("%#lx, which is no word, is released", (unsigned long)w_);
    }
    if (w->references <= 0) {
        sched_fail("%s %u is released too often", is_value ? "value" : "key", w->number);
    }
    if (--w->references == 0) {
        w->is_dead = true;
        free(w->body);
        w->body = NULL;
    }
}

/* One reference is ours: a key that has no other has been released with its node, which must be
 * held meanwhile. */
static void must_be_in_a_node(const word *key) {
    if (key->is_dead || key->references < 2) {
        sched_fail("a search compares with a dead key");
    }
}

static int compare_words(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key) {
    const word *mine = (const word *)search->key, *its = (const word *)key;
    (void)kind, (void)digest;
    sched_point();
    must_be_in_a_node(its);
    return mine->number < its->number ? -1 : mine->number > its->number;
}

static int do_not_know(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key) {
    (void)kind, (void)digest;
    sched_point();
    must_be_in_a_node((const word *)key);
    return search->key == key ? 0 : CC_UNDECIDED;
}

/* The units of a key: as many bits of its number. */
#define BITS 3u

static unsigned number_of_key(uintptr_t key) {
    const word *w = (const word *)key;
    if (w->is_dead) {
        sched_fail("a dead key's units are looked at");
    }
    return w->number;
}

static unsigned shared_bits(const void *order, const cc_stored_key *a, const cc_stored_key *b,
                            unsigned most) {
    unsigned differ = number_of_key(a->word) ^ number_of_key(b->word), shared = 0;
    (void)order;
    sched_point();
    while (shared < most && shared < BITS && !(differ >> (BITS - 1 - shared))) {
        shared++;
    }
    return shared;
}

/* One bit: wrong of a key that does not share those before. */
static uint64_t next_bit(const void *order, const cc_stored_key *key, unsigned skip) {
    (void)order;
    return skip < BITS ? number_of_key(key->word) >> (BITS - 1 - skip) & 1 : 0;
}

static const cc_word_table word_tables[] = {
    [DIGESTS] = {acquire, release, NULL, NULL, NULL, NULL, NULL},
    [COUNTED] = {acquire, release, compare_words, NULL, NULL, NULL, NULL},
    [COMPARED] = {acquire, release, compare_words, NULL, NULL, NULL, NULL},
    [UNDECIDED] = {acquire, release, do_not_know, NULL, NULL, NULL, NULL},
    [PREFIXED] = {acquire, release, compare_words, NULL, NULL, shared_bits, next_bit},
};

/* ---------------------------------------------------------------- what happened */

static cc_ordered *list;
scenario now;
event events[MOST_EVENTS];
unsigned event_count;
unsigned contents_before[KEYS], contents_after[KEYS];

static void note(const event *e) {
    if (event_count == MOST_EVENTS) {
        sched_fail("this program does too much");
    }
    events[event_count++] = *e;
}

/* ---------------------------------------------------------------- operations */

/* How many keys an operation appends. */
static unsigned appended_by(const operation *o) {
    return o->what == APPEND ? 2 : o->what == APPEND_THREE ? 3 : 0;
}

/* A state of the record from which chance takes the wanted course. Draws of a put: height of the
 * tower, era; of other operations: era. See skiplist.c. */
static uint64_t lucky_state(const operation *o) {
    static uint64_t known[4][8][2];
    unsigned appended = appended_by(o);
    unsigned nodes = appended ? appended : o->what == PUT || o->what == PUT_IF_ABSENT;
    unsigned height = o->height ? o->height : 1;
    uint64_t *answer = &known[nodes][height][o->no_tick];
    for (uint64_t i = 1; !*answer; i++) {
        cc_thread t = {.random = i * 0x9e3779b97f4a7c15u | 1u};
        uint64_t state = t.random, draws[6];
        for (unsigned d = 0; d < 6; d++) {
            draws[d] = cc_thread_random(&t);
        }
        bool fits = true;
        for (unsigned n = 0; n < nodes; n++) {
            unsigned drawn_height = 1;
            for (uint64_t r = draws[n] >> 11; drawn_height < 8 && (r & 3) == 0; r >>= 2) {
                drawn_height++;
            }
            fits &= drawn_height == height + (nodes == 3 && n == 0);
            fits &= (draws[nodes + n] % CC_PUBLICATIONS_PER_ERA == 0) != o->no_tick;
        }
        /* A put that replaces draws no height: its first draw is the era's. */
        if (fits && (draws[0] % CC_PUBLICATIONS_PER_ERA == 0) != o->no_tick) {
            *answer = state;
        }
    }
    return *answer;
}

static cc_search search_for(unsigned key) {
    bool has_word = now.keys != DIGESTS;
    uint64_t digest = now.keys == COMPARED || now.keys == UNDECIDED ? 77
                      : now.keys == PREFIXED                        ? key >> (BITS - 1)
                                                                    : 1000 + key;
    return (cc_search){.digest = digest,
                       .key = has_word ? (uintptr_t)&keys[key] : 0,
                       .hash = now.hashed ? cc_mix(digest) : 0};
}

static unsigned number_of(uintptr_t value) {
    word *w = (word *)value;
    if (w < values || w >= values + MOST_VALUES) {
        sched_fail("%#lx is returned as a value", (unsigned long)value);
    }
    unsigned number = w->number;
    release(value);
    return number;
}

static unsigned key_of(const cc_entry *entry) {
    if (now.keys == DIGESTS) {
        return (unsigned)(entry->digest - 1000);
    }
    unsigned number = ((word *)entry->key)->number;
    release(entry->key);
    return number;
}

/* What the object layer does when a search needs to know. */
static void learn(cc_search *s) {
    unsigned mine = ((word *)s->key)->number, its = ((word *)s->needed.word)->number;
    if (cc_search_learn(cc_ordered_words(list), s, mine < its ? -1 : mine > its)) {
        abort();
    }
}

static cc_status try_it(cc_search *s, const operation *o, uintptr_t value, uintptr_t *old,
                        cc_entry *entries, size_t *count) {
    static const cc_relation relations[] = {CC_FIRST,   CC_LAST,  CC_FLOOR,
                                            CC_CEILING, CC_LOWER, CC_HIGHER};
    uintptr_t expected = (uintptr_t)&values[o->expected];
    switch ((what)o->what) {
    case GET:
        return cc_ordered_get(list, s, old);
    case PUT:
        return cc_ordered_put(list, s, value, CC_PUT_ALWAYS, old);
    case PUT_IF_ABSENT:
        return cc_ordered_put(list, s, value, CC_PUT_IF_ABSENT, old);
    case PUT_IF_PRESENT:
        return cc_ordered_put(list, s, value, CC_PUT_IF_PRESENT, old);
    case REPLACE_EXACT:
        return cc_ordered_replace_exact(list, s, expected, value);
    case REMOVE:
        return cc_ordered_remove(list, s, old);
    case REMOVE_EXACT:
        return cc_ordered_remove_exact(list, s, expected);
    case POP_FIRST:
    case POP_LAST:
        return cc_ordered_pop_end(list, o->what == POP_FIRST ? CC_FIRST : CC_LAST, NULL, entries);
    case SCAN_UP:
        return cc_ordered_scan_up(list, o->key ? s : NULL, false, entries, KEYS, count);
    case SCAN_DOWN:
        return cc_ordered_scan_down(list, o->key ? s : NULL, false, entries, KEYS, count);
    case SAMPLE:
        return cc_ordered_sample(list, o->key ? s : NULL, o->height > 1 ? 4 : 1, entries, KEYS,
                                 count);
    case CLEAR:
        return cc_ordered_clear(list);
    default:
        return cc_ordered_neighbour(list, s, relations[o->what - FIRST], entries);
    }
}

/* Entries of a scan: in order, nothing stepped over that was there all the time, and each of them
 * an event of its own. */
static void note_scan(event *e, const cc_entry *entries, size_t count) {
    bool up = e->done.what == SCAN_UP, seen[KEYS] = {false};
    unsigned last = up ? 0 : KEYS, from = e->done.key;
    for (size_t i = 0; i < count; i++) {
        unsigned key = key_of(&entries[i]);
        if (key == 0 || key >= KEYS || (up ? key <= last : key >= last)) {
            sched_fail("a scan returns key %u after %u", key, last);
        }
        if (from && (up ? key < from : key > from)) {
            sched_fail("a scan from key %u returns %u", from, key);
        }
        last = key;
        seen[key] = true;
        event lookup = *e;
        lookup.done = (operation){.what = GET, .key = (uint8_t)key};
        lookup.status = CC_FOUND;
        lookup.got = number_of(entries[i].value);
        note(&lookup);
    }
    for (unsigned key = 1; key < KEYS; key++) {
        bool touched = false;
        for (unsigned f = 0; f < SCHED_MOST_FIBRES; f++) {
            for (unsigned i = 0; i < MOST_OPERATIONS; i++) {
                operation o = now.by[f][i];
                touched |= o.what == CLEAR || o.what == POP_FIRST || o.what == POP_LAST ||
                           (o.key == key && o.what >= PUT && o.what <= REMOVE_EXACT) ||
                           key - o.key < appended_by(&o);
            }
        }
        bool in_range = !from || (up ? key >= from : key <= from);
        bool passed = count == 0 || (up ? key < last : key > last); /* a scan may stop early */
        if (!touched && in_range && passed && contents_before[key] && !seen[key]) {
            sched_fail("a scan leaves out key %u, which was there all the time", key);
        }
    }
}

static void check_sample(const operation *o, const cc_entry *entries, size_t count) {
    unsigned last = o->key;
    for (size_t i = 0; i < count; i++) {
        unsigned key = key_of(&entries[i]);
        if (key <= last || key >= KEYS || entries[i].value) {
            sched_fail("a sample from key %u returns key %u after %u", o->key, key, last);
        }
        last = key;
    }
}

static void perform(const operation *o, unsigned value_number, event *e) {
    cc_entry entries[KEYS];
    size_t count = 0;
    uintptr_t old = 0, value = 0;
    bool stores = o->what == PUT || o->what == PUT_IF_ABSENT || o->what == PUT_IF_PRESENT ||
                  o->what == REPLACE_EXACT;
    *e = (event){.done = *o, .value = value_number};
    if (stores) {
        make_word(&values[value_number], value_number);
        value = (uintptr_t)&values[value_number];
    }
    cc_search s = search_for(o->key ? o->key : 1);
    if (stores && s.key) {
        acquire(s.key);
    }
    sched_record(sched_me() == SCHED_MOST_FIBRES ? 0 : sched_me())->random = lucky_state(o);
    e->began = sched_stamp();
    while ((e->status = try_it(&s, o, value, &old, entries, &count)) == CC_NEED_COMPARE) {
        learn(&s);
    }
    e->ended = sched_stamp();
    cc_search_end(cc_ordered_words(list), &s);
    if (e->status == CC_NO_MEMORY) {
        sched_fail("no memory");
    }
    bool is_new = (o->what == PUT || o->what == PUT_IF_ABSENT) && e->status == CC_ABSENT;
    bool took_value = is_new || (e->status == CC_FOUND && o->what != PUT_IF_ABSENT);
    if (stores && !took_value) {
        release(value);
    }
    if (stores && s.key && !is_new) {
        release(s.key);
    }
    if (o->what == SAMPLE) {
        check_sample(o, entries, count);
    } else if (o->what == SCAN_UP || o->what == SCAN_DOWN) {
        note_scan(e, entries, count);
    } else if (e->status == CC_FOUND && o->what >= POP_FIRST && o->what != CLEAR) {
        e->got_key = key_of(&entries[0]);
        e->got = number_of(entries[0].value);
        if (o->what <= POP_LAST) {
            /* What was popped was the end at some moment, and was there to be removed at
             * another. */
            event removal = *e;
            removal.done = (operation){
                .what = REMOVE_EXACT, .key = (uint8_t)e->got_key, .expected = (uint8_t)e->got};
            note(&removal);
        }
    } else if (e->status == CC_FOUND && old) {
        e->got = number_of(old);
    }
}

/* As the object layer does it: what cannot be appended is put. */
static void append(const operation *o, unsigned value_number) {
    const unsigned count = appended_by(o);
    cc_new_entry entries[3];
    size_t run;
    for (unsigned i = 0; i < count; i++) {
        cc_search s = search_for(o->key + i);
        make_word(&values[value_number + i], value_number + i);
        if (s.key) {
            acquire(s.key);
        }
        entries[i] = (cc_new_entry){.digest = s.digest,
                                    .hash = s.hash,
                                    .key = s.key,
                                    .value = (uintptr_t)&values[value_number + i]};
    }
    sched_record(sched_me())->random = lucky_state(o);
    uint64_t began = sched_stamp();
    size_t put = cc_ordered_append(list, entries, count, &run);
    uint64_t ended = sched_stamp();
    for (unsigned i = 0; i < count; i++) {
        operation one = {
            .what = PUT, .key = (uint8_t)(o->key + i), .height = o->height, .no_tick = o->no_tick};
        event e = {.done = one,
                   .value = value_number + i,
                   .status = CC_ABSENT,
                   .began = began,
                   .ended = ended};
        if (i >= put) {
            release(entries[i].value);
            if (entries[i].key) {
                release(entries[i].key);
            }
            perform(&one, value_number + i, &e);
        }
        note(&e);
    }
}

/* ---------------------------------------------------------------- a run */

/* The number of the value that an operation of the description stores. */
static unsigned value_of(unsigned fibre, unsigned place) {
    return 1 + MOST_BEFORE + fibre * MOST_OPERATIONS + place;
}

void set_up(void) {
    now = *(const scenario *)sched_argument();
    if (now.behind) {
        sched_points_behind();
    }
    if (now.first_stops) {
        sched_only_first_is_preempted();
    }
    begin();
}

void set_up_under_debra(void) {
    use_debra();
    set_up();
}

unsigned any_value(void) {
    unsigned n = sched_choose(MOST_BEFORE_DRAWN + SCHED_MOST_FIBRES * MOST_OPERATIONS_DRAWN);
    unsigned later = n - MOST_BEFORE_DRAWN;
    return n < MOST_BEFORE_DRAWN
               ? n + 1
               : value_of(later / MOST_OPERATIONS_DRAWN, later % MOST_OPERATIONS_DRAWN);
}

/* An operation that is noted as a whole. */
static void perform_and_note(const operation *o, unsigned value_number) {
    event e;
    perform(o, value_number, &e);
    if (o->what != SCAN_UP && o->what != SCAN_DOWN) {
        note(&e);
    }
}

/* What is done in the middle of the snapshot at `place`. */
static void perform_inside(unsigned who, unsigned place, unsigned when) {
    for (place++; place < MOST_OPERATIONS && now.by[who][place].when; place++) {
        if (now.by[who][place].when == when) {
            perform_and_note(&now.by[who][place], value_of(who, place));
        }
    }
}

/* As the object layer does it. */
static void take_snapshot(unsigned who, unsigned place) {
    const operation *o = &now.by[who][place];
    cc_entry entries[4 * KEYS + MOST_EVENTS];
    event e = {.done = *o, .status = CC_FOUND};
    cc_status status;
    size_t taken, count = 0;
    bool in_order, has_begun = false;
    sched_record(sched_me())->random = lucky_state(o);
    e.began = sched_stamp();
    cc_snapshot *s = cc_ordered_snapshot(list);
    while ((status = cc_snapshot_step(s)) != CC_ABSENT) {
        if (status == CC_NEED_COMPARE) {
            learn(cc_snapshot_search(s));
        } else if (status != CC_FOUND) {
            sched_fail("no memory");
        } else if (!has_begun) {
            has_begun = true;
            perform_inside(who, place, IN_WALK);
        }
    }
    perform_inside(who, place, WHEN_CLOSED);
    if (cc_snapshot_room(s) > sizeof entries / sizeof *entries) {
        sched_fail("a snapshot wants too much room");
    }
    while ((taken = cc_snapshot_take(s, entries + count, &in_order)) > 0) {
        count += taken;
    }
    e.ended = sched_stamp();
    for (size_t i = 0; i < count; i++) {
        unsigned key = key_of(&entries[i]);
        if (key == 0 || key >= KEYS || e.contents[key]) {
            sched_fail("a snapshot has key %u twice", key);
        }
        e.contents[key] = number_of(entries[i].value);
    }
    cc_snapshot_end(s);
    note(&e);
}

/* Under debra whoever holds up two things is interrupted. Under IBR most programs run with the
 * threshold that users get: what is retired waits. */
static void set_threshold(void) {
    static uint32_t of_users;
    of_users = of_users ? of_users : cc_load_relaxed_u32(&cc_smr_settings.retire_threshold);
    cc_store_relaxed_u32(
        &cc_smr_settings.retire_threshold,
        cc_load_relaxed_u32(&cc_smr_settings.scheme) == CC_SMR_DEBRA || now.first_stops ? 1
                                                                                        : of_users);
}

void begin(void) {
    event e;
    set_threshold();
    list = cc_ordered_new(tested_operations, &word_tables[now.keys]);
    memset(values, 0, sizeof values);
    memset(contents_before, 0, sizeof contents_before);
    memset(contents_after, 0, sizeof contents_after);
    event_count = 0;
    for (unsigned k = 1; k < KEYS; k++) {
        make_word(&keys[k], k);
    }
    for (unsigned i = 0; i < MOST_BEFORE && now.before[i].what; i++) {
        perform(&now.before[i], i + 1, &e);
        if (!map_answers(contents_before, &e)) {
            sched_fail("the beginning went wrong");
        }
    }
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        sched_record(i)->operations =
            CC_OPERATIONS_PER_POLL - 2; /* each fibre's second operation polls */
    }
}

/* Every program runs under both schemes. */
void use_debra(void) {
    cc_store_relaxed_u32(&cc_smr_settings.scheme, CC_SMR_DEBRA);
}

void fibre(unsigned who) {
    for (unsigned i = 0; i < MOST_OPERATIONS && now.by[who][i].what; i++) {
        if (now.by[who][i].when) { /* inside a snapshot */
            continue;
        }
        sched_point(); /* or the operation would seem to begin when the one before it ends */
        if (appended_by(&now.by[who][i])) {
            append(&now.by[who][i], value_of(who, i));
            continue;
        }
        if (now.by[who][i].what == SNAPSHOT) {
            take_snapshot(who, i);
            continue;
        }
        perform_and_note(&now.by[who][i], value_of(who, i));
    }
}

/* How often the container says that it owns each word. */
typedef struct owned_words {
    int values[MOST_VALUES], keys[KEYS];
} owned_words;

static int count_word(uintptr_t w_, void *argument) {
    const word *w = (const word *)w_;
    owned_words *owned = argument;
    ++*(w >= values && w < values + MOST_VALUES ? &owned->values[w - values]
                                                : &owned->keys[w - keys]);
    return 0;
}

/* All entries; a call may stop early. */
static size_t list_entries(cc_entry *entries) {
    size_t n = 0, more;
    cc_ordered_scan_up(list, NULL, false, entries, KEYS, &n);
    for (more = n; more && n < KEYS; n += more) {
        const cc_entry *last = &entries[n - 1];
        cc_search s = search_for(now.keys == DIGESTS ? (unsigned)(last->digest - 1000)
                                                     : ((word *)last->key)->number);
        while (cc_ordered_scan_up(list, &s, true, entries + n, KEYS - n, &more) ==
               CC_NEED_COMPARE) {
            learn(&s);
        }
        cc_search_end(cc_ordered_words(list), &s);
    }
    return n;
}

static const char *judge_contents(void) {
    cc_entry entries[KEYS];
    owned_words owned = {0};
    if (cc_ordered_flush(list)) {
        return "nobody is in a region, and a flush leaves something waiting";
    }
    const char *wrong = cc_ordered_check(list);
    if (wrong) {
        return wrong;
    }
    size_t n = list_entries(entries);
    if (n >= KEYS || n != cc_ordered_length(list)) {
        return "the length is wrong";
    }
    for (size_t i = 0; i < n; i++) {
        unsigned key = key_of(&entries[i]);
        if (contents_after[key]) {
            return "a key is there twice";
        }
        contents_after[key] = number_of(entries[i].value);
    }
    cc_ordered_visit(list, count_word, &owned);
    for (unsigned i = 1; i < MOST_VALUES; i++) {
        int wanted = 0;
        for (unsigned key = 1; key < KEYS; key++) {
            wanted += contents_after[key] == i;
        }
        if (values[i].references != wanted || owned.values[i] != wanted) {
            return "a value has too many references, or too few";
        }
    }
    for (unsigned key = 1; key < KEYS; key++) {
        /* A container may have more of a key than its entry's (separators of a tree). */
        if (keys[key].references != 1 + owned.keys[key] ||
            (now.keys != DIGESTS && contents_after[key] && !owned.keys[key])) {
            return "a key has too many references, or too few";
        }
    }
    return NULL;
}

/* Where a clear removes entry after entry it has no single instant: then only memory and the
 * container's own order are judged. */
static bool has_cleared(void) {
    for (unsigned i = 0; i < event_count; i++) {
        if (events[i].done.what == CLEAR) {
            return true;
        }
    }
    return false;
}

const char *judge(void) {
    const char *wrong = judge_contents();
    if (!wrong && (tested_clear_is_atomic || !has_cleared()) && !is_linearizable()) {
        wrong = "no order of the operations explains their answers";
    }
    if (wrong) {
        print_events();
        return wrong;
    }
    cc_ordered_free(list);
    for (unsigned i = 1; i < MOST_VALUES; i++) {
        if (values[i].references) {
            return "freeing the list leaves a value with references";
        }
    }
    for (unsigned k = 1; k < KEYS; k++) {
        if (keys[k].references != 1) {
            return "freeing the list leaves a key with references";
        }
        free(keys[k].body);
    }
    return NULL;
}
