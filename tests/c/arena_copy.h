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
static bool commits_fail;
static uint64_t discards;

static uint64_t address_space_of_copy(void) {
    return address_space;
}

static void *reserve_for_copy(size_t bytes) {
    return bytes > most_reserved ? NULL : cc_os_reserve(bytes);
}

static bool commit_for_copy(void *from, size_t bytes, bool in_huge_pages) {
    return !commits_fail && cc_os_commit(from, bytes, in_huge_pages);
}

static void discard_for_copy(void *from, size_t bytes) {
    __atomic_fetch_add(&discards, 1, __ATOMIC_RELAXED);
    cc_os_discard(from, bytes);
}

#undef ARENA_BYTES
#undef LEAST_ARENA_BYTES
#undef SLAB_BYTES
#undef FIRST_COMMIT
#undef BLOCKS_AT_HAND
#undef BLOCKS_BEFORE_REUSE
#define ARENA_BYTES (UINT64_C(1) << 20)
#define LEAST_ARENA_BYTES (UINT64_C(1) << 17)
#if defined(CC_SCHED) && !defined(CC_SCHED_OF_REAL_THREADS)
#define SLAB_BYTES UINT64_C(128)
#define BLOCKS_AT_HAND 0u
#else
#define SLAB_BYTES UINT64_C(4096)
#define BLOCKS_AT_HAND 2u
#endif
#define FIRST_COMMIT UINT64_C(4096)
#define BLOCKS_BEFORE_REUSE 0u

#define cc_arena_base arena_base_of_copy
#define cc_arena_alloc arena_alloc
#define cc_arena_free arena_free
#define cc_arena_bytes arena_bytes
#define cc_os_address_space address_space_of_copy
#define cc_os_reserve reserve_for_copy
#define cc_os_commit commit_for_copy
#define cc_os_discard discard_for_copy
#include "memory/arena.c"
#undef cc_os_address_space
#undef cc_os_reserve
#undef cc_os_commit
#undef cc_os_discard

#endif
