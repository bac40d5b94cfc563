/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A domain: the clock and the limbo of one container.
 *
 * A caller may rely on this: a domain that is freed releases what waits in it at once, for nobody
 * uses the container any more. Its memory stays while a thread that has put something off in it has
 * still to come back (pins).
 *
 * Layer: above cc_thread.h and domains.h. Here are the fields; who may touch them is said in the
 * files that are named beside them.
 */
#ifndef CC_DOMAIN_H
#define CC_DOMAIN_H

#include <stddef.h>

#include "cc_thread.h"
#include "concurrent_collections/cc_smr.h"
#include "domains.h"
#include "invariant.h"

/* A stripe is scanned when so many bytes have come to wait in it since the last scan, however few
 * things they are; and under debra twice as many are worth neutralizing somebody (limbo.c). A power
 * of two. */
#ifndef BYTES_WORTH_A_SCAN
#define BYTES_WORTH_A_SCAN (UINT64_C(256) * 1024)
#endif

/* What waits until no open region can have seen it. */
typedef struct cc_retired {
    struct cc_retired *next;
    cc_smr_release release;
    const void *context;
    uintptr_t word;
    uint64_t birth; /* eras in which a region may have met it: birth .. died */
    uint64_t died;
    uint32_t bytes;
    uint32_t kind;
} cc_retired;

/* What waits of what some of the threads have retired; limbo.c. */
typedef struct cc_limbo {
    cc_atomic_uptr waiting; /* cc_retired *, newest first; taken whole, by exchange */
    cc_atomic_uptr ready; /* cc_retired *: found free by a scan, to be released a few at a time */
    cc_atomic_u32 limbo_count;
    cc_atomic_u32 ready_count;
    cc_atomic_u32 scan_at; /* limbo_count that makes the next scan worth while */
    cc_atomic_u32 polls_to_skip; /* what was kept last time is not looked at again at once */
    cc_atomic_u64 limbo_bytes; /* of both lists */
    /* Two's complement: bytes that may still come before the next scan. */
    cc_atomic_u64 bytes_left;
} cc_limbo;

/* What some of the threads have put into the container and taken out of it: the container's,
 * reclamation does not look. Two's complement deltas, meaningful as sums over the stripes. */
typedef struct cc_counts {
    cc_atomic_u64 entries;
    cc_atomic_u64 bytes;
} cc_counts;

/* What threads with the same stripe write: a line, so that the others are not disturbed. Counts and
 * limbo share it, for an operation that touches limbo has changed a count. */
typedef struct cc_stripe {
    cc_limbo limbo;
    cc_counts counts;
#if CC_CACHE_LINE > 64
    char rest_of_line[CC_CACHE_LINE - 64];
#endif
} cc_stripe;

_Static_assert(sizeof(cc_stripe) == CC_CACHE_LINE, "a stripe is a line");

struct cc_smr_domain {
    cc_atomic_u64 era; /* written once in a while, read at every hop: nothing else lives here */
    char rest_of_line[CC_CACHE_LINE - 8];
    cc_atomic_u64 stopped_clock; /* 0 for ever: what debra's protect compares in place of the era */
    cc_smr_scheme scheme;
    cc_smr_release release;
    const void *context;
    uint32_t stripe_mask;
    cc_stripe *stripes;
    cc_domain_link link; /* domains.c */
    cc_atomic_u32 pins; /* one for being in use, one for each thread that comes back to it */
};

static inline cc_limbo *cc_limbo_of(cc_smr_domain *d, const cc_thread *self) {
    return &d->stripes[self->index & d->stripe_mask].limbo;
}

static inline cc_counts *cc_counts_of(cc_smr_domain *d, const cc_thread *self) {
    return &d->stripes[self->index & d->stripe_mask].counts;
}

/* The domain of a link in the list of live domains. */
static inline cc_smr_domain *cc_domain_of(cc_domain_link *link) {
    return (cc_smr_domain *)((char *)link - offsetof(cc_smr_domain, link));
}

/* A domain of a scheme, which the platform must have. NULL without memory. */
cc_smr_domain *cc_smr_domain_new_of(cc_smr_scheme scheme, cc_smr_release release,
                                    const void *context);

/* One for each processor, rounded up to a power of two; `most`, a power of two, at most. */
uint32_t cc_stripes_for_processors(uint32_t most);

/* One pin less; the last one frees the domain's memory. */
void cc_unpin_domain(cc_smr_domain *d);

#endif
