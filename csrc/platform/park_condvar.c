/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parking for POSIX systems without futexes: a fixed table of mutex and condition variable, chosen
 * by the address. On macOS 14.4 and later os_sync_wait_on_address is used instead, when the system
 * has it (asked at run time: wheels run on older systems too).
 *
 * Promises. As cc_os.h; also, no wake-up is lost. A waker waits for a short lock, never for a
 * sleeper.
 *
 * Protocol. The sleeper compares the word under the bucket's mutex, the waker takes the same mutex
 * before it signals. The word changed before the waker took the mutex, so either the sleeper sees
 * the change or it sleeps before the signal. Words that share a bucket wake each other, so every
 * signal is a broadcast, and a wake may be spurious.
 *
 * Deadlines are those of a monotonic clock: setting the system's clock neither ends a wait nor
 * makes it longer.
 *
 * Tests. CC_PARK_BY_CONDVAR compiles this file on Linux, in place of park_linux.c.
 */
#if !defined(_WIN32) && (!defined(__linux__) || defined(CC_PARK_BY_CONDVAR))
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "cc_os.h"

#if defined(__APPLE__)
#include <dlfcn.h>
/* From <os/os_sync_wait_on_address.h>, which older SDKs lack: flags and clock are stable ABI. */
typedef int (*wait_function)(void *, uint64_t, size_t, uint32_t);
typedef int (*wait_with_timeout_function)(void *, uint64_t, size_t, uint32_t, uint32_t, uint64_t);
typedef int (*wake_function)(void *, size_t, uint32_t);
#define OS_CLOCK_MACH_ABSOLUTE_TIME_ 32u

static wait_function os_wait;
static wait_with_timeout_function os_wait_with_timeout;
static wake_function os_wake_any, os_wake_all;
static pthread_once_t os_sync_once = PTHREAD_ONCE_INIT;

static void find_os_sync(void) {
    os_wait = (wait_function)dlsym(RTLD_DEFAULT, "os_sync_wait_on_address");
    os_wait_with_timeout =
        (wait_with_timeout_function)dlsym(RTLD_DEFAULT, "os_sync_wait_on_address_with_timeout");
    os_wake_any = (wake_function)dlsym(RTLD_DEFAULT, "os_sync_wake_by_address_any");
    os_wake_all = (wake_function)dlsym(RTLD_DEFAULT, "os_sync_wake_by_address_all");
}

static bool has_os_sync(void) {
    pthread_once(&os_sync_once, find_os_sync);
    return os_wait && os_wait_with_timeout && os_wake_any && os_wake_all;
}
#endif

#ifndef BUCKETS
#define BUCKETS 64
#endif
static struct bucket {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} buckets[BUCKETS];
static pthread_once_t buckets_once = PTHREAD_ONCE_INIT;

#if defined(__APPLE__)
/* macOS has no condition variables by a monotonic clock, but a wait for a length of time. */
static void make_condition(pthread_cond_t *c) {
    pthread_cond_init(c, NULL);
}

static int wait_for(struct bucket *b, uint64_t nanoseconds) {
    struct timespec t = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    return pthread_cond_timedwait_relative_np(&b->changed, &b->mutex, &t);
}
#else
static void make_condition(pthread_cond_t *c) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* as cc_os_now */
    pthread_cond_init(c, &attributes);
    pthread_condattr_destroy(&attributes);
}

static int wait_for(struct bucket *b, uint64_t nanoseconds) {
    uint64_t until = cc_os_now() + nanoseconds;
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    return pthread_cond_timedwait(&b->changed, &b->mutex, &t);
}
#endif

static void make_buckets(void) {
    for (int i = 0; i < BUCKETS; i++) {
        pthread_mutex_init(&buckets[i].mutex, NULL);
        make_condition(&buckets[i].changed);
    }
}

static struct bucket *bucket_of(cc_atomic_u32 *word) {
    pthread_once(&buckets_once, make_buckets);
    return &buckets[((uintptr_t)word >> 6) % BUCKETS];
}

cc_park_result cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    uint64_t now = cc_os_now();
    if (deadline != CC_PARK_FOREVER && now >= deadline) {
        return CC_PARK_TIMED_OUT;
    }
#if defined(__APPLE__)
    if (has_os_sync()) {
        int r = deadline == CC_PARK_FOREVER
                    ? os_wait(&word->word, expected, 4, 0)
                    : os_wait_with_timeout(&word->word, expected, 4, 0,
                                           OS_CLOCK_MACH_ABSOLUTE_TIME_, deadline - now);
        if (r >= 0) {
            return CC_PARK_WOKEN;
        }
        return errno == ETIMEDOUT ? CC_PARK_TIMED_OUT
               : errno == EINTR   ? CC_PARK_INTERRUPTED
                                  : CC_PARK_WOKEN;
    }
#endif
    struct bucket *b = bucket_of(word);
    cc_park_result result = CC_PARK_WOKEN;
    pthread_mutex_lock(&b->mutex);
    if (cc_load_seq_cst_u32(word) == expected) {
        /* Condition variables do not report signals: sleep in slices, so that a caller gets to look
         * at pending signals twice a second. */
        uint64_t slice = 500000000u;
        bool last = false;
        if (deadline != CC_PARK_FOREVER && deadline - now <= slice) {
            slice = deadline - now;
            last = true;
        }
        if (wait_for(b, slice) == ETIMEDOUT) {
            result = last ? CC_PARK_TIMED_OUT : CC_PARK_INTERRUPTED;
        }
    }
    pthread_mutex_unlock(&b->mutex);
    return result;
}

void cc_unpark_all(cc_atomic_u32 *word) {
#if defined(__APPLE__)
    if (has_os_sync()) {
        os_wake_all(&word->word, 4, 0);
        return;
    }
#endif
    struct bucket *b = bucket_of(word);
    pthread_mutex_lock(&b->mutex);
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->mutex);
}

void cc_unpark_one(cc_atomic_u32 *word) {
#if defined(__APPLE__)
    if (has_os_sync()) {
        os_wake_any(&word->word, 4, 0);
        return;
    }
#endif
    cc_unpark_all(word);
}

const char *cc_park_name(void) {
#if defined(__APPLE__)
    if (has_os_sync()) {
        return "os_sync_wait_on_address";
    }
#endif
    return "condvar";
}
#else
typedef int cc_nothing_for_condvar_here;
#endif
