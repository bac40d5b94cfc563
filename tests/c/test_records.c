/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Thread records, step by step: that coming and going take no more of them with ten thousand
 * records than with few; that who comes after thousands have ended gets a low number, so that a new
 * queue is as small for it as for the first thread of the process; and that no place is forgotten,
 * however a thread that takes the last place of a group and one that gives a place of it back meet.
 */
#include "fibres.h"
#include "queue/queue.h"

enum { MANY = 3 * 4096 };

static cc_thread *records[MANY];
static struct {
    cc_thread *record; /* to be given back; NULL: take one */
    cc_thread *taken;
    bool is_busy;
} orders[MOST_FIBRES];

static void obey(void) {
    int me = current;
    for (;;) {
        fibres[me].steps = 0;
        if (orders[me].record) {
            cc_thread_end_for_schedule(orders[me].record);
        } else {
            orders[me].taken = cc_thread_make_for_schedule();
        }
        orders[me].is_busy = false;
        give_way();
    }
}

static void order(int who, cc_thread *to_give_back) {
    orders[who].record = to_give_back;
    orders[who].is_busy = true;
    run_fibre(who);
}

/* Until it is about to take its step number `until`, or is done. Returns the steps it took. */
static int64_t go_on(int who, int64_t until) {
    while (orders[who].is_busy && fibres[who].steps < until) {
        run_fibre(who);
    }
    return fibres[who].steps;
}

static int64_t do_whole(int who, cc_thread *to_give_back) {
    order(who, to_give_back);
    return go_on(who, INT64_MAX);
}

static cc_thread *take(int64_t *most_steps) {
    int64_t steps = do_whole(0, NULL);
    *most_steps = steps > *most_steps ? steps : *most_steps;
    CHECK(steps <= 40);
    CHECK(orders[0].taken);
    return orders[0].taken;
}

static size_t bytes_of_a_queue_used_by(cc_thread *record, cc_queue_kind kind) {
    cc_queue *queue = cc_queue_new(kind, NULL);
    CHECK(queue);
    cc_thread_impersonate(record);
    uintptr_t word;
    CHECK_EQ(cc_queue_put(queue, 16), CC_QUEUE_OK);
    CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
    size_t bytes = cc_queue_bytes(queue);
    cc_queue_free(queue, NULL);
    cc_thread_impersonate(NULL);
    return bytes;
}

static void test_thousands(void) {
    begin_test("twelve thousand threads come and go: a constant number of steps each, low numbers "
               "afterwards");
    int64_t most_to_come = 0, most_to_go = 0;
    uint32_t before = cc_thread_count();
    records[0] = take(&most_to_come);
    uint32_t lowest = records[0]->index;
    size_t bytes = bytes_of_a_queue_used_by(records[0], CC_QUEUE_SCQ);
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i < MANY; i++) {
            records[i] = take(&most_to_come);
            CHECK_EQ(records[i]->index, lowest + (uint32_t)i);
            CHECK(cc_thread_is_in_use(records[i]));
        }
        for (int i = 0; i < MANY; i++) { /* in an order that jumps between groups */
            cc_thread *record = records[(int64_t)i * 7919 % MANY];
            int64_t steps = do_whole(0, record);
            most_to_go = steps > most_to_go ? steps : most_to_go;
            CHECK(!cc_thread_is_in_use(record));
        }
        records[0] = take(&most_to_come);
        CHECK_EQ(records[0]->index, lowest);
        CHECK_EQ(bytes_of_a_queue_used_by(records[0], CC_QUEUE_SCQ), bytes);
        CHECK_EQ(cc_thread_count(), before + MANY);
    }
    do_whole(0, records[0]);
    printf("    at most %" PRId64 " steps to come, %" PRId64 " to go\n", most_to_come, most_to_go);
    CHECK(most_to_go <= 20);
}

/* One thread takes the last place of a group up to its step number `i`, another gives a place back
 * up to number `j`, in either order, and both go on. Whoever comes next has to get the lowest free
 * place. */
static void test_no_place_is_forgotten(void) {
    begin_test("the last place of a group is taken while another one is given back, step by step");
    enum { FULL = 3 * (int)CC_THREADS_IN_GROUP };
    int64_t unused = 0;
    int orders_tried = 0, most_i = 0, most_j = 0;
    for (int first = 0; first < 2; first++) {
        for (int64_t i = 0; i <= most_i; i++) {
            for (int64_t j = 0; j <= most_j; j++, orders_tried++) {
                int n = 0;
                do {
                    records[n++] = take(&unused);
                } while ((records[n - 1]->index + 2) % CC_THREADS_IN_GROUP && n < FULL);
                int lower = n / 2; /* somewhere in the same group, or before it */
                if (n > 8) {
                    lower = n - 5;
                }
                if (first == 0) {
                    order(0, NULL);
                    go_on(0, i);
                    order(1, records[lower]);
                    go_on(1, j);
                } else {
                    order(1, records[lower]);
                    go_on(1, j);
                    order(0, NULL);
                    go_on(0, i);
                }
                int64_t i_steps = go_on(0, INT64_MAX), j_steps = go_on(1, INT64_MAX);
                most_i = i_steps > most_i ? (int)i_steps : most_i;
                most_j = j_steps > most_j ? (int)j_steps : most_j;
                cc_thread *last = orders[0].taken;
                CHECK(last);
                uint32_t free_place =
                    last == records[lower] ? records[n - 1]->index + 1 : records[lower]->index;
                cc_thread *next = take(&unused);
                CHECK_EQ(next->index, free_place);
                if (last != records[lower]) {
                    do_whole(0, last);
                }
                do_whole(0, next);
                for (int k = 0; k < n; k++) {
                    if (k != lower || last == records[lower]) {
                        do_whole(0, records[k]);
                    }
                }
            }
        }
    }
    printf("    %d orders\n", orders_tried);
    CHECK(orders_tried > 100);
    CHECK_EQ(cc_thread_users(), 2);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    begin_fibres(2, obey);
    test_thousands();
    test_no_place_is_forgotten();
    printf("passed\n");
    return 0;
}
