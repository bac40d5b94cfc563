/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cc_registry_lock.h: an SRWLOCK on Windows, a mutex that is held across fork() elsewhere.
 */
#include "cc_registry_lock.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static SRWLOCK lock = SRWLOCK_INIT;

void cc_lock_registry(void) {
    AcquireSRWLockExclusive(&lock);
}

void cc_unlock_registry(void) {
    ReleaseSRWLockExclusive(&lock);
}
#else
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void take(void) {
    pthread_mutex_lock(&lock);
}

static void give_back(void) {
    pthread_mutex_unlock(&lock);
}

static void hold_across_fork(void) {
    pthread_atfork(take, give_back, give_back);
}

void cc_lock_registry(void) {
    pthread_once(&once, hold_across_fork);
    take();
}

void cc_unlock_registry(void) {
    give_back();
}
#endif
