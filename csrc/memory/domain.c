/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Domains are made and freed.
 *
 * Pairs of releases and acquires, by number:
 *   (17) a pin given back   with the last one: all that was done to the domain is over.
 */
#include "domain.h"

#include <string.h>

#include "cc_alloc.h"

#ifndef MOST_STRIPES /* tests/c/schedules wants the same steps on every machine */
#define MOST_STRIPES 16u
#endif

cc_smr_settings_t cc_smr_settings = {{32}, {64}, {0}, {0}, {0}, {0}};

uint32_t cc_stripes_for_processors(uint32_t most) {
    static _Atomic uint32_t remembered;
    uint32_t processors = atomic_load_explicit(&remembered, memory_order_relaxed);
    if (!processors) {
        processors = cc_os_cpu_count();
        atomic_store_explicit(&remembered, processors, memory_order_relaxed);
    }
    uint32_t stripes;
    for (stripes = 1; stripes < processors && stripes < most; stripes *= 2) {
    }
    return stripes;
}

cc_smr_domain *cc_smr_domain_new(cc_smr_release release, const void *context) {
    return cc_smr_domain_new_of(CC_SMR_IBR, release, context);
}

cc_smr_domain *cc_smr_domain_new_of(cc_smr_scheme scheme, cc_smr_release release,
                                    const void *context) {
    uint32_t stripes = cc_stripes_for_processors(MOST_STRIPES);
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
        cc_store_relaxed_u64(&d->stripes[i].limbo.bytes_left, BYTES_WORTH_A_SCAN);
    }
    cc_domains_add(&d->link);
    return d;
}

void cc_unpin_domain(cc_smr_domain *d) {
    if (cc_fetch_sub_acq_rel_u32(&d->pins, 1) == 1) { /* (17) */
        cc_free(d);
    }
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
    cc_domains_remove(&domain->link);
    for (uint32_t i = 0; i <= domain->stripe_mask; i++) {
        release_all(&domain->stripes[i].limbo.waiting);
        release_all(&domain->stripes[i].limbo.ready);
    }
    cc_unpin_domain(domain);
}
