/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cc_os.h for POSIX systems, but for interrupts and parking.
 */
#if !defined(_WIN32)
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity, gettid by number */
#endif
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cc_os.h"

#if defined(__linux__)
#include <sys/syscall.h>
#endif
#if defined(__linux__) && defined(CC_ARCH_AARCH64)
#include <sys/auxv.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

uint64_t cc_os_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned cc_os_cpu_count(void) {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        int n = CPU_COUNT(&allowed);
        if (n > 0) {
            return (unsigned)n;
        }
    }
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1u;
}

void cc_os_yield(void) {
    sched_yield();
}

uint64_t cc_os_thread_number(void) {
#if defined(__linux__)
    return (uint64_t)syscall(SYS_gettid);
#elif defined(__APPLE__)
    uint64_t number = 0;
    pthread_threadid_np(NULL, &number);
    return number;
#else
    return 0;
#endif
}

unsigned cc_os_features(void) {
#if defined(__linux__) && defined(CC_ARCH_AARCH64)
    return (getauxval(AT_HWCAP) & (1ul << 8)) ? CC_FEATURE_LSE : 0u; /* HWCAP_ATOMICS */
#elif defined(__APPLE__) && defined(CC_ARCH_AARCH64)
    int present = 0;
    size_t size = sizeof present;
    if (sysctlbyname("hw.optional.arm.FEAT_LSE", &present, &size, NULL, 0) == 0 && present) {
        return CC_FEATURE_LSE;
    }
    return 0;
#else
    return 0;
#endif
}

/* ---------------------------------------------------------------- memory by the page */

uint64_t cc_os_address_space(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY
               ? UINT64_MAX
               : (uint64_t)limit.rlim_cur;
}

static uintptr_t page_bytes(void) {
    long bytes = sysconf(_SC_PAGESIZE);
    return bytes > 0 ? (uintptr_t)bytes : 65536u;
}

void *cc_os_reserve(size_t bytes) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
    flags |= MAP_NORESERVE;
#endif
    void *reserved = mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
    return reserved == MAP_FAILED ? NULL : reserved;
}

void cc_os_unreserve(void *reserved, size_t bytes) {
    munmap(reserved, bytes);
}

bool cc_os_commit(void *from, size_t bytes, bool in_huge_pages) {
    uintptr_t page = page_bytes(), first = (uintptr_t)from & ~(page - 1);
    uintptr_t end = ((uintptr_t)from + bytes + page - 1) & ~(page - 1);
    if (mprotect((void *)first, end - first, PROT_READ | PROT_WRITE)) {
        return false;
    }
#if defined(MADV_HUGEPAGE)
    if (in_huge_pages) {
        madvise((void *)first, end - first, MADV_HUGEPAGE); /* as good as the system can */
    }
#endif
    (void)in_huge_pages;
    return true;
}

void cc_os_discard(void *from, size_t bytes) {
    uintptr_t page = page_bytes(), first = ((uintptr_t)from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)from + bytes) & ~(page - 1);
    if (first < end) {
#if defined(__linux__)
        madvise((void *)first, end - first, MADV_DONTNEED);
#elif defined(MADV_FREE)
        madvise((void *)first, end - first, MADV_FREE);
#endif
    }
}

/* ---------------------------------------------------------------- thread exit and fork */

static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static int exit_key_error = -1;
static void (*exit_hook)(void *);

static void make_exit_key(void) {
    void (*hook)(void *) = __atomic_load_n(&exit_hook, __ATOMIC_RELAXED);
    exit_key_error = pthread_key_create(&exit_key, hook) ? -1 : 0;
}

int cc_os_at_thread_exit(void (*hook)(void *), void *argument) {
    /* Every caller passes the same hook, so it does not matter whose store pthread_once sees;
     * the relaxed atomic says that to the race detector. */
    __atomic_store_n(&exit_hook, hook, __ATOMIC_RELAXED);
    pthread_once(&exit_key_once, make_exit_key);
    if (exit_key_error) {
        return -1;
    }
    return pthread_setspecific(exit_key, argument) ? -1 : 0;
}

int cc_os_at_fork_in_child(void (*handler)(void)) {
    return pthread_atfork(NULL, NULL, handler) ? -1 : 0;
}
#else
typedef int cc_nothing_for_posix_here;
#endif
