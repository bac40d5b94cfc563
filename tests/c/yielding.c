/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Scheduling points for real threads: linked with a core that is compiled with CC_SCHED, it gives
 * the processor away at about every sixty-fourth atomic access, at random. On a machine with few
 * processors operations of 100 ns hardly ever meet otherwise; histories recorded without it had no
 * overlap at all. Schedules that are chosen, repeated, and have store buffers are in
 * tests/c/schedules.
 */
#include <sched.h>

#include "concurrent_collections/cc_atomic.h"
#include "platform/cc_os.h"
#include "sized.h"

enum { YIELD_ONE_IN = 64 };

static void maybe_yield(void) {
    static _Thread_local uint64_t state;
    if (!state) { /* the address differs from thread to thread and, mostly, from run to run */
        state = (uint64_t)(uintptr_t)&state * UINT64_C(0x9e3779b97f4a7c15) | 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if ((state >> 32) % YIELD_ONE_IN == 0) {
        sched_yield();
    }
}

void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release) {
    (void)release;
    maybe_yield();
    write_sized(address, bytes, value);
}

uint64_t cc_sched_load(const void *address, unsigned bytes) {
    maybe_yield();
    return read_sized(address, bytes);
}

/* Before a read-modify-write, and in place of a fence: an exchange, since ThreadSanitizer knows no
 * fences; of a variable of our own, so that it takes nothing else for ordered by it. */
void cc_sched_drain(void) {
    static _Thread_local int mine;
    maybe_yield();
    __atomic_exchange_n(&mine, 1, __ATOMIC_SEQ_CST);
#if !defined(__x86_64__) && !defined(CC_TSAN)
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

void cc_sched_behind(const int *unused) {
    (void)unused;
    maybe_yield();
}

void cc_sched_signal_point(void) {
    maybe_yield();
}

/* Real threads sleep as always. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);

cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    return cc_park(word, expected, deadline);
}

void cc_sched_unpark_one(cc_atomic_u32 *word) {
    cc_unpark_one(word);
}
