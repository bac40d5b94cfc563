/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Gets that sleep while others go once or twice around the ring, on whole queues of every kind that
 * is made of rings. Each order of steps takes three or four threads and dozens of steps, so that
 * the explorer (schedules/) does not come upon it; here it is written down but for the places where
 * the sleepers sleep, all of which are tried. Broken rings lose a word then: tests/c/mutations
 * shows them to this test.
 */
#include "queue_kinds.h"
#include "queue_orders.h"

enum { MAIN, SLOW_GET, LATER_GET, SLOW_PUT, HANDLES, MOST_STEPS = 20, SLOTS = 4 };

/* Where the sleepers sleep: before the steps with these numbers. */
typedef struct places {
    int64_t get, later, put;
    int once, again; /* pairs of a put and a get that take MAIN around the ring, and around again */
} places;

static void go_around(int pairs) {
    for (int i = 0; i < pairs; i++) {
        do_whole(MAIN, Q_PUT);
        do_whole(MAIN, Q_GET);
    }
}

static void begin_and_sleep(int who, queue_operation_name operation, int64_t until) {
    order(who, operation);
    go_on(who, until);
}

static void wake(int who) {
    go_on(who, INT64_MAX);
}

/* The slow get sleeps with its ticket. A put draws the ticket for the same entry one round later,
 * and sleeps. The get with that ticket finds the word of the slow one and marks the entry. Now the
 * slow get takes its word and empties the entry: the mark has to stay, and has to keep the put
 * off. */
static void one_round(const places *p) {
    do_whole(MAIN, Q_PUT);
    begin_and_sleep(SLOW_GET, Q_GET, p->get);
    go_around(p->once);
    begin_and_sleep(SLOW_PUT, Q_PUT, p->put);
    do_whole(MAIN, Q_GET);
    wake(SLOW_GET);
    wake(SLOW_PUT);
}

/* The same with a second slow get, whose ticket is one round later, and the put two rounds later:
 * the second get finds the entry emptied and moves it on to its own round, and the mark has to stay
 * even so. */
static void two_rounds(const places *p) {
    do_whole(MAIN, Q_PUT);
    begin_and_sleep(SLOW_GET, Q_GET, p->get);
    go_around(p->once);
    do_whole(MAIN, Q_PUT);
    begin_and_sleep(LATER_GET, Q_GET, p->later);
    do_whole(MAIN, Q_GET);
    go_around(p->again);
    begin_and_sleep(SLOW_PUT, Q_PUT, p->put);
    do_whole(MAIN, Q_GET);
    wake(SLOW_GET);
    wake(LATER_GET);
    wake(SLOW_PUT);
}

/* The entry is marked in the first round, and emptied. In the second a put comes in time, so that
 * it may use the marked entry, and sleeps before it does. The get with its ticket reads the mark,
 * sleeps, and reads the rest after the put: the mark is an old one, and says nothing about the
 * word. */
static void marked_before(const places *p) {
    do_whole(MAIN, Q_PUT);
    begin_and_sleep(SLOW_GET, Q_GET, p->get);
    go_around(p->once);
    wake(SLOW_GET);
    go_around(p->again);
    begin_and_sleep(SLOW_PUT, Q_PUT, p->put);
    begin_and_sleep(LATER_GET, Q_GET, p->later);
    wake(SLOW_PUT);
    wake(LATER_GET);
}

/* A later get finds no word when it looks first, and may take up to three more steps than the slow
 * one to get as far. */
static void try_everywhere(const queue_kind *kind, void (*carry_out)(const places *p), places p,
                           int64_t most_later, size_t capacity) {
    cc_queue_options options = {
        .capacity = capacity, .ring_slots = SLOTS, .spins = 1, .patience = 17};
    int64_t tried = 0;
    for (p.get = 1; p.get <= MOST_STEPS; p.get++) {
        for (p.later = p.get; p.later <= p.get + most_later; p.later++) {
            for (p.put = 1; p.put <= MOST_STEPS; p.put++) {
                begin_orders(kind->kind, &options, HANDLES);
                carry_out(&p);
                tried++;
                if (!is_explained(capacity)) {
                    fprintf(stderr, "%s, get %d, later get %d, put %d\n", kind->name, (int)p.get,
                            (int)p.later, (int)p.put);
                    print_queue_history(stderr, ops, op_count, capacity);
                    CHECK(!"no order of the operations explains their answers");
                }
            }
        }
    }
    printf("    %-9s %s %5" PRId64 " orders\n", kind->name, capacity ? "bounded,  " : "unbounded,",
           tried);
}

static void test_kind(const queue_kind *kind) {
    /* Tickets for one entry are so far apart. A pair takes one ticket, the first pair of a round
     * that finds the entry occupied two. */
    bool is_index_ring = kind->kind != CC_QUEUE_LCRQ && kind->kind != CC_QUEUE_FAA;
    int round = is_index_ring ? 2 * SLOTS : SLOTS;
    /* A bound makes a difference to the rings of wCQ only. */
    size_t most = kind->kind == CC_QUEUE_WAIT_FREE ? SLOTS : 0;
    if (kind->kind == CC_QUEUE_CRTURN) {
        return; /* no rings */
    }
    for (size_t capacity = 0; capacity <= most; capacity += SLOTS) {
        try_everywhere(kind, one_round, (places){.once = round - 1}, 0, capacity);
        try_everywhere(kind, two_rounds, (places){.once = round - 1, .again = round - 2}, 3,
                       capacity);
        try_everywhere(kind, marked_before, (places){.once = round, .again = round - 2}, 3,
                       capacity);
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
#if CHECK_SANITIZED
    puts("sanitizers do not follow fibres");
    return 0;
#endif
    begin_test("gets that others overtake by a round");
    for_every_kind(test_kind);
    printf("passed\n");
    return 0;
}
