/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of live domains.
 *
 * It is a queue under a short lock (platform/cc_registry_lock.h), taken where a container is made or
 * destroyed and by the functions below, never by an operation on a container.
 *
 * A walk takes the first domain, puts it to the end with the number of the newest round, looks at it,
 * and lets go of the lock before the next one. It is over when the first domain carries its own
 * round or a later one: everything that was in the list when the walk began has been looked at since, by
 * this walk or by a later one. So nothing of a walk lies in the list: walks may overlap, a domain may
 * come or go at any moment, and a thread that is gone after fork() leaves no trace.
 *
 * Releasing runs foreign code, which may make and destroy containers or flush again. So a flush, holding the
 * lock, only compares limbo with the open regions and takes what is free out of the domain; it lets go
 * of the lock, and then releases. A domain is destroyed meanwhile without anybody waiting: what
 * was taken is not its any more. That is why only such domains take part as say that their context outlives
 * them (cc_smr_domain_join_flushes).
 *
 * Progress: blocking, for as long as one scan of one domain by another thread. No foreign code, no
 * safepoint and no other lock lies inside.
 */
#include "domains.h"

#include "../platform/cc_registry_lock.h"
#include "cc_alloc.h"
#include "release.h"
#include "smr_fast.h"

_Atomic uint32_t cc_something_may_wait;

/* The lock's. */
static cc_smr_domain *first, *last;
static uint64_t rounds;
static uint64_t domain_count;

static void append(cc_smr_domain *d) {
    d->link.round = rounds;
    d->link.next = NULL;
    d->link.previous = last;
    *(last ? &last->link.next : &first) = d;
    last = d;
}

static void take_out(cc_smr_domain *d) {
    *(d->link.previous ? &d->link.previous->link.next : &first) = d->link.next;
    *(d->link.next ? &d->link.next->link.previous : &last) = d->link.previous;
}

void cc_domains_add(cc_smr_domain *d) {
    cc_lock_registry();
    append(d);
    domain_count++;
    cc_unlock_registry();
}

void cc_domains_remove(cc_smr_domain *d) {
    cc_lock_registry();
    take_out(d);
    domain_count--;
    cc_unlock_registry();
}

void cc_smr_domain_join_flushes(cc_smr_domain *d) {
    cc_lock_registry();
    d->link.joins_flushes = true;
    cc_unlock_registry();
}

uint64_t cc_smr_domain_count(void) {
    cc_lock_registry();
    uint64_t n = domain_count;
    cc_unlock_registry();
    return n;
}

static uint64_t begin_round(void) {
    return ++rounds;
}

static cc_smr_domain *next_of_round(uint64_t round) {
    cc_smr_domain *d = first;
    if (!d || d->link.round >= round) {
        return NULL;
    }
    take_out(d);
    append(d);
    return d;
}

/* ---------------------------------------------------------------- flushing all of them */

int cc_smr_anything_waits(void) {
    return atomic_load_explicit(&cc_something_may_wait, memory_order_relaxed) != 0;
}

size_t cc_smr_flush_all(void) {
    cc_thread *self = cc_thread_self();
    bool may_release = self && !self->releases; /* else the release up the stack goes on first */
    size_t waiting = 0;
    cc_smr_domain *d;
    /* Cleared before the walk: what is pushed during it is either seen or sets it again. */
    atomic_store_explicit(&cc_something_may_wait, 0, memory_order_seq_cst);
    if (may_release) {
        cc_adopt_orphans(self);
    }
    cc_lock_registry();
    uint64_t round = begin_round();
    while ((d = next_of_round(round))) {
        cc_retired *free_ones =
            may_release && d->link.joins_flushes ? cc_take_releasable(d, self) : NULL;
        waiting += cc_smr_limbo_count(d);
        cc_unlock_registry();
        if (free_ones) {
            cc_release_chain(self, free_ones);
        }
        cc_lock_registry();
    }
    cc_unlock_registry();
    waiting += cc_destructions_put_off();
    if (waiting) {
        cc_note_that_something_waits();
    }
    return waiting;
}

/* ---------------------------------------------------------------- statistics */

typedef struct open_region {
    uintptr_t domain; /* perhaps destroyed meanwhile: compared, never followed */
    uint64_t lower, thread_number;
    bool is_neutralized; /* of CC_SMR_DEBRA: it pins only what it holds */
} open_region;

/* Regions that were open at some moment of the call, at most `room`. Returns how many there were. */
static uint32_t see_open_regions(open_region *out, uint32_t room) {
    uint32_t found = 0;
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        uint64_t lower = cc_load_acquire_u64(&t->lower); /* pairs with (4), (6) */
        if (lower == CC_ERA_IDLE) {
            continue;
        }
        if (found < room) {
            out[found] = (open_region){
                cc_load_acquire_uptr(&t->domain), lower, cc_load_acquire_u64(&t->number),
                cc_load_acquire_u64(&t->region) == cc_load_acquire_u64(&t->neutralized)};
        }
        found++;
    }
    return found;
}

static void look_at(const cc_smr_domain *d, const open_region *regions, uint32_t n,
                    cc_smr_domain_statistics *out) {
    *out = (cc_smr_domain_statistics){.scheme = d->scheme};
    out->limbo = cc_smr_limbo_count(d);
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        out->limbo_bytes += cc_load_relaxed_u64(&d->stripes[i].limbo_bytes);
    }
    out->era = cc_load_acquire_u64(&d->era);
    for (uint32_t i = 0; i < n; i++) {
        const open_region *r = &regions[i];
        if (r->domain != (uintptr_t)d || (d->scheme == CC_SMR_DEBRA && r->is_neutralized)) {
            continue;
        }
        /* A region that another domain at this address has had may be newer than our clock. */
        uint64_t age = out->era > r->lower ? out->era - r->lower : 0;
        if (out->open_regions++ == 0 || age > out->oldest_age) {
            out->oldest_age = age;
            out->oldest_thread = r->thread_number;
        }
    }
}

#ifndef REGIONS_ON_STACK
#define REGIONS_ON_STACK 64u
#endif

/* All open regions, in `on_stack` or in memory that the caller frees; without memory, the first ones. */
static open_region *all_open_regions(open_region *on_stack, uint32_t *count) {
    open_region *regions = on_stack;
    uint32_t room = REGIONS_ON_STACK, n;
    while ((n = see_open_regions(regions, room)) > room) {
        open_region *larger = cc_alloc((n + 16) * sizeof *larger);
        if (!larger) {
            n = room;
            break;
        }
        if (regions != on_stack) {
            cc_free(regions);
        }
        regions = larger;
        room = n + 16;
    }
    *count = n;
    return regions;
}

void cc_smr_get_domain_statistics(const cc_smr_domain *domain, cc_smr_domain_statistics *out) {
    open_region on_stack[REGIONS_ON_STACK];
    uint32_t n;
    open_region *regions = all_open_regions(on_stack, &n);
    look_at(domain, regions, n, out);
    if (regions != on_stack) {
        cc_free(regions);
    }
}

void cc_smr_get_statistics(cc_smr_statistics *out) {
    *out = (cc_smr_statistics){0};
    for (cc_thread *t = cc_thread_first(); t; t = t->next) {
        out->retired += cc_load_relaxed_u64(&t->retired);
        out->released += cc_load_relaxed_u64(&t->released);
        out->scans += cc_load_relaxed_u64(&t->scans);
        out->retries += cc_load_relaxed_u64(&t->retries);
        out->neutralizations += cc_load_relaxed_u64(&t->neutralizations);
        out->refusals += cc_load_relaxed_u64(&t->refusals);
    }
    out->threads = cc_thread_count();
    open_region on_stack[REGIONS_ON_STACK];
    uint32_t n;
    open_region *regions = all_open_regions(on_stack, &n);
    cc_smr_domain *d;
    cc_lock_registry();
    uint64_t round = begin_round();
    while ((d = next_of_round(round))) {
        cc_smr_domain_statistics one;
        look_at(d, regions, n, &one);
        out->domains++;
        out->eras += one.era;
        out->limbo += one.limbo;
        out->limbo_bytes += one.limbo_bytes;
        if (one.open_regions && (out->open_regions == 0 || one.oldest_age > out->oldest_age)) {
            out->oldest_age = one.oldest_age;
            out->oldest_thread = one.oldest_thread;
        }
        out->open_regions += one.open_regions;
        cc_unlock_registry(); /* never held for longer than one domain takes */
        cc_lock_registry();
    }
    cc_unlock_registry();
    out->limbo += cc_destructions_put_off();
    if (regions != on_stack) {
        cc_free(regions);
    }
}
