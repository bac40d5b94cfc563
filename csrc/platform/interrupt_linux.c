/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interrupting another thread on Linux: a directed signal, then a barrier, then a look at the
 * signal mask and at the handler.
 *
 * Promises. When cc_os_interrupt returns true, the thread takes no step of what it was doing before
 * the handler has run, and what it had stored is visible. The caller does not wait for the thread.
 *
 * The signal. tgkill marks it pending before it returns. A thread handles what is pending whenever
 * it goes from the kernel back to its own code. So a thread that is not running runs the handler
 * before anything else.
 *
 * The barrier. A thread that is running is interrupted by membarrier(PRIVATE_EXPEDITED), which
 * returns only when every running thread of the process has taken an interrupt with a full barrier.
 * On its way back from that interrupt the thread handles the signal.
 *
 * The mask. Neither call says whether the thread has the signal blocked: that is read from /proc
 * afterwards. What counts is the mask at the time of the barrier. The caller knows that the code in
 * question does not change its mask, and sees by a counter that the thread has not left that code.
 *
 * The handler. What counts is the one at the time when the signal is handled, which may be long
 * after the barrier: a thread that does not run handles it when it runs again. So the disposition
 * is looked at after the barrier. Who finds ours may rely on it only because nobody takes the
 * signal away from then on; docs/smr.md says so to the application. It is looked at before the
 * signal is sent, too, since somebody else's default would end the process.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* syscall, ucontext's registers */
#include "cc_os.h"

/* In schedules the threads are fibres, which the scheduler interrupts; tests/c/yielding.c has real
 * ones. */
#if CC_HAS_INTERRUPTS && (!defined(CC_SCHED) || defined(CC_SCHED_OF_REAL_THREADS))
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* As in <linux/membarrier.h>; see park_linux.c. */
enum {
    MEMBARRIER_CMD_PRIVATE_EXPEDITED = 1 << 3,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 1 << 4
};

static cc_atomic_u32 signal_in_use;
static cc_atomic_uptr current_handler;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER; /* never taken by an operation */

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    int error = errno;
    void (*handler)(void *) = (void (*)(void *))cc_load_relaxed_uptr(&current_handler);
    handler(context);
    errno = error;
}

static bool is_ours(int number) {
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == on_signal;
}

static int membarrier(int command) {
    return (int)syscall(SYS_membarrier, command, 0, 0);
}

/* Is the signal blocked in that thread? -1 when it cannot be found out. */
static int is_blocked(uint64_t thread_number, int number) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%llu/status", (unsigned long long)thread_number);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    ssize_t bytes = read(file, text, sizeof text - 1);
    close(file);
    text[bytes > 0 ? bytes : 0] = 0;
    const char *line = strstr(text, "\nSigBlk:");
    unsigned long long mask;
    if (!line || sscanf(line, "\nSigBlk: %llx", &mask) != 1) {
        return -1;
    }
    return (int)(mask >> (number - 1) & 1);
}

static bool install(int number) {
    if (number < 1 || number > 64 || number == SIGKILL || number == SIGSTOP) {
        return false;
    }
    struct sigaction before, action;
    if (sigaction(number, NULL, &before)) {
        return false; /* the C library keeps a few for itself */
    }
    bool is_free = !(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_DFL;
    if (!is_free && !is_ours(number)) {
        return false;
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    /* Other signals are not held back: a handler of theirs on top of ours is harmless. Not on an
     * alternate stack: the handler must be able to jump out. */
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) == 0;
}

bool cc_os_interrupts_begin(int number, void (*handler)(void *context)) {
    if (number == 0) {
        number = SIGRTMIN + 6 <= SIGRTMAX ? SIGRTMIN + 6 : SIGRTMAX;
    }
    cc_store_relaxed_uptr(&current_handler, (uintptr_t)handler);
    /* Somebody may have taken it since: then it is as if it had been taken before. */
    if (cc_load_acquire_u32(&signal_in_use) == (uint32_t)number && is_ours(number)) {
        return true;
    }
    pthread_mutex_lock(&installing);
    bool done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
                is_blocked(cc_os_thread_number(), number) >= 0 && install(number);
    if (done) {
        /* The handler of a number used before stays: a signal may be on its way. */
        cc_store_release_u32(&signal_in_use, (uint32_t)number);
    }
    pthread_mutex_unlock(&installing);
    return done;
}

int cc_os_interrupt_signal(void) {
    return (int)cc_load_acquire_u32(&signal_in_use);
}

bool cc_os_interrupt(uint64_t thread_number) {
    int number = cc_os_interrupt_signal();
    if (!is_ours(number) || syscall(SYS_tgkill, getpid(), (pid_t)thread_number, number)) {
        return false;
    }
    int done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    if (done && errno == EPERM) { /* a forked child has not registered yet */
        done = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        done = done ? done : membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    }
    return done == 0 && is_blocked(thread_number, number) == 0 && is_ours(number);
}

bool cc_os_interrupts_are_ours(void) {
    return is_ours(cc_os_interrupt_signal());
}

static uintptr_t stack_pointer_in(const void *context) {
    const ucontext_t *c = context;
#if defined(CC_ARCH_X86_64)
    return (uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#else /* CC_HAS_INTERRUPTS: AArch64 */
    return (uintptr_t)c->uc_mcontext.sp;
#endif
}

bool cc_os_was_interrupted_within(const void *context, const void *stack, size_t bytes) {
    uintptr_t pointer = stack_pointer_in(context);
    return pointer <= (uintptr_t)stack && (uintptr_t)stack - pointer <= bytes;
}

void cc_os_interrupt_again_after_outer_handler(void *context) {
    int number = cc_os_interrupt_signal();
    /* Blocked here already, since its handler is running: so it stays pending. Blocked in the outer
     * handler by the mask that our return restores. The outer handler's return restores the mask of
     * the code below, which has it unblocked, and the kernel delivers it then. */
    syscall(SYS_tgkill, getpid(), (pid_t)cc_os_thread_number(), number);
    sigaddset(&((ucontext_t *)context)->uc_sigmask, number);
}

void cc_os_restore_interrupted_mask(const void *context) {
    pthread_sigmask(SIG_SETMASK, &((const ucontext_t *)context)->uc_sigmask, NULL);
}

void cc_os_block_interrupts(cc_os_mask *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before->signals);
}

void cc_os_set_mask_back(const cc_os_mask *before) {
    pthread_sigmask(SIG_SETMASK, &before->signals, NULL);
}
#endif
#endif

typedef int cc_nothing_more_for_linux_here;
