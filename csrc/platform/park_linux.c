/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parking on a futex: no wake-up is lost, and a waker never blocks. The kernel compares the word
 * and goes to sleep in one step, so a wake between the caller's last look and the sleep finds
 * either a changed word or the sleeper.
 */
#if defined(__linux__)
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cc_os.h"

/* As in <linux/futex.h>, which not every machine with a compiler has: beside musl, the kernel's
 * headers are a package of their own. */
enum { FUTEX_WAKE = 1, FUTEX_WAIT_BITSET = 9, FUTEX_PRIVATE_FLAG = 128 };
static const uint32_t FUTEX_BITSET_MATCH_ANY = UINT32_MAX;

cc_park_result cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    struct timespec until, *timeout = NULL;
    if (deadline != CC_PARK_FOREVER) {
        until.tv_sec = (time_t)(deadline / 1000000000u);
        until.tv_nsec = (long)(deadline % 1000000000u);
        timeout = &until;
    }
    /* WAIT_BITSET takes an absolute time of the monotonic clock: a retry does not lengthen it. */
    long r = syscall(SYS_futex, &word->word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                     timeout, NULL, FUTEX_BITSET_MATCH_ANY);
    if (r == 0 || errno == EAGAIN) {
        return CC_PARK_WOKEN;
    }
    return errno == ETIMEDOUT ? CC_PARK_TIMED_OUT
           : errno == EINTR   ? CC_PARK_INTERRUPTED
                              : CC_PARK_WOKEN;
}

void cc_unpark_one(cc_atomic_u32 *word) {
    syscall(SYS_futex, &word->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

void cc_unpark_all(cc_atomic_u32 *word) {
    syscall(SYS_futex, &word->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

const char *cc_park_name(void) {
    return "futex";
}
#else
typedef int cc_nothing_for_linux_here;
#endif
