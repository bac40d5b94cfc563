/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scheduler.h: fibres, their store buffers, and what the core calls instead of accessing
 * memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "platform/cc_os.h"
#include "scheduler_inside.h"
#include "sized.h"

#ifdef UNDER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* Hooks of csrc/sync/event_count.c. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);

#define STACK_BYTES (256u * 1024u)

fibre fibres[SCHED_MOST_FIBRES];
unsigned current = NOBODY;

static ucontext_t main_context;
static void *main_fake_stack;
static const void *main_stack_bottom;
static size_t main_stack_bytes;
static uint64_t stamp;

static struct {
    const char *from, *to;
} constants[8];
static unsigned constant_count;
static bool points_behind; /* in this run */
bool only_first_is_preempted;

/* ---------------------------------------------------------------- memory */

bool may_drain(const fibre *f, unsigned index) {
    if (index == 0) {
        return true;
    }
    if (memory != SCHED_PSO || f->buffer[index].release) {
        return false;
    }
    for (unsigned i = 0; i < index; i++) {
        if (f->buffer[i].address == f->buffer[index].address) {
            return false;
        }
    }
    return true;
}

static void drain_one(fibre *f, unsigned index) {
    buffered_store s = f->buffer[index];
    f->stores--;
    memmove(&f->buffer[index], &f->buffer[index + 1], (f->stores - index) * sizeof s);
    write_sized(s.address, s.bytes, s.value);
}

void drain_all(fibre *f) {
    while (f->stores) {
        drain_one(f, 0);
    }
}

/* ---------------------------------------------------------------- fibres */

static void before_switch(void **save, const void *bottom, size_t bytes) {
#ifdef UNDER_ASAN
    __sanitizer_start_switch_fiber(save, bottom, bytes);
#else
    (void)save, (void)bottom, (void)bytes;
#endif
}

static void after_switch(void *saved, const void **old_bottom, size_t *old_bytes) {
#ifdef UNDER_ASAN
    __sanitizer_finish_switch_fiber(saved, old_bottom, old_bytes);
#else
    (void)saved, (void)old_bottom, (void)old_bytes;
#endif
}

/* Go on in fibre `next`, or in the main program when that is NOBODY. */
static void switch_to(unsigned next) {
    unsigned me = current;
    ucontext_t *from = me == NOBODY ? &main_context : &fibres[me].context;
    void **save = me == NOBODY ? &main_fake_stack : &fibres[me].fake_stack;
    current = next;
    if (next == NOBODY) {
        cc_thread_impersonate(fibres[0].record);
        before_switch(save, main_stack_bottom, main_stack_bytes);
        swapcontext(from, &main_context);
    } else {
        cc_thread_impersonate(fibres[next].record);
        before_switch(save, fibres[next].stack, STACK_BYTES);
        swapcontext(from, &fibres[next].context);
    }
    after_switch(*save, NULL, NULL);
}

static bool all_are_done(void) {
    for (unsigned i = 0; i < program->fibres; i++) {
        if (!fibres[i].is_done) {
            return false;
        }
    }
    return true;
}

static void schedule(void) {
    if (!anybody_can_run()) { /* stores that still are in buffers wake nobody: that takes a call */
        sched_fail("every fibre that has not ended is asleep");
    }
    for (;;) {
        action a = next_action();
        remember(a);
        if (a.kind == DRAIN) {
            drain_one(&fibres[a.who], a.index);
        } else {
            if (a.who != current) {
                switch_to(a.who);
            }
            return;
        }
    }
}

/* Fibres live as long as the process; each turn of the loop is one run. They are first entered from
 * the main program, whose stack ASAN wants to be told when we go back there. */
static void fibre_main(void) {
    after_switch(NULL, &main_stack_bottom, &main_stack_bytes);
    switch_to(NOBODY);
    for (;;) {
        program->fibre(current);
        fibres[current].is_done = true;
        if (all_are_done()) {
            switch_to(NOBODY);
        } else {
            schedule();
        }
    }
}

static void make_fibre(fibre *f) {
    f->stack = malloc(STACK_BYTES);
    f->record = cc_thread_make_for_schedule();
    if (!f->stack || !f->record) {
        abort();
    }
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = NULL;
    makecontext(&f->context, fibre_main, 0);
}

void make_fibres(void) {
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        make_fibre(&fibres[i]);
        switch_to(i);
    }
    cc_thread_impersonate(fibres[0].record);
}

static void reset_record(cc_thread *t) {
    while (t->spare) { /* so that ASAN sees a use after the run that made them */
        cc_retired *r = t->spare;
        t->spare = r->next;
        cc_free(r);
    }
    t->spare_count = 0;
    t->operations = 0;
    t->random = 0x9e3779b97f4a7c15u * (t->index + 1u) | 1u;
    cc_store_relaxed_u64(&t->lower, CC_ERA_IDLE);
    cc_store_relaxed_u64(&t->upper, 0);
    cc_store_relaxed_uptr(&t->domain, 0);
    cc_store_relaxed_u64(&t->number, t->index + 1u); /* cc_os_interrupt finds the fibre by it */
    cc_store_relaxed_u64(&t->region, 0);
    cc_store_relaxed_u64(&t->neutralized, 0);
    cc_store_relaxed_u64(&t->answered, 0);
    cc_store_relaxed_u32(&t->held_count, 0);
    cc_store_relaxed_u64(&t->neutralizations, 0);
    cc_store_relaxed_u64(&t->refusals, 0);
#if CC_HAS_INTERRUPTS
    t->phase = CC_PHASE_WRITE;
    t->interrupted = 0;
#endif
}

/* ---------------------------------------------------------------- the hooks of cc_atomic.h */

static bool is_no_point(const void *address) {
    const char *a = address;
    const char *own =
        (const char *)fibres[current].record; /* what the owner reads there only it writes */
    if (a >= own && a < own + sizeof(cc_thread)) {
        return true;
    }
    for (unsigned i = 0; i < constant_count; i++) {
        if (a >= constants[i].from && a < constants[i].to) {
            return true;
        }
    }
    return false;
}

static void step(void) {
    schedule();
    handle_interrupts(false);
}

void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release) {
    if (current == NOBODY) {
        write_sized(address, bytes, value);
        return;
    }
    step();
    if (memory == SCHED_SC) {
        write_sized(address, bytes, value);
        return;
    }
    fibre *f = &fibres[current];
    if (f->stores == BUFFER_ENTRIES) {
        drain_one(f, 0);
    }
    f->buffer[f->stores++] = (buffered_store){address, bytes, value, release, how == DFS};
}

uint64_t cc_sched_load(const void *address, unsigned bytes) {
    if (current == NOBODY) {
        return read_sized(address, bytes);
    }
    if (!is_no_point(address)) {
        step();
    }
    fibre *f = &fibres[current];
    const char *from = address;
    for (unsigned i = f->stores; i-- > 0;) {
        const buffered_store *s = &f->buffer[i];
        if (s->address == from && s->bytes == bytes) {
            return s->value;
        }
        /* A part of the word: the processor waits until that store is done, and so all before
         * it. */
        if (s->address < from + bytes && from < s->address + s->bytes) {
            drain_all(f);
            break;
        }
    }
    return read_sized(address, bytes);
}

void cc_sched_drain(void) {
    if (current != NOBODY) {
        step();
        drain_all(&fibres[current]);
    }
}

/* A futex. Whoever sleeps with a deadline may find at any moment that it has passed. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    cc_sched_drain();
    if (read_sized(word, sizeof *word) != expected) {
        return CC_PARK_WOKEN;
    }
    fibre *f = &fibres[current];
    f->may_time_out = deadline != CC_PARK_FOREVER;
    f->sleeps_on = word;
    schedule();
    bool timed_out = f->sleeps_on != NULL;
    f->sleeps_on = NULL;
    return timed_out ? CC_PARK_TIMED_OUT : CC_PARK_WOKEN;
}

void cc_sched_unpark_one(cc_atomic_u32 *word) {
    unsigned sleepers[SCHED_MOST_FIBRES], count = 0;
    cc_sched_drain();
    for (unsigned i = 0; i < program->fibres; i++) {
        if (fibres[i].sleeps_on == word) {
            sleepers[count++] = i;
        }
    }
    if (count) {
        fibres[sleepers[count > 1 ? sched_choose(count) : 0]].sleeps_on = NULL;
    }
}

/* Only where it is asked for: it doubles the steps, and what comes next is an atomic access as a
 * rule, with a point of its own. */
void sched_points_behind(void) {
    points_behind = true;
}

void sched_only_first_is_preempted(void) {
    only_first_is_preempted = true;
}

void cc_sched_behind(const int *unused) {
    (void)unused;
    if (current != NOBODY && (points_behind_everywhere || points_behind)) {
        step();
    }
}

/* Between two instructions that concern the thread and its handler alone: nobody else needs a
 * turn. */
void cc_sched_signal_point(void) {
    if (current != NOBODY) {
        handle_interrupts(true);
    }
}

void sched_point(void) {
    if (current != NOBODY) {
        step();
    }
}

const void *sched_argument(void) {
    return program->argument;
}

uint64_t sched_stamp(void) {
    return ++stamp;
}

unsigned sched_me(void) {
    return current;
}

cc_thread *sched_record(unsigned who) {
    return fibres[who].record;
}

void sched_constant(const void *address, unsigned bytes) {
    constants[constant_count].from = address;
    constants[constant_count++].to = (const char *)address + bytes;
}

/* ---------------------------------------------------------------- a run */

void run_one(void) {
    steps = 0;
    stamp = 0;
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        fibres[i].is_done = false;
        fibres[i].sleeps_on = NULL;
        fibres[i].stores = 0;
        fibres[i].is_pending = fibres[i].is_due = fibres[i].is_blocked = false;
        fibres[i].blocks_interrupts = false;
        fibres[i].foreign_handlers = 0;
        reset_record(fibres[i].record);
    }
    begin_strategy();
    points_behind = only_first_is_preempted = false;
    program->set_up();
    action first = next_action();
    while (first.kind != RUN) { /* nothing is buffered yet, but a replay may stray */
        first = next_action();
    }
    remember(first);
    switch_to(first.who);
    for (unsigned i = 0; i < program->fibres; i++) { /* nobody is left to see the order */
        drain_all(&fibres[i]);
        if (fibres[i].is_blocked != fibres[i].blocks_interrupts) {
            sched_fail("fibre %u is left with another signal mask", i);
        }
    }
    const char *wrong = program->judge();
    if (wrong) {
        sched_fail("%s", wrong);
    }
    if (steps > longest_run) {
        longest_run = steps;
    }
}
