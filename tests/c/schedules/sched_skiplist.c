/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list under every schedule that the explorer can reach: two or three threads, one to three
 * operations each, on a list of a few entries.
 *
 * The judge asks of every run:
 *   - Is there an order of the operations that respects their real-time order, and in which each one
 *     answers what a sequential map would? Found or refuted by brute force. A scan counts as one
 *     lookup for each entry it returned: it is weakly consistent.
 *   - Is every word released exactly once, and never touched after? Words count their references and
 *     know when they are dead.
 *   - Does cc_skiplist_check find the list in order: levels, marks, builders, hints, counts?
 *   - Do the core's own invariants hold (CC_DEBUG_INVARIANTS), among them that no link leads to a
 *     node when it is retired; and does ASAN see no use after free?
 *
 * Chance that the core draws from its thread record (tower heights, eras, growth of the hints) is
 * decided by each operation's description: the record is set to a state from which it follows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/smr_fast.h"
#include "ordered/skiplist.h"
#include "scheduler.h"

#define KEYS 5u /* 1 .. 4 */
#define MOST_OPERATIONS 3u
#define MOST_EVENTS 24u

typedef enum what {
    NOTHING,
    GET,
    PUT,
    PUT_IF_ABSENT,
    PUT_IF_PRESENT,
    REPLACE_EXACT,
    REMOVE,
    REMOVE_EXACT, /* no operation: the second half of a pop, for the judge */
    POP_FIRST,
    POP_LAST,
    FIRST,
    LAST,
    FLOOR,
    CEILING,
    LOWER,
    HIGHER,
    SCAN_UP,
    SCAN_DOWN,
    CLEAR
} what;

typedef struct operation {
    uint8_t what, key;
    uint8_t height;       /* of a new node, as far as the list's top allows */
    uint8_t expected;     /* value of REPLACE_EXACT */
    bool no_tick, grow; /* of the era when something is published; of the hints, if they should */
} operation;

typedef enum key_style {
    DIGESTS, /* a key is its digest */
    COUNTED, /* a key is a counted word beside a digest */
    COMPARED, /* all digests are equal, and the words tell the order */
    UNDECIDED /* ... but only outside of regions */
} key_style;

typedef struct scenario {
    key_style keys;
    bool hashed, behind; /* behind: sched_points_behind */
    operation before[6]; /* by one thread, before the others start */
    operation by[SCHED_MOST_FIBRES][MOST_OPERATIONS];
} scenario;

/* ---------------------------------------------------------------- words */

typedef struct word {
    int references;
    unsigned number; /* of the key, or of the value: 0 for none */
    bool is_dead;
    char *body; /* freed when it dies, for ASAN */
} word;

/* Values get numbers in the order of the description: 1 .. for `before`, then fibre by fibre. */
#define MOST_VALUES 16u
static word values[MOST_VALUES], keys[KEYS];

static void make_word(word *w, unsigned number) {
    *w = (word){1, number, false, malloc(4)};
}

static void acquire(uintptr_t w_) {
    word *w = (word *)w_;
    sched_point(); /* time passes between finding a word and taking a reference: the region must protect it */
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

static int compare_words(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key) {
    const word *mine = (const word *)search->key, *its = (const word *)key;
    (void)kind, (void)digest;
    sched_point();
    if (its->is_dead) {
        sched_fail("a search compares with a dead key");
    }
    return mine->number < its->number ? -1 : mine->number > its->number;
}

static int do_not_know(const cc_search *search, unsigned kind, uint64_t digest, uintptr_t key) {
    (void)kind, (void)digest;
    return search->key == key ? 0 : CC_UNDECIDED;
}

static const cc_word_table word_tables[] = {
    [DIGESTS] = {acquire, release, NULL, NULL},
    [COUNTED] = {acquire, release, compare_words, NULL},
    [COMPARED] = {acquire, release, compare_words, NULL},
    [UNDECIDED] = {acquire, release, do_not_know, NULL},
};

/* ---------------------------------------------------------------- what happened */

typedef struct event {
    operation done;
    unsigned value; /* what it wanted to store */
    cc_status status;
    unsigned got_key, got; /* what it returned: a key, a value */
    uint64_t began, ended;
} event;

static cc_skiplist *list;
static scenario now; /* the running one; a copy, since some are drawn at random */
static event events[MOST_EVENTS];
static unsigned event_count;
static unsigned contents_before[KEYS], contents_after[KEYS];

static void note(const event *e) {
    if (event_count == MOST_EVENTS) {
        sched_fail("this program does too much");
    }
    events[event_count++] = *e;
}

/* ---------------------------------------------------------------- operations */

/* A state of the record from which chance takes the wanted course. Draws of a put: height of the
 * tower, era, hint; of other operations: room in a bucket, hint. See skiplist.c. */
static uint64_t lucky_state(const operation *o) {
    static uint64_t known[2][8][2][2];
    bool is_put = o->what == PUT || o->what == PUT_IF_ABSENT;
    unsigned height = o->height ? o->height : 1;
    uint64_t *answer = &known[is_put][height][o->no_tick][o->grow];
    for (uint64_t i = 1; !*answer; i++) {
        cc_thread t = {.random = i * 0x9e3779b97f4a7c15u | 1u};
        uint64_t state = t.random, draws[3];
        for (unsigned d = 0; d < 3; d++) {
            draws[d] = cc_thread_random(&t);
        }
        unsigned drawn_height = 1;
        for (uint64_t r = draws[0] >> 11; drawn_height < 8 && (r & 3) == 0; r >>= 2) {
            drawn_height++;
        }
        /* A put that replaces draws no height: its first draw is the era's. */
        bool ticks = draws[0] % CC_PUBLICATIONS_PER_ERA == 0;
        bool insertion_ticks = !is_put || draws[1] % CC_PUBLICATIONS_PER_ERA == 0;
        bool makes_room = is_put || (draws[0] >> 16 & 7) == 0;
        /* Where a bucket is full, a hint that makes the table grow takes the first slot. */
        bool grows = makes_room && (draws[1 + is_put] >> 24 & 7) == 0 &&
                     (draws[1 + is_put] >> 16) % HINT_SLOTS == 0;
        if ((!is_put || drawn_height == height) && ticks != o->no_tick &&
            insertion_ticks != (is_put && o->no_tick) && grows == o->grow) {
            *answer = state;
        }
    }
    return *answer;
}

static cc_search search_for(unsigned key) {
    bool has_word = now.keys != DIGESTS;
    uint64_t digest = now.keys == COMPARED || now.keys == UNDECIDED ? 77 : 1000 + key;
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
    if (cc_search_learn(list, s, mine < its ? -1 : mine > its)) {
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
        return cc_skiplist_get(list, s, old);
    case PUT:
        return cc_skiplist_put(list, s, value, CC_PUT_ALWAYS, old);
    case PUT_IF_ABSENT:
        return cc_skiplist_put(list, s, value, CC_PUT_IF_ABSENT, old);
    case PUT_IF_PRESENT:
        return cc_skiplist_put(list, s, value, CC_PUT_IF_PRESENT, old);
    case REPLACE_EXACT:
        return cc_skiplist_replace_exact(list, s, expected, value);
    case REMOVE:
        return cc_skiplist_remove(list, s, old);
    case POP_FIRST:
    case POP_LAST:
        return cc_skiplist_pop_end(list, o->what == POP_FIRST ? CC_FIRST : CC_LAST, NULL, entries);
    case SCAN_UP:
        return cc_skiplist_scan_up(list, o->key ? s : NULL, false, entries, KEYS, count);
    case SCAN_DOWN:
        return cc_skiplist_scan_down(list, o->key ? s : NULL, false, entries, KEYS, count);
    case CLEAR:
        return cc_skiplist_clear(list);
    default:
        return cc_skiplist_neighbour(list, s, relations[o->what - FIRST], entries);
    }
}

/* Entries of a scan: in order, nothing stepped over that was there all the time, and each of them an
 * event of its own. */
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
                           (o.key == key && o.what >= PUT && o.what <= REMOVE);
            }
        }
        bool in_range = !from || (up ? key >= from : key <= from);
        bool passed = count == 0 || (up ? key < last : key > last); /* a scan may stop early */
        if (!touched && in_range && passed && contents_before[key] && !seen[key]) {
            sched_fail("a scan leaves out key %u, which was there all the time", key);
        }
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
    cc_search_end(list, &s);
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
    if (o->what == SCAN_UP || o->what == SCAN_DOWN) {
        note_scan(e, entries, count);
    } else if (e->status == CC_FOUND && o->what >= POP_FIRST && o->what != CLEAR) {
        e->got_key = key_of(&entries[0]);
        e->got = number_of(entries[0].value);
        if (o->what <= POP_LAST) {
            /* What was popped was the end at some moment, and was there to be removed at another. */
            event removal = *e;
            removal.done = (operation){
                .what = REMOVE_EXACT, .key = (uint8_t)e->got_key, .expected = (uint8_t)e->got};
            note(&removal);
        }
    } else if (e->status == CC_FOUND && old) {
        e->got = number_of(old);
    }
}

/* ---------------------------------------------------------------- is it linearizable? */

/* Does the sequential map in `at` answer as e did? Changes `at`. */
static bool map_answers(unsigned *at, const event *e) {
    unsigned key = e->done.key, was = at[key], other = 0;
    bool found = e->status == CC_FOUND;
    switch ((what)e->done.what) {
    case GET:
        return found ? e->got == was : e->status == CC_ABSENT && !was;
    case PUT:
        at[key] = e->value;
        return found ? e->got == was && was : e->status == CC_ABSENT && !was;
    case PUT_IF_ABSENT:
        at[key] = was ? was : e->value;
        return found ? e->got == was && was : e->status == CC_ABSENT && !was;
    case PUT_IF_PRESENT:
        at[key] = was ? e->value : 0;
        return found ? e->got == was && was : e->status == CC_ABSENT && !was;
    case REMOVE:
        at[key] = 0;
        return found ? e->got == was && was : e->status == CC_ABSENT && !was;
    case REPLACE_EXACT:
    case REMOVE_EXACT:
        if (was && was == e->done.expected) {
            at[key] = e->done.what == REMOVE_EXACT ? 0 : e->value;
            return found;
        }
        return e->status == (was ? CC_MISMATCH : CC_ABSENT);
    case CLEAR:
        memset(at, 0, KEYS * sizeof *at);
        return true;
    default:
        break;
    }
    bool descends = e->done.what == LAST || e->done.what == POP_LAST || e->done.what == FLOOR ||
                    e->done.what == LOWER;
    for (unsigned i = 1; i < KEYS; i++) {
        unsigned k = descends ? KEYS - i : i;
        bool fits = e->done.what == FIRST || e->done.what == LAST || e->done.what == POP_FIRST ||
                    e->done.what == POP_LAST || (e->done.what == FLOOR && k <= key) ||
                    (e->done.what == LOWER && k < key) || (e->done.what == CEILING && k >= key) ||
                    (e->done.what == HIGHER && k > key);
        if (at[k] && fits && !other) {
            other = k;
        }
    }
    return found ? other == e->got_key && at[other] == e->got : e->status == CC_ABSENT && !other;
}

static bool is_linearizable(const unsigned *at, unsigned done) {
    if (done == (1u << event_count) - 1) {
        return memcmp(at, contents_after, sizeof contents_after) == 0;
    }
    for (unsigned i = 0; i < event_count; i++) {
        if (done >> i & 1) {
            continue;
        }
        bool may_be_next = true;
        for (unsigned j = 0; j < event_count; j++) {
            may_be_next &= j == i || done >> j & 1 || events[j].ended > events[i].began;
        }
        unsigned after[KEYS];
        memcpy(after, at, sizeof after);
        if (may_be_next && map_answers(after, &events[i]) &&
            is_linearizable(after, done | 1u << i)) {
            return true;
        }
    }
    return false;
}

static void print_events(void) {
    static const char *const names[] = {
        "nothing",       "get",     "put",          "put_if_absent", "put_if_present",
        "replace_exact", "remove",  "pop, removal", "pop_first",     "pop_last",
        "first",         "last",    "floor",        "ceiling",       "lower",
        "higher",        "scan_up", "scan_down",    "clear"};
    for (unsigned k = 1; k < KEYS; k++) {
        fprintf(stderr, "  key %u: value %u before, %u after\n", k, contents_before[k],
                contents_after[k]);
    }
    for (unsigned i = 0; i < event_count; i++) {
        const event *e = &events[i];
        fprintf(stderr,
                "  %3d .. %3d  %s(key %u, value %u, expected %u) -> %d (key %u, value %u)\n",
                (int)e->began, (int)e->ended, names[e->done.what], e->done.key, e->value,
                e->done.expected, (int)e->status, e->got_key, e->got);
    }
}

/* ---------------------------------------------------------------- a run */

/* The number of the value that an operation of the description stores. */
static unsigned value_of(unsigned fibre, unsigned place) {
    return 7 + fibre * MOST_OPERATIONS + place;
}

static void begin(void) {
    event e;
    list = cc_skiplist_new(&word_tables[now.keys]);
    memset(values, 0, sizeof values);
    memset(contents_before, 0, sizeof contents_before);
    memset(contents_after, 0, sizeof contents_after);
    event_count = 0;
    for (unsigned k = 1; k < KEYS; k++) {
        make_word(&keys[k], k);
    }
    for (unsigned i = 0; i < 6 && now.before[i].what; i++) {
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

static void set_up(void) {
    now = *(const scenario *)sched_argument();
    if (now.behind) {
        sched_points_behind();
    }
    begin();
}

/* Every program runs under both schemes. Here whoever holds up two things is interrupted. */
static void use_debra(void) {
    cc_store_relaxed_u32(&cc_smr_settings.scheme, CC_SMR_DEBRA);
    cc_store_relaxed_u32(&cc_smr_settings.retire_threshold, 1);
}

static void set_up_under_debra(void) {
    use_debra();
    set_up();
}

static void fibre(unsigned who) {
    for (unsigned i = 0; i < MOST_OPERATIONS && now.by[who][i].what; i++) {
        event e;
        sched_point(); /* or the operation would seem to begin when the one before it ends */
        perform(&now.by[who][i], value_of(who, i), &e);
        if (e.done.what != SCAN_UP && e.done.what != SCAN_DOWN) {
            note(&e);
        }
    }
}

static int count_word(uintptr_t w, void *argument) {
    (void)w;
    ++*(int *)argument;
    return 0;
}

static const char *judge_contents(void) {
    cc_entry entries[KEYS];
    size_t n = 0;
    int owned = 0, expected = 0;
    if (cc_skiplist_flush(list)) {
        return "nobody is in a region, and a flush leaves something waiting";
    }
    const char *wrong = cc_skiplist_check(list);
    if (wrong) {
        return wrong;
    }
    cc_skiplist_scan_up(list, NULL, false, entries, KEYS, &n);
    if (n >= KEYS || n != cc_skiplist_length(list)) {
        return "the length is wrong";
    }
    for (size_t i = 0; i < n; i++) {
        unsigned key = key_of(&entries[i]);
        if (contents_after[key]) {
            return "a key is there twice";
        }
        contents_after[key] = number_of(entries[i].value);
        expected += 1 + (now.keys != DIGESTS);
    }
    cc_skiplist_visit(list, count_word, &owned);
    if (owned != expected) {
        return "the list owns other words than it shows";
    }
    for (unsigned i = 1; i < MOST_VALUES; i++) {
        int wanted = 0;
        for (unsigned key = 1; key < KEYS; key++) {
            wanted += contents_after[key] == i;
        }
        if (values[i].references != wanted) {
            return "a value has too many references, or too few";
        }
    }
    for (unsigned key = 1; key < KEYS; key++) {
        if (keys[key].references != 1 + (now.keys != DIGESTS && contents_after[key])) {
            return "a key has too many references, or too few";
        }
    }
    return NULL;
}

/* A clear removes entry after entry and has no single instant: then only memory and the list's own
 * order are judged. */
static bool has_cleared(void) {
    for (unsigned i = 0; i < event_count; i++) {
        if (events[i].done.what == CLEAR) {
            return true;
        }
    }
    return false;
}

static const char *judge(void) {
    const char *wrong = judge_contents();
    if (!wrong && !has_cleared() && !is_linearizable(contents_before, 0)) {
        wrong = "no order of the operations explains their answers";
    }
    if (wrong) {
        print_events();
        return wrong;
    }
    cc_skiplist_free(list);
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

/* ---------------------------------------------------------------- drawn at random */

static operation any_operation(void) {
    /* Changes more often than queries, and mostly of one key. */
    static const uint8_t kinds[] = {
        GET,     GET,    PUT,    PUT,       PUT,       PUT_IF_ABSENT, PUT_IF_PRESENT, REPLACE_EXACT,
        REMOVE,  REMOVE, REMOVE, POP_FIRST, POP_LAST,  FIRST,         LAST,           FLOOR,
        CEILING, LOWER,  HIGHER, SCAN_UP,   SCAN_DOWN, CLEAR};
    static const uint8_t some_keys[] = {2, 2, 2, 3, 3, 1};
    operation o = {.what = kinds[sched_choose(sizeof kinds)],
                   .key = some_keys[sched_choose(6)],
                   .height = (uint8_t)(1 + sched_choose(3)),
                   .no_tick = sched_choose(2) == 1,
                   .grow = now.hashed && sched_choose(2) == 1};
    if (o.what == REPLACE_EXACT) {
        o.expected = (uint8_t)(1 + sched_choose(MOST_VALUES - 1));
    }
    return o;
}

static void set_up_anything(void) {
    const scenario *frame = sched_argument();
    unsigned entries = sched_choose(4);
    now = *frame;
    for (unsigned i = 0; i < entries; i++) {
        now.before[i] = (operation){.what = PUT,
                                    .key = (uint8_t)(1 + sched_choose(4)),
                                    .height = (uint8_t)(1 + sched_choose(3)),
                                    .grow = frame->hashed};
    }
    for (unsigned f = 0; f < SCHED_MOST_FIBRES; f++) {
        unsigned n = 1 + sched_choose(f == 2 ? 1 : 3);
        for (unsigned i = 0; i < n; i++) {
            now.by[f][i] = any_operation();
        }
    }
    begin();
}

static void set_up_anything_under_debra(void) {
    use_debra();
    set_up_anything();
}

/* ---------------------------------------------------------------- scenarios */

#define TALL .height = 3
#define SCENARIO(...) (&(const scenario){__VA_ARGS__})
#define BEFORE .before =
#define FIRST_FIBRE .by[0] =
#define SECOND_FIBRE .by[1] =
#define THIRD_FIBRE .by[2] =

static const sched_program programs_of_ibr[] = {
    {"insert_insert", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(FIRST_FIBRE{{PUT, 2}, {GET, 2}}, SECOND_FIBRE{{PUT_IF_ABSENT, 2}, {PUT, 3}})},
    {"insert_remove_insert", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {GET, 2}}, SECOND_FIBRE{{REMOVE, 2}},
              THIRD_FIBRE{{PUT, 2}, {REMOVE, 2}})},
    {"remove_remove", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}, {GET, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}})},
    {"put_remove_get", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 2}, {PUT, 2}}, SECOND_FIBRE{{REMOVE, 2}},
              THIRD_FIBRE{{GET, 2}, {GET, 2}})},
    {"replace_replace_get", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 2}, {PUT, 2}}, SECOND_FIBRE{{PUT, 2}, {PUT, 2}},
              THIRD_FIBRE{{GET, 2}, {GET, 2}})},
    {"value_births", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}, {PUT, 2}},
              THIRD_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"value_births_and_eras", 3, set_up, fibre, judge, 3, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}},
              THIRD_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"exact", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{REPLACE_EXACT, 2, .expected = 1}, {REMOVE, 2}},
              SECOND_FIBRE{{PUT, 2}, {REPLACE_EXACT, 2, .expected = 1}, {PUT_IF_PRESENT, 2}})},
    {"pops", 2, set_up, fibre, judge, 3, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2, 2}, {PUT, 3}}, FIRST_FIBRE{{POP_FIRST}, {POP_LAST}},
              SECOND_FIBRE{{PUT, 1}, {PUT, 2}, {POP_FIRST}})},
    {"pops_of_one", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2, TALL}}, FIRST_FIBRE{{POP_LAST}, {PUT, 3}},
              SECOND_FIBRE{{POP_FIRST}, {PUT, 2, 2}}, THIRD_FIBRE{{PUT, 4, 2}, {POP_LAST}})},
    {"pops_undecided", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{POP_LAST}},
              SECOND_FIBRE{{PUT, 4, 2}, {POP_FIRST}}, THIRD_FIBRE{{PUT, 1, 2}, {REMOVE, 3}})},
    {"tower_and_removal", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 4, 2}, {PUT, 4, TALL}, {REMOVE, 4}},
              FIRST_FIBRE{{PUT, 2, TALL}}, SECOND_FIBRE{{REMOVE, 2}})},
    {"tower_removal_tower", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 4, TALL}}, FIRST_FIBRE{{PUT, 2, TALL}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2, TALL}}, THIRD_FIBRE{{PUT, 3, TALL}, {REMOVE, 3}})},
    {"neighbours_die", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 3}},
              FIRST_FIBRE{{REMOVE, 1}, {REMOVE, 2}, {REMOVE, 3}},
              SECOND_FIBRE{{GET, 2}, {GET, 3}})},
    /* A search stands on key 1's upper level while 1 gets a young successor and both die. */
    {"predecessor_dies", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 4}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{PUT, 4}, {PUT, 2}, {REMOVE, 1}}, THIRD_FIBRE{{REMOVE, 2}})},
    {"both_ends", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{FIRST}, {LAST}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 1}, {REMOVE, 3}})},
    {"floor_ceiling", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{FLOOR, 3}, {CEILING, 2}},
              SECOND_FIBRE{{REMOVE, 3}, {REMOVE, 2}, {PUT, 3}})},
    {"lower_higher", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{LOWER, 3}, {HIGHER, 1}},
              SECOND_FIBRE{{PUT, 4}, {REMOVE, 2}, {REMOVE, 3}})},
    /* Found by the explorer: the key was the right one before key 2 came, the value one from after. */
    {"neighbour_changes", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 3}}, FIRST_FIBRE{{HIGHER, 1}, {LAST}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 3}, {PUT, 4}})},
    {"scans", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 4}},
              FIRST_FIBRE{{SCAN_UP}, {SCAN_DOWN, 3}},
              SECOND_FIBRE{{PUT, 3}, {REMOVE, 2}, {REMOVE, 4}})},
    {"scan_down_loses_its_bound", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{SCAN_DOWN, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    {"compared_keys", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COMPARED, BEFORE{{PUT, 1}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2, 2}, {REMOVE, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    {"undecided_keys", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1}, {PUT, 3, 2}}, FIRST_FIBRE{{PUT, 2, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}})},
    {"hint_get_remove", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2, .grow = true}, {PUT, 3, .grow = true}, {PUT, 2}},
              FIRST_FIBRE{{GET, 2}, {GET, 2}}, SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}},
              THIRD_FIBRE{{PUT, 2}})},
    {"hint_growth", 2, set_up, fibre, judge, 3, 0, 300,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2, .grow = true}, {PUT, 3, .grow = true}},
              FIRST_FIBRE{{GET, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT, 4, .grow = true}, {REMOVE, 2}, {REMOVE, 3}})},
    {"hint_refresh", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 4, .grow = true}},
              FIRST_FIBRE{{GET, 2}, {GET, 2}}, SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}})},
    {"hint_growth_and_removal", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 2, .grow = true}, {PUT, 3, .grow = true}},
              FIRST_FIBRE{{GET, 2}, {GET, 3}}, SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 3}},
              THIRD_FIBRE{{PUT, 4, .grow = true}, {PUT, 4, .grow = true}})},
    {"hint_to_a_young_node", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 3, .grow = true}}, FIRST_FIBRE{{GET, 2}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 2}, {REMOVE, 2}})},
    {"hint_in_an_old_table", 3, set_up, fibre, judge, 3, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 3, .grow = true}, {GET, 1}},
              FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}, {PUT, 2}, {REMOVE, 2}},
              THIRD_FIBRE{{PUT, 4, .grow = true}})},
    {"clear", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.hashed = true, .keys = COUNTED,
              BEFORE{{PUT, 2, TALL}, {PUT, 3, .grow = true}, {GET, 2}}, FIRST_FIBRE{{CLEAR}},
              SECOND_FIBRE{{PUT, 2, 2}, {REMOVE, 3}}, THIRD_FIBRE{{GET, 2}, {PUT, 4, TALL}})},
    /* What has put the new table in place must not look at it any more. */
    {"hint_growth_and_clear", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.hashed = true, .behind = true, BEFORE{{PUT, 2}, {PUT, 3}},
              FIRST_FIBRE{{PUT, 4, .grow = true}}, SECOND_FIBRE{{CLEAR}})},
    {"anything", 3, set_up_anything, fibre, judge, 0, 0, 1000, SCENARIO(.keys = DIGESTS)},
    {"anything_hinted", 3, set_up_anything, fibre, judge, 0, 0, 1000,
     SCENARIO(.keys = COUNTED, .hashed = true)},
    {"anything_compared", 3, set_up_anything, fibre, judge, 0, 0, 300,
     SCENARIO(.keys = COMPARED, .hashed = true)},
    {"anything_undecided", 3, set_up_anything, fibre, judge, 0, 0, 500,
     SCENARIO(.keys = UNDECIDED)},
    {"anything_undecided_hinted", 3, set_up_anything, fibre, judge, 0, 0, 500,
     SCENARIO(.keys = UNDECIDED, .hashed = true)},
};

/* For debra alone: somebody is in the middle of something while others retire enough to interrupt it. */
static const sched_program programs_of_debra[] = {
    {"interrupted_scan", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{SCAN_UP}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_scan_down", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{SCAN_DOWN, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 1}, {PUT, 1}})},
    {"interrupted_clear", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{CLEAR}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 3}, {REMOVE, 2}})},
    {"interrupted_get", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}, {REMOVE, 2}})},
    {"interrupted_put_if_absent", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT_IF_ABSENT, 2}, {PUT_IF_ABSENT, 3}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}, {PUT, 3}})},
    {"interrupted_put", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT_IF_PRESENT, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_exact", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REPLACE_EXACT, 2, .expected = 1}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_tower", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3, TALL}},
              SECOND_FIBRE{{REMOVE, 1}, {PUT, 4}, {PUT, 4}})},
    {"twice_interrupted_tower", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 2, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}, {PUT, 4}})},
    {"interrupted_comparison", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}, {REMOVE, 3}})},
    {"interrupted_removal_by_asking", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_question_of_a_tower", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{PUT, 4, TALL}},
              SECOND_FIBRE{{PUT, 2, 2}, {REMOVE, 4}},
              THIRD_FIBRE{{REMOVE, 3}, {PUT, 1}, {PUT, 1}})},
    {"interrupted_question", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"interrupted_insertion", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 3, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 2, TALL}},
              SECOND_FIBRE{{REMOVE, 1}, {REMOVE, 3}}, THIRD_FIBRE{{PUT, 4}, {PUT, 4}})},
    {"interrupted_removal", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 3}},
              FIRST_FIBRE{{REMOVE, 2}, {REMOVE, 1}}, SECOND_FIBRE{{GET, 2}, {FLOOR, 2}},
              THIRD_FIBRE{{PUT, 3}, {PUT, 3}, {PUT, 3}})},
};

enum {
    OF_IBR = sizeof programs_of_ibr / sizeof *programs_of_ibr,
    OF_DEBRA = sizeof programs_of_debra / sizeof *programs_of_debra
};

int main(int argc, char **argv) {
    static sched_program programs[2 * OF_IBR + OF_DEBRA];
    static char names[OF_IBR + OF_DEBRA][64];
    memcpy(programs, programs_of_ibr, sizeof programs_of_ibr);
#if CC_HAS_INTERRUPTS
    for (unsigned i = 0; i < OF_IBR + OF_DEBRA; i++) {
        sched_program *p = &programs[OF_IBR + i];
        *p = i < OF_IBR ? programs_of_ibr[i] : programs_of_debra[i - OF_IBR];
        snprintf(names[i], sizeof names[i], "%s_debra", p->name);
        p->name = names[i];
        p->set_up = p->set_up == set_up ? set_up_under_debra : set_up_anything_under_debra;
    }
    return sched_main(argc, argv, programs, 2 * OF_IBR + OF_DEBRA);
#else
    (void)names;
    return sched_main(argc, argv, programs, OF_IBR);
#endif
}
