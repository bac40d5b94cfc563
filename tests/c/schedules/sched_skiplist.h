/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A run of a few operations on a skip list: how a program describes it, and what the judge knows of
 * it.
 */
#ifndef CC_SCHED_SKIPLIST_H
#define CC_SCHED_SKIPLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "ordered/ordered.h"
#include "scheduler.h"

#define KEYS 5u /* 1 .. 4 */
#define MOST_OPERATIONS 10u
#define MOST_BEFORE 20u
#define MOST_EVENTS 32u
/* 1 .. for `before`, then fibre by fibre, as the description has them. */
#define MOST_VALUES (1u + MOST_BEFORE + SCHED_MOST_FIBRES * MOST_OPERATIONS)
#define MOST_OPERATIONS_DRAWN 3u
#define MOST_BEFORE_DRAWN 10u

typedef enum what {
    NOTHING,
    GET,
    PUT,
    PUT_IF_ABSENT,
    PUT_IF_PRESENT,
    REPLACE_EXACT,
    REMOVE,
    REMOVE_EXACT, /* also the second half of a pop, for the judge */
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
    SAMPLE, /* of every 4^(height - 1) */
    CLEAR,
    APPEND, /* the key and the next one, with two values */
    APPEND_THREE, /* the key and the next two; the first one's tower is a level higher */
    SNAPSHOT
} what;

/* In the middle of a snapshot: behind the first entries of its walk, or behind its instant, before
 * the content is taken. */
enum { IN_WALK = 1, WHEN_CLOSED };

typedef struct operation {
    uint8_t what, key;
    uint8_t height;       /* of a new node, as far as the list's top allows */
    uint8_t expected;     /* value of REPLACE_EXACT and REMOVE_EXACT */
    bool no_tick; /* of the era when something is published */
    uint8_t when; /* who takes the snapshot before it does it in the middle of that */
} operation;

typedef enum key_style {
    DIGESTS, /* a key is its digest */
    COUNTED, /* a key is a counted word beside a digest */
    COMPARED, /* all digests are equal, and the words tell the order */
    UNDECIDED, /* ... but only outside of regions */
    PREFIXED /* a digest is one bit of a word's number: the first, or one after what is shared */
} key_style;

typedef struct scenario {
    key_style keys;
    bool hashed, behind; /* behind: sched_points_behind */
    bool
        first_stops; /* sched_only_first_is_preempted; under IBR, too, what is retired is freed at once */
    bool beside_snapshot; /* what is drawn */
    operation before[MOST_BEFORE]; /* by one thread, before the others start */
    operation by[SCHED_MOST_FIBRES][MOST_OPERATIONS];
} scenario;

typedef struct event {
    operation done;
    unsigned value; /* what it wanted to store */
    cc_status status;
    unsigned got_key, got; /* what it returned: a key, a value */
    unsigned contents[KEYS]; /* of a snapshot */
    uint64_t began, ended;
} event;

/* The container; the program says which, and what its clear is like. */
extern const cc_ordered_operations *tested_operations;
extern const bool tested_clear_is_atomic;

extern scenario now; /* the running one; a copy, since some are drawn at random */
extern event events[MOST_EVENTS];
extern unsigned event_count;
/* Of each key: the value's number, 0 for none. */
extern unsigned contents_before[KEYS], contents_after[KEYS];

/* Fill the list as `now` says. */
void begin(void);
/* Before that: the next container is one of CC_SMR_DEBRA. */
void use_debra(void);
/* A run of the program's scenario, as it stands. */
void set_up(void);
void set_up_under_debra(void);
/* A value that a program which is drawn may store. */
unsigned any_value(void);
void fibre(unsigned who);
const char *judge(void);

/* Does the sequential map in `at` answer as e did? Changes `at`. */
bool map_answers(unsigned *at, const event *e);

/* Is there an order of the events that leads from contents_before to contents_after? */
bool is_linearizable(void);

void print_events(void);

#endif
