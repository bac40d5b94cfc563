/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Statistics of one domain and of the process: what waits, and which open region is the oldest.
 *
 * A caller may rely on this: each number was true at some moment of the call; together they are no
 * snapshot. A region that closes meanwhile counts or not.
 *
 * Layer: above limbo.h, debra.h and domains.h.
 */
#include "../platform/cc_registry_lock.h"
#include "arena.h"
#include "cc_alloc.h"
#include "debra.h"
#include "limbo.h"

uint64_t cc_smr_domain_count(void) {
    return cc_domains_count();
}

typedef struct open_region {
    uintptr_t domain; /* perhaps destroyed meanwhile: compared, never followed */
    uint64_t lower, thread_number;
    bool is_neutralized; /* of CC_SMR_DEBRA: it pins only what it holds */
} open_region;

/* Regions that were open at some moment of the call, at most `room`. Returns how many there
 * were. */
static uint32_t see_open_regions(open_region *out, uint32_t room) {
    uint32_t found = 0;
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        uint64_t lower = cc_load_acquire_u64(&t->lower); /* pairs with (4), (6) */
        if (lower == CC_ERA_IDLE) {
            continue;
        }
        if (found < room) {
            out[found] = (open_region){cc_load_acquire_uptr(&t->domain), lower,
                                       cc_load_acquire_u64(&t->number), cc_is_neutralized(t)};
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
        out->limbo_bytes += cc_load_relaxed_u64(&d->stripes[i].limbo.limbo_bytes);
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

/* All open regions, in `on_stack` or in memory that the caller frees; without memory, the first
 * ones. */
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
    out->node_bytes = cc_arena_bytes();
    open_region on_stack[REGIONS_ON_STACK];
    uint32_t n;
    open_region *regions = all_open_regions(on_stack, &n);
    cc_domain_link *link;
    cc_lock_registry();
    uint64_t round = cc_domains_begin_round();
    while ((link = cc_domains_next_of_round(round))) {
        cc_smr_domain_statistics one;
        look_at(cc_domain_of(link), regions, n, &one);
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
