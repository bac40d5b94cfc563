/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why rings of SCQ grow with the number of threads (csrc/queue/scq.c), shown on the whole queue:
 * threads are fibres here, each atomic access is a step, and who takes the next one is written down
 * below but for three numbers, which are tried out.
 *
 * With 2 slots the threshold allows for 3 * 2 - 1 = 5 late gets. There is a word. Five gets look
 * and see it, and sleep; another one takes it. The five go on, each draws a ticket in vain, and
 * sleeps before it lowers the threshold. A put draws a ticket and sleeps. A second put succeeds,
 * with the next ticket. Now the five lower the threshold, to 0. Who gets then finds the place of
 * the sleeping put empty, the threshold used up, and says "empty" beside the word of a put that is
 * over.
 *
 * That takes seven threads in a ring of two slots, which `ignore_growth` allows: then the judge
 * must find at least one of the orders illegal. Without it the seven are in a ring of eight, and
 * every order must be legal.
 */
#include "queue_orders.h"

enum { LATE = 5, PUTTER = LATE + 1, HANDLES = LATE + 2, MOST_STEPS = 24 };

/* The order that is described above. Late gets sleep before their step number `look`, and again
 * before number `failed`, the first put before its step number `stalled`. Is there an explanation
 * for the answers? */
static bool carry_out(const cc_queue_options *options, int64_t look, int64_t failed,
                      int64_t stalled) {
    begin_orders(CC_QUEUE_SCQ, options, HANDLES);
    do_whole(0, Q_PUT);
    for (int i = 1; i <= LATE; i++) {
        order(i, Q_GET);
        go_on(i, look);
    }
    do_whole(0, Q_GET);
    for (int i = 1; i <= LATE; i++) {
        go_on(i, failed);
    }
    order(PUTTER, Q_PUT);
    go_on(PUTTER, stalled);
    do_whole(0, Q_PUT);
    for (int i = 1; i <= LATE; i++) {
        go_on(i, INT64_MAX);
    }
    do_whole(0, Q_GET);
    go_on(PUTTER, INT64_MAX);
    return is_explained(options->capacity);
}

/* How many of the orders nothing explains. */
static int64_t count_unexplained(cc_queue_options options, bool show) {
    int64_t orders_tried = 0, unexplained = 0;
    for (int64_t look = 1; look <= MOST_STEPS; look++) {
        for (int64_t failed = look; failed <= MOST_STEPS; failed++) {
            for (int64_t stalled = 1; stalled <= MOST_STEPS; stalled++) {
                bool is_legal = carry_out(&options, look, failed, stalled);
                if (show && !is_legal) {
                    printf("look %d, failed %d, stalled %d\n", (int)look, (int)failed,
                           (int)stalled);
                    print_queue_history(stdout, ops, op_count, options.capacity);
                }
                unexplained += !is_legal;
                orders_tried++;
            }
        }
    }
    printf("    %" PRId64 " of %" PRId64 " orders have no explanation\n", unexplained,
           orders_tried);
    return unexplained;
}

int main(int argc, char **argv) {
    bool show = argc > 1 && strcmp(argv[1], "--show") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
#if CHECK_SANITIZED
    puts("sanitizers do not follow fibres");
    return 0;
#endif
    static const size_t capacities[] = {0, 2};
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        cc_queue_options options = {.capacity = capacities[i], .ring_slots = 2, .spins = 1};
        begin_test("seven threads in a ring that has grown: every order is explained");
        CHECK_EQ(count_unexplained(options, true), 0);
        begin_test("seven threads in a ring of two slots: a word is not seen");
        options.ignore_growth = 1;
        CHECK(count_unexplained(options, show) > 0);
    }
    printf("passed\n");
    return 0;
}
