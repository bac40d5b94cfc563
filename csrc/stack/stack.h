/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A LIFO stack of words that any number of threads use at once: Treiber's list with an elimination
 * array (treiber.c, elimination.h).
 *
 *     cc_stack *s = cc_stack_new(&words, NULL);
 *     if (cc_stack_push(s, word) == CC_STACK_OK) ...
 *     if (cc_stack_pop(s, &word) == CC_STACK_OK) ...       word is the caller's
 *     cc_stack_free(s);
 *
 * What a caller may rely on
 *
 *   push, pop, peek, snapshot and close are linearizable: each takes effect at one instant of the
 *   call. They are lock-free: whatever happens to one thread, the others go on. (A thread's first
 *   call, and a push when no node is at hand, allocate.)
 *
 *   Words. A push hands the word over; exactly one pop hands it out again, and nothing in between
 *   touches what it means. Only peek and snapshot acquire words (`acquire`), while they are still
 *   inside. What is popped while somebody looks is acquired for who pops it, and the stack's own
 *   part of it is released (`release`) when nobody can be looking at it any more: then and only
 *   then a pop runs foreign code, at its very end. Pops and looks release what others have left
 *   waiting; a push does not, so that it runs no foreign code.
 *
 *   The bound. A bounded stack has `capacity` credits (sync/credits.h): a push takes one before its
 *   word is in, a pop gives one back after its word is out. So there are never more than `capacity`
 *   words inside, and a push may say FULL while a pop is unfinished.
 *
 *   Closing. After cc_stack_close no push succeeds; what is inside can be popped; then pop says
 *   CLOSED. No word is left behind in a stack that has said CLOSED to a pop.
 *
 *   Counts. Every thread counts its pushes before they are visible, and its pops after they have
 *   taken, in words of its own.
 *
 * Fork. As for queues (queue.h): no thread may be in an operation when the process forks.
 *
 * Nothing here blocks. Waiting is csrc/sync.
 */
#ifndef CC_STACK_H
#define CC_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_smr_domain;

typedef struct cc_stack cc_stack;

typedef enum cc_stack_status {
    CC_STACK_OK,
    CC_STACK_EMPTY,    /* pop, peek: nothing was inside at one moment during the call */
    CC_STACK_FULL,     /* push: no credit was free at one moment during the call */
    CC_STACK_CLOSED,   /* push: closed; pop, peek: closed, and empty for ever */
    CC_STACK_NO_MEMORY /* nothing has happened */
} cc_stack_status;

/* What words mean. Both may be NULL (words are plain numbers). Neither is called inside a region
 * but `acquire`, which runs no foreign code. The table lives as long as the process: what a stack
 * has retired may be released a moment after the stack is gone (cc_smr_domain_join_flushes). */
typedef struct cc_stack_words {
    void (*acquire)(uintptr_t word);
    void (*release)(uintptr_t word);
} cc_stack_words;

/* All zero: no bound, everything at its default. */
typedef struct cc_stack_options {
    size_t capacity; /* words; 0: any number */
    uint32_t cells;  /* of the elimination array; 0: as many as the machine is good for */
    /* Pauses that a thread waits for a partner at most, plus one; 0: default; 1: it never tries,
     * where one thread runs at a time. */
    uint32_t wait;
#if defined(CC_TEST_HOOKS)
    bool eliminates_first; /* operations go to the array before they try the top */
#endif
} cc_stack_options;

/* NULL without memory. `options` may be NULL. */
cc_stack *cc_stack_new(const cc_stack_words *words, const cc_stack_options *options);

/* Destroy it. No thread uses it any more. Releases every word inside, top first, which may run
 * foreign code; inside another release function of this thread all of that is put off until that
 * one returns, so chains of stacks need no stack. NULL is nothing. */
void cc_stack_free(cc_stack *stack);

/* Put a word, any but 0, on top. OK, FULL, CLOSED or NO_MEMORY; unless OK the word stays the
 * caller's. OK is brought about by a read-modify-write. Like pop, it may pause for a partner, ten
 * microseconds or so at most, each time when somebody else was faster. */
cc_stack_status cc_stack_push(cc_stack *stack, uintptr_t word);

/* Take the top word. OK, EMPTY, CLOSED or NO_MEMORY. */
cc_stack_status cc_stack_pop(cc_stack *stack, uintptr_t *word);

/* The top word, which stays, acquired for the caller. OK, EMPTY, CLOSED or NO_MEMORY. */
cc_stack_status cc_stack_peek(cc_stack *stack, uintptr_t *word);

/* All words that were inside at one instant, top first, each acquired for the caller, who frees
 * *words by cc_free. OK or NO_MEMORY. O(n), in one region: see treiber.c for what dies meanwhile.
 * Begins again when the stack has grown by more than an eighth in between. */
cc_stack_status cc_stack_snapshot(cc_stack *stack, uintptr_t **words, size_t *count);

/* From now on no push succeeds. Idempotent. Wait-free. */
void cc_stack_close(cc_stack *stack);
bool cc_stack_is_closed(const cc_stack *stack);

/* Pushes that have succeeded, or are about to, minus pops that have: never above the capacity,
 * exact while nobody is at work, and 0 if and only if nothing is inside. O(threads). */
size_t cc_stack_length(const cc_stack *stack);
bool cc_stack_is_empty(const cc_stack *stack); /* at one instant; O(1) */

/* Sums of the threads' counts. A push whose word somebody has taken is in cc_stack_pushes when the
 * pop is known to the caller. One that says FULL is never in it; one that will say CLOSED or
 * NO_MEMORY may be for a while. */
uint64_t cc_stack_pushes(const cc_stack *stack);
uint64_t cc_stack_pops(const cc_stack *stack);

size_t cc_stack_capacity(const cc_stack *stack); /* 0: any number */

/* Change the bound; 0: none, from now on. As cc_queue_set_capacity (queue.h): one caller at a time,
 * wait-free. False, and nothing has happened: the stack was made without a bound. */
bool cc_stack_set_capacity(cc_stack *stack, size_t capacity);

size_t cc_stack_bytes(const cc_stack *stack); /* allocated for it now; exact when quiet */
struct cc_smr_domain *cc_stack_domain(const cc_stack *stack);

/* How operations have met, since the stack was made. Exact while nobody is at work. */
typedef struct cc_stack_statistics {
    uint64_t pushes, pops;
    uint64_t lost; /* tries at the top that somebody else was faster than */
    uint64_t offers; /* of words, in the elimination array */
    uint64_t eliminated; /* of these, taken there: so many pushes and as many pops */
} cc_stack_statistics;

void cc_stack_get_statistics(const cc_stack *stack, cc_stack_statistics *out);

/* Call visit for every word inside, and for every word that waits to be released; stop when it
 * answers other than 0, and return that. Nobody else runs (a garbage collection stops the world).
 */
int cc_stack_visit(const cc_stack *stack, int (*visit)(uintptr_t word, void *argument),
                   void *argument);

#endif
