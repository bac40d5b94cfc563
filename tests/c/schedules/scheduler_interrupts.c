/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interrupts: what memory/debra.c calls of platform/cc_os.h, simulated.
 *
 * A signal that was sent may be handled at any point of its fibre from then on. The barrier, which
 * comes after it, makes it due: it is handled before the fibre's next step. A blocked one waits,
 * and is due when the mask is restored. While our handler runs the signal is blocked, as the kernel
 * does it.
 */
#include "platform/cc_os.h"
#include "scheduler_inside.h"

#define SIGNAL_NUMBER 40

static void (*interrupt_handler)(void *context);

typedef struct interrupted_code {
    bool is_blocked; /* its signal mask */
    unsigned foreign_handlers;
} interrupted_code;

static void handle_interrupt(fibre *f) {
    interrupted_code below = {f->is_blocked, f->foreign_handlers};
    f->is_pending = f->is_due = false;
    f->is_blocked = true;
    interrupt_handler(&below); /* which may jump */
    f->is_blocked = below.is_blocked;
}

void handle_interrupts(bool between_steps) {
    fibre *f = &fibres[current];
    while (f->is_pending && !f->is_blocked &&
           (f->is_due || choose(2, chance_delivers(between_steps)))) {
        handle_interrupt(f);
    }
}

#if CC_HAS_INTERRUPTS
void sched_block_interrupts(unsigned who) {
    fibres[who].is_blocked = fibres[who].blocks_interrupts = true;
}

void sched_foreign_handler(bool blocks) {
    fibre *f = &fibres[current];
    bool was_blocked = f->is_blocked;
    f->foreign_handlers++;
    f->is_blocked = was_blocked || blocks;
    sched_point();
    sched_point();
    f->foreign_handlers--;
    f->is_blocked = was_blocked;
    f->is_due = f->is_pending;
    handle_interrupts(false);
}

bool cc_os_interrupts_begin(int signal_number, void (*handler)(void *context)) {
    (void)signal_number;
    interrupt_handler = handler;
    return true;
}

int cc_os_interrupt_signal(void) {
    return interrupt_handler ? SIGNAL_NUMBER : 0;
}

bool cc_os_interrupt(uint64_t thread_number) {
    fibre *f = &fibres[thread_number - 1];
    sched_point();
    f->is_pending = true;
    sched_point();
    for (unsigned i = 0; i < program->fibres; i++) {
        drain_all(&fibres[i]);
    }
    f->is_due = f->is_pending;
    sched_point();
    return !f->is_blocked;
}

bool cc_os_interrupts_are_ours(void) {
    return true;
}

bool cc_os_was_interrupted_within(const void *context, const void *stack, size_t bytes) {
    (void)stack, (void)bytes;
    return ((const interrupted_code *)context)->foreign_handlers == 0;
}

void cc_os_interrupt_again_after_outer_handler(void *context) {
    fibre *f = &fibres[current];
    f->is_pending = f->is_due = true;
    ((interrupted_code *)context)->is_blocked = true;
}

void cc_os_restore_interrupted_mask(const void *context) {
    if (fibres[current].foreign_handlers) {
        sched_fail("a handler of somebody else is cut off");
    }
    fibres[current].is_blocked = ((const interrupted_code *)context)->is_blocked;
}

void cc_os_block_interrupts(cc_os_mask *before) {
    before->is_blocked = fibres[current].is_blocked;
    fibres[current].is_blocked = true;
}

void cc_os_set_mask_back(const cc_os_mask *before) {
    fibre *f = &fibres[current];
    f->is_blocked = before->is_blocked;
    f->is_due = f->is_pending;
    handle_interrupts(false);
}
#endif
