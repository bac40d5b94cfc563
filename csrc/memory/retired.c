/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pairs of releases and acquires, by number:
 *   (9) a push to limbo or to `ready`   with the exchange that takes it.
 */
#include "retired.h"

#include "cc_alloc.h"

#ifndef SPARE_RECORDS_KEPT
#define SPARE_RECORDS_KEPT 64u
#endif

_Atomic uint32_t cc_something_may_wait;

static void add_spare(cc_thread *self, cc_retired *r) {
    r->next = self->spare;
    self->spare = r;
    self->spare_count++;
}

void cc_keep_spare(cc_thread *self, cc_retired *r) {
    if (self->spare_count >= SPARE_RECORDS_KEPT) {
        cc_free(r);
    } else {
        add_spare(self, r);
    }
}

int cc_reserve(cc_thread *self, unsigned n) {
    while (self->spare_count < n) {
        cc_retired *r = cc_alloc(sizeof *r);
        if (!r) {
            return -1;
        }
        add_spare(self, r);
    }
    return 0;
}

cc_retired *cc_take_spare(cc_thread *self) {
    cc_retired *r = self->spare;
    CC_INVARIANT(r); /* cc_reserve was called, and nothing of the caller's ran in between */
    self->spare = r->next;
    self->spare_count--;
    return r;
}

/* ---------------------------------------------------------------- lists */

void cc_push_retired(cc_atomic_uptr *list, cc_retired *newest, cc_retired *oldest) {
    uintptr_t head = cc_load_relaxed_uptr(list);
    do {
        oldest->next = (cc_retired *)head;
    } while (!cc_cas_acq_rel_uptr(list, &head, (uintptr_t)newest)); /* (9) */
}

cc_retired *cc_last_retired(cc_retired *chain) {
    while (chain->next) {
        chain = chain->next;
    }
    return chain;
}

cc_retired *cc_take_ready(cc_limbo *s, size_t most) {
    if (!most || !cc_load_relaxed_uptr(&s->ready)) {
        return NULL;
    }
    cc_retired *first = (cc_retired *)cc_exchange_acq_rel_uptr(&s->ready, 0); /* pairs with (9) */
    if (!first) {
        return NULL;
    }
    cc_retired *last = first, *rest;
    size_t n = 1;
    uint64_t bytes = first->bytes;
    for (; n < most && last->next; n++) {
        last = last->next;
        bytes += last->bytes;
    }
    rest = last->next;
    last->next = NULL;
    uintptr_t nothing = 0;
    if (rest && !cc_cas_acq_rel_uptr(&s->ready, &nothing, (uintptr_t)rest)) { /* (9) */
        cc_push_retired(&s->ready, rest,
                        cc_last_retired(rest)); /* another scan has pushed in between: rare */
    }
    cc_fetch_add_relaxed_u32(&s->ready_count, 0u - (uint32_t)n);
    cc_fetch_add_relaxed_u64(&s->limbo_bytes, 0u - bytes);
    return first;
}
