/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Exponential backoff for a thread whose compare-and-swap lost. It only pauses the processor: it
 * never sleeps, never yields to the kernel and never detaches from the interpreter, so it may be
 * used inside a protected region. Whoever has waited long enough must do something else (help,
 * give up, park); cc_backoff_is_spent() says when.
 */
#ifndef CC_BACKOFF_H
#define CC_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "cc_arch.h"

typedef struct cc_backoff {
    uint32_t next;    /* pauses of the next step */
    uint32_t ceiling; /* pauses of the longest step */
} cc_backoff;

/* Pauses of the first and of the longest step where the caller has no opinion. */
#define CC_BACKOFF_FIRST 4u
#define CC_BACKOFF_CEILING 256u

static inline cc_backoff cc_backoff_start(uint32_t first, uint32_t ceiling) {
    cc_backoff b = {first ? first : 1u, ceiling};
    return b;
}

/* Pause, and double the next pause. */
static inline void cc_backoff_step(cc_backoff *b) {
    for (uint32_t i = 0; i < b->next; i++) {
        cc_pause();
    }
    if (b->next < b->ceiling) {
        b->next *= 2;
    }
}

/* True once the longest step has been reached. */
static inline bool cc_backoff_is_spent(const cc_backoff *b) {
    return b->next >= b->ceiling;
}

#endif
