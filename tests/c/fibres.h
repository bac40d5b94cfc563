/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Threads as fibres whose every atomic access is a step, for tests that decide by hand who takes
 * the next one. For one file of a program that is linked with a core compiled for yielding.c, in
 * whose place it stands. Memory is sequentially consistent; store buffers, enumeration and replay
 * are in schedules/.
 */
#ifndef CC_TEST_FIBRES_H
#define CC_TEST_FIBRES_H

#include "check.h"

#include <ucontext.h>

#include "memory/smr_fast.h"
#include "platform/cc_os.h"
#include "sized.h"

enum { MOST_FIBRES = 8, STACK_BYTES = 128 * 1024 };

static struct {
    ucontext_t context;
    char *stack;
    cc_thread *record;
    int64_t steps;           /* of the running operation; whoever begins one sets it to 0 */
    bool will_change_memory; /* its next step is a read-modify-write */
} fibres[MOST_FIBRES];
static ucontext_t scheduler;
static int current = -1; /* the running fibre */

/* Back to whoever has called run_fibre. */
static inline UNUSED void give_way(void) {
    swapcontext(&fibres[current].context, &scheduler);
}

static void step(bool changes_memory) {
    if (current >= 0) {
        fibres[current].steps++;
        fibres[current].will_change_memory = changes_memory;
        give_way();
    }
}

void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release) {
    (void)release;
    step(false);
    write_sized(address, bytes, value);
}

uint64_t cc_sched_load(const void *address, unsigned bytes) {
    step(false);
    return read_sized(address, bytes);
}

void cc_sched_drain(void) {
    step(true);
}

void cc_sched_behind(const int *unused) {
    (void)unused;
}

void cc_sched_signal_point(void) {}

cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);

cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    (void)word, (void)expected, (void)deadline;
    return CC_PARK_WOKEN;
}

void cc_sched_unpark_one(cc_atomic_u32 *word) {
    (void)word;
}

/* Let it take one step. */
static inline UNUSED void run_fibre(int who) {
    current = who;
    cc_thread_impersonate(fibres[who].record);
    swapcontext(&scheduler, &fibres[who].context);
    current = -1;
}

/* Fibres 0 .. count - 1 are at the beginning of `body`, which never returns. */
static inline UNUSED void begin_fibres(int count, void (*body)(void)) {
    for (int i = 0; i < count; i++) {
        if (!fibres[i].stack) {
            fibres[i].stack = malloc(STACK_BYTES);
            fibres[i].record = cc_thread_make_for_schedule();
            CHECK(fibres[i].stack && fibres[i].record);
        }
        fibres[i].steps = 0;
        fibres[i].will_change_memory = false;
        getcontext(&fibres[i].context);
        fibres[i].context.uc_stack.ss_sp = fibres[i].stack;
        fibres[i].context.uc_stack.ss_size = STACK_BYTES;
        fibres[i].context.uc_link = NULL;
        makecontext(&fibres[i].context, body, 0);
    }
}

#endif
