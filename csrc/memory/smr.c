/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The interface of cc_smr.h as functions, for those who do not compile smr_fast.h.
 */
#include "smr_fast.h"

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
