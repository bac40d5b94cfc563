/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Credits, step by step: threads are fibres, each atomic access is a step, who takes the next one
 * is drawn by lot, and the accounts are checked after each of them. Real threads are in
 * test_credits.c.
 */
#include "fibres.h"
#include "sync/credits.h"

static cc_credits credits;
static struct {
    enum { AT_REST, TAKES, GIVES, CHANGES } does;
    bool has_one;        /* when it is at rest */
    bool may_be_refused; /* no credit was free at some moment since the take began */
} hands[MOST_FIBRES];
static int64_t taken, refused;

/* Not a step. */
static uint64_t available(void) {
    return read_sized(&credits.available.word, sizeof(uint64_t));
}

static void take_and_give(void) {
    const int me = current;
    for (;;) {
        hands[me].may_be_refused = (int64_t)available() <= 0;
        hands[me].does = TAKES;
        hands[me].has_one = cc_credits_take(&credits);
        CHECK(hands[me].has_one || hands[me].may_be_refused);
        hands[me].has_one ? taken++ : refused++;
        hands[me].does = AT_REST;
        give_way();
        if (hands[me].has_one) {
            hands[me].does = GIVES;
            cc_credits_give(&credits);
            hands[me].does = AT_REST;
            hands[me].has_one = false;
            give_way();
        }
    }
}

/* The bound goes up and down. */
static struct {
    uint64_t bound; /* that has been in effect last */
    int64_t debts, changes;
} changing;

static void change(void) {
    const int me = current;
    for (uint64_t bound = 1;; bound = (bound * 5 + 1) % 4) { /* 1, 2, 3, 0, 1 ... */
        hands[me].does = CHANGES;
        cc_credits_change(&credits, bound);
        hands[me].does = AT_REST;
        changing.bound = bound;
        changing.changes++;
        give_way();
    }
}

static void take_and_give_or_change(void) {
    current ? take_and_give() : change();
}

/* What is free and what is out is never more than what is said to be there. */
static void check_what_is_said(int threads) {
    int64_t out = 0;
    for (int i = 0; i < threads; i++) {
        out += hands[i].does == AT_REST && hands[i].has_one;
    }
    uint64_t most = read_sized(&credits.most.word, sizeof(uint64_t));
    CHECK((int64_t)available() + out <= (int64_t)most);
}

/* With a bound that nobody is changing just now: what is free and what is out are the bound, as long
 * as no fibre is in the middle of an operation. */
static void check_changing_accounts(int threads) {
    int64_t out = 0;
    for (int i = 0; i < threads; i++) {
        if (hands[i].does != AT_REST) {
            return;
        }
        out += hands[i].has_one;
    }
    CHECK_EQ((int64_t)available(), (int64_t)changing.bound - out);
    CHECK_EQ(cc_credits_bound(&credits), changing.bound);
    changing.debts += out > (int64_t)changing.bound;
}

/* Each credit is free, or out, or in the hands of a fibre that is in the middle of an operation. */
static void check_accounts(int threads, uint64_t most) {
    uint64_t out = 0, under_way = 0;
    for (int i = 0; i < threads; i++) {
        out += hands[i].does == AT_REST && hands[i].has_one;
        under_way += hands[i].does != AT_REST;
        if (available() == 0) {
            hands[i].may_be_refused = true;
        }
    }
    CHECK(available() <= most);
    CHECK(available() + out <= most);
    CHECK(available() + out + under_way >= most);
}

static void test_steps(int threads, uint64_t most) {
    printf("  %d threads, %" PRIu64 " credits\n", threads, most);
    rng r = rng_from((uint64_t)threads * 100 + most);
    taken = refused = 0;
    memset(hands, 0, sizeof hands);
    cc_credits_begin(&credits, most);
    begin_fibres(threads, take_and_give);
    for (int64_t i = scaled(100000); i; i--) {
        run_fibre((int)rng_below(&r, threads));
        check_accounts(threads, most);
    }
    CHECK(taken > 0 && refused > 0);
    for (int i = 0; i < threads; i++) {
        do {
            run_fibre(i);
        } while (hands[i].does != AT_REST || hands[i].has_one);
    }
    CHECK_EQ(available(), most);
}

static void test_changes(int threads) {
    printf("  %d threads, and one that changes how many there are\n", threads - 1);
    rng r = rng_from((uint64_t)threads);
    taken = refused = 0;
    memset(hands, 0, sizeof hands);
    memset(&changing, 0, sizeof changing);
    changing.bound = 2;
    cc_credits_begin(&credits, 2);
    begin_fibres(threads, take_and_give_or_change);
    for (int64_t i = scaled(100000); i; i--) {
        run_fibre((int)rng_below(&r, threads));
        check_changing_accounts(threads);
        check_what_is_said(threads);
        for (int f = 0; f < threads; f++) {
            hands[f].may_be_refused |= (int64_t)available() <= 0;
        }
    }
    CHECK(taken > 0 && refused > 0 && changing.debts > 0 && changing.changes > 100);
}

int main(void) {
#if CHECK_SANITIZED
    puts("sanitizers do not follow fibres");
    return 0;
#endif
    begin_test("in any order of steps: no credit is lost or made, nobody is refused beside one");
    for (int threads = 2; threads <= 4; threads++) {
        for (uint64_t most = 1; most < (uint64_t)threads; most++) {
            test_steps(threads, most);
        }
    }
    for (int threads = 3; threads <= 5; threads++) {
        test_changes(threads);
    }
    printf("passed\n");
    return 0;
}
