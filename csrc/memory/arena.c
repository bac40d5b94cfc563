/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the arena works.
 *
 *     base                          the first slab
 *     | region | slab | slab | ...  | blocks | blocks | ... | not had from the system yet ... |
 *
 * Slabs. Each has blocks of one size while one of them is in use. What is known of a slab lies in
 * front of all of them, in memory that always stays, so anybody may look at it at any time. A slab
 * has these flags:
 *   OWNED    a thread takes blocks from it;
 *   LISTED   it is in one list of slabs, or about to be;
 *   GOING    somebody is giving its memory back;
 *   FRESH    that has been done.
 * They, its size, the number of free blocks and the first of them are one word, so each step is one
 * CAS.
 *
 * Taking. A thread has, for each size, blocks at hand and a slab of its own. When they have run
 * out it takes all that have been freed in its slab meanwhile, at once: so there is no ABA. If
 * there are none the slab is full, and is nobody's. The next one comes from the list of its size,
 * else it is a new one.
 *
 * When there is no new one. Then all slabs are looked at, whatever list they are in: one that is
 * FRESH becomes ours, of our size, and stays in the list where it is. Whoever takes it from there
 * and cannot use it puts it into the list of its size, or, when it is OWNED, GOING or full, says
 * that it is in none. So no slab is ever hidden from anybody. A slab whose memory is just GOING is
 * passed over: a full arena may answer NULL once while another thread is in that system call.
 *
 * Freeing. A block stays at hand, up to BLOCKS_AT_HAND of its size. Others go to the free blocks
 * of their slab. Whoever frees the first block of a full slab puts the slab into the list.
 *
 * Giving back. Whoever frees the last block of a slab that nobody owns makes it GOING, gives its
 * memory back, and makes it FRESH. A thread that takes it from the list meanwhile leaves it (it
 * says so by clearing LISTED), and the other one puts it into a list again. From a FRESH slab
 * blocks are taken from the beginning on, as from a new one: nobody looks at what memory had in
 * it.
 *
 * The list of slabs is Treiber's stack (1986). Its head has a tag that counts pushes, against
 * ABA: 36 bits, so a thread would have to stop in the middle of taking a slab while 2^36 are put,
 * and go on at just the right one. Links lie where slabs are described, so reading the
 * link of a slab that somebody else has taken is no harm.
 *
 * Use after free. Builds with AddressSanitizer and MemorySanitizer know which blocks are free, and
 * these, schedules and builds with invariants give a block out again only when BLOCKS_BEFORE_REUSE
 * others of its size have been freed after it. With invariants a free block is full of 0xdd.
 *
 * Pairs of releases and acquires, by number:
 *   (18) the CAS that frees a block     with the one that takes a slab's free blocks.
 *   (19) the CAS that lists a slab      with the one that takes it from the list.
 *   (20) counting a slab as fresh       with reading that before how many have been taken: a slab
 *        was taken before it became fresh, so the difference is never below 0.
 *   (22) taking a new slab              with reading that before how many are committed: whoever
 *        sees a slab taken sees it committed, too, and commits none below it again.
 */
#if defined(CC_SCHED)
#define IS_FOR_SCHEDULES 1
#if !defined(ARENA_IS_SCHEDULED)
#undef CC_SCHED /* schedules of containers have no steps in here */
#endif
#endif
#include "arena.h"

#include <string.h>

#include "cc_alloc.h"
#include "invariant.h"

#ifndef ARENA_BYTES /* what is reserved; a power of two, at most 2^33: references are 32 bits */
#if defined(CC_TSAN)
#define ARENA_BYTES (UINT64_C(1) << 30) /* its shadow is several times as large */
#else
#define ARENA_BYTES (UINT64_C(1) << 33)
#endif
#endif
#ifndef LEAST_ARENA_BYTES /* where there is no room for so much */
#define LEAST_ARENA_BYTES (UINT64_C(1) << 20)
#endif
#ifndef SLAB_BYTES /* a power of two, of at least one block and at most 2^15 times eight bytes */
#define SLAB_BYTES UINT64_C(16384)
#endif
#ifndef FIRST_COMMIT
#define FIRST_COMMIT UINT64_C(65536)
#endif
#ifndef HUGE_PAGE /* a power of two, at least SLAB_BYTES */
#define HUGE_PAGE (UINT64_C(2) << 20)
#endif
#ifndef HUGE_PAGES_WORTH_ALIGNING /* an arena of more begins with a whole one */
#define HUGE_PAGES_WORTH_ALIGNING 64u
#endif
#ifndef SHARE_OF_ADDRESS_SPACE /* at most one in so many bytes that the process may have */
#define SHARE_OF_ADDRESS_SPACE 8u
#endif
#ifndef SHARE_PER_COMMIT /* of what we have, once that is a huge page, for the next time */
#define SHARE_PER_COMMIT 8u
#endif

/* Freed blocks of each size that a thread keeps for itself. */
#ifndef BLOCKS_AT_HAND
#define BLOCKS_AT_HAND 16u
#endif

#if defined(__SANITIZE_ADDRESS__)
#define KNOWS_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KNOWS_ADDRESSES 1
#elif __has_feature(memory_sanitizer)
#define KNOWS_CONTENTS 1
#endif
#endif

/* Where somebody watches what is free. */
#if defined(KNOWS_ADDRESSES) || defined(KNOWS_CONTENTS) || defined(IS_FOR_SCHEDULES) ||            \
    defined(CC_DEBUG_INVARIANTS)
#define IS_WATCHED 1
#else
#define IS_WATCHED 0
#endif
#ifndef BLOCKS_BEFORE_REUSE
#define BLOCKS_BEFORE_REUSE (64u * IS_WATCHED)
#endif

#if defined(KNOWS_ADDRESSES)
#include <sanitizer/asan_interface.h>
#define FORBID(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define ALLOW(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#elif defined(KNOWS_CONTENTS)
#include <sanitizer/msan_interface.h>
#define FORBID(at, bytes) __msan_poison(at, bytes)
#define ALLOW(at, bytes) __msan_unpoison(at, bytes)
#else
#define FORBID(at, bytes) ((void)(at), (void)(bytes))
#define ALLOW(at, bytes) ((void)(at), (void)(bytes))
#endif

_Static_assert(ARENA_BYTES <= UINT64_C(1) << 33, "a reference has 32 bits");
_Static_assert(SLAB_BYTES >= CC_ARENA_MOST && SLAB_BYTES <= UINT64_C(1) << 18 &&
                   (SLAB_BYTES & (SLAB_BYTES - 1)) == 0,
               "a slab has a block, and its blocks have 16-bit numbers");

/* ---------------------------------------------------------------- slabs and the region */

/* A slab's state: the first free block (its place in the slab in units of eight bytes, and one
 * more; 0: none), how many there are, flags, and the size of its blocks. */
#define FIRST_FREE UINT64_C(0xffff)
#define ONE_FREE (UINT64_C(1) << 16)
#define FREE_BLOCKS(state) ((state) >> 16 & 0xffff)
#define OWNED (UINT64_C(1) << 32)
#define LISTED (UINT64_C(1) << 33)
#define GOING (UINT64_C(1) << 34)
#define FRESH (UINT64_C(1) << 35)
#define SIZE_SHIFT 36
#define OF_SIZE(size) ((uint64_t)(size) << SIZE_SHIFT)
#define SIZE_IN(state) ((unsigned)((state) >> SIZE_SHIFT))
#define SIZE_MASK (~UINT64_C(0) << SIZE_SHIFT)

typedef struct slab {
    cc_atomic_u64 state;
    cc_atomic_u32 next; /* while it is listed: the number of the next one, 0 for none */
} slab;

/* What the head of a list is made of. */
#define NUMBER_BITS 28
#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)

_Static_assert(ARENA_BYTES / SLAB_BYTES <= NUMBER_MASK, "a slab's number has 28 bits");

typedef struct region {
    uint64_t end; /* of the numbers of slabs; the first ones are this */
    uint64_t begin;
    cc_atomic_u64 committed; /* slabs before this one can be used */
    cc_atomic_u64 taken; /* slabs before this one have been used */
    cc_atomic_u64 fresh; /* of these, those that have no memory */
    cc_atomic_u64 looked_at; /* when all were taken: the slab that was found then */
    cc_atomic_u64 lists[CC_ARENA_SIZES]; /* a slab's number, and the tag above it */
    slab slabs[];
} region;

cc_atomic_uptr cc_arena_base;

static region *the_region(void) {
    return (region *)cc_load_acquire_uptr(&cc_arena_base);
}

static uint64_t rounded_up(uint64_t bytes, uint64_t to) {
    return (bytes + to - 1) & ~(to - 1);
}

static uint64_t most_bytes(void) {
    uint64_t bytes = ARENA_BYTES, allowed = cc_os_address_space();
    while (bytes > allowed / SHARE_OF_ADDRESS_SPACE) { /* the rest is for others */
        bytes /= 2;
    }
    return bytes;
}

/* Reserve address space and make it the arena; NULL without. Two threads may both do it, and one
 * gives its own back; one that has had nothing takes what the other has made. */
static region *make_region(void) {
    for (uint64_t bytes = most_bytes(); bytes >= LEAST_ARENA_BYTES; bytes /= 2) {
        char *reserved = cc_os_reserve(bytes + HUGE_PAGE);
        if (!reserved) {
            continue;
        }
        region *r = (region *)rounded_up((uintptr_t)reserved, HUGE_PAGE);
        uint64_t slabs = bytes / SLAB_BYTES;
        uint64_t described = sizeof(region) + slabs * sizeof(slab);
        uint64_t alignment = bytes > HUGE_PAGES_WORTH_ALIGNING * HUGE_PAGE ? HUGE_PAGE : SLAB_BYTES;
        if (cc_os_commit(r, sizeof(region), false)) {
            r->end = slabs;
            r->begin = rounded_up(described, alignment) / SLAB_BYTES;
            cc_store_relaxed_u64(&r->committed, r->begin);
            cc_store_relaxed_u64(&r->taken, r->begin);
            uintptr_t none = 0;
            if (cc_cas_acq_rel_uptr(&cc_arena_base, &none, (uintptr_t)r)) {
                return r;
            }
        }
        cc_os_unreserve(reserved, bytes + HUGE_PAGE);
        break;
    }
    return the_region();
}

static char *memory_of(region *r, uint64_t number) {
    return (char *)r + number * SLAB_BYTES;
}

/* A reference that has a slab's number and a block's place in it. */
static uint32_t reference_in(uint64_t number, uint64_t offset) {
    return (uint32_t)((number * SLAB_BYTES + offset) >> 1);
}

static uint64_t number_of(uint32_t reference) {
    return ((uint64_t)reference << 1) / SLAB_BYTES;
}

static unsigned size_of(size_t bytes) {
    CC_INVARIANT(bytes >= CC_ARENA_LEAST && bytes <= CC_ARENA_MOST);
    return (unsigned)((cc_arena_block_bytes(bytes) - CC_ARENA_LEAST) / 8);
}

static size_t bytes_of_size(unsigned size) {
    return CC_ARENA_LEAST + 8 * (size_t)size;
}

static uint64_t blocks_in_slab(size_t block_bytes) {
    return SLAB_BYTES / block_bytes;
}

/* ---------------------------------------------------------------- free blocks */

/* A free block begins with the reference of the next one. */
static void set_next(uint32_t block, uint32_t next) {
    void *at = cc_arena_at(block);
    ALLOW(at, sizeof next);
    memcpy(at, &next, sizeof next);
    FORBID(at, sizeof next);
}

static uint32_t next_of(uint32_t block) {
    void *at = cc_arena_at(block);
    uint32_t next;
    ALLOW(at, sizeof next);
    memcpy(&next, at, sizeof next);
    FORBID(at, sizeof next);
    return next;
}

static uint32_t first_free(uint64_t number, uint64_t state) {
    return state & FIRST_FREE ? reference_in(number, ((state & FIRST_FREE) - 1) * 8) : 0;
}

static uint64_t state_with_first(uint64_t state, uint32_t block) {
    return (state & ~FIRST_FREE) | ((((uint64_t)block << 1) % SLAB_BYTES) / 8 + 1);
}

/* ---------------------------------------------------------------- lists of slabs */

static void list_slab(region *r, unsigned size, uint64_t number) {
    uint64_t head = cc_load_acquire_u64(&r->lists[size]), changed;
    do {
        cc_store_relaxed_u32(&r->slabs[number].next, (uint32_t)(head & NUMBER_MASK));
        changed = ((head >> NUMBER_BITS) + 1) << NUMBER_BITS | number;
    } while (!cc_cas_acq_rel_u64(&r->lists[size], &head, changed)); /* (19) */
}

/* A slab's number, 0 for none. */
static uint64_t take_listed_slab(region *r, unsigned size) {
    uint64_t head = cc_load_acquire_u64(&r->lists[size]), changed;
    do {
        if (!(head & NUMBER_MASK)) {
            return 0;
        }
        uint32_t next = cc_load_relaxed_u32(&r->slabs[head & NUMBER_MASK].next);
        changed = (head & ~NUMBER_MASK) | next;
    } while (!cc_cas_acq_rel_u64(&r->lists[size], &head, changed)); /* (19) */
    return head & NUMBER_MASK;
}

/* ---------------------------------------------------------------- new slabs */

/* Have memory from the system for more slabs than there are: where it refuses as much as we would
 * like, half of that, down to one slab. */
static bool commit_more(region *r, uint64_t committed) {
    uint64_t have = (committed - r->begin) * SLAB_BYTES;
    uint64_t more = have >= HUGE_PAGE ? rounded_up(have / SHARE_PER_COMMIT, HUGE_PAGE)
                    : have            ? have
                                      : rounded_up(FIRST_COMMIT, SLAB_BYTES);
    uint64_t left = r->end - committed;
    uint64_t count = more / SLAB_BYTES < left ? more / SLAB_BYTES : left;
    while (!cc_os_commit(&r->slabs[committed], count * sizeof(slab), false) ||
           !cc_os_commit(memory_of(r, committed), count * SLAB_BYTES, have >= HUGE_PAGE)) {
        if ((count /= 2) == 0) {
            return false;
        }
    }
    uint64_t slabs = committed + count;
    /* Two threads may both do it: each has had all of its own. */
    while (committed < slabs && !cc_cas_acq_rel_u64(&r->committed, &committed, slabs)) {
    }
    return true;
}

/* A slab's number, 0 without memory. */
static uint64_t take_new_slab(region *r, unsigned size) {
    uint64_t number = cc_load_acquire_u64(&r->taken); /* (22) */
    do {
        if (number >= r->end) {
            return 0;
        }
        uint64_t committed = cc_load_acquire_u64(&r->committed);
        if (number >= committed && !commit_more(r, committed)) {
            return 0;
        }
    } while (!cc_cas_acq_rel_u64(&r->taken, &number, number + 1)); /* (22) */
    cc_store_relaxed_u64(&r->slabs[number].state, OWNED | OF_SIZE(size));
    return number;
}

/* ---------------------------------------------------------------- taking */

static void own_fresh(cc_blocks_at_hand *h, unsigned size, region *r, uint64_t number) {
    size_t bytes = bytes_of_size(size);
    h->slab = (uint32_t)number;
    h->unused = reference_in(number, 0);
    h->unused_count = (uint32_t)blocks_in_slab(bytes);
    FORBID(memory_of(r, number), SLAB_BYTES);
}

static void take_free_blocks(cc_blocks_at_hand *h, uint64_t number, uint64_t state) {
    h->slab = (uint32_t)number;
    h->first = first_free(number, state);
    h->count = (uint32_t)FREE_BLOCKS(state);
}

/* What has been freed in our own slab meanwhile. False: nothing, and it is not ours any more. */
static bool refill_from_own_slab(region *r, cc_blocks_at_hand *h) {
    cc_atomic_u64 *word = &r->slabs[h->slab].state;
    uint64_t state = cc_load_acquire_u64(word), kept;
    do {
        kept = state & (SIZE_MASK | LISTED);
    } while (
        !cc_cas_acq_rel_u64(word, &state, state & FIRST_FREE ? kept | OWNED : kept)); /* (18) */
    if (state & FIRST_FREE) {
        take_free_blocks(h, h->slab, state);
        return true;
    }
    h->slab = 0;
    return false;
}

/* Is there anything in a slab to take? Of one that is GOING there is not. */
static bool has_free_blocks(uint64_t state) {
    return !(state & OWNED) && state & (FRESH | FIRST_FREE);
}

/* Make a slab ours, if it has blocks of the size, or none of any. `kept`: LISTED, or 0 when we have
 * taken it from its list. */
static bool own_slab(region *r, cc_blocks_at_hand *h, unsigned size, uint64_t number,
                     uint64_t kept) {
    cc_atomic_u64 *word = &r->slabs[number].state;
    uint64_t state = cc_load_acquire_u64(word);
    do {
        if (!has_free_blocks(state) || !(state & FRESH || SIZE_IN(state) == size)) {
            return false;
        }
    } while (!cc_cas_acq_rel_u64(word, &state, OWNED | OF_SIZE(size) | (state & kept))); /* (18) */
    if (state & FRESH) {
        cc_fetch_add_relaxed_u64(&r->fresh, UINT64_MAX);
        own_fresh(h, size, r, number);
    } else {
        take_free_blocks(h, number, state);
    }
    return true;
}

/* We have taken a slab from a list, and cannot use it: others may. */
static void leave_slab(region *r, uint64_t number) {
    cc_atomic_u64 *word = &r->slabs[number].state;
    uint64_t state = cc_load_acquire_u64(word);
    do {
        if (has_free_blocks(state)) {
            list_slab(r, SIZE_IN(state), number);
            return;
        }
    } while (!cc_cas_acq_rel_u64(word, &state, state & ~LISTED));
}

/* There is no new slab: make any one ours, from where the last one was found on. */
static bool own_any_slab(region *r, cc_blocks_at_hand *h, unsigned size) {
    uint64_t end = cc_load_acquire_u64(&r->taken);
    uint64_t number = cc_load_relaxed_u64(&r->looked_at);
    for (uint64_t left = end - r->begin; left; left--, number++) {
        if (number < r->begin || number >= end) {
            number = r->begin;
        }
        if (own_slab(r, h, size, number, LISTED)) {
            cc_store_relaxed_u64(&r->looked_at, number);
            return true;
        }
    }
    return false;
}

/* Have blocks at hand. False without memory. */
static bool refill(cc_blocks_at_hand *h, unsigned size) {
    region *r = the_region();
    if (!r && !(r = make_region())) {
        return false;
    }
    if (h->slab && refill_from_own_slab(r, h)) {
        return true;
    }
    uint64_t number;
    while ((number = take_listed_slab(r, size)) != 0) {
        if (own_slab(r, h, size, number, 0)) {
            return true;
        }
        leave_slab(r, number);
    }
    number = take_new_slab(r, size);
    if (number) {
        own_fresh(h, size, r, number);
        return true;
    }
    return own_any_slab(r, h, size);
}

void *cc_arena_alloc(cc_thread *self, size_t bytes) {
    unsigned size = size_of(bytes);
    cc_blocks_at_hand *h = &self->blocks[size];
    if (cc_alloc_fails_now() || (!h->first && !h->unused_count && !refill(h, size))) {
        return NULL;
    }
    uint32_t block = h->first;
    if (block) {
        h->first = next_of(block);
        h->count--;
    } else {
        block = h->unused;
        h->unused += (uint32_t)(bytes_of_size(size) / 2);
        h->unused_count--;
    }
    void *at = cc_arena_at(block);
#if !defined(KNOWS_CONTENTS) /* what is in it, nobody knows yet */
    ALLOW(at, bytes_of_size(size));
#endif
    return at;
}

/* ---------------------------------------------------------------- freeing */

/* All blocks of a slab are free, it is nobody's, and we are the one to give its memory back. */
static void give_back(region *r, unsigned size, uint64_t number) {
    cc_os_discard(memory_of(r, number), SLAB_BYTES);
    cc_fetch_add_acq_rel_u64(&r->fresh, 1); /* (20) */
    uint64_t state =
        cc_exchange_acq_rel_u64(&r->slabs[number].state, FRESH | LISTED | OF_SIZE(size));
    if (!(state & LISTED)) {
        list_slab(r, size, number);
    }
}

static void free_in_slab(uint32_t block, unsigned size) {
    region *r = the_region();
    uint64_t number = number_of(block);
    slab *s = &r->slabs[number];
    uint64_t state = cc_load_relaxed_u64(&s->state), changed;
    CC_INVARIANT(SIZE_IN(state) == size);
    do {
        set_next(block, first_free(number, state));
        changed = state_with_first(state, block) + ONE_FREE;
        if (!(state & OWNED)) {
            changed = FREE_BLOCKS(changed) == blocks_in_slab(bytes_of_size(size))
                          ? GOING | OF_SIZE(size) | (state & LISTED)
                          : changed | LISTED;
        }
    } while (!cc_cas_acq_rel_u64(&s->state, &state, changed)); /* (18) */
    if (changed & GOING) {
        give_back(r, size, number);
    } else if (!(state & (OWNED | LISTED))) {
        list_slab(r, size, number);
    }
}

#if BLOCKS_BEFORE_REUSE > 0
/* Blocks that have been freed wait behind one another. Returns the one that has waited long enough,
 * 0 for none. */
static uint32_t let_it_wait(cc_blocks_at_hand *h, uint32_t block) {
    set_next(block, 0);
    if (h->waiting_count) {
        set_next(h->last_waiting, block);
    } else {
        h->waiting = block;
    }
    h->last_waiting = block;
    if (h->waiting_count++ < BLOCKS_BEFORE_REUSE) {
        return 0;
    }
    block = h->waiting;
    h->waiting = next_of(block);
    h->waiting_count--;
    return block;
}
#endif

void cc_arena_free(void *freed, size_t bytes) {
    cc_thread *self = cc_thread_self_if_any();
    unsigned size = size_of(bytes);
    uint32_t block = cc_arena_reference(freed);
    cc_blocks_at_hand *h = self ? &self->blocks[size] : NULL;
#if defined(CC_DEBUG_INVARIANTS)
    memset(freed, 0xdd, bytes_of_size(size));
#endif
    FORBID(freed, bytes_of_size(size));
#if BLOCKS_BEFORE_REUSE > 0
    if (h && !(block = let_it_wait(h, block))) {
        return;
    }
#endif
    if (h && h->count + 1 <= BLOCKS_AT_HAND) {
        set_next(block, h->first);
        h->first = block;
        h->count++;
    } else {
        free_in_slab(block, size);
    }
}

uint64_t cc_arena_bytes(void) {
    const region *r = the_region();
    if (!r) {
        return 0;
    }
    uint64_t fresh = cc_load_acquire_u64(&r->fresh); /* (20): before `taken` */
    return (cc_load_relaxed_u64(&r->taken) - r->begin - fresh) * SLAB_BYTES;
}

void cc_arena_look(cc_arena_blocks out[CC_ARENA_SIZES]) {
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        out[size] = (cc_arena_blocks){.bytes = bytes_of_size(size)};
    }
    region *r = the_region();
    uint64_t end = r ? cc_load_acquire_u64(&r->taken) : 0; /* (22) */
    for (uint64_t number = r ? r->begin : 0; number < end; number++) {
        uint64_t state = cc_load_relaxed_u64(&r->slabs[number].state);
        if (state & FRESH) {
            continue; /* it has no memory */
        }
        cc_arena_blocks *of = &out[SIZE_IN(state)];
        of->slabs++;
        of->blocks += blocks_in_slab(of->bytes);
        of->free += state & GOING ? blocks_in_slab(of->bytes) : FREE_BLOCKS(state);
    }
}
