/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What elimination brings on more processors than the machine has: the real treiber.c and
 * elimination.h, on virtual processors with virtual clocks. Nothing here depends on the speed of
 * the machine.
 *
 * Each thread is a fibre with a processor and a clock of its own; the one whose clock is behind all
 * others runs. Of every cache line it is known who has it. A read-modify-write takes STAYS
 * nanoseconds if this processor alone has the line; else the line moves, `moves` nanoseconds in
 * which nobody else gets it, and the operation goes on after `rest` more. A load of a line that
 * this processor has takes one nanosecond, else as long as if the line moved. A pause takes 40 ns,
 * everything else of an operation WORK; opening a region 20.
 *
 * Charged are the accesses to the top, to the cells, to what is on offer and to nodes; not those to
 * a thread's own memory. Not simulated: preemption, processors that share caches, two sockets, the
 * interpreter.
 *
 * Usage: test_stack_virtual [--show]     with --show: the tables of docs/stack.md
 */
#include "check.h"

#include <ucontext.h>

#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "platform/cc_os.h"
#include "sized.h"
#include "sync/credits.h"
#include "sync/handles.h"

static void charge_load(const void *address);
static void charge_change(const void *address);
static void advance(uint64_t by);

/* What treiber.c does to shared memory is charged. */
#define cc_cas_acq_rel_uptr(p, e, d) (charge_change(p), cc_cas_acq_rel_uptr(p, e, d))
#define cc_cas_acq_rel_u64(p, e, d) (charge_change(p), cc_cas_acq_rel_u64(p, e, d))
#define cc_load_acquire_u64(p) (charge_load(p), cc_load_acquire_u64(p))
#define cc_load_acquire_uptr(p) (charge_load(p), cc_load_acquire_uptr(p))
#define cc_load_relaxed_uptr(p) (charge_load(p), cc_load_relaxed_uptr(p))
#define cc_protect(g, p) (charge_load(p), cc_protect(g, p))
#define cc_enter_as(t, d, g) (advance(20), cc_enter_as(t, d, g))
#define cc_pause() advance(40)
#include "stack/treiber.c"

enum { MOST_THREADS = 64, STACK_BYTES = 64 * 1024, STAYS = 15, WORK = 30, LINES = 1 << 16 };

typedef struct machine {
    const char *name;
    uint64_t moves, rest;
} machine;

static const machine machines[] = {{"60 + 100", 60, 100}, {"200 + 300", 200, 300}};
enum { MACHINES = sizeof machines / sizeof *machines };

static struct {
    ucontext_t context;
    char *stack;
    cc_thread *record;
    uint64_t clock, operations;
} fibres[MOST_THREADS];

static struct line {
    uintptr_t address;
    uint64_t free_at, holders; /* a bit for each processor that has it */
} lines[LINES];

static ucontext_t scheduler;
static int current = -1, count, pushers;
static uint64_t next_clock, the_end;
static machine now_on;
static cc_stack *stack;
static cc_thread *outside; /* the record of who is no fibre */

/* ---- instead of yielding.c ---- */

void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release) {
    (void)release;
    write_sized(address, bytes, value);
}

uint64_t cc_sched_load(const void *address, unsigned bytes) {
    return read_sized(address, bytes);
}

void cc_sched_drain(void) {}

void cc_sched_behind(const int *unused) {
    (void)unused;
}

void cc_sched_signal_point(void) {}

cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);

cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    (void)word, (void)expected, (void)deadline;
    return CC_PARK_WOKEN;
}

void cc_sched_unpark_one(cc_atomic_u32 *word) {
    (void)word;
}

/* ---- time ---- */

/* What comes next is done when all others have done what comes before it. */
static void advance(uint64_t by) {
    if (current >= 0) {
        fibres[current].clock += by;
        if (fibres[current].clock > next_clock) {
            swapcontext(&fibres[current].context, &scheduler);
        }
    }
}

static struct line *line_of(const void *address) {
    uintptr_t number = (uintptr_t)address / CC_CACHE_LINE;
    struct line *l = &lines[(number * UINT64_C(0x9e3779b97f4a7c15)) >> 48];
    for (int i = 0; l->address && l->address != number; i++) {
        CHECK(i < LINES);
        l = l + 1 < lines + LINES ? l + 1 : lines;
    }
    l->address = number;
    return l;
}

static void charge(const void *address, bool changes) {
    if (current < 0) {
        return;
    }
    advance(0);
    struct line *l = line_of(address);
    uint64_t mine = UINT64_C(1) << current, *clock = &fibres[current].clock;
    if (changes ? l->holders == mine : (l->holders & mine) != 0) {
        *clock += changes ? STAYS : 1;
    } else {
        uint64_t start = *clock > l->free_at ? *clock : l->free_at;
        l->free_at = start + now_on.moves;
        *clock = l->free_at + now_on.rest;
        l->holders = changes ? mine : l->holders | mine;
    }
    advance(0);
}

static void charge_load(const void *address) {
    charge(address, false);
}

static void charge_change(const void *address) {
    charge(address, true);
}

/* ---- threads ---- */

static void body(void) {
    for (uint64_t i = 0;; i++) {
        uintptr_t word;
        bool pushes = pushers == count ? i % 2 == 0 : current < pushers;
        advance(WORK);
        if (pushes) {
            CHECK_EQ(cc_stack_push(stack, 1 + i), CC_STACK_OK);
            fibres[current].operations++;
        } else {
            fibres[current].operations += cc_stack_pop(stack, &word) == CC_STACK_OK;
        }
    }
}

static void choose_the_earliest(void) {
    current = 0;
    for (int i = 1; i < count; i++) {
        current = fibres[i].clock < fibres[current].clock ? i : current;
    }
    next_clock = the_end;
    for (int i = 0; i < count; i++) {
        if (i != current && fibres[i].clock < next_clock) {
            next_clock = fibres[i].clock;
        }
    }
    cc_thread_impersonate(fibres[current].record);
}

typedef struct result {
    double operations; /* a microsecond */
    double eliminated; /* of all, percent */
} result;

/* `pushing` threads push and the others pop; all of them: each does both in turn. */
static result simulate(const machine *m, int threads, int pushing, bool eliminates,
                       uint64_t nanoseconds) {
    static const cc_stack_words numbers = {0};
    cc_stack_options options = {.cells = (uint32_t)(threads / 2), .wait = eliminates ? 0 : 1};
    stack = cc_stack_new(&numbers, &options);
    CHECK(stack);
    for (uintptr_t w = 1; w <= 1000; w++) {
        CHECK_EQ(cc_stack_push(stack, w), CC_STACK_OK);
    }
    memset(lines, 0, sizeof lines);
    count = threads;
    pushers = pushing;
    now_on = *m;
    the_end = nanoseconds;
    for (int i = 0; i < count; i++) {
        if (!fibres[i].stack) {
            CHECK((fibres[i].stack = malloc(STACK_BYTES)) != NULL);
            CHECK((fibres[i].record = cc_thread_make_for_schedule()) != NULL);
        }
        fibres[i].record->random = (uint64_t)i + UINT64_C(88172645463325252);
        fibres[i].clock = 1000 + (uint64_t)i * 7;
        fibres[i].operations = 0;
        getcontext(&fibres[i].context);
        fibres[i].context.uc_stack.ss_sp = fibres[i].stack;
        fibres[i].context.uc_stack.ss_size = STACK_BYTES;
        fibres[i].context.uc_link = NULL;
        makecontext(&fibres[i].context, body, 0);
    }
    for (choose_the_earliest(); fibres[current].clock < nanoseconds; choose_the_earliest()) {
        swapcontext(&scheduler, &fibres[current].context);
    }
    current = -1;
    cc_thread_impersonate(outside);
    result r = {0};
    for (int i = 0; i < count; i++) {
        r.operations += (double)fibres[i].operations * 1e3 / (double)nanoseconds;
        /* It has stopped in the middle of an operation. */
        cc_store_relaxed_u64(&fibres[i].record->lower, CC_ERA_IDLE);
    }
    cc_stack_statistics s;
    cc_stack_get_statistics(stack, &s);
    r.eliminated = 200.0 * (double)s.eliminated / (double)(s.pushes + s.pops);
    cc_stack_free(stack);
    return r;
}

static void show(const machine *m, int pushing_of_two) {
    static const int crowds[] = {1, 2, 4, 8, 16, 32, 64};
    printf("\na line moves in %s ns; %s\n", m->name,
           pushing_of_two == 2 ? "each thread pushes and pops" : "half of the threads push");
    printf("| threads | without | with | ratio | eliminated |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof crowds / sizeof *crowds; i++) {
        int n = crowds[i];
        if (n == 1 && pushing_of_two == 1) {
            continue;
        }
        int pushing = pushing_of_two == 2 ? n : n / 2;
        result without = simulate(m, n, pushing, false, 100000);
        result with = simulate(m, n, pushing, true, 100000);
        printf("| %d | %.1f | %.1f | %.2f | %.0f %% |\n", n, without.operations, with.operations,
               with.operations / without.operations, with.eliminated);
    }
}

int main(int argc, char **argv) {
    outside = cc_thread_self();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "--show") == 0) {
        for (int m = 0; m < MACHINES; m++) {
            show(&machines[m], 2);
            show(&machines[m], 1);
        }
        return 0;
    }
    for (int m = 0; m < MACHINES; m++) {
        begin_test(machines[m].name);
        for (int n = 2; n <= 64; n *= 2) {
            result without = simulate(&machines[m], n, n, false, 100000);
            result with = simulate(&machines[m], n, n, true, 100000);
            printf("    %2d threads: %.1f operations a microsecond, %.1f without elimination\n", n,
                   with.operations, without.operations);
            CHECK(with.operations > 0.9 * without.operations);
            CHECK(n < 16 || with.operations > 1.3 * without.operations);
            CHECK(m > 0 || n < 16 || with.eliminated > 5);
        }
    }
    return 0;
}
