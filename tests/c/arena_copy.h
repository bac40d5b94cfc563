/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A copy of csrc/memory/arena.c for its tests: small, so that few blocks reach its ends, and on a
 * system that can refuse memory. The core's own is not touched.
 */
#ifndef CC_TEST_ARENA_COPY_H
#define CC_TEST_ARENA_COPY_H

#include "platform/cc_os.h"

/* What the copy's system does. */
static uint64_t address_space = UINT64_MAX; /* that the process may have */
static uint64_t most_reserved = UINT64_MAX; /* in one piece */
static uint64_t most_committed = UINT64_MAX; /* in one piece */
static bool commits_fail;
static uint64_t commits_in_huge_pages;
static uint64_t discards;
static int reservations; /* that have not been given back */
static void (*before_reserving)(void); /* called once: somebody else comes first */

static uint64_t address_space_of_copy(void) {
    return address_space;
}

static void *reserve_for_copy(size_t bytes) {
    void (*first)(void) = before_reserving;
    before_reserving = NULL;
    if (first) {
        first();
    }
    void *reserved = bytes > most_reserved ? NULL : cc_os_reserve(bytes);
    __atomic_fetch_add(&reservations, reserved != NULL, __ATOMIC_RELAXED);
    return reserved;
}

static void unreserve_for_copy(void *reserved, size_t bytes) {
    __atomic_fetch_sub(&reservations, 1, __ATOMIC_RELAXED);
    cc_os_unreserve(reserved, bytes);
}

static bool commit_for_copy(void *from, size_t bytes, bool in_huge_pages) {
    if (commits_fail || bytes > most_committed || !cc_os_commit(from, bytes, in_huge_pages)) {
        return false;
    }
    __atomic_fetch_add(&commits_in_huge_pages, in_huge_pages, __ATOMIC_RELAXED);
    return true;
}

static void discard_for_copy(void *from, size_t bytes) {
    __atomic_fetch_add(&discards, 1, __ATOMIC_RELAXED);
    cc_os_discard(from, bytes);
}

/* Schedules have their own sizes, and builds with tiny ones (tests/sizes.txt) theirs. */
#undef ARENA_BYTES
#define ARENA_BYTES (UINT64_C(1) << 20)
#if defined(CC_SCHED) && !defined(CC_SCHED_OF_REAL_THREADS)
#undef LEAST_ARENA_BYTES
#undef SLAB_BYTES
#undef FIRST_COMMIT
#undef HUGE_PAGE
#undef BLOCKS_AT_HAND
#undef BLOCKS_BEFORE_REUSE
#define LEAST_ARENA_BYTES (UINT64_C(1) << 17)
#define SLAB_BYTES UINT64_C(128)
#define FIRST_COMMIT UINT64_C(4096)
#define HUGE_PAGE UINT64_C(4096)
#define BLOCKS_AT_HAND 0u
#define BLOCKS_BEFORE_REUSE 0u
#endif
#if !defined(SLAB_BYTES)
#define SLAB_BYTES UINT64_C(4096)
#define BLOCKS_AT_HAND 2u
#define BLOCKS_BEFORE_REUSE 0u
#endif
#if !defined(LEAST_ARENA_BYTES)
#define LEAST_ARENA_BYTES (UINT64_C(1) << 17)
#define FIRST_COMMIT UINT64_C(4096)
#define HUGE_PAGE UINT64_C(8192)
#endif

#define cc_arena_base arena_base_of_copy
#define cc_arena_alloc arena_alloc
#define cc_arena_free arena_free
#define cc_arena_bytes arena_bytes
#define cc_arena_look arena_look
#define cc_os_address_space address_space_of_copy
#define cc_os_reserve reserve_for_copy
#define cc_os_unreserve unreserve_for_copy
#define cc_os_commit commit_for_copy
#define cc_os_discard discard_for_copy
#include "memory/arena.c"
#undef cc_os_address_space
#undef cc_os_reserve
#undef cc_os_unreserve
#undef cc_os_commit
#undef cc_os_discard

#endif
