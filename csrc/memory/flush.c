/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Flushing all domains of the process.
 *
 * Releasing runs foreign code, which may make and destroy containers or flush again. So a flush,
 * holding the list's lock, only compares limbo with the open regions and takes what is free out of
 * the domain; it lets go of the lock, and then releases. A domain is destroyed meanwhile without
 * anybody waiting: what was taken is not its any more. That is why only such domains take part as
 * say that their context outlives them (cc_smr_domain_join_flushes).
 *
 * Progress. Blocking, for as long as one scan of one domain by another thread. No foreign code, no
 * safepoint and no other lock lies inside.
 *
 * Layer: above limbo.h and domains.h.
 */
#include "../platform/cc_registry_lock.h"
#include "limbo.h"

void cc_smr_domain_join_flushes(cc_smr_domain *d) {
    cc_lock_registry();
    d->link.joins_flushes = true;
    cc_unlock_registry();
}

int cc_smr_anything_waits(void) {
    return atomic_load_explicit(&cc_something_may_wait, memory_order_relaxed) != 0;
}

size_t cc_smr_flush_all(void) {
    cc_thread *self = cc_thread_self();
    bool may_release = self && !self->releases; /* else the release up the stack goes on first */
    size_t waiting = 0;
    cc_domain_link *link;
    /* Cleared before the walk: what is pushed during it is either seen or sets it again. */
    atomic_store_explicit(&cc_something_may_wait, 0, memory_order_seq_cst);
    if (may_release) {
        cc_adopt_orphans(self);
    }
    cc_lock_registry();
    uint64_t round = cc_domains_begin_round();
    while ((link = cc_domains_next_of_round(round))) {
        cc_smr_domain *d = cc_domain_of(link);
        cc_retired *free_ones =
            may_release && link->joins_flushes ? cc_take_releasable(d, self) : NULL;
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
