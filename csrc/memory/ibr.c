/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interval-based reclamation (2GE-IBR) after Wen, Izraelevitz, Cai, Beadle and Scott, PPoPP 2018.
 *
 * A domain has a clock, its *era*. A thing lives from its birth (the era when it was made) to its
 * death (the era when it was retired). An open region reserves the eras lower .. upper: lower is
 * the era when it was opened, upper the newest era in which it has read a pointer. A thing is
 * released when no open region of its domain has  lower <= died  and  upper >= birth.
 *
 * Why that is safe. Let a region hold a pointer to x. It read the pointer at some time t from a
 * link that proved x reachable, then read the era and found it equal to its (published) upper end.
 * So birth(x) <= era(t) <= upper. x was retired after t, so died(x) >= era(t) >= lower. Whoever
 * retired x looked at the reservations after unlinking x. Store-load fences on both sides ((5) of
 * smr_fast.h or (8) here, (7) of limbo.c) leave two cases: the scan sees the reservation, and keeps
 * x; or the region's loads come after the unlinking, and it does not find x.
 *
 * Deviations from the paper, and why:
 *   - Clocks, limbo and reservations are per container, not per process: a region on one container
 *     holds nothing back in another; a container that is destroyed frees its garbage at once, since
 *     nobody can be in a region of it; a thread that ends leaves nothing behind.
 *   - Eras advance by publications of nodes *and* of values; see value_slot.h on births.
 *
 * Bound. A region that stalls with the interval [l, u] pins things that were alive at some time in
 * it: what was in the container while the clock showed l .. u, and at either end one thing for each
 * writer that was exchanging it when the clock moved; nothing that is born later. The clock moves
 * on after CC_PUBLICATIONS_PER_ERA publications in the mean.
 *
 * Progress. enter and leave: wait-free. protect repeats while the clock moves on under it, which
 * others' publications do: lock-free.
 *
 * Pairs of releases and acquires, by number:
 *   (3) domain, (4) lower, (5) upper, (6) leave   with the loads in read_reservations, and in
 *       cc_any_region_saw (ibr.h).
 *   (8) a longer reservation                      with (7) of limbo.c: store-load on both sides, as
 *       (5).
 *   (10) .. (13): see debra.c, whose regions are looked at here, too.
 */
#include "ibr.h"

#include <stdlib.h>

#include "cc_alloc.h"

void cc_extend_reservation(cc_smr_guard *g, uint64_t era) {
    cc_thread *self = g->thread;
    /* (8) Store-load, as (5): the word must be read after the longer reservation is visible. */
    cc_publish_u64(&self->upper, era);
    g->upper = era;
}

/* Reads the reservations of all threads on `d`, as far as there is room; the counts say how much
 * there is. */
static void read_reservations(const cc_smr_domain *d, cc_reservation_snapshot *s) {
    s->interval_count = s->held_count = 0;
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        /* Lower before upper, as in the paper. The other order would be as safe: a region that
         * opens, or moves its upper end on, after the first of the two loads has its fence after
         * ours, so it cannot find what is being scanned (checked in tla/smr_ibr.tla and by
         * tests/c/schedules). */
        uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* pairs with (4), (6) */
        if (lower == CC_ERA_IDLE || cc_load_seq_cst_uptr(&t->domain) != (uintptr_t)d) { /* (3) */
            continue;
        }
        if (d->scheme == CC_SMR_DEBRA && cc_is_neutralized(t)) {
            uint32_t n = cc_load_acquire_u32(&t->held_count); /* (11) */
            for (uint32_t i = 0; i < n; i++, s->held_count++) {
                if (s->held_count < s->held_room) {
                    s->held[s->held_count] = cc_load_acquire_uptr(&t->held[i]); /* (11), (12) */
                }
            }
            continue;
        }
        uint64_t upper = cc_load_seq_cst_u64(&t->upper); /* (5), (8) */
        if (s->interval_count < s->interval_room) {
            s->intervals[s->interval_count] = (cc_interval){lower, upper};
        }
        s->interval_count++;
    }
}

static int by_lower_end(const void *a, const void *b) {
    uint64_t x = ((const cc_interval *)a)->lower, y = ((const cc_interval *)b)->lower;
    return x < y ? -1 : x > y;
}

static int by_word(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

void cc_drop_snapshot(cc_reservation_snapshot *s) {
    if (s->intervals != s->first_intervals) {
        cc_free(s->intervals);
    }
    if (s->held != s->first_held) {
        cc_free(s->held);
    }
}

int cc_take_snapshot(const cc_smr_domain *d, cc_reservation_snapshot *s) {
    s->intervals = s->first_intervals;
    s->interval_room = INTERVALS_ON_STACK;
    s->held = s->first_held;
    s->held_room = HELD_ON_STACK;
    for (;;) {
        read_reservations(d, s);
        if (s->interval_count <= s->interval_room && s->held_count <= s->held_room) {
            break;
        }
        uint32_t intervals = s->interval_count + 16, held = s->held_count + 16;
        cc_drop_snapshot(s);
        s->intervals = cc_alloc(intervals * sizeof *s->intervals);
        s->held = cc_alloc(held * sizeof *s->held);
        if (!s->intervals || !s->held) {
            cc_drop_snapshot(s);
            return -1;
        }
        s->interval_room = intervals;
        s->held_room = held;
    }
    qsort(s->held, s->held_count, sizeof *s->held, by_word);
    qsort(s->intervals, s->interval_count, sizeof *s->intervals, by_lower_end);
    for (uint32_t i = 1; i < s->interval_count; i++) {
        if (s->intervals[i].upper < s->intervals[i - 1].upper) {
            s->intervals[i].upper = s->intervals[i - 1].upper;
        }
    }
    return 0;
}

bool cc_is_reserved_in(const cc_reservation_snapshot *s, const cc_retired *r) {
    uint32_t low = 0, high = s->interval_count; /* first cc_interval with lower > died */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (s->intervals[middle].lower <= r->died) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (low > 0 && s->intervals[low - 1].upper >= r->birth) ||
           (s->held_count && bsearch(&r->word, s->held, s->held_count, sizeof *s->held, by_word));
}
