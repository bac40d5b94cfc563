/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is a wait-free queue wait-free? Threads are fibres here, every atomic access is a step, and an
 * adversary decides who takes the next one. Its victim is fibre 0. However it schedules, each of
 * the victim's operations must end within a number of steps of its own that is said beforehand, as
 * a function of the threads and the queue's size.
 *
 *   starve N   the victim takes one step for every N steps of the others, who take theirs at random
 *   spoil      the victim goes on until it is about to swap or add; then some other fibre completes
 *              a whole operation, so that what the victim has read is likely to be old
 *   freeze     every other fibre takes a random number of steps and never another one: the victim
 *              finds them in the middle of their operations, and their requests half done
 *
 * In the second half the last fibre closes the queue after a while.
 *
 * It bites: without help the victim of `spoil` never ends (tests/c/mutations/nobody_helps.patch).
 *
 *   test_wait_free --show      prints the most steps that each adversary has achieved, and the
 *                              bound
 */
#include "queue_kinds.h"

#include "fibres.h"
#include "sync/handles.h"

typedef enum adversary { STARVE, SPOIL, FREEZE, ADVERSARIES } adversary;
static const char *const adversary_names[] = {"starve", "spoil", "freeze"};

static struct {
    int64_t operations; /* done */
    int64_t left;       /* freeze: steps until it stands still */
} work[MOST_FIBRES];
static int fibre_count;
static bool closes; /* the last fibre closes the queue some day */
static int64_t closed_queues;
static cc_queue *queue;
static rng chance;
static int64_t most_steps;

/* ---------------------------------------------------------------- what fibres do */

static void put_and_get_for_ever(void) {
    for (uintptr_t word = 1;; word++) {
        int me = current;
        uintptr_t out;
        fibres[me].steps = 0;
        if (closes && me == fibre_count - 1 && work[me].operations > 2 && !rng_below(&chance, 4)) {
            cc_queue_close(queue);
        } else if (rng_below(&chance, 2)) {
            CHECK(cc_queue_put(queue, word) != CC_QUEUE_NO_MEMORY);
        } else {
            CHECK(cc_queue_get(queue, &out) != CC_QUEUE_NO_MEMORY);
        }
        if (me == 0 && fibres[0].steps > most_steps && work[0].operations > 0) {
            most_steps = fibres[0].steps; /* the first one joins, and is not wait-free */
        }
        work[me].operations++;
    }
}

/* ---------------------------------------------------------------- adversaries */

static void one_of_the_others(void) {
    run_fibre(1 + (int)rng_below(&chance, fibre_count - 1));
}

/* Let the victim make `operations` operations; false if one takes more steps than `bound`. */
static bool torment(adversary how, int64_t pressure, int64_t operations, int64_t bound) {
    int64_t until = work[0].operations + operations;
    int64_t others_left = 0;
    for (int i = 1; i < fibre_count; i++) {
        work[i].left = rng_below(&chance, 200);
    }
    while (work[0].operations < until) {
        if (fibres[0].steps > bound) {
            return false;
        }
        switch (how) {
        case STARVE:
            for (int64_t i = 0; i < pressure; i++) {
                one_of_the_others();
            }
            break;
        case SPOIL:
            if (fibres[0].will_change_memory) {
                int who = 1 + (int)rng_below(&chance, fibre_count - 1);
                int64_t done = work[who].operations + 1 + rng_below(&chance, pressure);
                for (int64_t i = 0; i < bound && work[who].operations < done; i++) {
                    run_fibre(who);
                }
            }
            break;
        default:
            others_left = 0;
            for (int i = 1; i < fibre_count; i++) {
                others_left += work[i].left;
            }
            while (others_left > 0) {
                int who = 1 + (int)rng_below(&chance, fibre_count - 1);
                if (work[who].left > 0) {
                    work[who].left--;
                    others_left--;
                    run_fibre(who);
                }
            }
        }
        run_fibre(0);
    }
    return true;
}

/* ---------------------------------------------------------------- bounds */

/* csrc/queue/wcq_ring.h says where it comes from. */
static int64_t bound_of_wcq(int64_t threads, int64_t slots, int64_t patience) {
    return 32 * threads * threads * WCQ_HELP_EVERY * (patience + 2 * slots + 2 * threads);
}

/* csrc/queue/crturn.c: 2k + 2 rounds of at most 4k + 24 steps, and a look at 4k hazards for each of
 * 4k + 32 nodes. */
static int64_t bound_of_crturn(int64_t threads) {
    return (2 * threads + 2) * (4 * threads + 24) + (4 * threads + 32) * (6 * threads + 1) + 32;
}

/* The most steps that have been seen with so many threads, whatever the capacity, patience and
 * adversary. The bounds above are far from that: an operation that takes several times as long as
 * it did is worth a look, though no promise is broken. */
static int64_t seen_with(cc_queue_kind kind, int threads) {
    static const int64_t wcq[] = {130, 140, 150, 270}, crturn[] = {75, 105, 130, 230};
    int column = threads == 8 ? 3 : threads - 2;
    return kind == CC_QUEUE_CRTURN ? crturn[column] : wcq[column];
}

static void finish_all_operations(void) {
    for (int i = 0; i < fibre_count; i++) {
        for (int64_t done = work[i].operations; work[i].operations == done;) {
            run_fibre(i);
        }
    }
}

enum { MORE_THAN_SEEN = 3 };

static bool is_bounded(cc_queue_kind kind, int threads, size_t capacity, uint32_t patience,
                       int64_t operations, int64_t bound, bool show) {
    static const int64_t pressures[] = {1, 4, 40};
    bool ends = true;
    for (int how = 0; how < ADVERSARIES && ends; how++) {
        int64_t worst = 0;
        for (size_t p = 0; p < 3 && ends; p++) {
            int seeds = how == FREEZE ? 20 : closes ? 6 : 2;
            for (int seed = 0; seed < seeds && ends; seed++) {
                /* CRTurn without a bound: its credits would be queue.c's, and those are
                 * lock-free. */
                queue = cc_queue_new(
                    kind, &(cc_queue_options){
                              .capacity = capacity, .patience = patience + 1, .spins = 1});
                CHECK(queue);
                chance = rng_from((uint64_t)seed * 8 + p);
                fibre_count = threads;
                memset(work, 0, sizeof work);
                begin_fibres(threads, put_and_get_for_ever);
                most_steps = 0;
                for (int i = 0; i < threads; i++) { /* all join */
                    while (work[i].operations < 2) {
                        run_fibre(i);
                    }
                }
                ends = torment(how, pressures[p], how == FREEZE ? 5 : operations, bound);
                worst = most_steps > worst ? most_steps : worst;
                if (ends) {
                    CHECK(most_steps <= bound);
                    finish_all_operations(); /* none is half done when a queue is freed */
                }
                closed_queues += cc_queue_is_closed(queue);
                cc_queue_free(queue, NULL);
            }
        }
        if (show || !ends || worst > MORE_THAN_SEEN * seen_with(kind, threads)) {
            printf("  %-10s %d threads, capacity %zu, patience %2u, %-6s%s: ",
                   kind == CC_QUEUE_CRTURN ? "crturn" : "wcq", threads, capacity, patience,
                   adversary_names[how], closes ? ", closing" : "");
            if (ends) {
                printf("%4" PRId64 " steps of %" PRId64 "\n", worst, bound);
            } else {
                printf("more than %" PRId64 " steps\n", bound);
            }
        }
        CHECK(worst <= MORE_THAN_SEEN * seen_with(kind, threads));
    }
    return ends;
}

int main(int argc, char **argv) {
    bool show = argc > 1 && strcmp(argv[1], "--show") == 0;
#if CHECK_SANITIZED
    puts("sanitizers do not follow fibres");
    return 0;
#endif
    static const int crowds[] = {2, 3, 4, 8};
    static const size_t capacities[] = {1, 2, 4, 16};
    static const uint32_t patiences[] = {0, 1, 16};
    for (size_t t = 0; t < 8; t++) {
        closes = t >= 4;
        begin_test(closes ? "the same while somebody closes the queue"
                          : "each operation ends within its bound");
        int threads = crowds[t % 4];
        int64_t operations = closes ? 8 : scaled(30);
        /* A get beside a close looks up to four times, a put gives its index back. */
        int64_t times = closes ? 4 : 1;
        CHECK(is_bounded(CC_QUEUE_CRTURN, threads, 0, 0, operations,
                         times * bound_of_crturn(threads), show));
        for (size_t c = 0; c < 4 && cc_queue_kind_is_available(CC_QUEUE_LCRQ); c++) {
            for (size_t p = 0; p < 3; p++) {
                int64_t bound =
                    times * bound_of_wcq(threads, 2 * (int64_t)capacities[c], patiences[p]);
                CHECK(is_bounded(CC_QUEUE_WAIT_FREE, threads, capacities[c], patiences[p],
                                 operations, bound, show));
            }
        }
    }
    printf("    %" PRId64 " queues were closed\n", closed_queues);
    CHECK(closed_queues > 0);
    puts("passed");
    return 0;
}
