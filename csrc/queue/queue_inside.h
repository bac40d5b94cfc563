/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What queue.c and the kinds of queues share. For the files of this directory.
 *
 * A kind is a table of operations, and a struct that begins with a cc_queue. queue.c has the bound,
 * the counts, the flag that says "closing", and finds the handle; the kind has the words. Most
 * kinds are a list of rings: ring_list.h.
 */
#ifndef CC_QUEUE_INSIDE_H
#define CC_QUEUE_INSIDE_H

#include "../memory/cc_alloc.h"
#include "../memory/smr_fast.h"
#include "../sync/credits.h"
#include "../sync/handles.h"
#include "queue.h"
#include "burst_backoff.h"

typedef struct cc_queue_operations {
    const char *backend;
    bool (*is_available)(void); /* on this machine; NULL: everywhere */
    size_t queue_bytes;  /* of the kind's struct, which begins with a cc_queue */
    size_t handle_bytes; /* of the kind's handle, which begins with a cc_handle */
    void (*begin_handle)(cc_handle *handle); /* what is behind it, all zero; NULL: stays so */

    /* All of `queue` that is common is set up, the rest is zero. False: without memory; nothing is
     * left. */
    bool (*begin)(cc_queue *queue);
    /* OK, CLOSED or NO_MEMORY, and FULL of a queue without credits. */
    cc_queue_status (*put_word)(cc_queue *queue, cc_handle *self, uintptr_t word);
    /* OK, EMPTY or CLOSED. CLOSED only after close(), when there is no word and never will be. */
    cc_queue_status (*take_word)(cc_queue *queue, cc_handle *self, uintptr_t *word);
    /* Of a queue that is full and has no credits (NULL: there are none of this kind). Take the
     * oldest word and put another one in its place. As take_word, and CLOSED also with a word in
     * *oldest: it is taken, and the other one is not put. Else *oldest is left as it is. */
    cc_queue_status (*replace_word)(cc_queue *queue, cc_handle *self, uintptr_t word,
                                    uintptr_t *oldest);
    /* Make puts fail that have not happened yet, and gets say CLOSED instead of EMPTY. May be
     * called by several threads, again and again. */
    void (*close)(cc_queue *queue, cc_handle *self);
    /* For every word, oldest first, while nobody else runs. */
    int (*visit)(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                 void *argument);
    /* Give back what begin and the operations have allocated. The words are gone. */
    void (*end)(cc_queue *queue);
    size_t (*bytes)(const cc_queue *queue); /* of what end gives back */
    bool (*is_wait_free)(const cc_queue *queue);
    /* Fill in what is the kind's own: the rest is there. NULL: nothing is. */
    void (*add_statistics)(const cc_queue *queue, cc_queue_statistics *out);
} cc_queue_operations;

struct cc_queue {
    cc_deferred destruction; /* first: a deferred item is the queue itself */
    const cc_queue_operations *ops;
    void (*release)(uintptr_t word);
    size_t capacity; /* that it was made with: what sizes of rings go by */
    bool has_credits; /* else begin has seen to the bound (wcq.c), or there is none */
    bool counts_itself; /* put_word and take_word see to the handle's counts; set by begin */
    cc_atomic_u32 drained; /* a get has said CLOSED: nothing is inside, for ever */
    cc_atomic_u32 closing; /* 1: no put begins to succeed any more */
    cc_burst_backoff backoff;
    cc_queue_options options;
    cc_handles handles;
    char keep_credits_off_what_is_only_read[CC_CACHE_LINE];
    cc_credits credits;
    char rest_of_line[CC_CACHE_LINE - sizeof(cc_credits)];
};

/* The tables of the kinds. */
extern const cc_queue_operations cc_scq_operations;
extern const cc_queue_operations cc_faa_operations;
extern const cc_queue_operations cc_lcrq_operations;
extern const cc_queue_operations cc_wcq_operations;
extern const cc_queue_operations cc_crturn_operations;

/* An option that only tests set: 0, a constant, in all other builds. */
#if defined(CC_TEST_HOOKS)
#define CC_TEST_OPTION(queue, option) ((queue)->options.option)
#else
#define CC_TEST_OPTION(queue, option) ((void)(queue), 0u)
#endif

/* Loads that a get waits for a put in its slot. */
static inline uint32_t cc_queue_spins(const cc_queue *queue) {
    return queue->options.spins ? queue->options.spins - 1 : 64u;
}

/* Does this machine have cc_pair_cas? */
static inline bool cc_can_swap_pairs(void) {
#if !defined(CC_HAVE_PAIR_CAS)
    return false;
#elif defined(CC_ARCH_X86_64)
    return cc_features() & CC_FEATURE_CMPXCHG16B;
#else
    return true;
#endif
}

/* The number of the highest bit that is set, from 0. */
static inline uint32_t cc_highest_bit(uint32_t n) {
#if defined(__GNUC__)
    return 31u - (uint32_t)__builtin_clz(n);
#else
    uint32_t bit = 0;
    while (n >> 1 >> bit) {
        bit++;
    }
    return bit;
#endif
}

/* The smallest power of two that is not smaller. */
static inline uint32_t cc_power_of_two(uint64_t n) {
    uint32_t power = 1;
    while (power < n && power < UINT32_C(1) << 31) {
        power *= 2;
    }
    return power;
}

#endif
