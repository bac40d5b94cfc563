/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Did the operations of a run happen in some order? By brute force, against a sequential map.
 */
#include <stdio.h>
#include <string.h>

#include "sched_skiplist.h"

bool map_answers(unsigned *at, const event *e) {
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
    case SNAPSHOT:
        return memcmp(at, e->contents, sizeof e->contents) == 0;
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

static bool leads_on(const unsigned *at, unsigned done) {
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
        if (may_be_next && map_answers(after, &events[i]) && leads_on(after, done | 1u << i)) {
            return true;
        }
    }
    return false;
}

bool is_linearizable(void) {
    return leads_on(contents_before, 0);
}

void print_events(void) {
    static const char *const names[] = {
        "nothing", "get",          "put",       "put_if_absent", "put_if_present", "replace_exact",
        "remove",  "pop, removal", "pop_first", "pop_last",      "first",          "last",
        "floor",   "ceiling",      "lower",     "higher",        "scan_up",        "scan_down",
        "sample",  "clear",        "append",    "append_three",  "snapshot"};
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
        for (unsigned k = 1; e->done.what == SNAPSHOT && k < KEYS; k++) {
            fprintf(stderr, "              key %u: value %u\n", k, e->contents[k]);
        }
    }
}
