/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Streaks (csrc/queue/streak.h): who waits for whom, and who is named at which end afterwards.
 */
#include "check.h"

#include "queue/streak.h"

enum { MOST = 64000 };

static uintptr_t named(cc_streaks *s, cc_queue_end end) {
    return cc_load_relaxed_uptr(&s->at[end]);
}

static void test_nobody_is_waited_for_at_first(void) {
    begin_test("the first one names itself");
    cc_streaks streaks = {.most = MOST};
    cc_member self = {0};
    cc_streak_wait(&streaks, CC_GETTING, &self);
    CHECK_EQ(named(&streaks, CC_GETTING), (uintptr_t)&self);
    CHECK_EQ(named(&streaks, CC_PUTTING), 0);
}

static void test_one_that_stands_still(void) {
    begin_test("one that stands still is relieved, and looked at less and less often");
    cc_streaks streaks = {.most = MOST};
    cc_member still = {0}, self = {0};
    unsigned looks = 0, since = 0, longest = 0;
    for (int i = 0; i < 1000; i++) {
        cc_store_relaxed_uptr(&streaks.at[CC_PUTTING], (uintptr_t)&still);
        cc_streak_wait(&streaks, CC_PUTTING, &self);
        if (named(&streaks, CC_PUTTING) == (uintptr_t)&self) { /* it has looked */
            longest = since > longest ? since : longest;
            looks++;
            since = 0;
        } else {
            since++;
        }
    }
    CHECK(looks >= 10);
    CHECK_EQ(longest, 64);
}

static void test_ends(void) {
    begin_test("who puts and gets takes over both ends, who does one of them that end");
    cc_streaks streaks = {.most = MOST};
    cc_member other = {0}, self = {0};
    for (int i = 0; i < 2; i++) {
        cc_store_relaxed_uptr(&streaks.at[i], (uintptr_t)&other);
    }
    cc_member_count(&self.puts, 3);
    cc_streak_wait(&streaks, CC_PUTTING, &self);
    CHECK_EQ(named(&streaks, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(named(&streaks, CC_GETTING), (uintptr_t)&other);

    self.unlooked = 0;
    cc_store_relaxed_uptr(&streaks.at[CC_PUTTING], (uintptr_t)&other);
    cc_member_count(&self.puts, 1);
    cc_member_count(&self.gets, 1);
    cc_streak_wait(&streaks, CC_PUTTING, &self);
    CHECK_EQ(named(&streaks, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(named(&streaks, CC_GETTING), (uintptr_t)&self);
}

typedef struct runner {
    cc_member member;
    _Atomic bool enough;
} runner;

static void *run(void *argument) {
    runner *r = argument;
    while (!atomic_load(&r->enough)) {
        cc_member_count(&r->member.gets, 1);
    }
    return NULL;
}

static void test_one_that_is_fast(void) {
    begin_test("one that is fast is left alone for a while, and relieved all the same");
    runner r = {.enough = false};
    cc_member self = {0};
    cc_streaks streaks = {.most = MOST};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run, &r), 0);
    bool was_left_alone = false;
    while (!was_left_alone) { /* in vain as long as it has no processor */
        cc_store_relaxed_uptr(&streaks.at[CC_GETTING], (uintptr_t)&r.member);
        self.unlooked = 0;
        self.in_vain = 1;
        uint64_t before = cc_load_relaxed_u64(&r.member.gets);
        cc_streak_wait(&streaks, CC_GETTING, &self);
        CHECK_EQ(named(&streaks, CC_GETTING), (uintptr_t)&self);
        if (self.in_vain == 0) {
            was_left_alone = true;
            CHECK_EQ(self.unlooked, 0);
            CHECK(cc_load_relaxed_u64(&r.member.gets) - before >=
                  (uint64_t)(CC_STREAK_FIRST_LOOK / CC_STREAK_PACE));
        }
    }
    self.in_vain = 1;
    cc_store_relaxed_uptr(&streaks.at[CC_GETTING], (uintptr_t)&r.member);
    streaks.most = 0;
    cc_streak_wait(&streaks, CC_GETTING, &self); /* never wait: not even for that one */
    CHECK(self.in_vain > 0);
    CHECK_EQ(named(&streaks, CC_GETTING), (uintptr_t)&self);
    atomic_store(&r.enough, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void test_close_behind_another(void) {
    begin_test("a getter close behind somebody who puts fast falls back, and only it");
    cc_streaks streaks = {.most = MOST};
    cc_member self = {0};
    CHECK(!cc_streak_is_behind_another(&streaks, &self)); /* nobody puts */
    cc_store_relaxed_uptr(&streaks.at[CC_PUTTING], (uintptr_t)&self);
    CHECK(!cc_streak_is_behind_another(&streaks, &self)); /* it puts itself */
    runner r = {.enough = false};
    cc_store_relaxed_uptr(&streaks.at[CC_PUTTING], (uintptr_t)&r.member);
    unsigned looks = 0;
    for (unsigned i = 0; i < 10 * CC_STREAK_WORDS_PER_LOOK; i++) {
        looks += cc_streak_is_behind_another(&streaks, &self);
        cc_member_count(&self.gets, 1);
    }
    CHECK_EQ(looks, 10);

    cc_streak_fall_back(&streaks, &self); /* that one stands still */
    CHECK_EQ(self.in_vain, 1);
    CHECK_EQ(self.unlooked, 1);
    cc_streak_fall_back(&streaks, &self);
    CHECK_EQ(self.in_vain, 1);
    CHECK_EQ(self.unlooked, 0);

    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run, &r), 0);
    do { /* in vain as long as it has no processor */
        self.unlooked = 0;
        self.in_vain = 1;
        cc_streak_fall_back(&streaks, &self);
    } while (self.in_vain != 0);
    streaks.most = 0;
    cc_streak_fall_back(&streaks, &self); /* never wait */
    CHECK(self.in_vain > 0);
    CHECK_EQ(named(&streaks, CC_PUTTING), (uintptr_t)&r.member); /* it goes on putting */
    atomic_store(&r.enough, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(void) {
    test_nobody_is_waited_for_at_first();
    test_one_that_stands_still();
    test_ends();
    test_one_that_is_fast();
    test_close_behind_another();
    printf("passed\n");
    return 0;
}
