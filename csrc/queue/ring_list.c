/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens once in the life of a ring; ring_list.h has the rules.
 */
#include "ring_list.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(UNDER_ASAN)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)0)
#endif

/* ---------------------------------------------------------------- making and recycling */

static uint32_t slots_for_handles(const cc_queue *queue, bool is_short) {
    uint32_t handles = cc_handles_count(&queue->handles);
    /* Twice, so that rings are not outgrown by one thread at a time; tests that ask for small rings
     * get the smallest that are safe. */
    return queue->options.ring_slots || is_short ? handles : 2 * handles;
}

/* No more than `slots`, so that what idle threads pin is limited. */
static uint32_t slots_beside_pinned_ones(const cc_ring_list *list, const cc_ring_kind *kind,
                                         uint32_t slots) {
    uint64_t pinned = cc_load_relaxed_u64(&list->pinned);
    uint64_t room = pinned < CC_PINNED_BYTES ? CC_PINNED_BYTES - pinned : 0;
    while (slots > kind->fewest_slots && kind->bytes(slots) > room / CC_PINNED_PARTS) {
        slots /= 2;
    }
    return slots;
}

static uint32_t first_slots(const cc_queue *queue, const cc_ring_kind *kind) {
    if (queue->options.ring_slots) {
        return cc_power_of_two(queue->options.ring_slots);
    }
    uint64_t wanted = queue->capacity > kind->fewest_slots ? queue->capacity : kind->fewest_slots;
    return wanted > kind->most_slots ? kind->most_slots : cc_power_of_two(wanted);
}

void cc_ring_recycle(cc_ring_list *list, cc_ring *ring) {
    size_t bytes = ring->bytes;
    ASAN_POISON_MEMORY_REGION(ring, bytes); /* who uses it now would use it after free */
    for (uint32_t i = 0; i < CC_SPARE_RINGS; i++) {
        uintptr_t nothing = 0;
        if (cc_load_relaxed_uptr(&list->spare[i]) == 0 &&
            cc_cas_acq_rel_uptr(&list->spare[i], &nothing, (uintptr_t)ring)) { /* (5) */
            return;
        }
    }
    ASAN_UNPOISON_MEMORY_REGION(ring, bytes);
    cc_fetch_add_relaxed_u64(&list->bytes, 0u - (uint64_t)bytes);
    cc_free(ring);
}

/* Takes it out; NULL when there is none. */
static cc_ring *empty_spare(cc_ring_list *list, uint32_t i) {
    if (cc_load_relaxed_uptr(&list->spare[i]) == 0) {
        return NULL;
    }
    cc_ring *ring = (cc_ring *)cc_exchange_acq_rel_uptr(&list->spare[i], 0); /* pairs with (5) */
    if (ring) {
        ASAN_UNPOISON_MEMORY_REGION(ring, sizeof *ring);
        ASAN_UNPOISON_MEMORY_REGION(ring, ring->bytes);
    }
    return ring;
}

static cc_ring *take_a_spare(cc_ring_list *list, uint32_t slots) {
    for (uint32_t i = 0; i < CC_SPARE_RINGS; i++) {
        cc_ring *ring = empty_spare(list, i);
        if (ring && ring->slots >= slots) {
            return ring;
        }
        if (ring) { /* from when rings were smaller */
            cc_fetch_add_relaxed_u64(&list->bytes, 0u - (uint64_t)ring->bytes);
            cc_free(ring);
        }
    }
    return NULL;
}

cc_ring *cc_ring_make(cc_ring_list *list, cc_queue *queue, const cc_ring_kind *kind,
                      uintptr_t word) {
    uint32_t slots = cc_load_relaxed_u32(&list->next_slots);
    bool is_large_enough = queue->capacity && queue->capacity <= slots / 2;
    if (!queue->options.ring_slots && !is_large_enough && 2 * slots <= kind->most_slots) {
        /* Small queues stay small, and long or busy ones do not change rings all the time. */
        cc_store_relaxed_u32(&list->next_slots, 2 * slots);
    }
    uint32_t most = kind->most_slots_for_handles, wanted = slots;
    slots = queue->options.ring_slots ? slots : slots_beside_pinned_ones(list, kind, slots);
    bool is_short = slots < wanted;
    if (most) {
        uint32_t needed =
            CC_TEST_OPTION(queue, ignore_growth) ? 0 : slots_for_handles(queue, is_short);
        slots = slots < needed ? cc_power_of_two(needed) : slots;
        slots = slots > most ? most : slots;
    }
    cc_ring *ring = take_a_spare(list, slots);
    if (!ring) {
        size_t bytes = kind->bytes(slots);
        ring = cc_alloc_aligned(bytes, CC_CACHE_LINE);
        if (!ring) {
            return NULL;
        }
        ring->bytes = bytes;
        ring->slots = slots;
        cc_fetch_add_relaxed_u64(&list->bytes, bytes);
    }
    cc_store_relaxed_uptr(&ring->next, 0);
    kind->fill(ring, queue, word);
    return ring;
}

bool cc_ring_list_begin(cc_ring_list *list, cc_queue *queue, const cc_ring_kind *kind) {
    if (kind->most_slots_for_handles) {
        queue->handles.most = kind->most_slots_for_handles;
    }
    cc_store_relaxed_u32(&list->next_slots, first_slots(queue, kind));
    cc_ring *ring = cc_ring_make(list, queue, kind, 0);
    cc_store_relaxed_uptr(&list->head, (uintptr_t)ring);
    cc_store_relaxed_uptr(&list->tail, (uintptr_t)ring);
    return ring != NULL;
}

void cc_ring_list_end(cc_ring_list *list) {
    uintptr_t ring = cc_load_relaxed_uptr(&list->head);
    while (ring && ring != CC_RING_CLOSED) {
        uintptr_t next = cc_load_relaxed_uptr(&((cc_ring *)ring)->next);
        cc_free((cc_ring *)ring);
        ring = next;
    }
    cc_ring *retired = (cc_ring *)cc_load_relaxed_uptr(&list->retired);
    while (retired) {
        cc_ring *next = retired->waiting;
        cc_free(retired);
        retired = next;
    }
    for (uint32_t i = 0; i < CC_SPARE_RINGS; i++) {
        cc_free(empty_spare(list, i));
    }
}

/* ---------------------------------------------------------------- hazards */

cc_ring *cc_ring_protect(const cc_atomic_uptr *end, cc_atomic_uptr *hazard, cc_queue *queue,
                         cc_handle *self, const cc_ring_kind *kind) {
    uintptr_t ring = cc_load_seq_cst_uptr(end), candidate;
    do {
        candidate = ring;
        /* Now: who clears a hazard of ours does so before the ring can be found here again. */
        cc_index_cache_drop_others(self,
                                   hazard == &self->get_ring ? &self->put_ring : &self->get_ring);
        /* (4) Store-load: who retires the ring after our second look finds the hazard. */
        (void)cc_exchange_seq_cst_uptr(hazard, candidate);
        ring = cc_load_seq_cst_uptr(end);
    } while (ring != candidate);
    cc_ring *r = (cc_ring *)ring;
    /* A thread enters a ring only when the ring has a slot for every handle there has been up to
     * then, or is final. So while a ring is not final, at most `slots` threads are in it, whenever
     * they came: what scq.c needs. */
    if (kind->most_slots_for_handles && !CC_TEST_OPTION(queue, ignore_growth) &&
        r->slots < cc_handles_count(&queue->handles)) {
        kind->finalize(r);
    }
    return r;
}

#ifndef HAZARDS_ON_STACK
#define HAZARDS_ON_STACK 64u
#endif

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return x < y ? -1 : x > y;
}

/* Twice, because protection may be passed on: a helper (wcq_help_the_next) protects a ring while
 * its owner still does. We may look at the helper before it does and at the owner when it no longer
 * does; but then the helper does by the time of the second look. */
static uint32_t collect_hazards(const cc_queue *queue, uintptr_t *out, uint32_t room) {
    uint32_t found = 0;
    for (int look = 0; look < 2; look++) {
        cc_handle_walk w;
        for (const cc_handle *h = cc_handle_first(&queue->handles, &w); h;
             h = cc_handle_next(&queue->handles, &w)) {
            uintptr_t hazards[2] = {cc_load_seq_cst_uptr(&h->put_ring), /* pairs with (4) */
                                    cc_load_seq_cst_uptr(&h->get_ring)}; /* (4) */
            for (int i = 0; i < 2; i++) {
                if (hazards[i] && found < room) {
                    out[found] = hazards[i];
                }
                found += hazards[i] != 0;
            }
        }
    }
    return found;
}

static void clear_hazard(cc_atomic_uptr *hazard, const cc_ring *chain) {
    uintptr_t protected = cc_load_seq_cst_uptr(hazard);
    for (const cc_ring *ring = chain; ring && protected; ring = ring->waiting) {
        if ((uintptr_t)ring == protected) {
            (void)cc_cas_seq_cst_uptr(hazard, &protected, 0); /* fails if there is an owner again */
            return;
        }
    }
}

/* Of handles without a thread, as far as they protect rings of the chain, which is in our hands. */
static void clear_hazards_of_ended_threads(const cc_queue *queue, const cc_ring *chain) {
    cc_handle_walk w;
    for (cc_handle *h = cc_handle_first(&queue->handles, &w); h;
         h = cc_handle_next(&queue->handles, &w)) {
        if (!cc_thread_is_in_use(h->thread)) { /* (7) */
            clear_hazard(&h->put_ring, chain);
            clear_hazard(&h->get_ring, chain);
        }
    }
}

static void wait_again(cc_ring_list *list, cc_ring *newest, cc_ring *oldest) {
    uintptr_t head = cc_load_relaxed_uptr(&list->retired);
    do {
        oldest->waiting = (cc_ring *)head;
    } while (!cc_cas_seq_cst_uptr(&list->retired, &head, (uintptr_t)newest)); /* (5) */
}

/* Another ring has been put into `retired`: are there enough for a look? */
static bool is_time_to_look(cc_ring_list *list, const cc_queue *queue, const cc_ring_kind *kind) {
    if (kind->are_used_once) {
        uint32_t enough = cc_handles_count(&queue->handles) / CC_HANDLES_PER_RETIRED + 1;
        if (cc_fetch_add_relaxed_u32(&list->not_looked_at, 1) + 1 < enough) {
            return false;
        }
        cc_store_relaxed_u32(&list->not_looked_at, 0);
    }
    return true;
}

void cc_ring_retire(cc_ring_list *list, cc_queue *queue, cc_handle *self, cc_ring *ring,
                    const cc_ring_kind *kind) {
    /* We no longer use what we protect: this is the end of a get, and no put is going on. */
    if (cc_load_relaxed_uptr(&self->get_ring) == (uintptr_t)ring) {
        cc_store_release_uptr(&self->get_ring, 0);
    }
    if (cc_load_relaxed_uptr(&self->put_ring) == (uintptr_t)ring) {
        cc_store_release_uptr(&self->put_ring, 0);
    }
    cc_fetch_add_relaxed_u64(&list->pinned, ring->bytes);
    wait_again(list, ring, ring);
    if (!is_time_to_look(list, queue, kind)) {
        return;
    }
    /* Nobody else looks through what we take out here; it is never much more than what is
     * protected. */
    cc_ring *chain = (cc_ring *)cc_exchange_seq_cst_uptr(&list->retired, 0); /* pairs with (5) */
    if (!chain) {
        return;
    }
    if (!kind->helpers_protect_rings) {
        clear_hazards_of_ended_threads(queue, chain);
    }
    uintptr_t on_stack[HAZARDS_ON_STACK], *seen = on_stack;
    uint32_t room = HAZARDS_ON_STACK, n;
    while ((n = collect_hazards(queue, seen, room)) > room) {
        if (seen != on_stack) {
            cc_free(seen);
        }
        room = n + 16;
        seen = cc_alloc(room * sizeof *seen);
        if (!seen) { /* no memory to look: the next one will */
            cc_ring *oldest = chain;
            while (oldest->waiting) {
                oldest = oldest->waiting;
            }
            wait_again(list, chain, oldest);
            return;
        }
    }
    qsort(seen, n, sizeof *seen, by_address);
    while (chain) {
        cc_ring *next = chain->waiting;
        uintptr_t address = (uintptr_t)chain;
        if (bsearch(&address, seen, n, sizeof *seen, by_address)) {
            wait_again(list, chain, chain);
        } else {
            cc_fetch_add_relaxed_u64(&list->pinned, 0u - (uint64_t)chain->bytes);
            cc_ring_recycle(list, chain);
        }
        chain = next;
    }
    if (seen != on_stack) {
        cc_free(seen);
    }
}

/* ---------------------------------------------------------------- closing, visiting */

void cc_ring_list_close(cc_ring_list *list, cc_queue *queue, cc_handle *self,
                        const cc_ring_kind *kind) {
    for (;;) {
        cc_ring *ring = cc_ring_at(&list->tail, &self->put_ring, queue, self, kind);
        uintptr_t next = cc_load_acquire_uptr(&ring->next); /* pairs with (3) */
        if (next == 0) {
            kind->finalize(ring); /* before the mark: rule A */
            if (cc_cas_seq_cst_uptr(&ring->next, &next, CC_RING_CLOSED)) {
                return;
            }
        }
        if (next == CC_RING_CLOSED) {
            return;
        }
        uintptr_t last = (uintptr_t)ring;
        (void)cc_cas_seq_cst_uptr(&list->tail, &last, next);
    }
}

int cc_ring_list_visit(const cc_ring_list *list, const cc_ring_kind *kind,
                       int (*visit)(uintptr_t word, void *argument), void *argument) {
    uintptr_t ring = cc_load_acquire_uptr(&list->head);
    while (ring && ring != CC_RING_CLOSED) {
        int answer = kind->visit((const cc_ring *)ring, visit, argument);
        if (answer) {
            return answer;
        }
        ring = cc_load_acquire_uptr(&((const cc_ring *)ring)->next);
    }
    return 0;
}

/* ---------------------------------------------------------------- a queue that is a list */

bool cc_ring_queue_begin(cc_queue *queue, const cc_ring_kind *kind) {
    cc_ring_queue *q = (cc_ring_queue *)queue;
    q->kind = kind;
    q->spins = cc_queue_spins(queue);
    return cc_ring_list_begin(&q->rings, queue, kind);
}

void cc_ring_queue_end(cc_queue *queue) {
    cc_ring_list_end(&((cc_ring_queue *)queue)->rings);
}

void cc_ring_queue_close(cc_queue *queue, cc_handle *self) {
    cc_ring_queue *q = (cc_ring_queue *)queue;
    cc_ring_list_close(&q->rings, queue, self, q->kind);
}

int cc_ring_queue_visit(const cc_queue *queue, int (*visit)(uintptr_t word, void *argument),
                        void *argument) {
    const cc_ring_queue *q = (const cc_ring_queue *)queue;
    return cc_ring_list_visit(&q->rings, q->kind, visit, argument);
}

size_t cc_ring_queue_bytes(const cc_queue *queue) {
    return (size_t)cc_load_relaxed_u64(&((const cc_ring_queue *)queue)->rings.bytes);
}
