/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interval-based reclamation (2GE-IBR) after Wen, Izraelevitz, Cai, Beadle and Scott, PPoPP 2018.
 *
 * A domain has a clock, its *era*. A thing lives from its birth (the era when it was made) to its
 * death (the era when it was retired). An open region reserves the eras lower .. upper: lower is the
 * era when it was opened, upper the newest era in which it has read a pointer. A thing is released
 * when no open region of its domain has  lower <= died  and  upper >= birth.
 *
 * Why that is safe. Let a region hold a pointer to x. It read the pointer at some time t from a link
 * that proved x reachable, then read the era and found it equal to its (published) upper end. So
 * birth(x) <= era(t) <= upper. x was retired after t, so died(x) >= era(t) >= lower. Whoever retired
 * x looked at the reservations after unlinking x. Store-load fences on both sides ((5) or (8) here,
 * (7) there) leave two cases: the scan sees the reservation, and keeps x; or the region's loads come
 * after the unlinking, and it does not find x.
 *
 * Deviations from the paper, and why:
 *   - Clocks, limbo and reservations are per container, not per process: a region on one container
 *     holds nothing back in another; a container that is destroyed frees its garbage at once, since
 *     nobody can be in a region of it; a thread that ends leaves nothing behind.
 *   - Limbo belongs to the container (striped), not to the thread: any thread's next operation on
 *     the container may drain it, so a thread that goes idle does not keep references alive.
 *   - A retirement first looks whether any open region could have seen the thing, and if not releases
 *     it on the spot: Python programmers expect objects to die promptly.
 *   - Eras advance by publications of nodes *and* of values; see skiplist.c on births of values.
 *
 * Bound. A region that stalls with the interval [l, u] pins things that were alive at some time in
 * it: what was in the container while the clock showed l .. u, and at either end one thing for each
 * writer that was exchanging it when the clock moved; nothing that is born later. The clock moves on after
 * CC_PUBLICATIONS_PER_ERA publications in the mean.
 *
 * Progress. enter, leave, retire's push: wait-free or lock-free. A scan takes a stripe's whole limbo
 * with one exchange; two threads never scan the same things, and nobody waits.
 *
 * Pairs of releases and acquires, by number:
 *   (3) domain, (4) lower, (5) upper, (6) leave   with the loads in read_reservations and any_region_saw.
 *   (9) push to limbo                              with the exchange that takes it.
 *   (10) .. (13): see debra.c, whose domains share everything from limbo on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../platform/cc_os.h"
#include "cc_alloc.h"
#include "domains.h"
#include "release.h"
#include "smr_fast.h"

/* With more threads than this a retirement does not look at them all; it waits for a scan, which shares the look
 * among many. */
#ifndef THREADS_WORTH_A_LOOK
#define THREADS_WORTH_A_LOOK 64u
#endif
/* A poll may look at this many things that a stalled region pins, in the mean: operations must not get
 * slower the longer somebody else is stalled. */
#ifndef KEPT_THINGS_PER_POLL
#define KEPT_THINGS_PER_POLL 16u
#endif
/* A stripe is scanned when so many bytes have come to wait in it since the last scan, however few things they
 * are; and under debra twice as many are worth neutralizing somebody. A power of two. */
#ifndef BYTES_WORTH_A_SCAN
#define BYTES_WORTH_A_SCAN (UINT64_C(256) * 1024)
#endif
#ifndef MOST_STRIPES /* tests/c/schedules wants the same steps on every machine */
#define MOST_STRIPES 16u
#endif

cc_smr_settings_t cc_smr_settings = {{32}, {64}, {0}, {0}, {0}, {0}};

void cc_invariant_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}

/* ---------------------------------------------------------------- domains */

static uint32_t stripes_for_this_machine(void) {
    static _Atomic uint32_t remembered;
    uint32_t stripes = atomic_load_explicit(&remembered, memory_order_relaxed);
    if (!stripes) {
        unsigned processors = cc_os_cpu_count();
        for (stripes = 1; stripes < processors && stripes < MOST_STRIPES; stripes *= 2) {
        }
        atomic_store_explicit(&remembered, stripes, memory_order_relaxed);
    }
    return stripes;
}

cc_smr_scheme cc_smr_scheme_of_new_containers(void) {
    return cc_load_relaxed_u32(&cc_smr_settings.scheme) == CC_SMR_DEBRA && cc_debra_is_available()
               ? CC_SMR_DEBRA
               : CC_SMR_IBR;
}

cc_smr_domain *cc_smr_domain_new(cc_smr_release release, const void *context) {
    return cc_smr_domain_new_of(CC_SMR_IBR, release, context);
}

cc_smr_domain *cc_smr_domain_new_of(cc_smr_scheme scheme, cc_smr_release release,
                                    const void *context) {
    uint32_t stripes = stripes_for_this_machine();
    size_t bytes = sizeof(cc_smr_domain) + CC_CACHE_LINE + stripes * sizeof(cc_stripe);
    cc_smr_domain *d = cc_alloc_aligned(bytes, CC_CACHE_LINE);
    if (!d) {
        return NULL;
    }
    memset(d, 0, bytes);
    d->scheme = scheme;
    d->release = release;
    d->context = context;
    d->stripe_mask = stripes - 1;
    uintptr_t after = (uintptr_t)d + sizeof *d + CC_CACHE_LINE - 1;
    d->stripes = (cc_stripe *)(after & ~(uintptr_t)(CC_CACHE_LINE - 1));
    cc_store_relaxed_u64(&d->era, 1);
    cc_store_relaxed_u32(&d->pins, 1);
    for (uint32_t i = 0; i < stripes; i++) {
        cc_store_relaxed_u32(&d->stripes[i].scan_at, 1);
        cc_store_relaxed_u64(&d->stripes[i].bytes_left, BYTES_WORTH_A_SCAN);
    }
    cc_domains_add(d);
    return d;
}

/* ---------------------------------------------------------------- regions */

uintptr_t cc_protect_in_new_era(cc_smr_guard *g, const cc_atomic_uptr *source, uint64_t era) {
    cc_thread *self = g->thread;
    for (;;) {
        /* (8) Store-load, as (5): the word must be read after the longer reservation is visible. */
        cc_publish_u64(&self->upper, era);
        g->upper = era;
        uintptr_t word = cc_load_acquire_uptr(source);
        era = cc_load_acquire_u64(&g->domain->era);
        if (era == g->upper) {
            return word;
        }
    }
}

typedef struct interval {
    uint64_t lower, upper;
} interval;

/* Has a scan ended the read phase that the thread's reservation is for? Then what the thread may still touch is what
 * it holds. See debra.c. */
static bool is_neutralized(const cc_thread *t) {
    return cc_load_seq_cst_u64(&t->region) == cc_load_seq_cst_u64(&t->neutralized); /* (10), (13) */
}

/* What the open regions of a domain may have seen: everything that was alive in one of the intervals, and
 * the words that are held. */
#ifndef INTERVALS_ON_STACK
#define INTERVALS_ON_STACK 64u
#endif
#ifndef HELD_ON_STACK
#define HELD_ON_STACK 64u
#endif

typedef struct reservation_snapshot {
    interval *intervals; /* sorted by lower end; each upper end is the largest up to there */
    uintptr_t *held; /* sorted */
    uint32_t interval_count, interval_room, held_count, held_room;
    interval first_intervals[INTERVALS_ON_STACK];
    uintptr_t first_held[HELD_ON_STACK];
} reservation_snapshot;

/* Reads the reservations of all threads on `d`, as far as there is room; the counts say how much there is. The caller
 * has put a full fence between unlinking and this. */
static void read_reservations(const cc_smr_domain *d, reservation_snapshot *s) {
    s->interval_count = s->held_count = 0;
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        /* Lower before upper, as in the paper. The other order would be as safe: a region that opens, or
         * moves its upper end on, after the first of the two loads has its fence after ours, so it cannot
         * find what is being scanned (checked in tla/smr_ibr.tla and by tests/c/schedules). */
        uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* pairs with (4), (6) */
        if (lower == CC_ERA_IDLE || cc_load_seq_cst_uptr(&t->domain) != (uintptr_t)d) { /* (3) */
            continue;
        }
        if (d->scheme == CC_SMR_DEBRA && is_neutralized(t)) {
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
            s->intervals[s->interval_count] = (interval){lower, upper};
        }
        s->interval_count++;
    }
}

static int by_lower_end(const void *a, const void *b) {
    uint64_t x = ((const interval *)a)->lower, y = ((const interval *)b)->lower;
    return x < y ? -1 : x > y;
}

static int by_word(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

static void drop_snapshot(reservation_snapshot *s) {
    if (s->intervals != s->first_intervals) {
        cc_free(s->intervals);
    }
    if (s->held != s->first_held) {
        cc_free(s->held);
    }
}

/* Returns -1 without memory for what there is to see. */
static int take_snapshot(const cc_smr_domain *d, reservation_snapshot *s) {
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
        drop_snapshot(s);
        s->intervals = cc_alloc(intervals * sizeof *s->intervals);
        s->held = cc_alloc(held * sizeof *s->held);
        if (!s->intervals || !s->held) {
            drop_snapshot(s);
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

static bool is_reserved_in(const reservation_snapshot *s, const cc_retired *r) {
    uint32_t low = 0, high = s->interval_count; /* first interval with lower > died */
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

/* Has any open region seen the thing? */
static bool any_region_saw(const cc_smr_domain *d, uintptr_t word, uint64_t birth, uint64_t died) {
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* (4), (6) */
        if (lower > died ||
            cc_load_seq_cst_uptr(&t->domain) != (uintptr_t)d) { /* (3); idle > died */
            continue;
        }
        if (d->scheme == CC_SMR_DEBRA && is_neutralized(t)) {
            uint32_t n = cc_load_acquire_u32(&t->held_count); /* (11) */
            for (uint32_t i = 0; i < n; i++) {
                if (cc_load_acquire_uptr(&t->held[i]) == word) { /* (11), (12) */
                    return true;
                }
            }
        } else if (cc_load_seq_cst_u64(&t->upper) >= birth) { /* (5), (8) */
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------- limbo */

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

/* Move what no open region saw from `waiting` to the end of `free`. Returns -1 without memory to look. */
static int split_by_reservations(cc_smr_domain *d, chain *waiting, chain *free) {
    reservation_snapshot s;
    /* (7) Store-load: everything in the chain was unlinked before it was pushed; reservations that
     * matter are visible to the loads after this fence. */
    cc_fence_seq_cst(&d->era);
    if (take_snapshot(d, &s)) {
        return -1;
    }
    cc_retired *r = waiting->first;
    *waiting = (chain){NULL, NULL, 0, 0};
    while (r) {
        cc_retired *next = r->next;
        append(is_reserved_in(&s, r) ? waiting : free, r);
        r = next;
    }
    drop_snapshot(&s);
    return 0;
}

/* When the youngest died that has n younger ones behind it. Not the oldest of all: that may be something that a
 * neutralized thread holds. */
static uint64_t death_before_the_last(const chain *c, uint32_t n) {
    const cc_retired *r = c->first;
    for (uint32_t i = n + 1; i < c->count; i++) {
        r = r->next;
    }
    return r->died;
}

/* The same by bytes: of those with n bytes behind them. False when there is none: then one large thing is most of what
 * waits, and perhaps held. */
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

/* Compare one stripe's limbo with the open regions. What none of them saw is ready, oldest first, and at most
 * `most` of it is released. */
static void scan_stripe(cc_smr_domain *d, cc_stripe *s, cc_thread *self, size_t most) {
    if (!cc_load_relaxed_uptr(&s->limbo)) {
        return;
    }
    cc_retired *newest_first =
        (cc_retired *)cc_exchange_acq_rel_uptr(&s->limbo, 0); /* pairs with (9) */
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
        cc_push_retired(&s->limbo, newest, oldest_first.first);
    }
    if (free.first) {
        cc_fetch_add_relaxed_u32(&s->ready_count, free.count);
        cc_push_retired(&s->ready, free.first, free.last);
    }
    cc_fetch_add_relaxed_u32(&s->limbo_count, 0u - free.count);
    if (!looked) {
        return; /* no memory to look: everything waits for the next scan */
    }
    /* What is kept is pinned, perhaps for long: look again when there is enough new to pay for it. */
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
    cc_stripe *s = cc_stripe_of(d, self);
    cc_push_retired(&s->limbo, r, r); /* r is anybody's from here on */
    cc_fetch_add_relaxed_u64(&s->limbo_bytes, (uint32_t)bytes);
    cc_note_that_something_waits();
    uint32_t waiting = cc_fetch_add_relaxed_u32(&s->limbo_count, 1) + 1;
    if (bytes) {
        uint64_t left = cc_fetch_add_relaxed_u64(&s->bytes_left, 0u - (uint64_t)(uint32_t)bytes);
        if ((int64_t)(left - (uint32_t)bytes) <= 0) {
            cc_store_relaxed_u32(&s->polls_to_skip,
                                 0); /* where the caller cannot scan, a poll does */
            return true;
        }
    }
    return waiting >= cc_load_relaxed_u32(&s->scan_at);
}

void cc_retire_to_limbo(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                        unsigned kind, uint64_t birth, size_t bytes) {
#if defined(CC_SMR_NONE)
    cc_keep_spare(self, r);
    return;
#endif
    cc_fence_seq_cst(&d->era);
    cc_count(&self->retired, 1);
    add_to_limbo(d, self, r, word, kind, birth, cc_load_seq_cst_u64(&d->era), bytes);
}

void cc_retire(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word, unsigned kind,
               uint64_t birth, size_t bytes) {
    CC_INVARIANT(cc_load_relaxed_u64(&self->lower) == CC_ERA_IDLE);
#if defined(CC_SMR_NONE)
    cc_keep_spare(self, r);
    return;
#endif
    /* (7) Store-load: the unlinking must be visible before we look for regions, and the era of death
     * must be read after the unlinking. */
    cc_fence_seq_cst(&d->era);
    uint64_t died = cc_load_seq_cst_u64(&d->era);
    cc_count(&self->retired, 1);
    bool nobody_saw_it =
        cc_thread_users() <= THREADS_WORTH_A_LOOK && !any_region_saw(d, word, birth, died);
    if (nobody_saw_it) {
        cc_release_or_put_off(d, self, r, word, kind, bytes);
        return;
    }
    if (add_to_limbo(d, self, r, word, kind, birth, died, bytes)) {
        scan_stripe(d, cc_stripe_of(d, self), self,
                    cc_load_relaxed_u32(&cc_smr_settings.max_reclaim_per_poll));
    }
}

static void poll_stripe(cc_smr_domain *d, cc_stripe *s, cc_thread *self, size_t most) {
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
    poll_stripe(d, cc_stripe_of(d, self), self, most);
    /* Now and then somebody else's stripe: its threads may have gone to sleep. */
    uint32_t turn = self->operations / CC_OPERATIONS_PER_POLL;
    if (d->stripe_mask && turn % 8 == 0) {
        poll_stripe(d, &d->stripes[turn / 8 & d->stripe_mask], self, most);
    }
}

/* ---------------------------------------------------------------- the interface as functions */

int cc_smr_enter(cc_smr_domain *domain, cc_smr_guard *guard) {
    return cc_enter(domain, guard);
}

void cc_smr_leave(cc_smr_guard *guard) {
    cc_leave(guard);
    cc_poll(guard->domain, guard->thread);
}

uintptr_t cc_smr_protect(cc_smr_guard *guard, const cc_atomic_uptr *source) {
    return cc_protect(guard, source);
}

uint64_t cc_smr_birth(cc_smr_guard *guard) {
    return cc_load_acquire_u64(&guard->domain->era);
}

void cc_smr_published(cc_smr_guard *guard) {
    cc_published(guard);
}

int cc_smr_reserve(unsigned n) {
    cc_thread *self = cc_thread_self();
    return self ? cc_reserve(self, n) : -1;
}

int cc_smr_retire(cc_smr_domain *domain, uintptr_t word, unsigned kind, uint64_t birth,
                  size_t bytes) {
    cc_thread *self = cc_thread_self();
    if (!self || cc_reserve(self, 1)) {
        return -1;
    }
    cc_retire(domain, self, cc_take_spare(self), word, kind, birth, bytes);
    return 0;
}

size_t cc_smr_limbo_count(const cc_smr_domain *domain) {
    int64_t n = 0;
    for (uint32_t i = 0; i <= domain->stripe_mask; i++) {
        const cc_stripe *s = &domain->stripes[i];
        /* For a moment less than nothing: a thing is counted after it is pushed, and may be gone by then. */
        n += (int32_t)(cc_load_relaxed_u32(&s->limbo_count) + cc_load_relaxed_u32(&s->ready_count));
    }
    return n > 0 ? (size_t)n : 0;
}

cc_retired *cc_take_releasable(cc_smr_domain *d, cc_thread *self) {
    cc_retired *all = NULL;
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        scan_stripe(d, &d->stripes[i], self, 0);
        cc_retired *found = cc_take_ready(&d->stripes[i], SIZE_MAX);
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
        scan_stripe(domain, &domain->stripes[i], self, SIZE_MAX);
        cc_release_ready(&domain->stripes[i], self, SIZE_MAX);
    }
    return cc_smr_limbo_count(domain);
}

static void release_all(cc_atomic_uptr *list) {
    cc_retired *r = (cc_retired *)cc_exchange_acq_rel_uptr(list, 0);
    while (r) {
        cc_retired *next = r->next;
        r->release(r->context, r->word, r->kind);
        cc_free(r);
        r = next;
    }
}

void cc_smr_domain_free(cc_smr_domain *domain) {
    if (!domain) {
        return;
    }
    cc_domains_remove(domain);
    for (uint32_t i = 0; i <= domain->stripe_mask; i++) {
        release_all(&domain->stripes[i].limbo);
        release_all(&domain->stripes[i].ready);
    }
    cc_unpin_domain(domain);
}
