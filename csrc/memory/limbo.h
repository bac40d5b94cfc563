/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Limbo: where retired things wait until no open region can have seen them.
 *
 * A caller may rely on this: what nobody can have seen is released before cc_retire returns, so
 * that objects die promptly; what must wait is released by any thread's later operation on the
 * container that polls (cc_poll), by a flush, or with the domain; and a thread that stalls keeps a
 * bounded number of things waiting (ibr.c, debra.c).
 *
 * Progress. A push is lock-free. Nobody waits for a scan: it takes a stripe's whole limbo by one
 * exchange, so two threads never scan the same things.
 *
 * Layer: above ibr.h, debra.h and deferred.h; below smr_fast.h.
 */
#ifndef CC_LIMBO_H
#define CC_LIMBO_H

#include "deferred.h"
#include "domain.h"

/* Retire a thing, with a record from cc_take_spare; outside of regions, for it may run foreign
 * code. */
void cc_retire(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word, unsigned kind,
               uint64_t birth, size_t bytes);

/* Nobody can see a thing that has been unlinked: its memory can be used again, and need not be
 * retired. A full fence, and a look at the open regions, of which there may be too many to look at:
 * then false. Outside of regions. */
bool cc_nobody_sees(cc_smr_domain *d, uintptr_t word, uint64_t birth);

/* cc_retire, but only push: may be called inside a region, releases nothing. */
void cc_retire_to_limbo(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                        unsigned kind, uint64_t birth, size_t bytes);

/* For a flush of the process, in two steps, since releasing runs foreign code: compare limbo with
 * the open regions and take out of the domain what none of them saw; release it, outside of
 * everything. */
cc_retired *cc_take_releasable(cc_smr_domain *d, cc_thread *self);

/* Called at the end of operations, outside the region. */
void cc_poll_now(cc_smr_domain *d, cc_thread *self);

#ifndef CC_OPERATIONS_PER_POLL
#define CC_OPERATIONS_PER_POLL 16u
#endif

static inline void cc_poll(cc_smr_domain *d, cc_thread *self) {
    if (++self->operations % CC_OPERATIONS_PER_POLL == 0) {
        cc_poll_now(d, self);
    }
}

#endif
