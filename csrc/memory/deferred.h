/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Releasing what nobody can see any more, and destructions, without recursion.
 *
 * A caller may rely on this: a release function runs outside every region; on the stack of other
 * release functions only when many things wait, and few on one stack. So a chain of a million
 * containers, each inside another, needs no stack. What is put off meanwhile is counted among what
 * waits.
 *
 * Layer: above retired.h. deferred.c says how.
 */
#ifndef CC_DEFERRED_H
#define CC_DEFERRED_H

#include "retired.h"

/* Release at most `most` of what has been found free in this stripe; or leave it there, where
 * releases run up the stack and it is not much. */
void cc_release_ready(cc_limbo *s, cc_thread *self, size_t most);

/* Of a thing that nobody can see. `r` is a record for it, where it is put off. */
void cc_release_or_put_off(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                           unsigned kind, size_t bytes);

/* Release a chain that has been taken out of its domain. */
void cc_release_chain(cc_thread *self, cc_retired *chain);

/* Something whose destruction runs foreign code, which may destroy more of its kind: the outermost
 * one loops, the inner ones queue up, but for the bound in deferred.c. So a chain of a million
 * nested containers needs no stack. */
typedef struct cc_deferred {
    struct cc_deferred *next;
    void (*run)(struct cc_deferred *);
} cc_deferred;

void cc_run_or_defer(cc_deferred *item);

/* Do what threads left undone that ended inside a release function. Called where release functions
 * may run, outside of all of them. */
void cc_adopt_orphans(cc_thread *self);

/* Destructions that wait for the release function up some thread's stack, or for
 * cc_adopt_orphans. */
size_t cc_destructions_put_off(void);

#endif
