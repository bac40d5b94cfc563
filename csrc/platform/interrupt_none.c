/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where no thread can be interrupted: DEBRA+ is refused, and containers use interval-based
 * reclamation.
 */
#include "cc_os.h"

#if !CC_HAS_INTERRUPTS
bool cc_os_interrupts_begin(int signal_number, void (*handler)(void *context)) {
    (void)signal_number;
    (void)handler;
    return false;
}

int cc_os_interrupt_signal(void) {
    return 0;
}
#endif

typedef int cc_nothing_else_for_others_here;
