/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Burst back-off (csrc/queue/burst_backoff.h): who waits for whom, and who is named at which end
 * afterwards. What that is worth is in test_burst_backoff_virtual.c.
 */
#include "check.h"

#include "platform/cc_os.h"
#include "queue/queue_inside.h"
#include "queue/burst_backoff.h"

enum { MOST = 64000 };

static uintptr_t named(cc_burst_backoff *s, cc_queue_end end) {
    return cc_load_relaxed_uptr(&s->at[end]);
}

/* As if it had just used the queue, and nothing else for a while: one long gap, if we lose the
 * processor, changes nothing. */
static void make_hot(cc_handle *self) {
    self->unlooked = 0;
    self->is_timed = 1;
    self->gap = 1;
    self->left_at = cc_os_now();
}

/* As if it always worked on what it gets. */
static void make_slow(cc_handle *self) {
    make_hot(self);
    self->gap = 4 * CC_BURST_GAP;
}

/* An operation of a handle that has just done another one. */
static void wait_hot(cc_burst_backoff *s, cc_queue_end end, cc_handle *self) {
    make_hot(self);
    cc_burst_backoff_wait(s, end, self);
    CHECK_EQ(self->is_timed, 0);
}

static void rest_no_more(cc_burst_backoff *s) {
    for (int i = 0; i < 2; i++) {
        cc_store_relaxed_u64(&s->not_before[i], 0);
    }
}

static void test_nobody_is_waited_for_at_first(void) {
    begin_test("the first one that is hot names itself");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle self = {0};
    cc_burst_backoff_wait(&backoff, CC_GETTING, &self);
    CHECK_EQ(self.is_timed, 1); /* nothing is known of it yet */
    CHECK_EQ(named(&backoff, CC_GETTING), 0);
    wait_hot(&backoff, CC_GETTING, &self);
    CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&self);
    CHECK_EQ(named(&backoff, CC_PUTTING), 0);
}

static void test_gaps(void) {
    begin_test("a gap is measured from the end of an operation to the beginning of the next one");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle self = {0};
    cc_burst_backoff_before(&backoff, CC_PUTTING, &self);
    uint64_t before = cc_os_now();
    cc_burst_backoff_after(&self);
    CHECK(self.left_at >= before && self.left_at <= cc_os_now());
    uint64_t until = cc_os_now() + 4 * CC_BURST_GAP;
    while (cc_os_now() < until) {
    }
    cc_burst_backoff_before(&backoff, CC_PUTTING, &self);
    CHECK_EQ(self.gap, 4 * CC_BURST_GAP); /* the first one counts in full */
    CHECK_EQ(self.is_timed, 0);
    CHECK_EQ(named(&backoff, CC_PUTTING), 0);
    uint64_t left_at = self.left_at;
    cc_burst_backoff_after(&self); /* this one is not timed */
    CHECK_EQ(self.left_at, left_at);
    CHECK_EQ(self.unlooked, 1);
    /* Then a fourth of the way to what comes next, which is cut at four times the limit. */
    self.is_timed = 1;
    self.gap = 1;
    self.left_at = 0;
    cc_burst_backoff_before(&backoff, CC_PUTTING, &self);
    CHECK_EQ(self.gap, (3 + 4 * CC_BURST_GAP) / 4);
    self.is_timed = 1;
    self.gap = 4 * CC_BURST_GAP;
    self.left_at = cc_os_now() + 1000000000; /* a clock that goes back, as long ago */
    cc_burst_backoff_before(&backoff, CC_PUTTING, &self);
    CHECK_EQ(self.gap, 4 * CC_BURST_GAP);
}

static void test_one_that_stands_still(void) {
    begin_test(
        "one that stands still is relieved, and then nobody waits for a while, longer each time");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle still = {0}, self = {0}, another = {0};
    uint64_t last = 0, times = 0;
    for (int i = 0; i < 10; i++) {
        cc_store_relaxed_uptr(&backoff.at[CC_PUTTING], (uintptr_t)&still);
        rest_no_more(&backoff);
        uint64_t before = cc_os_now();
        wait_hot(&backoff, CC_PUTTING, &self);
        CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&self);
        uint64_t rest = cc_load_relaxed_u64(&backoff.rest[CC_PUTTING]);
        CHECK(cc_load_relaxed_u64(&backoff.not_before[CC_PUTTING]) >= before + rest);
        CHECK_EQ(cc_load_relaxed_u64(&backoff.not_before[CC_GETTING]), 0);
        CHECK(rest == 2 * last || i == 0 || rest == 2000000);
        times += rest == 2000000;
        last = rest;
    }
    CHECK(times >= 2);
    cc_store_relaxed_u64(&backoff.not_before[CC_PUTTING],
                         cc_os_now() + 3600 * UINT64_C(1000000000));
    wait_hot(&backoff, CC_PUTTING, &another); /* goes ahead, unnamed, and looks again later */
    CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(another.unlooked, 64);
}

static void test_one_that_works(void) {
    begin_test(
        "one that works on its items neither waits nor is named, and looks less and less often");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle other = {0}, self = {0};
    unsigned looks = 0, since = 0, longest = 0;
    cc_store_relaxed_uptr(&backoff.at[CC_PUTTING], (uintptr_t)&other);
    for (int i = 0; i < 1000; i++) {
        if (self.is_timed) { /* it is about to look */
            make_slow(&self);
            looks++;
            longest = since > longest ? since : longest;
            since = 0;
        } else {
            since++;
        }
        cc_burst_backoff_before(&backoff, CC_PUTTING, &self);
        CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&other);
        CHECK_EQ(cc_load_relaxed_u64(&backoff.not_before[CC_PUTTING]), 0); /* has not waited */
    }
    CHECK(looks >= 10);
    CHECK_EQ(longest, 65);
}

static void test_ends(void) {
    begin_test("who puts and gets takes over both ends, who does one of them that end");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle other = {0}, self = {0};
    for (int i = 0; i < 2; i++) {
        cc_store_relaxed_uptr(&backoff.at[i], (uintptr_t)&other);
    }
    cc_handle_count(&self.puts, 3);
    wait_hot(&backoff, CC_PUTTING, &self);
    CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&other);

    cc_store_relaxed_uptr(&backoff.at[CC_PUTTING], (uintptr_t)&other);
    rest_no_more(&backoff);
    cc_handle_count(&self.puts, 1);
    cc_handle_count(&self.gets, 1);
    wait_hot(&backoff, CC_PUTTING, &self);
    CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&self);
}

static void test_calls_that_are_never_held_up(void) {
    begin_test("cc_queue_put_now and cc_queue_get_now look at nobody");
    for (int kind = CC_QUEUE_SCQ; kind <= CC_QUEUE_CRTURN; kind++) {
        cc_queue *queue = cc_queue_new((cc_queue_kind)kind, NULL);
        if (!queue) {
            continue;
        }
        uintptr_t word;
        cc_handles *handles = &queue->handles;
        cc_burst_backoff *all = &queue->backoff;
        CHECK_EQ(cc_queue_put_now(queue, 7), CC_QUEUE_OK);
        cc_handle *self = cc_handle_at(handles, 1), other = {0};
        for (int i = 0; i < 2; i++) {
            cc_store_relaxed_uptr(&all->at[i], (uintptr_t)&other);
        }
        for (int i = 0; i < 200; i++) {
            make_hot(self);
            CHECK_EQ(cc_queue_get_now(queue, &word), CC_QUEUE_OK);
            CHECK_EQ(self->is_timed, 1); /* else it would have looked */
            CHECK_EQ(cc_queue_put_now(queue, 7), CC_QUEUE_OK);
            CHECK_EQ(self->is_timed, 1);
        }
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(named(all, i), (uintptr_t)&other);
            cc_store_relaxed_uptr(&all->at[i], 0);
        }
        make_slow(self);
        CHECK_EQ(cc_queue_put(queue, 7), CC_QUEUE_OK);
        CHECK_EQ(self->is_timed, 0); /* this one looks */
        cc_queue_free(queue, NULL);
    }
}

static void test_pairs(void) {
    begin_test(
        "a thread that puts and gets in turn has both ends soon, and reads no clock any more");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle self = {0};
    for (int i = 0; i < 20; i++) {
        cc_queue_end end = i % 2 ? CC_GETTING : CC_PUTTING;
        if (self.is_timed) {
            make_hot(&self);
        }
        cc_burst_backoff_before(&backoff, end, &self);
        cc_handle_count(end == CC_PUTTING ? &self.puts : &self.gets, 1);
        cc_burst_backoff_after(&self);
    }
    CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&self);
    CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&self);
    CHECK_EQ(self.is_timed, 0);
}

typedef struct runner {
    cc_handle handle;
    _Atomic bool enough;
} runner;

static void *run(void *argument) {
    runner *r = argument;
    while (!atomic_load(&r->enough)) {
        cc_handle_count(&r->handle.gets, 1);
    }
    return NULL;
}

static void test_one_that_is_fast(void) {
    begin_test("one that is fast is left alone for a while, and relieved all the same");
    runner r = {.enough = false};
    cc_handle self = {0};
    cc_burst_backoff backoff = {.most = MOST};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run, &r), 0);
    uint64_t before;
    do { /* in vain as long as it has no processor */
        cc_store_relaxed_uptr(&backoff.at[CC_GETTING], (uintptr_t)&r.handle);
        rest_no_more(&backoff);
        cc_store_relaxed_u64(&backoff.rest[CC_GETTING], 1);
        before = cc_load_relaxed_u64(&r.handle.gets);
        wait_hot(&backoff, CC_GETTING, &self);
        CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&self);
    } while (cc_load_relaxed_u64(&backoff.rest[CC_GETTING]) != 0);
    CHECK_EQ(self.unlooked, 0);
    CHECK(cc_load_relaxed_u64(&r.handle.gets) - before >=
          (uint64_t)(CC_BURST_FIRST_LOOK / CC_BURST_PACE));

    cc_store_relaxed_uptr(&backoff.at[CC_GETTING], (uintptr_t)&r.handle);
    backoff.most = 0;
    rest_no_more(&backoff);
    wait_hot(&backoff, CC_GETTING, &self); /* never wait: not even for that one */
    CHECK(cc_load_relaxed_u64(&backoff.rest[CC_GETTING]) > 0);
    CHECK_EQ(named(&backoff, CC_GETTING), (uintptr_t)&self);
    atomic_store(&r.enough, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void test_close_behind_another(void) {
    begin_test("a getter close behind somebody who puts fast falls back, and only it");
    cc_burst_backoff backoff = {.most = MOST};
    cc_handle self = {0};
    CHECK(!cc_burst_backoff_is_behind_another(&backoff, &self)); /* nobody puts */
    cc_store_relaxed_uptr(&backoff.at[CC_PUTTING], (uintptr_t)&self);
    CHECK(!cc_burst_backoff_is_behind_another(&backoff, &self)); /* it puts itself */
    runner r = {.enough = false};
    cc_store_relaxed_uptr(&backoff.at[CC_PUTTING], (uintptr_t)&r.handle);
    unsigned looks = 0;
    for (unsigned i = 0; i < 10 * CC_BURST_WORDS_PER_LOOK; i++) {
        looks += cc_burst_backoff_is_behind_another(&backoff, &self);
        cc_handle_count(&self.gets, 1);
    }
    CHECK_EQ(looks, 10);

    cc_burst_backoff_fall_back(&backoff, &self); /* what are we? */
    CHECK_EQ(self.is_timed, 1);
    CHECK_EQ(self.in_vain, 0);
    make_slow(&self);
    cc_burst_backoff_fall_back(&backoff, &self); /* one that works on its items waits for nobody */
    CHECK_EQ(self.is_timed, 1);
    CHECK_EQ(self.in_vain, 0);
    make_hot(&self);
    cc_burst_backoff_fall_back(&backoff, &self); /* that one stands still */
    CHECK_EQ(self.in_vain, 1);
    CHECK_EQ(self.unlooked, 1);
    cc_burst_backoff_fall_back(&backoff, &self);
    CHECK_EQ(self.in_vain, 1);
    CHECK_EQ(self.unlooked, 0);

    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, run, &r), 0);
    do { /* in vain as long as it has no processor */
        self.unlooked = 0;
        self.in_vain = 1;
        cc_burst_backoff_fall_back(&backoff, &self);
    } while (self.in_vain != 0);
    backoff.most = 0;
    cc_burst_backoff_fall_back(&backoff, &self); /* never wait */
    CHECK(self.in_vain > 0);
    CHECK_EQ(named(&backoff, CC_PUTTING), (uintptr_t)&r.handle); /* it goes on putting */
    atomic_store(&r.enough, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(void) {
    test_nobody_is_waited_for_at_first();
    test_gaps();
    test_one_that_stands_still();
    test_one_that_works();
    test_ends();
    test_pairs();
    test_calls_that_are_never_held_up();
    test_one_that_is_fast();
    test_close_behind_another();
    printf("passed\n");
    return 0;
}
