/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words of the sizes that the core's accesses have, for those who stand between it and memory
 * (cc_atomic.h, CC_SCHED).
 */
#ifndef CC_TEST_SIZED_H
#define CC_TEST_SIZED_H

#include <stdint.h>

static inline uint64_t read_sized(const void *address, unsigned bytes) {
    return bytes == 8 ? __atomic_load_n((const uint64_t *)address, __ATOMIC_SEQ_CST)
                      : __atomic_load_n((const uint32_t *)address, __ATOMIC_SEQ_CST);
}

/* Released, no more: where threads are real, what is missing then is missing here, too. */
static inline void write_sized(void *address, unsigned bytes, uint64_t value) {
    if (bytes == 8) {
        __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
    } else if (bytes == 2) {
        __atomic_store_n((uint16_t *)address, (uint16_t)value, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n((uint32_t *)address, (uint32_t)value, __ATOMIC_RELEASE);
    }
}

#endif
