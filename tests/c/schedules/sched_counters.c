/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters under every schedule that the explorer can reach: two or three fibres with a handful of
 * operations, whose answers and whose rest are compared. Larger histories are judged in
 * test_counter_histories.c.
 */
#include <string.h>

#include "scheduler.h"
#include "sync/counters.h"

#define NEAR_THE_END (INT64_MAX - 1)

static cc_atomic_counter *counter;
static cc_striped_counter *striped[2];
static int64_t answers[SCHED_MOST_FIBRES][4];
static unsigned count_of_answers[SCHED_MOST_FIBRES];
static uint32_t begun, ended; /* adds; plain, for fibres change places only at atomic accesses */

static void answer(int64_t value) {
    unsigned me = sched_me();
    answers[me][count_of_answers[me]++] = value;
}

static void begin(int64_t value) {
    counter = cc_atomic_counter_new(value);
    striped[0] = cc_striped_counter_new_with(0, 2);
    striped[1] = cc_striped_counter_new_with(0, 2);
    memset(answers, 0, sizeof answers);
    memset(count_of_answers, 0, sizeof count_of_answers);
    begun = ended = 0;
}

static void set_up(void) {
    begin(0);
}

static void set_up_near_the_end(void) {
    begin(NEAR_THE_END);
}

static const char *end(const char *wrong) {
    cc_atomic_counter_free(counter);
    cc_striped_counter_free(striped[0]);
    cc_striped_counter_free(striped[1]);
    return wrong;
}

static int64_t sum_of(const cc_striped_counter *c) {
    int64_t sum;
    if (cc_striped_counter_sum(c, &sum, NULL)) {
        sched_fail("the sum of a few small numbers does not fit");
    }
    return sum;
}

/* ---------------------------------------------------------------- one word */

/* Each add of 1 has an answer of its own, and they are 1 .. all. */
static const char *judge_ones(void) {
    uint32_t seen = 0, adds = 0;
    for (unsigned f = 0; f < SCHED_MOST_FIBRES; f++) {
        for (unsigned i = 0; i < count_of_answers[f]; i++) {
            seen |= UINT32_C(1) << answers[f][i];
            adds++;
        }
    }
    bool right = seen == (UINT32_C(2) << adds) - 2 && cc_atomic_counter_get(counter) == adds;
    return end(right ? NULL : "two adds have the same answer, or one is lost");
}

static void add_ones(unsigned who) {
    int64_t now;
    for (int i = 0; i < 2; i++) {
        if (cc_atomic_counter_add(counter, 1, &now) == CC_COUNTER_OK) {
            answer(now);
        }
    }
    (void)who;
}

static void add_by_compare_and_set(unsigned who) {
    if (who) {
        add_ones(who);
        return;
    }
    for (int i = 0; i < 2; i++) {
        int64_t seen = cc_atomic_counter_get(counter);
        while (!cc_atomic_counter_compare_and_set(counter, seen, seen + 1)) {
            seen = cc_atomic_counter_get(counter);
        }
        answer(seen + 1);
    }
}

/* Everything that was added is taken out once, or is still there. */
static void add_or_take(unsigned who) {
    if (who == 0) {
        answer(cc_atomic_counter_get_and_set(counter, 0));
        answer(cc_atomic_counter_get_and_set(counter, 0));
        return;
    }
    cc_atomic_counter_add(counter, 1, NULL);
    cc_atomic_counter_add(counter, 10, NULL);
}

static const char *judge_taken(void) {
    int64_t all = answers[0][0] + answers[0][1] + cc_atomic_counter_get(counter);
    return end(all == 22 ? NULL : "something was lost, or taken twice");
}

/* There is room for one. Nobody ever sees a number beyond. */
static void one_fits(unsigned who) {
    if (who == 2) {
        for (int i = 0; i < 2; i++) {
            int64_t seen = cc_atomic_counter_get(counter);
            if (seen < NEAR_THE_END) {
                sched_fail("the counter has wrapped");
            }
        }
        return;
    }
    answer(cc_atomic_counter_add(counter, 1, NULL) == CC_COUNTER_OK);
}

static const char *judge_one(void) {
    bool right = answers[0][0] + answers[1][0] == 1 && cc_atomic_counter_get(counter) == INT64_MAX;
    return end(right ? NULL : "not one of two adds has had the last place");
}

/* Two threads that say that they are there, and look whether the other one is. */
static cc_atomic_counter *second;

static void set_up_two(void) {
    begin(0);
    second = cc_atomic_counter_new(0);
}

static void set_and_look(unsigned who) {
    cc_atomic_counter_set(who ? second : counter, 1);
    answer(cc_atomic_counter_get(who ? counter : second));
}

static const char *judge_two(void) {
    cc_atomic_counter_free(second);
    return end(answers[0][0] + answers[1][0] > 0 ? NULL : "neither has seen the other");
}

/* ---------------------------------------------------------------- striped */

/* Three fibres in two cells; a sum lies between what had ended and what has begun. */
static void count_and_look(unsigned who) {
    for (int i = 0; i < 2; i++) {
        if (who == 2) {
            uint32_t least = ended;
            int64_t sum = sum_of(striped[0]);
            if (sum < (int64_t)least || sum > (int64_t)begun) {
                sched_fail("a sum that leaves out an add, or has one too many");
            }
            if (i && sum < answers[2][0]) {
                sched_fail("a sum goes back");
            }
            answer(sum);
        } else {
            begun++;
            cc_striped_counter_add(striped[0], 1);
            ended++;
        }
    }
}

static const char *judge_count(void) {
    return end(sum_of(striped[0]) == 4 ? NULL : "an add is lost");
}

/* All in one cell of two, since their records' numbers are congruent, or not: as it comes. */
static void all_count(unsigned who) {
    (void)who;
    cc_striped_counter_add(striped[0], 1);
    cc_striped_counter_add(striped[0], 1);
}

static const char *judge_all_count(void) {
    return end(sum_of(striped[0]) == 6 ? NULL : "an add is lost");
}

static void count_or_reset(unsigned who) {
    int64_t sum;
    if (who == 0) {
        for (int i = 0; i < 2; i++) {
            cc_striped_counter_sum_then_reset(striped[0], &sum, NULL);
            answer(sum);
        }
        return;
    }
    cc_striped_counter_add(striped[0], 1);
    cc_striped_counter_add(striped[0], 10);
}

static const char *judge_reset(void) {
    int64_t all = answers[0][0] + answers[0][1] + sum_of(striped[0]);
    return end(all == 22 ? NULL : "an add is in no answer, or in two");
}

/* What is counted first, at the first counter, is never missing. */
static void one_after_the_other(unsigned who) {
    int64_t sums[2];
    for (int i = 0; i < 2; i++) {
        if (who == 2) {
            cc_striped_counter_sum_all(striped, 2, sums, NULL);
            if (sums[0] < sums[1]) {
                sched_fail("the sums have an add without the one that came before it");
            }
        } else {
            cc_striped_counter_add(striped[0], 1);
            cc_striped_counter_add(striped[1], 1);
        }
    }
}

/* The same, for all that has been taken out together. */
static void one_after_the_other_taken(unsigned who) {
    int64_t sums[2], all[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        if (who == 2) {
            cc_striped_counter_sum_all_then_reset(striped, 2, sums, NULL);
            all[0] += sums[0];
            all[1] += sums[1];
            if (all[0] < all[1]) {
                sched_fail("an add was taken out before the one that came before it");
            }
            answer(sums[0]);
        } else {
            cc_striped_counter_add(striped[0], 1);
            cc_striped_counter_add(striped[1], 1);
        }
    }
}

static const char *judge_both_taken(void) {
    int64_t all = answers[2][0] + answers[2][1] + sum_of(striped[0]);
    return end(all == 4 ? NULL : "an add is in no answer, or in two");
}

static const char *judge_both(void) {
    return end(sum_of(striped[0]) == 4 && sum_of(striped[1]) == 4 ? NULL : "an add is lost");
}

int main(int argc, char **argv) {
    static const sched_program programs[] = {
        {"add_ones", 3, set_up, add_ones, judge_ones, 3, 1, 0, NULL},
        {"add_by_compare_and_set", 3, set_up, add_by_compare_and_set, judge_ones, 2, 1, 0, NULL},
        {"add_or_take", 3, set_up, add_or_take, judge_taken, 3, 1, 0, NULL},
        {"one_fits", 3, set_up_near_the_end, one_fits, judge_one, 3, 1, 0, NULL},
        {"set_and_look", 2, set_up_two, set_and_look, judge_two, 3, 2, 0, NULL},
        {"count_and_look", 3, set_up, count_and_look, judge_count, 2, 1, 0, NULL},
        {"all_count", 3, set_up, all_count, judge_all_count, 3, 1, 0, NULL},
        {"count_or_reset", 3, set_up, count_or_reset, judge_reset, 2, 1, 0, NULL},
        {"one_after_the_other", 3, set_up, one_after_the_other, judge_both, 2, 1, 0, NULL},
        {"one_after_the_other_taken", 3, set_up, one_after_the_other_taken, judge_both_taken, 2, 1,
         0, NULL},
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
