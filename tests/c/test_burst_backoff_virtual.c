/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What burst back-off (csrc/queue/burst_backoff.h) costs and brings, on more processors than the
 * machine has: the real burst_backoff.c, on virtual processors with a virtual clock. Nothing here
 * depends on the speed of the machine.
 *
 * Each thread is a fibre with a processor and a clock of its own; the one whose clock is behind
 * all others runs. An operation needs the line of its end of the queue. If its processor had the
 * line last, the operation takes STAYS nanoseconds; else `moves` nanoseconds during which nobody
 * else has the line, and `rest` until the operation goes on. Between two operations a thread
 * works, for a time that varies by half to both sides; a hot one does nothing, or what the loop
 * of a Python program takes. A read of the clock takes 25 ns, a pause 40.
 *
 * Not simulated: preemption, more threads than processors, processors that share caches, two
 * sockets.
 *
 * Usage: test_burst_backoff_virtual [--show]     with --show: the tables of docs/benchmarks.md
 */
#include "check.h"

#include <stdarg.h>
#include <ucontext.h>

#include "concurrent_collections/cc_arch.h"
#include "platform/cc_os.h"

static void virtual_pause(void);
static uint64_t virtual_now(void);
#define cc_pause() virtual_pause()
#define cc_os_now() virtual_now()
/* Beside the core's own. */
#define cc_burst_backoff_wait virtual_burst_backoff_wait
#define cc_burst_backoff_fall_back virtual_burst_backoff_fall_back
#define cc_burst_backoff_note_the_end virtual_burst_backoff_note_the_end
#include "queue/burst_backoff.c"
#undef cc_os_now

enum { MOST_THREADS = 80, STACK_BYTES = 64 * 1024, STAYS = 50, CLOCK = 25, PAUSE = 40 };

typedef struct machine {
    const char *name;
    uint64_t moves, rest;
} machine;

static const machine machines[] = {{"60 + 100", 60, 100},
                                   {"100 + 200", 100, 200},
                                   {"200 + 300", 200, 300},
                                   {"300 + 600", 300, 600}};
enum { MACHINES = sizeof machines / sizeof *machines };

#define LOOP UINT64_C(30) /* nanoseconds that a Python loop needs between two operations */
#define LEAST_WORK UINT64_C(200)

/* Those that do less than LEAST_WORK are hot. */
typedef struct group {
    int threads;
    uint64_t work;       /* nanoseconds between two operations; varies, from LEAST_WORK on */
    uint64_t idle_until; /* hot ones: work a microsecond until then */
} group;

typedef struct result {
    double of_workers, of_hot, in_all; /* operations a microsecond */
    uint64_t longest; /* nanoseconds that a worker has been held up for, at once */
} result;

static struct {
    ucontext_t context;
    char *stack;
    uint64_t clock, work, idle_until, operations, longest;
    cc_handle handle;
} fibres[MOST_THREADS];
static ucontext_t scheduler;
static int current, count;
static uint64_t next_clock; /* of the others: the smallest */
static uint64_t line_free_at, random_state;
static int line_owner;
static bool with_backoff;
static machine now_on;
static cc_burst_backoff state;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* What comes next is done when all others have done what comes before it. */
static void advance(uint64_t by) {
    fibres[current].clock += by;
    if (fibres[current].clock > next_clock) {
        swapcontext(&fibres[current].context, &scheduler);
    }
}

static void virtual_pause(void) {
    fibres[current].clock += PAUSE; /* seen at the next look at the clock */
}

static uint64_t virtual_now(void) {
    advance(CLOCK);
    return fibres[current].clock;
}

static void take_the_line(void) {
    advance(0);
    uint64_t start = fibres[current].clock;
    if (line_owner == current) {
        line_free_at = fibres[current].clock = start + STAYS;
    } else {
        start = start > line_free_at ? start : line_free_at;
        line_free_at = start + now_on.moves;
        fibres[current].clock = line_free_at + now_on.rest;
        line_owner = current;
    }
    advance(0);
}

static void body(void) {
    for (;;) {
        uint64_t work = fibres[current].work;
        if (fibres[current].clock < fibres[current].idle_until) {
            work = 1000;
        }
        advance(work < LEAST_WORK ? work : work / 2 + next_random() % (work + 1));
        uint64_t before = fibres[current].clock;
        if (with_backoff) {
            cc_burst_backoff_before(&state, CC_PUTTING, &fibres[current].handle);
        }
        uint64_t held = fibres[current].clock - before;
        fibres[current].longest = held > fibres[current].longest ? held : fibres[current].longest;
        take_the_line();
        cc_handle_count(&fibres[current].handle.puts, 1);
        fibres[current].operations++;
        if (with_backoff) {
            cc_burst_backoff_after(&fibres[current].handle);
        }
    }
}

static void choose_the_earliest(void) {
    current = 0;
    for (int i = 1; i < count; i++) {
        current = fibres[i].clock < fibres[current].clock ? i : current;
    }
    next_clock = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        if (i != current && fibres[i].clock < next_clock) {
            next_clock = fibres[i].clock;
        }
    }
}

static void begin_fibre(int i, const group *g) {
    if (!fibres[i].stack) {
        CHECK((fibres[i].stack = malloc(STACK_BYTES)) != NULL);
    }
    memset((void *)&fibres[i].handle, 0, sizeof(cc_handle));
    fibres[i].work = g->work;
    fibres[i].idle_until = g->idle_until;
    fibres[i].clock = 1000 + next_random() % 1000;
    fibres[i].operations = fibres[i].longest = 0;
    getcontext(&fibres[i].context);
    fibres[i].context.uc_stack.ss_sp = fibres[i].stack;
    fibres[i].context.uc_stack.ss_size = STACK_BYTES;
    fibres[i].context.uc_link = NULL;
    makecontext(&fibres[i].context, body, 0);
}

static result simulate(const machine *m, const group *groups, int group_count, bool backoff,
                       uint64_t nanoseconds) {
    count = 0;
    now_on = *m;
    with_backoff = backoff;
    line_owner = -1;
    line_free_at = 0;
    random_state = UINT64_C(88172645463325252);
    memset((void *)&state, 0, sizeof state);
    state.most = CC_BURST_WAIT;
    for (int g = 0; g < group_count; g++) {
        for (int i = 0; i < groups[g].threads; i++) {
            CHECK(count < MOST_THREADS);
            begin_fibre(count++, &groups[g]);
        }
    }
    for (choose_the_earliest(); fibres[current].clock < nanoseconds; choose_the_earliest()) {
        swapcontext(&scheduler, &fibres[current].context);
    }
    result r = {0};
    for (int i = 0; i < count; i++) {
        double rate = (double)fibres[i].operations * 1e3 / (double)nanoseconds;
        *(fibres[i].work < LEAST_WORK ? &r.of_hot : &r.of_workers) += rate;
        r.in_all += rate;
        if (fibres[i].work >= LEAST_WORK && fibres[i].longest > r.longest) {
            r.longest = fibres[i].longest;
        }
    }
    return r;
}

static const int thread_counts[] = {2, 4, 8, 16, 32, 64};
enum { THREAD_COUNTS = sizeof thread_counts / sizeof *thread_counts };
static const uint64_t works[] = {200, 500, 1000, 5000, 20000};
enum { WORKS = sizeof works / sizeof *works };
static bool show;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (show) {
        vprintf(format, arguments);
    }
    va_end(arguments);
}

/* Nobody waits for anybody, so nothing but the time of a look now and then is lost. */
static void test_workers(void) {
    begin_test(
        "threads that work on their items are not held up: 99 % of what they do without back-off");
    for (int m = 0; m < MACHINES; m++) {
        say("%s: worst of %d to %d threads, by work:", machines[m].name, thread_counts[0],
            thread_counts[THREAD_COUNTS - 1]);
        for (int w = 0; w < WORKS; w++) {
            double worst = 2;
            for (int n = 0; n < THREAD_COUNTS; n++) {
                group g = {thread_counts[n], works[w], 0};
                result off = simulate(&machines[m], &g, 1, false, 1000000);
                result on = simulate(&machines[m], &g, 1, true, 1000000);
                double ratio = on.in_all / off.in_all;
                worst = ratio < worst ? ratio : worst;
                CHECK(ratio >= 0.99);
                CHECK(on.longest < CC_BURST_FIRST_LOOK);
            }
            say(" %.3f", worst);
        }
        say("\n");
    }
}

/* Nearly what one of them alone does. `loop`: nanoseconds between two operations. (Where a line
 * moves in 60 ns, and a loop needs 30, crowding would be better: nobody can see that from one
 * thread.) */
static void test_hot_threads(uint64_t loop) {
    begin_test("hot threads go one after the other");
    double alone = 1e3 / (double)(STAYS + loop);
    for (int m = 0; m < MACHINES; m++) {
        say("%s, %d between two operations:", machines[m].name, (int)loop);
        for (int n = 0; n < THREAD_COUNTS; n++) {
            group g = {thread_counts[n], loop, 0};
            result off = simulate(&machines[m], &g, 1, false, 2000000);
            result on = simulate(&machines[m], &g, 1, true, 2000000);
            say(" %.1f/%.1f", off.in_all, on.in_all);
            CHECK(on.in_all >= (thread_counts[n] <= 16 ? 0.9 : 0.6) * alone);
        }
        say("\n");
    }
}

static void test_hot_beside_workers(void) {
    begin_test("workers beside hot threads lose nothing, and together they lose little");
    static const int hots[] = {1, 4, 8}, workers[] = {1, 4, 16, 64};
    for (int m = 0; m < MACHINES; m++) {
        for (int h = 0; h < 3; h++) {
            double worst_workers = 2, worst = 2, best = 0;
            for (int n = 0; n < 4; n++) {
                for (int w = 1; w < WORKS; w++) {
                    group g[] = {{workers[n], works[w], 0}, {hots[h], 0, 0}};
                    result off = simulate(&machines[m], g, 2, false, 1000000);
                    result on = simulate(&machines[m], g, 2, true, 1000000);
                    double of_workers = on.of_workers / off.of_workers;
                    double in_all = on.in_all / off.in_all;
                    worst_workers = of_workers < worst_workers ? of_workers : worst_workers;
                    worst = in_all < worst ? in_all : worst;
                    best = in_all > best ? in_all : best;
                    CHECK(of_workers >= 0.99);
                    CHECK(on.longest < CC_BURST_FIRST_LOOK);
                    /* Where lines are cheap the workers gain what the hot ones lose. */
                    CHECK(in_all >= (machines[m].moves < 100 ? 0.8 : 0.9));
                }
            }
            say("%s, %d hot: workers at least %.3f; all threads %.3f to %.3f\n", machines[m].name,
                hots[h], worst_workers, worst, best);
        }
    }
}

static void test_late_start(void) {
    begin_test("workers that become hot find each other");
    for (int n = 4; n <= 16; n *= 4) {
        group g = {n, LOOP, 4000000};
        result before = simulate(&machines[1], &g, 1, true, 4000000);
        result on = simulate(&machines[1], &g, 1, true, 12000000);
        double after = (on.in_all * 12 - before.in_all * 4) / 8;
        say("%d threads: %.1f, then %.1f\n", n, before.in_all, after);
        CHECK(after >= 0.8 * 1e3 / (double)(STAYS + LOOP));
    }
}

int main(int argc, char **argv) {
    show = argc > 1 && strcmp(argv[1], "--show") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
#if CHECK_SANITIZED
    puts("skipped: sanitizers do not follow fibres");
    return 77;
#endif
    if (getenv("CC_TEST_EMULATED")) {
        puts("skipped: virtual processors say the same on every machine, and an emulator takes "
             "minutes");
        return 77;
    }
    test_workers();
    test_hot_threads(0);
    test_hot_threads(LOOP);
    test_hot_beside_workers();
    test_late_start();
    printf("passed\n");
    return 0;
}
