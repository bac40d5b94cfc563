/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Releasing what nobody can see any more; see release.c. For the files of this directory.
 */
#ifndef CC_RELEASE_H
#define CC_RELEASE_H

#include "smr_fast.h"

static inline void cc_count(cc_atomic_u64 *statistic, uint64_t n) {
    if (cc_load_relaxed_u32(&cc_smr_settings.statistics)) {
        cc_store_relaxed_u64(statistic, cc_load_relaxed_u64(statistic) + n);
    }
}

void cc_keep_spare(cc_thread *self, cc_retired *r);

/* Lists of retired things: limbo and `ready` of a stripe. */
void cc_push_retired(cc_atomic_uptr *list, cc_retired *newest, cc_retired *oldest);
cc_retired *cc_last_retired(cc_retired *chain);

/* Take at most `most` of what has been found free in this stripe out of it. */
cc_retired *cc_take_ready(cc_stripe *s, size_t most);

/* The same, and release it; or leave it there, where releases run up the stack and it is not much. */
void cc_release_ready(cc_stripe *s, cc_thread *self, size_t most);

/* Of a thing that nobody can see. `r` is a record for it, where it is put off. */
void cc_release_or_put_off(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                           unsigned kind, size_t bytes);

/* One pin less; the last one frees the domain's memory. */
void cc_unpin_domain(cc_smr_domain *d);

/* Do what threads left undone that ended inside a release function. Called where release functions may run, outside of
 * all of them. */
void cc_adopt_orphans(cc_thread *self);

/* Destructions that wait for the release function up some thread's stack, or for cc_adopt_orphans. */
size_t cc_destructions_put_off(void);

#endif
