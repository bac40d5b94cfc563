/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an empty queue weighs after many threads have used it: threads that have ended, and threads
 * that are there and do nothing. Each of them protects the ring of its last put and that of its
 * last get (csrc/queue/ring_list.h).
 */
#include "check.h"

#include "queue/queue.h"

enum { THREADS = 200, BURST = 5000 };

static cc_queue *queue;
static _Atomic bool has_put, enough;

static void check_put(uintptr_t word) {
    CHECK_EQ(cc_queue_put(queue, word), CC_QUEUE_OK);
}

static uintptr_t check_get(void) {
    uintptr_t word = 0;
    CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
    return word;
}

/* More than the longest ring holds: the ring changes. */
static void burst(int items) {
    for (int i = 1; i <= items; i++) {
        check_put((uintptr_t)i);
    }
    for (int i = 1; i <= items; i++) {
        CHECK_EQ(check_get(), i);
    }
}

static void sleep_a_while(void) {
    struct timespec a_while = {.tv_nsec = 20000000}; /* two hundred threads do it */
    nanosleep(&a_while, NULL);
}

static void *put_one_and_stay(void *argument) {
    check_put((uintptr_t)argument);
    atomic_store(&has_put, true);
    while (!atomic_load(&enough)) {
        sleep_a_while();
    }
    return NULL;
}

static void *put_one_and_go(void *argument) {
    check_put((uintptr_t)argument);
    return NULL;
}

static size_t after_a_burst(void) {
    burst(BURST);
    burst(BURST);
    return cc_queue_bytes(queue);
}

static void test_threads(cc_queue_kind kind, const char *name, size_t most_for_the_idle,
                         size_t most_for_the_gone) {
    static pthread_t threads[THREADS];
    queue = cc_queue_new(kind, NULL);
    if (!queue) {
        return;
    }
    size_t empty = after_a_burst();
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, put_one_and_go, (void *)(uintptr_t)(i + 1)), 0);
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
        CHECK_EQ(check_get(), i + 1);
        burst(BURST);
    }
    size_t one_at_a_time = after_a_burst();
    atomic_store(&enough, false);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, put_one_and_stay, (void *)(uintptr_t)(i + 1)),
                 0);
        while (!atomic_load(&has_put)) {
            sched_yield();
        }
        atomic_store(&has_put, false);
        CHECK_EQ(check_get(), i + 1);
        burst(BURST);
    }
    size_t idle = after_a_burst();
    atomic_store(&enough, true);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    size_t gone = after_a_burst();
    printf("    %s: %zu bytes; %d threads one after the other %zu; idle at once %zu; gone %zu\n",
           name, empty, THREADS, one_at_a_time, idle, gone);
    CHECK(one_at_a_time <= empty + 200000);
    CHECK(idle <= empty + most_for_the_idle);
    CHECK(gone <= empty + most_for_the_gone);
    cc_queue_free(queue, NULL);
}

static size_t of_new_queue;

static void *use_a_new_queue(void *kind) {
    uintptr_t word;
    cc_queue *fresh = cc_queue_new((cc_queue_kind)(uintptr_t)kind, NULL);
    of_new_queue = 0;
    if (fresh) {
        CHECK_EQ(cc_queue_put(fresh, 1), CC_QUEUE_OK);
        CHECK_EQ(cc_queue_get(fresh, &word), CC_QUEUE_OK);
        of_new_queue = cc_queue_bytes(fresh);
        cc_queue_free(fresh, NULL);
    }
    return NULL;
}

/* It has got the lowest free record, so it needs no table of handles. */
static void test_new_thread(uintptr_t kind) {
    pthread_t thread;
    (void)use_a_new_queue((void *)kind);
    size_t of_first_thread = of_new_queue;
    CHECK_EQ(pthread_create(&thread, NULL, use_a_new_queue, (void *)kind), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(of_new_queue, of_first_thread);
}

int main(void) {
    begin_test("an empty queue after 200 threads");
    test_threads(CC_QUEUE_SCQ, "SCQ", 3000000, 400000);
    test_threads(CC_QUEUE_FAA, "FAAArrayQueue", 2000000, 400000);
    test_threads(CC_QUEUE_LCRQ, "LCRQ", 2000000, 400000);
    test_threads(CC_QUEUE_WAIT_FREE, "wait-free", 3000000, 3000000);
    begin_test("a new queue of a new thread, when many have ended");
    for (uintptr_t kind = CC_QUEUE_SCQ; kind <= CC_QUEUE_CRTURN; kind++) {
        test_new_thread(kind);
    }
    printf("passed\n");
    return 0;
}
