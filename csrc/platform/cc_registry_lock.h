/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one lock of the core: it guards the list of live domains (memory/domains.c), which changes
 * when a container is made or destroyed. No operation on a container takes it, so nothing that is
 * called lock-free waits for it.
 *
 * Rule. Between the two calls: plain memory only. No foreign code, no attaching or detaching,
 * nothing that waits. So a holder never needs anything from those who wait for it, whether they are
 * attached to the interpreter or not.
 *
 * Fork. The lock is held across fork(), so that the child finds it free and what it guards in one
 * piece.
 */
#ifndef CC_REGISTRY_LOCK_H
#define CC_REGISTRY_LOCK_H

void cc_lock_registry(void);
void cc_unlock_registry(void);

#endif
