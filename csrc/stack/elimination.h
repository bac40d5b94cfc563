/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The elimination array: a push and a pop that meet need not touch the stack at all.
 *
 * What treiber.c may rely on
 *
 *   An offered word is taken by exactly one pop, or by nobody. cc_offer_word returns true if and
 *   only if it has been taken, whatever the threads' order.
 *   The instant at which it is taken lies inside the call that offers and the call that takes. So
 *   the push, and right after it the pop, take effect at that instant: LIFO, whatever the stack
 *   holds. It is the taker's compare-and-swap of the cell.
 *   After cc_close_cells nothing is offered or taken any more, and what was on offer and had not
 *   been taken has not been.
 *
 * The protocol. A cell is one word: how often it has changed, who offers, and whether it is closed.
 *
 *     offer:  write the word into the own handle; CAS the cell from FREE to {count + 1, me};
 *             wait; CAS {count + 1, me} to {count + 2, FREE}. Won: withdrawn. Lost: taken, unless
 *             the cell still says {count + 1, me}, closed.
 *     take:   the cell says {count, p}: read p's word; CAS it to {count + 1, FREE}.
 *
 * Every change raises the count. So a taker whose compare-and-swap succeeds has read the word of
 * that very offer: the word is written before the offer, and overwritten only after the cell has
 * changed. The model is tla/treiber.tla; without the count, or with a take that does not swap, it
 * is refuted.
 *
 * From the paper (Hendler, Shavit, Yerushalmi: A Scalable Lock-Free Stack Algorithm, 2004)
 *
 *     collision array      cells; only pushes put something there, pops look: the paper's passive
 *                          and active half, so that no operation needs both
 *     location, ThreadInfo the handle, with one word; the cell's count in place of a second CAS
 *     spin                 `wait`: longer when it was worth while, shorter when nobody came
 *     range, factor        `width`: cells in use; more when one was busy, fewer when nobody came
 *     delay after timeout  none: the waiting is the back-off
 *
 * Adaptation is each thread's own, in its handle, and advice only: no cell is wrong.
 *
 * Progress. An offer and a look pause a bounded number of times. Whatever their outcome, the caller
 * goes back to the top; it came here because somebody else has changed that.
 *
 * Pairs of releases and acquires, by number:
 *   (1) an offer   with the taker's load of the cell: the word on offer, and what it means.
 *   (2) a take     with the offerer's load or failed CAS: the word is out.
 *
 * Layer: for treiber.c only.
 */
#ifndef CC_ELIMINATION_H
#define CC_ELIMINATION_H

#include "../sync/handles.h"
#include "concurrent_collections/cc_atomic.h"

/* The most cells of an array; each has a line of its own. */
#ifndef ELIMINATION_CELLS
#define ELIMINATION_CELLS 8u
#endif

/* Pauses for a partner. */
#define SHORTEST_WAIT 16u
#define FIRST_WAIT 64u
#define LONGEST_WAIT 256u

#define CELL_CLOSED UINT64_C(1)
#define CELL_OFFERER_SHIFT 1
#define CELL_COUNT_SHIFT 21 /* CC_MOST_HANDLES fits in between */
#define CELL_CHANGE (UINT64_C(1) << CELL_COUNT_SHIFT)

_Static_assert(CC_MOST_HANDLES < UINT32_C(1) << (CELL_COUNT_SHIFT - CELL_OFFERER_SHIFT),
               "a cell has room for the number of every handle");

typedef struct cc_cell {
    cc_atomic_u64 word;
    char rest_of_line[CC_CACHE_LINE - sizeof(cc_atomic_u64)];
} cc_cell;

typedef struct cc_elimination {
    cc_cell cells[ELIMINATION_CELLS];
    uint32_t count;    /* of cells that are used, 1 .. ELIMINATION_CELLS */
    uint32_t longest;  /* pauses; 0: nobody ever tries */
} cc_elimination;

/* What a thread's handle on the stack begins with. Only the owner writes it. */
typedef struct cc_eliminator {
    cc_handle common;
    cc_atomic_uptr word; /* on offer */
    uint32_t width, wait;
    cc_atomic_u64 offers, taken; /* how often it has offered a word; and how often that was taken */
} cc_eliminator;

static inline uint32_t cc_offerer_of(uint64_t cell) {
    return (uint32_t)(cell >> CELL_OFFERER_SHIFT) & CC_MOST_HANDLES;
}

/* The cell's next state: with this offerer, 0 for none. */
static inline uint64_t cc_cell_after(uint64_t cell, uint32_t offerer) {
    return (((cell >> CELL_COUNT_SHIFT) + 1) << CELL_COUNT_SHIFT) | (uint64_t)offerer
                                                                        << CELL_OFFERER_SHIFT;
}

static inline void cc_elimination_begin(cc_elimination *e, uint32_t cells, uint32_t longest) {
    e->count = cells < ELIMINATION_CELLS ? cells : ELIMINATION_CELLS;
    e->longest = longest;
}

static inline void cc_eliminator_begin(cc_eliminator *mine) {
    mine->width = 1;
    mine->wait = FIRST_WAIT;
}

static inline uint32_t cc_pauses(const cc_elimination *e, const cc_eliminator *mine) {
    return mine->wait < e->longest ? mine->wait : e->longest;
}

static inline cc_atomic_u64 *cc_pick_cell(cc_elimination *e, const cc_eliminator *mine,
                                          cc_thread *self) {
    return &e->cells[mine->width > 1 ? cc_thread_random(self) % mine->width : 0].word;
}

static inline void cc_use_more_cells(const cc_elimination *e, cc_eliminator *mine) {
    mine->width = 2 * mine->width < e->count ? 2 * mine->width : e->count;
}

static inline void cc_wait_was_worth_it(cc_eliminator *mine) {
    mine->wait = 2 * mine->wait < LONGEST_WAIT ? 2 * mine->wait : LONGEST_WAIT;
}

static inline void cc_nobody_came(cc_eliminator *mine) {
    mine->width = mine->width > 1 ? mine->width / 2 : 1;
    mine->wait = mine->wait > 2 * SHORTEST_WAIT ? mine->wait / 2 : mine->wait;
}

/* Offer a word to the pops that come by. True: one of them has it; else nothing has happened. */
static inline bool cc_offer_word(cc_elimination *e, cc_eliminator *mine, cc_thread *self,
                                 uintptr_t word) {
    cc_atomic_u64 *cell = cc_pick_cell(e, mine, self);
    uint64_t seen = cc_load_acquire_u64(cell); /* pairs with (2) */
    if (seen & CELL_CLOSED) {
        return false;
    }
    uint64_t offered = cc_cell_after(seen, mine->common.number);
    cc_store_relaxed_uptr(&mine->word, word);
    if (cc_offerer_of(seen) || !cc_cas_acq_rel_u64(cell, &seen, offered)) { /* (1) */
        cc_use_more_cells(e, mine);
        return false;
    }
    cc_handle_count(&mine->offers, 1);
    seen = offered;
    for (uint32_t i = 0; i < cc_pauses(e, mine) && seen == offered; i++) {
        cc_pause();
        seen = cc_load_acquire_u64(cell); /* pairs with (2) */
    }
    seen = offered;
    if (cc_cas_acq_rel_u64(cell, &seen, cc_cell_after(offered, 0))) { /* pairs with (2) */
        cc_nobody_came(mine);
        return false;
    }
    if (seen == (offered | CELL_CLOSED)) {
        return false;
    }
    cc_wait_was_worth_it(mine);
    cc_handle_count(&mine->taken, 1);
    return true;
}

/* Take a word that is on offer. False: there was none, or somebody else was faster. */
static inline bool cc_take_offer(cc_elimination *e, cc_eliminator *mine, cc_thread *self,
                                 const cc_handles *handles, uintptr_t *word) {
    cc_atomic_u64 *cell = cc_pick_cell(e, mine, self);
    uint64_t seen = cc_load_acquire_u64(cell); /* pairs with (1) */
    for (uint32_t i = 0; i < cc_pauses(e, mine) && !cc_offerer_of(seen); i++) {
        cc_pause();
        seen = cc_load_acquire_u64(cell); /* pairs with (1) */
    }
    uint32_t offerer = cc_offerer_of(seen);
    if (!offerer || seen & CELL_CLOSED) {
        cc_nobody_came(mine);
        return false;
    }
    const cc_eliminator *other = (const cc_eliminator *)cc_handle_at(handles, offerer);
    uintptr_t offered = cc_load_relaxed_uptr(&other->word);
    if (!cc_cas_acq_rel_u64(cell, &seen, cc_cell_after(seen, 0))) { /* (2) */
        cc_use_more_cells(e, mine);
        return false;
    }
    cc_wait_was_worth_it(mine);
    *word = offered;
    return true;
}

/* Idempotent. Wait-free. */
static inline void cc_close_cells(cc_elimination *e) {
    for (uint32_t i = 0; i < e->count; i++) {
        cc_fetch_or_acq_rel_u64(&e->cells[i].word, CELL_CLOSED);
    }
}

#endif
