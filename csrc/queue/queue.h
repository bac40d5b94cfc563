/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A FIFO queue of words that any number of threads use at once, whatever algorithm is behind it:
 *
 *   scq.c      Nikolaev's SCQ rings, linked into a list        lock-free, portable
 *   faa.c      Correia and Ramalhete's FAAArrayQueue           lock-free, portable
 *   lcrq.c     Morrison and Afek's LCRQ                        lock-free, needs a 16-byte CAS
 *   wcq.c      Nikolaev and Ravindran's wCQ rings              wait-free, needs a 16-byte CAS
 *   crturn.c   Ramalhete and Correia's CRTurn queue            wait-free, portable
 *
 * What they share is here and in queue.c: the bound, the counts, closing, and the handles.
 *
 * Fork. No thread may be in an operation when the process forks: queues are for attached threads,
 * and CPython stops these before os.fork. Then all of it can be used in the child.
 *
 * The bound. A bounded queue has `capacity` credits. put takes a credit, then publishes the word;
 * get takes a word, then gives the credit back. So a put may find the queue full while a get is
 * unfinished, and the number of words in the queue is never above the capacity. Queues that were
 * made without a bound have no credits. The bound of one that has credits can be changed; when it
 * is lowered below what is inside, nothing is lost, and puts say FULL until enough has been taken.
 *
 * Counts. Every handle (a thread on this queue) counts its puts, before it publishes, and its gets,
 * after it has taken, in words of its own: nobody contends for a counter.
 *
 * Closing. After cc_queue_close no put succeeds; what is in the queue can still be taken; then get
 * says CLOSED. A put that runs beside the close either puts its word where a get will find it or
 * says CLOSED: no word is left behind in a queue that has said CLOSED to a get.
 *
 * Nothing here blocks, or calls back, or knows what a word means. Waiting is csrc/sync.
 */
#ifndef CC_QUEUE_H
#define CC_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cc_queue cc_queue;

typedef enum cc_queue_status {
    CC_QUEUE_OK,
    /* get: there was nothing to take at one moment during the call */
    CC_QUEUE_EMPTY,
    /* put: no credit was free at one moment during the call */
    CC_QUEUE_FULL,
    /* put: the queue is closed; get: it is closed and there will never be a word */
    CC_QUEUE_CLOSED,
    /* put, or a thread's first call (also for more threads than the kind allows): nothing has
     * happened */
    CC_QUEUE_NO_MEMORY
} cc_queue_status;

typedef enum cc_queue_kind {
    CC_QUEUE_SCQ,
    CC_QUEUE_FAA,
    CC_QUEUE_LCRQ, /* where cc_queue_kind_is_available says so */
    CC_QUEUE_WAIT_FREE, /* wCQ where there is a 16-byte CAS, else CRTurn */
    CC_QUEUE_CRTURN /* CRTurn everywhere: for tests */
} cc_queue_kind;

/* All zero: an unbounded queue with everything at its default. */
typedef struct cc_queue_options {
    size_t capacity; /* words; 0: unbounded */
    /* Slots of a ring; rounded up to a power of two; 0: the algorithm's default. */
    uint32_t ring_slots;
    /* wCQ: fast attempts before the slow path, plus one; 0: default, so 1 is none. */
    uint32_t patience;
    /* Loads that a get waits for a put in its slot, plus one; 0: default. */
    uint32_t spins;
    /* Nanoseconds that an operation waits while another thread uses the queue as fast as it can
     * (burst_backoff.h), plus one; 0: default; 1, never, where one thread runs at a time. */
    uint32_t backoff_wait;
#if defined(CC_TEST_HOOKS) /* read by CC_TEST_OPTION (queue_inside.h) */
    uint32_t chain_length; /* indices in a chain (index_cache.h); 0: as many as go with the ring */
    uint32_t ignore_growth; /* do not grow rings when threads outnumber slots */
    uint32_t ticket_limit; /* tickets after which a ring is finalized; 0: the algorithm's */
#endif
} cc_queue_options;

/* Does this machine have what the kind needs? Thread-safe. */
bool cc_queue_kind_is_available(cc_queue_kind kind);

/* A new queue, or NULL: without memory, or when the kind is not available. */
cc_queue *cc_queue_new(cc_queue_kind kind, const cc_queue_options *options);

/* Destroy it. No thread uses it any more. `release` (may be NULL) is called for every word in it,
 * oldest first, and may run foreign code, which can no longer reach the queue. Inside another
 * release function of this thread the whole is put off until that one returns: chains of queues
 * need no stack. */
void cc_queue_free(cc_queue *queue, void (*release)(uintptr_t word));

/* Put a word, any but 0. OK, FULL, CLOSED or NO_MEMORY; unless OK the word stays the caller's. */
cc_queue_status cc_queue_put(cc_queue *queue, uintptr_t word);

/* Put a word; if there is no room, take the oldest word and put this one in its place: nobody else
 * gets the room in between, so one word is taken at most. It is in *oldest then, and the caller's;
 * else *oldest is 0.
 *
 * OK, FULL, CLOSED or NO_MEMORY. FULL: there was no room and no word, each at one moment during the
 * call, because others are in the middle of theirs; nothing has happened, try again. With CLOSED or
 * NO_MEMORY there can be a word in *oldest: it was taken before the queue was closed or memory ran
 * out.
 *
 * Never pauses; lock-free. Between its two halves the queue is a word shorter. */
cc_queue_status cc_queue_put_overwriting(cc_queue *queue, uintptr_t word, uintptr_t *oldest);

/* Take the oldest word. OK, EMPTY, CLOSED, or NO_MEMORY at a thread's first call. */
cc_queue_status cc_queue_get(cc_queue *queue, uintptr_t *word);

/* The same for callers that must not be held up, as event loops. The two above may pause for up to
 * `backoff_wait` when this thread and another one do nothing but use the queue; these never do. */
cc_queue_status cc_queue_put_now(cc_queue *queue, uintptr_t word);
cc_queue_status cc_queue_get_now(cc_queue *queue, uintptr_t *word);

/* From now on no put begins to succeed. Idempotent. Lock-free. */
void cc_queue_close(cc_queue *queue);
bool cc_queue_is_closed(const cc_queue *queue);

/* Puts that have succeeded, or are about to, minus gets that have: never above the capacity, unless
 * that has been lowered below what was inside; exact while nobody is at work, and 0 from the first
 * get on that has said CLOSED. O(threads). */
size_t cc_queue_length(const cc_queue *queue);

/* Sums of the handles' counts. `puts` is read so that a put whose word somebody has taken is always
 * in it when the take is known to the caller. A put that says FULL is never in it; one that will
 * say CLOSED or NO_MEMORY may be for a while. */
uint64_t cc_queue_puts(const cc_queue *queue);
uint64_t cc_queue_gets(const cc_queue *queue);

size_t cc_queue_capacity(const cc_queue *queue); /* 0: unbounded */

/* Change the bound; 0: none, from now on. It takes effect at one instant of the call. One caller at
 * a time, beside all other operations; wait-free. False, and nothing has happened: the queue was
 * made without a bound, or bounds itself (a wCQ of one ring). */
bool cc_queue_set_capacity(cc_queue *queue, size_t capacity);

size_t cc_queue_bytes(const cc_queue *queue); /* allocated for the queue now */

/* "scq", "faa", "lcrq", "wcq", "crturn". */
const char *cc_queue_backend(const cc_queue *queue);

/* What the operations have come to, since the queue was made. Exact while nobody is at work. */
typedef struct cc_queue_statistics {
    uint64_t puts, gets;
    /* wCQ; 0 of other kinds. How often all tries on the fast path were in vain, so that a request
     * was written down for others to help with, at most twice in one operation; and how many tries
     * there are. */
    uint64_t requests;
    uint32_t patience;
    /* Steps that an operation may take at the most, with as many threads as have used the queue:
     * wcq_ring.h derives it. 0: no number is known (lists of rings, and other kinds). */
    uint64_t most_steps;
} cc_queue_statistics;

/* O(threads); wait-free. */
void cc_queue_get_statistics(const cc_queue *queue, cc_queue_statistics *out);

/* Is each operation of each thread finished after a bounded number of its own steps? Of the
 * wait-free kinds that is wCQ with a capacity of at most 65536 (else rings are linked, which is
 * lock-free) and CRTurn without one (else credits are counted, which is lock-free). A thread's
 * first call allocates. */
bool cc_queue_is_wait_free(const cc_queue *queue);

/* Call visit for every word in the queue; stop when it answers other than 0, and return that.
 * Nobody else runs (a garbage collection stops the world; no operation is half done then, since
 * operations are never interrupted by one). */
int cc_queue_visit(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                   void *argument);

#endif
