/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The live domains of the process, for what concerns all of them: flushing them and counting what
 * waits. Called by ibr.c; the functions for users are in cc_smr.h.
 */
#ifndef CC_DOMAINS_H
#define CC_DOMAINS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cc_smr_domain;

/* A domain's place in the list. Guarded by the registry lock, `joins_flushes` as well. */
typedef struct cc_domain_link {
    struct cc_smr_domain *next, *previous;
    uint64_t round;
    bool joins_flushes;
} cc_domain_link;

void cc_domains_add(struct cc_smr_domain *d);
/* When it returns, no flush of the process touches the domain any more. */
void cc_domains_remove(struct cc_smr_domain *d);

/* Plain C11 atomics, not cc_atomic: it is a hint that no safety depends on, and the schedule build must
 * not see a scheduling point here. */
extern _Atomic uint32_t cc_something_may_wait;

/* After a push to limbo. A load of a word that hardly ever changes; no thread disturbs another. */
static inline void cc_note_that_something_waits(void) {
    if (!atomic_load_explicit(&cc_something_may_wait, memory_order_seq_cst)) {
        atomic_store_explicit(&cc_something_may_wait, 1, memory_order_seq_cst);
    }
}

#endif
