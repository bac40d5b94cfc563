/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A queue as a list of rings, after Morrison and Afek (LCRQ) and Nikolaev (LSCQ): a Michael and
 * Scott queue whose nodes are rings. Puts go to the last ring, gets to the first.
 *
 *      head ---> ring, final ---> ring, final ---> ring <--- tail
 *
 * A ring that takes no more words is *final*: it will never again take one, and a put that finds it
 * so links a new ring behind it, with the word inside. A ring is *drained* when it is final and
 * empty: a get that finds the first ring so moves on to the next one.
 *
 * Rules that the kinds of rings keep:
 *   A. A put into a final ring fails, for ever. `next` is set only after the ring is final.
 *   B. A get says DRAINED only when every word in the ring, and every word that may still come into
 *      it, has been taken or is in the hands of a get that will return it. Where rings are used
 *      again, that is after it has seen that the ring is final: words that come between "empty" and
 *      "final" are not passed over. (Published code that swings head on "empty, and there is a next
 *      ring" loses items.)
 *   C. A get says EMPTY only for a ring that was not final at that moment, so that no ring was
 *      behind it.
 *
 * Closing. CC_RING_CLOSED is put where the next ring would go. Then A and B give the promise of
 * queue.h: a put that does not make it into the last ring finds the mark; a get that finds the mark
 * behind a drained ring knows that there will be no more words.
 *
 * Progress. Lock-free. An operation starts over only when another has linked a ring, moved an end
 * or finalized a ring. Tail never stays behind head: a get moves tail off a ring before it moves
 * head off it. So no retired ring is at an end.
 *
 * Memory: sticky hazards. Each handle has two hazards, for the ring of its last put and for that of
 * its last get, and goes on protecting these rings between operations. An operation that finds its
 * ring at the tail (or head) has nothing to publish, which is nearly always: no fence, no store.
 * Else it publishes the hazard, reads the end again, and starts over if it has moved on.
 *
 *   A ring is recycled (freed, or kept as a spare to be filled again) only by somebody who has
 *   seen, after both head and tail had left it, that no hazard protects it. So a hazard that was
 *   published while its ring was at one of the ends keeps the ring from being recycled until the
 *   hazard is changed, and a pointer that equals the hazard is the same ring in the same life. A
 *   hazard that was published too late belongs to a thread that reads again, and does not find the
 *   ring: unless it has become tail again in a new life, and then the hazard protects that one.
 *   Protected rings wait in a list (`retired`), which whoever retires the next ring takes whole and
 *   looks through.
 *
 *   Threads that have ended. Whoever looks through retired rings clears hazards of theirs that
 *   protect one of these, by a swap to 0 (clear_hazards_of_ended_threads). The next owner of the
 *   handle is not disturbed: it goes ahead with a hazard only when that ring is at the end, and a
 *   ring that is out of the list and in the hands of one thread is not. If the looker has found the
 *   handle without an owner, the next one begins after the ends had left the ring: (7). Indices of
 *   such a ring in the handle's cache (index_cache.h) are dropped before the handle protects any
 *   ring that was made later: cc_ring_protect looks at them between finding a ring at the end and
 *   publishing the hazard. Not for wCQ, whose helpers protect rings for others.
 *
 *   Threads that are there and do nothing go on protecting two rings each. So what waits is limited
 *   by its size: the more bytes wait, the shorter the next rings are (CC_PINNED_BYTES), down to the
 *   shortest.
 *
 * Pairs of releases and acquires, by number:
 *   (3) linking a ring                     with the loads of head, tail, next: what is in the ring.
 *   (4) publishing a hazard, head or tail moved on: store-load on both sides, all seq_cst.
 *   (5) a ring goes to `retired` or `spare`  with the exchange that takes it.
 *   (7) moving the ends on, then the look for an owner of the handle; a thread's registration, then
 *       its look at an end: store-load on both sides, all seq_cst (cc_thread_is_in_use).
 */
#ifndef CC_QUEUE_RING_LIST_H
#define CC_QUEUE_RING_LIST_H

#include "queue_inside.h"

/* Begins every ring. */
typedef struct cc_ring {
    cc_atomic_uptr next;     /* cc_ring *; 0: this is the last one; CC_RING_CLOSED: for ever */
    struct cc_ring *waiting; /* in the list of retired rings */
    size_t bytes;
    uint32_t slots; /* a power of two */
} cc_ring;

#define CC_RING_CLOSED ((uintptr_t)1)
#ifndef CC_SPARE_RINGS
#define CC_SPARE_RINGS 2u
#endif

/* What waits in `retired` grows to about this much, and by the shortest rings from then on. A new
 * ring takes one CC_PINNED_PARTS-th of what is left. */
#ifndef CC_PINNED_BYTES
#define CC_PINNED_BYTES (UINT64_C(1) << 20)
#endif
#ifndef CC_PINNED_PARTS
#define CC_PINNED_PARTS 8u
#endif

/* A look through `retired` takes as long as there are handles. Where rings are used once, and
 * retired all the time, it waits until there is a new one for so many handles: then each pays for
 * a constant number. */
#ifndef CC_HANDLES_PER_RETIRED
#define CC_HANDLES_PER_RETIRED 4u
#endif

typedef struct cc_ring_list {
    /* One line: ends move once in a ring's life, and are read by every operation. */
    cc_atomic_uptr head, tail; /* cc_ring * */
    char keep_the_rest_off[CC_CACHE_LINE - 2 * sizeof(uintptr_t)];
    cc_atomic_uptr retired; /* cc_ring *: out of the list, perhaps protected */
    cc_atomic_uptr spare[CC_SPARE_RINGS]; /* cc_ring *: protected by nobody */
    cc_atomic_u64 bytes; /* of all rings */
    cc_atomic_u64 pinned; /* bytes of rings in `retired`, or in the hands of who looks through it */
    cc_atomic_u32 next_slots; /* of the ring that is made next, before handles are looked at */
    cc_atomic_u32 not_looked_at; /* rings that have been put into `retired` since the last look */
} cc_ring_list;

typedef enum cc_ring_answer {
    CC_RING_OK,
    CC_RING_EMPTY, /* take: rule C */
    CC_RING_FINAL, /* put: the ring takes no more words */
    CC_RING_DRAINED /* take: rule B */
} cc_ring_answer;

/* A kind of rings. Its functions are called through a constant table in inlined code: no indirect
 * calls. */
typedef struct cc_ring_kind {
    /* Of the first ring when options.ring_slots is 0 and the queue has no bound. */
    uint32_t fewest_slots;
    uint32_t most_slots; /* a longer queue has more rings instead */
    /* Else 0. Slots >= handles is a safety condition: there are never more handles than this. */
    uint32_t most_slots_for_handles;
    bool helpers_protect_rings; /* for others: then hazards outlive their thread */
    bool are_used_once; /* slots: a ring is retired for every few puts */
    size_t (*bytes)(uint32_t slots);
    /* Make it new; word != 0: with that word inside. Nobody else knows the ring. */
    void (*fill)(cc_ring *ring, const cc_queue *queue, uintptr_t word);
    /* From now on it is final. */
    void (*finalize)(cc_ring *ring);
    /* OK or FINAL. */
    cc_ring_answer (*put)(cc_ring *ring, cc_queue *queue, cc_handle *self, uintptr_t word);
    cc_ring_answer (*take)(cc_ring *ring, cc_queue *queue, cc_handle *self, uintptr_t *word);
    int (*visit)(const cc_ring *ring, int (*visit)(uintptr_t word, void *argument), void *argument);
} cc_ring_kind;

/* A queue that is such a list and nothing else. */
typedef struct cc_ring_queue {
    cc_queue common;
    cc_ring_list rings;
    const cc_ring_kind *kind; /* for what is rare; put and take know it when they are compiled */
    uint32_t spins;
} cc_ring_queue;

bool cc_ring_queue_begin(cc_queue *queue, const cc_ring_kind *kind);
void cc_ring_queue_end(cc_queue *queue);
void cc_ring_queue_close(cc_queue *queue, cc_handle *self);
int cc_ring_queue_visit(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                        void *argument);
size_t cc_ring_queue_bytes(const cc_queue *queue);

/* Only `hazard` goes on protecting its ring: nothing else can stay cached (index_cache.h). */
static inline void cc_index_cache_drop_others(cc_handle *self, const cc_atomic_uptr *hazard) {
    if ((uintptr_t)self->cache_ring != cc_load_relaxed_uptr(hazard)) {
        self->cache_ring = NULL;
    }
}

/* ---- ring_list.c: what happens once in a ring's life ---- */

bool cc_ring_list_begin(cc_ring_list *list, cc_queue *queue, const cc_ring_kind *kind);
void cc_ring_list_end(cc_ring_list *list);
void cc_ring_list_close(cc_ring_list *list, cc_queue *queue, cc_handle *self,
                        const cc_ring_kind *kind);
int cc_ring_list_visit(const cc_ring_list *list, const cc_ring_kind *kind,
                       int (*visit)(uintptr_t word, void *argument), void *argument);
/* A ring with `word` in it, that nobody knows; NULL without memory. */
cc_ring *cc_ring_make(cc_ring_list *list, cc_queue *queue, const cc_ring_kind *kind,
                      uintptr_t word);
/* Give back a ring that nobody protects and that is in no list. */
void cc_ring_recycle(cc_ring_list *list, cc_ring *ring);
/* Head and tail have left the ring for ever. */
void cc_ring_retire(cc_ring_list *list, cc_queue *queue, cc_handle *self, cc_ring *ring,
                    const cc_ring_kind *kind);
/* The slow half of the two functions below: publish until it holds. */
cc_ring *cc_ring_protect(const cc_atomic_uptr *end, cc_atomic_uptr *hazard, cc_queue *queue,
                         cc_handle *self, const cc_ring_kind *kind);

/* ---- the two operations ---- */

/* The ring at `end`, protected by `hazard`. */
CC_ALWAYS_INLINE cc_ring *cc_ring_at(const cc_atomic_uptr *end, cc_atomic_uptr *hazard,
                                     cc_queue *queue, cc_handle *self, const cc_ring_kind *kind) {
    uintptr_t ring = cc_load_acquire_uptr(end); /* pairs with (3) */
    if (ring == cc_load_relaxed_uptr(hazard)) {
        return (cc_ring *)ring;
    }
    return cc_ring_protect(end, hazard, queue, self, kind);
}

/* The ring has turned out to be final: help with the next one, or link it. False: go on with the
 * tail there is now. */
static inline bool cc_ring_list_append(cc_ring_list *list, cc_queue *queue, cc_ring *ring,
                                       cc_ring **made, uintptr_t word, const cc_ring_kind *kind,
                                       cc_queue_status *status) {
    uintptr_t last = (uintptr_t)ring;
    uintptr_t next = cc_load_acquire_uptr(&ring->next); /* pairs with (3) */
    if (next == CC_RING_CLOSED) {
        *status = CC_QUEUE_CLOSED;
        return true;
    }
    if (next == 0) {
        if (!*made && !(*made = cc_ring_make(list, queue, kind, word))) {
            *status = CC_QUEUE_NO_MEMORY;
            return true;
        }
        if (cc_cas_seq_cst_uptr(&ring->next, &next, (uintptr_t)*made)) { /* (3) */
            (void)cc_cas_seq_cst_uptr(&list->tail, &last, (uintptr_t)*made);
            *made = NULL;
            *status = CC_QUEUE_OK;
            return true;
        }
        if (next == CC_RING_CLOSED) {
            *status = CC_QUEUE_CLOSED;
            return true;
        }
    }
    /* Only a ring that is tail is moved off; `ring` is protected by us, so it cannot be tail in a
     * second life. */
    (void)cc_cas_seq_cst_uptr(&list->tail, &last, next);
    return false;
}

CC_NEVER_INLINE cc_queue_status cc_ring_list_put_slowly(cc_ring_list *list, cc_queue *queue,
                                                        cc_handle *self, cc_ring *ring,
                                                        uintptr_t word, const cc_ring_kind *kind) {
    cc_ring *made = NULL; /* a ring with the word inside, for the case that linking it succeeds */
    cc_queue_status status = CC_QUEUE_OK;
    while (!cc_ring_list_append(list, queue, ring, &made, word, kind, &status)) {
        ring = cc_ring_at(&list->tail, &self->put_ring, queue, self, kind);
        if (kind->put(ring, queue, self, word) == CC_RING_OK) {
            break;
        }
    }
    if (made) {
        cc_ring_recycle(list, made);
    }
    return status;
}

CC_ALWAYS_INLINE cc_queue_status cc_ring_list_put(cc_ring_list *list, cc_queue *queue,
                                                  cc_handle *self, uintptr_t word,
                                                  const cc_ring_kind *kind) {
    cc_ring *ring = cc_ring_at(&list->tail, &self->put_ring, queue, self, kind);
    if (kind->put(ring, queue, self, word) == CC_RING_OK) {
        return CC_QUEUE_OK;
    }
    return cc_ring_list_put_slowly(list, queue, self, ring, word, kind);
}

/* The first ring is drained: move on. OK: look again; else what the get has to say. */
CC_NEVER_INLINE cc_queue_status cc_ring_list_drop_first(cc_ring_list *list, cc_queue *queue,
                                                        cc_handle *self, cc_ring *ring,
                                                        const cc_ring_kind *kind) {
    uintptr_t first = (uintptr_t)ring, last = (uintptr_t)ring;
    uintptr_t next = cc_load_seq_cst_uptr(&ring->next); /* pairs with (3) */
    if (next == 0) {
        return CC_QUEUE_EMPTY; /* since the ring was drained, and as long as nothing is behind it */
    }
    if (next == CC_RING_CLOSED) {
        return CC_QUEUE_CLOSED;
    }
    if (cc_load_seq_cst_uptr(&list->tail) == last) {
        (void)cc_cas_seq_cst_uptr(&list->tail, &last, next);
    }
    if (cc_cas_seq_cst_uptr(&list->head, &first, next)) { /* (4) */
        cc_ring_retire(list, queue, self, ring, kind);
    }
    return CC_QUEUE_OK;
}

CC_ALWAYS_INLINE cc_queue_status cc_ring_list_take(cc_ring_list *list, cc_queue *queue,
                                                   cc_handle *self, uintptr_t *word,
                                                   const cc_ring_kind *kind) {
    for (;;) {
        cc_ring *ring = cc_ring_at(&list->head, &self->get_ring, queue, self, kind);
        cc_ring_answer answer = kind->take(ring, queue, self, word);
        if (answer == CC_RING_OK) {
            return CC_QUEUE_OK;
        }
        if (answer == CC_RING_EMPTY) {
            return CC_QUEUE_EMPTY;
        }
        cc_queue_status status = cc_ring_list_drop_first(list, queue, self, ring, kind);
        if (status != CC_QUEUE_OK) {
            return status;
        }
    }
}

/* ---- the table of a queue that is a list of such rings and nothing else ---- */

/* A macro, since put and take are compiled for their kind of rings. Last come the fields in which
 * kinds differ. */
#define CC_DEFINE_RING_QUEUE(table, kind, ...)                                                     \
    static bool kind##_begin(cc_queue *queue) {                                                    \
        return cc_ring_queue_begin(queue, &(kind));                                                \
    }                                                                                              \
    static cc_queue_status kind##_put(cc_queue *queue, cc_handle *self, uintptr_t word) {          \
        return cc_ring_list_put(&((cc_ring_queue *)queue)->rings, queue, self, word, &(kind));     \
    }                                                                                              \
    static cc_queue_status kind##_take(cc_queue *queue, cc_handle *self, uintptr_t *word) {        \
        return cc_ring_list_take(&((cc_ring_queue *)queue)->rings, queue, self, word, &(kind));    \
    }                                                                                              \
    const cc_queue_operations table = {.queue_bytes = sizeof(cc_ring_queue),                       \
                                       .handle_bytes = sizeof(cc_handle),                          \
                                       .begin = kind##_begin,                                      \
                                       .put_word = kind##_put,                                     \
                                       .take_word = kind##_take,                                   \
                                       .close = cc_ring_queue_close,                               \
                                       .visit = cc_ring_queue_visit,                               \
                                       .end = cc_ring_queue_end,                                   \
                                       .bytes = cc_ring_queue_bytes,                               \
                                       __VA_ARGS__};

#endif
