/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Limbo belongs to the container (striped), not to the thread: any thread's next operation on the
 * container may drain it, so a thread that goes idle does not keep references alive.
 *
 * A retirement first looks whether any open region could have seen the thing, and if not releases
 * it on the spot: Python programmers expect objects to die promptly. Else it is pushed to its
 * stripe, and a scan compares all that waits there with a snapshot of the reservations. What the
 * scan finds free goes to `ready`, and is released a few at a time.
 *
 * When a stripe is scanned. By a retirement, when `scan_at` things wait in it, or when
 * BYTES_WORTH_A_SCAN bytes have come since the last scan; and by polls. What a scan must keep is
 * pinned, perhaps for long, and operations must not get slower the longer somebody else is stalled.
 * So the next scan by a retirement comes when there is half as much new, of things and of bytes
 * (few things may be large), and polls skip the stripe in proportion to what was kept
 * (`polls_to_skip`). One debt that retirements and polls both pay has been tried in place of the
 * two: retirements then scan at twice what was kept, or polls of few things scan every time, and a
 * poll that overwrites a newer debt puts off retirements, too.
 *
 * Pairs of releases and acquires, by number:
 *   (7) unlinking, before the look   with (5) of smr_fast.h and (8) of ibr.c: store-load on both
 *       sides.
 *   (9) push to limbo                with the exchange that takes it.
 */
#include "limbo.h"

#include "debra.h"
#include "ibr.h"

/* With more threads than this a retirement does not look at them all; it waits for a scan, which
 * shares the look among many. */
#ifndef THREADS_WORTH_A_LOOK
#define THREADS_WORTH_A_LOOK 64u
#endif
/* A poll may look at this many things that a stalled region pins, in the mean. */
#ifndef KEPT_THINGS_PER_POLL
#define KEPT_THINGS_PER_POLL 16u
#endif

/* A chain of retired things with its end. */
typedef struct chain {
    cc_retired *first, *last;
    uint32_t count;
    uint64_t bytes;
} chain;

static void append(chain *c, cc_retired *r) {
    r->next = NULL;
    if (c->last) {
        c->last->next = r;
    } else {
        c->first = r;
    }
    c->last = r;
    c->count++;
    c->bytes += r->bytes;
}

/* Move what no open region saw from `waiting` to the end of `free`. Returns -1 without memory to
 * look. */
static int split_by_reservations(cc_smr_domain *d, chain *waiting, chain *free) {
    cc_reservation_snapshot s;
    /* (7) Store-load: everything in the chain was unlinked before it was pushed; reservations that
     * matter are visible to the loads after this fence. */
    cc_fence_seq_cst(&d->era);
    if (cc_take_snapshot(d, &s)) {
        return -1;
    }
    cc_retired *r = waiting->first;
    *waiting = (chain){NULL, NULL, 0, 0};
    while (r) {
        cc_retired *next = r->next;
        append(cc_is_reserved_in(&s, r) ? waiting : free, r);
        r = next;
    }
    cc_drop_snapshot(&s);
    return 0;
}

/* When the youngest died that has n younger ones behind it. Not the oldest of all: that may be
 * something that a neutralized thread holds. */
static uint64_t death_before_the_last(const chain *c, uint32_t n) {
    const cc_retired *r = c->first;
    for (uint32_t i = n + 1; i < c->count; i++) {
        r = r->next;
    }
    return r->died;
}

/* The same by bytes: of those with n bytes behind them. False when there is none: then one large
 * thing is most of what waits, and perhaps held. */
static bool find_death_before_bytes(const chain *c, uint64_t n, uint64_t *died) {
    uint64_t behind = c->bytes;
    bool found = false;
    for (const cc_retired *r = c->first; r && behind - r->bytes >= n; r = r->next) {
        behind -= r->bytes;
        *died = r->died;
        found = true;
    }
    return found;
}

/* Compare one stripe's limbo with the open regions. What none of them saw is ready, oldest first,
 * and at most `most` of it is released. */
static void scan_stripe(cc_smr_domain *d, cc_limbo *s, cc_thread *self, size_t most) {
    if (!cc_load_relaxed_uptr(&s->waiting)) {
        return;
    }
    cc_retired *newest_first =
        (cc_retired *)cc_exchange_acq_rel_uptr(&s->waiting, 0); /* pairs with (9) */
    if (!newest_first) {
        return;
    }
    cc_count(&self->scans, 1);
    cc_store_relaxed_u64(&s->bytes_left, BYTES_WORTH_A_SCAN);
    chain waiting = {NULL, newest_first, 0, 0}, free = {NULL, NULL, 0, 0};
    while (newest_first) { /* oldest first: so they are released, and so their ages are known */
        cc_retired *next = newest_first->next;
        newest_first->next = waiting.first;
        waiting.first = newest_first;
        waiting.count++;
        waiting.bytes += newest_first->bytes;
        newest_first = next;
    }
    uint32_t threshold = cc_load_relaxed_u32(&cc_smr_settings.retire_threshold);
    bool looked = split_by_reservations(d, &waiting, &free) == 0;
    if (d->scheme == CC_SMR_DEBRA) {
        /* Regions that open from now on cannot be taken for such that saw what is waiting. */
        cc_fetch_add_seq_cst_u64(&d->era, 1);
        while (looked && waiting.count >= 2 * threshold &&
               cc_neutralize_older_than(d, self, death_before_the_last(&waiting, threshold))) {
            looked = split_by_reservations(d, &waiting, &free) == 0;
        }
        uint64_t died;
        while (looked && waiting.bytes >= 2 * BYTES_WORTH_A_SCAN &&
               find_death_before_bytes(&waiting, BYTES_WORTH_A_SCAN, &died) &&
               cc_neutralize_older_than(d, self, died)) {
            looked = split_by_reservations(d, &waiting, &free) == 0;
        }
    }
    if (waiting.first) {
        chain oldest_first = waiting;
        cc_retired *r = oldest_first.first, *newest = NULL;
        while (r) { /* the list's order is newest first */
            cc_retired *next = r->next;
            r->next = newest;
            newest = r;
            r = next;
        }
        cc_push_retired(&s->waiting, newest, oldest_first.first);
    }
    if (free.first) {
        cc_fetch_add_relaxed_u32(&s->ready_count, free.count);
        cc_push_retired(&s->ready, free.first, free.last);
    }
    cc_fetch_add_relaxed_u32(&s->limbo_count, 0u - free.count);
    if (!looked) {
        return; /* no memory to look: everything waits for the next scan */
    }
    /* Look again when there is enough new to pay for it. */
    uint32_t kept = waiting.count;
    cc_store_relaxed_u32(&s->scan_at, kept + (kept / 2 > threshold ? kept / 2 : threshold));
    cc_store_relaxed_u32(&s->polls_to_skip, kept / KEPT_THINGS_PER_POLL);
    if (waiting.bytes / 2 > BYTES_WORTH_A_SCAN) {
        cc_fetch_add_relaxed_u64(&s->bytes_left, waiting.bytes / 2 - BYTES_WORTH_A_SCAN);
    }
    cc_release_ready(s, self, most);
}

/* Returns whether the stripe is worth a scan. */
static bool add_to_limbo(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                         unsigned kind, uint64_t birth, uint64_t died, size_t bytes) {
    *r = (cc_retired){NULL, d->release, d->context, word, birth, died, (uint32_t)bytes, kind};
    cc_limbo *s = cc_limbo_of(d, self);
    cc_push_retired(&s->waiting, r, r); /* r is anybody's from here on */
    cc_fetch_add_relaxed_u64(&s->limbo_bytes, (uint32_t)bytes);
    cc_note_that_something_waits();
    uint32_t waiting = cc_fetch_add_relaxed_u32(&s->limbo_count, 1) + 1;
    if (bytes) {
        uint64_t left = cc_fetch_add_relaxed_u64(&s->bytes_left, 0u - (uint64_t)(uint32_t)bytes);
        if ((int64_t)(left - (uint32_t)bytes) <= 0) {
            /* Where the caller cannot scan, a poll does. */
            cc_store_relaxed_u32(&s->polls_to_skip, 0);
            return true;
        }
    }
    return waiting >= cc_load_relaxed_u32(&s->scan_at);
}

/* For benchmarks/smr_cost.py: regions then do not say that they are open. */
#if defined(CC_SMR_NONE)
#define NOTHING_IS_FREED true
#else
#define NOTHING_IS_FREED false
#endif

void cc_retire_to_limbo(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                        unsigned kind, uint64_t birth, size_t bytes) {
    if (NOTHING_IS_FREED) {
        cc_keep_spare(self, r);
        return;
    }
    cc_fence_seq_cst(&d->era); /* as in cc_retire: the era of death is read after the unlinking */
    cc_count(&self->retired, 1);
    add_to_limbo(d, self, r, word, kind, birth, cc_load_seq_cst_u64(&d->era), bytes);
}

/* False: some region may have seen the thing, or there are too many threads to look. */
static inline bool look_for_regions(cc_smr_domain *d, uintptr_t word, uint64_t birth,
                                    uint64_t *died) {
    /* (7) Store-load: the unlinking must be visible before we look for regions, and the era of
     * death must be read after the unlinking. */
    cc_fence_seq_cst(&d->era);
    *died = cc_load_seq_cst_u64(&d->era);
    return cc_thread_users() <= THREADS_WORTH_A_LOOK && !cc_any_region_saw(d, word, birth, *died);
}

bool cc_nobody_sees(cc_smr_domain *d, uintptr_t word, uint64_t birth) {
    uint64_t died;
    return !NOTHING_IS_FREED && look_for_regions(d, word, birth, &died);
}

void cc_retire(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word, unsigned kind,
               uint64_t birth, size_t bytes) {
    CC_INVARIANT(cc_load_relaxed_u64(&self->lower) == CC_ERA_IDLE);
    if (NOTHING_IS_FREED) {
        cc_keep_spare(self, r);
        return;
    }
    uint64_t died;
    bool nobody_sees_it = look_for_regions(d, word, birth, &died);
    cc_count(&self->retired, 1);
    if (nobody_sees_it) {
        cc_release_or_put_off(d, self, r, word, kind, bytes);
        return;
    }
    if (add_to_limbo(d, self, r, word, kind, birth, died, bytes)) {
        scan_stripe(d, cc_limbo_of(d, self), self,
                    cc_load_relaxed_u32(&cc_smr_settings.max_reclaim_per_poll));
    }
}

static void poll_stripe(cc_smr_domain *d, cc_limbo *s, cc_thread *self, size_t most) {
    cc_release_ready(s, self, most); /* every poll, so that releasing keeps up with retiring */
    uint32_t skip = cc_load_relaxed_u32(&s->polls_to_skip);
    if (skip) {
        cc_store_relaxed_u32(&s->polls_to_skip, skip - 1); /* a lost update costs one poll */
        return;
    }
    scan_stripe(d, s, self, most);
}

void cc_poll_now(cc_smr_domain *d, cc_thread *self) {
    size_t most = cc_load_relaxed_u32(&cc_smr_settings.max_reclaim_per_poll);
    poll_stripe(d, cc_limbo_of(d, self), self, most);
    /* Now and then somebody else's stripe: its threads may have gone to sleep. */
    uint32_t turn = self->operations / CC_OPERATIONS_PER_POLL;
    if (d->stripe_mask && turn % 8 == 0) {
        poll_stripe(d, &d->stripes[turn / 8 & d->stripe_mask].limbo, self, most);
    }
}

size_t cc_smr_limbo_count(const cc_smr_domain *domain) {
    int64_t n = 0;
    for (uint32_t i = 0; i <= domain->stripe_mask; i++) {
        const cc_limbo *s = &domain->stripes[i].limbo;
        /* For a moment less than nothing: a thing is counted after it is pushed, and may be gone by
         * then. */
        n += (int32_t)(cc_load_relaxed_u32(&s->limbo_count) + cc_load_relaxed_u32(&s->ready_count));
    }
    return n > 0 ? (size_t)n : 0;
}

cc_retired *cc_take_releasable(cc_smr_domain *d, cc_thread *self) {
    cc_retired *all = NULL;
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        scan_stripe(d, &d->stripes[i].limbo, self, 0);
        cc_retired *found = cc_take_ready(&d->stripes[i].limbo, SIZE_MAX);
        if (found) {
            cc_last_retired(found)->next = all;
            all = found;
        }
    }
    return all;
}

size_t cc_smr_flush(cc_smr_domain *domain) {
    cc_thread *self = cc_thread_self();
    for (uint32_t i = 0; self && i <= domain->stripe_mask; i++) {
        scan_stripe(domain, &domain->stripes[i].limbo, self, SIZE_MAX);
        cc_release_ready(&domain->stripes[i].limbo, self, SIZE_MAX);
    }
    return cc_smr_limbo_count(domain);
}
