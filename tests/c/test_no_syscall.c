/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A put or get that finds nobody asleep makes no system call to wake somebody: the linker leads the
 * calls that park and unpark threads through here (--wrap in meson.build), and they are counted.
 */
#include "check.h"
#include "queue_kinds.h"
#include "sync/event_count.h"

#if defined(__linux__)

static _Atomic int64_t wakes, parks;

void __real_cc_unpark_one(cc_atomic_u32 *word);
void __wrap_cc_unpark_one(cc_atomic_u32 *word);
void __real_cc_unpark_all(cc_atomic_u32 *word);
void __wrap_cc_unpark_all(cc_atomic_u32 *word);
cc_park_result __real_cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
cc_park_result __wrap_cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);

void __wrap_cc_unpark_one(cc_atomic_u32 *word) {
    wakes++;
    __real_cc_unpark_one(word);
}

void __wrap_cc_unpark_all(cc_atomic_u32 *word) {
    wakes++;
    __real_cc_unpark_all(word);
}

cc_park_result __wrap_cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    parks++;
    return __real_cc_park(word, expected, deadline);
}

static cc_event_count not_empty;

/* What a put and a get of the Python queue come to when they need not wait. */
static void put_and_get(const queue_kind *kind) {
    for (size_t capacity = 0; capacity <= 8; capacity += 8) {
        cc_queue_options options = {.capacity = capacity};
        cc_queue *queue = cc_queue_new(kind->kind, &options);
        uintptr_t word;
        CHECK(queue);
        for (int64_t i = 1; i <= scaled(20000); i++) {
            CHECK_EQ(cc_queue_put(queue, (uintptr_t)i << 4), CC_QUEUE_OK);
            CHECK(!cc_event_notify(&not_empty));
            CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
            CHECK(!cc_event_notify(&not_empty));
        }
        CHECK(!cc_event_notify_all(&not_empty));
        cc_queue_free(queue, NULL);
    }
}

static void test_nobody_waits(void) {
    begin_test("nobody in line: nobody is woken");
    cc_event_count_init(&not_empty);
    wakes = parks = 0;
    for_every_kind(put_and_get);
    CHECK_EQ(wakes, 0);
    CHECK_EQ(parks, 0);
}

static void test_not_yet_asleep(void) {
    begin_test("who stands in line and is not asleep yet is notified without a call");
    cc_waiter w;
    cc_event_count_init(&not_empty);
    wakes = parks = 0;
    for (int i = 0; i < 1000; i++) {
        cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
        cc_waiter_enqueue(&not_empty, &w, false);
        CHECK(!cc_event_notify(&not_empty));
        CHECK_EQ(cc_waiter_sleep(&w, 0, CC_PARK_FOREVER), CC_PARK_WOKEN);
        CHECK(cc_waiter_leave(&w));
        CHECK(!cc_event_notify(&not_empty)); /* it is gone */
    }
    CHECK_EQ(wakes, 0);
    CHECK_EQ(parks, 0);
}

static _Atomic bool is_over;

static void sleep_or_wake(int index, void *argument) {
    (void)argument;
    if (index == 0) {
        cc_waiter w;
        cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
        cc_waiter_enqueue(&not_empty, &w, false);
        while (cc_waiter_sleep(&w, 0, CC_PARK_FOREVER) != CC_PARK_WOKEN) {
        }
        CHECK(cc_waiter_leave(&w));
        is_over = true;
    } else {
        while (parks == 0) { /* until it is asleep, or about to be */
            cc_os_yield();
        }
        CHECK(!cc_event_notify(&not_empty));
        while (!is_over) {
            cc_os_yield();
        }
        CHECK(!cc_event_notify(&not_empty));
    }
}

static void test_asleep(void) {
    begin_test("who is asleep is woken by one call: the counter counts");
    cc_event_count_init(&not_empty);
    for (int i = 0; i < 20; i++) {
        wakes = parks = 0;
        is_over = false;
        run_threads(2, sleep_or_wake, NULL);
        CHECK_EQ(wakes, 1);
        CHECK(parks >= 1);
    }
}

int main(void) {
    test_nobody_waits();
    test_not_yet_asleep();
    test_asleep();
    printf("passed\n");
    return 0;
}

#else

int main(void) {
    return 0; /* only this system's linker does it */
}

#endif
