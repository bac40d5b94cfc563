/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread that is stopped inside an operation, wherever it happens to be, while others insert,
 * remove and replace: what waits stays bounded, under both schemes; and nothing that the stopped
 * thread goes on using is freed (ASAN, and the magic words of words.h, would say so).
 *
 * The thread is stopped as foreign code would do it: by a signal's handler that does not return. So
 * under CC_SMR_DEBRA the neutralizing signal finds another handler on top of the read phase.
 */
#define _GNU_SOURCE /* the registers in a signal's context */
#include "check.h"
#include "ordered/skiplist.h"
#include "scheme.h"
#include "words.h"

#if CC_HAS_INTERRUPTS
#include <signal.h>
#include <ucontext.h>

enum { KEYS = 2000 };

/* ---------------------------------------------------------------- stopping a thread */

static _Atomic bool may_go_on, stopped;
static _Atomic int
    handlers_finished; /* a neutralized thread that cut the handler off would not count */
static int signals_sent;
static bool unblocks_signals; /* the handler that does not return */
static _Atomic int wanted; /* enum cc_phase, or -1: any moment of a region */

/* A thread that was stopped in an allocator which takes locks (ASAN's, the C library's) would stop
 * everybody else there, too. clang links ASAN's into the program itself, so where the thread is
 * does not tell alone: the linker leads the allocators' callers here (--wrap in meson.build). */
static _Thread_local volatile sig_atomic_t allocators_inside;

#define COUNT_INSIDE(result, name, parameters, arguments)                                          \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters {                                                              \
        allocators_inside++;                                                                       \
        result memory = __real_##name arguments;                                                   \
        allocators_inside--;                                                                       \
        return memory;                                                                             \
    }
#define COUNT_INSIDE_FREE(name)                                                                    \
    void __real_##name(void *memory);                                                              \
    void __wrap_##name(void *memory);                                                              \
    void __wrap_##name(void *memory) {                                                             \
        allocators_inside++;                                                                       \
        __real_##name(memory);                                                                     \
        allocators_inside--;                                                                       \
    }

COUNT_INSIDE(void *, calloc, (size_t n, size_t bytes), (n, bytes))
COUNT_INSIDE(void *, cc_alloc, (size_t bytes), (bytes))
COUNT_INSIDE(void *, cc_alloc_aligned, (size_t bytes, size_t alignment), (bytes, alignment))
COUNT_INSIDE_FREE(free)
COUNT_INSIDE_FREE(cc_free)

/* In our own code, not in a library's. */
static bool is_in_our_code(const ucontext_t *c) {
    if (allocators_inside) {
        return false;
    }
    extern const char __executable_start[], etext[];
#if defined(CC_ARCH_X86_64)
    uintptr_t pc = (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
#else
    uintptr_t pc = (uintptr_t)c->uc_mcontext.pc;
#endif
    return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

/* Stops only a thread that is where it is wanted: inside a region, in the wanted phase. */
static void stop_here(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    cc_thread *self = cc_thread_self_if_any();
    int phase = atomic_load(&wanted);
    bool is_inside =
        self && cc_load_relaxed_u64(&self->lower) != CC_ERA_IDLE && is_in_our_code(context);
    if (is_inside && (phase < 0 || self->phase == (uint32_t)phase)) {
        atomic_store(&stopped, true);
        while (!atomic_load(&may_go_on)) {
            if (unblocks_signals) {
                sigset_t all;
                sigfillset(&all);
                pthread_sigmask(SIG_UNBLOCK, &all, NULL);
            }
            struct timespec t = {0, 200000};
            nanosleep(&t, NULL);
        }
    }
    atomic_fetch_add(&handlers_finished, 1);
}

typedef struct victim {
    cc_ordered *list;
    pthread_t thread;
    _Atomic uint64_t number; /* the system's */
    bool blocks_the_signal;
    _Atomic bool ready, enough;
    _Atomic int64_t operations;
} victim;

static void *be_a_victim(void *argument) {
    victim *v = argument;
    atomic_store(&v->number, cc_os_thread_number());
    if (v->blocks_the_signal) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, cc_os_interrupt_signal());
        CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    }
    uint64_t random = 88172645463325252u;
    for (int64_t i = 0; !atomic_load(&v->enough); i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int64_t key = (int64_t)(random % KEYS);
        uintptr_t value;
        if (i % 8 == 7) {
            put_as(v->list, 1, key, word_new(key), CC_PUT_ALWAYS, NULL, NULL);
        } else if (get_as(v->list, 1, key, &value, NULL) == CC_FOUND) {
            CHECK_EQ(number_of(value), key);
            word_release(value);
        }
        atomic_store(&v->operations, i);
        atomic_store(&v->ready, true);
    }
    return NULL;
}

static void stop_the_victim(victim *v, int phase) {
    atomic_store(&wanted, phase);
    atomic_store(&may_go_on, false);
    atomic_store(&stopped, false);
    CHECK_EQ(pthread_create(&v->thread, NULL, be_a_victim, v), 0);
    while (!atomic_load(&v->ready)) {
        sched_yield();
    }
    while (!atomic_load(&stopped)) {
        int before = atomic_load(&handlers_finished);
        CHECK_EQ(pthread_kill(v->thread, SIGUSR1), 0);
        signals_sent++;
        while (!atomic_load(&stopped) && atomic_load(&handlers_finished) == before) {
            sched_yield();
        }
    }
}

static void let_the_victim_end(victim *v) {
    int64_t before = atomic_load(&v->operations);
    atomic_store(&may_go_on, true);
    while (atomic_load(&v->operations) < before + 1000) { /* it goes on as if nothing had been */
        sched_yield();
    }
    atomic_store(&v->enough, true);
    CHECK_EQ(pthread_join(v->thread, NULL), 0);
    CHECK_EQ(atomic_load(&handlers_finished), signals_sent);
}

/* ---------------------------------------------------------------- what others do meanwhile */

static size_t most_things, most_bytes;

static void look(cc_ordered *list) {
    size_t things = cc_ordered_limbo_count(list);
    const cc_smr_domain *d = domain_of(list);
    int64_t bytes = 0; /* for a moment less than none, as the count in limbo */
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        bytes += (int64_t)cc_load_relaxed_u64(&d->stripes[i].limbo.limbo_bytes);
    }
    most_things = things > most_things ? things : most_things;
    most_bytes = bytes > (int64_t)most_bytes ? (size_t)bytes : most_bytes;
}

static void insert_and_remove(cc_ordered *list, int64_t operations) {
    for (int64_t i = 0; i < operations / 2; i++) {
        int64_t key = i * 7919 % KEYS;
        put_as(list, 1, key, word_new(key), CC_PUT_ALWAYS, NULL, NULL);
        remove_as(list, 1, i * 104729 % KEYS, NULL, NULL);
        if (i % 64 == 0) {
            look(list);
        }
    }
}

static void replace_one_key(cc_ordered *list, int64_t operations) {
    for (int64_t i = 0; i < operations; i++) {
        put_as(list, 1, 5, word_new(5), CC_PUT_ALWAYS, NULL, NULL);
        if (i % 64 == 0) {
            look(list);
        }
    }
}

typedef struct job {
    cc_ordered *list;
    int64_t operations;
    void (*work)(cc_ordered *, int64_t);
} job;

static void *do_job(void *argument) {
    job *j = argument;
    j->work(j->list, j->operations);
    return NULL;
}

/* ---------------------------------------------------------------- the tests */

enum { OPERATIONS_OF_A_TEST = 100000, LEAST_OPERATIONS = 30000 };
static int64_t operations_each = OPERATIONS_OF_A_TEST;

/* What may wait while one thread is stopped in a region, and the two that work may have lost their
 * processors in regions of their own. */
enum { REGIONS = 3 };
static size_t bound(cc_ordered *list, size_t alive_then) {
    size_t threshold = cc_load_relaxed_u32(&cc_smr_settings.retire_threshold);
    size_t stripes = domain_of(list)->stripe_mask + 1;
    if (cc_ordered_scheme(list) == CC_SMR_IBR) {
        /* What was alive while the clock showed the intervals, what is born before the clock moves
         * on (the gaps are geometric: eighty times the mean has not been seen), and what a scan is
         * not worth while for. */
        size_t seen = REGIONS * alive_then + 80 * CC_PUBLICATIONS_PER_ERA;
        return seen + seen / 2 + stripes * 2 * threshold;
    }
    /* What the regions hold; what a scan has taken whose thread lost its processor then, at most as
     * much as makes a scan worth while (limbo.c); and what the others' scans leave, since there
     * were that many. */
    return REGIONS * CC_MOST_HELD + stripes * (3 + 2) * threshold;
}

/* A node at most; and in the mean, when there are thousands. */
enum { BYTES_OF_A_NODE = 256, MEAN_BYTES_OF_A_NODE = 96, WORTH_A_SCAN = 256 * 1024 };

/* The same in bytes: what may wait by its number, were it all the largest nodes, and the two tables
 * of the index that an operation holds, each smaller than the whole map was; or, where that is
 * less, what is seen and what a scan is not worth while for. */
static size_t bound_of_bytes(cc_ordered *list, size_t alive_then, size_t bytes_then) {
    size_t table = 2 * bytes_then;
    size_t by_number = bound(list, alive_then) * BYTES_OF_A_NODE + table;
    size_t stripes = domain_of(list)->stripe_mask + 1, by_bytes;
    if (cc_ordered_scheme(list) == CC_SMR_IBR) {
        size_t seen = REGIONS * bytes_then + 80 * CC_PUBLICATIONS_PER_ERA * MEAN_BYTES_OF_A_NODE;
        by_bytes = seen + seen / 2 + stripes * (WORTH_A_SCAN + table);
    } else {
        by_bytes = CC_MOST_HELD * BYTES_OF_A_NODE + stripes * 3 * (WORTH_A_SCAN + table);
    }
    return by_number < by_bytes ? by_number : by_bytes;
}

/* The statistics say who holds things up: the victim, as long as its region counts for anything. */
static void check_who_is_oldest(const victim *v) {
    cc_smr_domain_statistics s;
    cc_smr_statistics all;
    cc_smr_get_domain_statistics(domain_of(v->list), &s);
    cc_smr_get_statistics(&all);
    if (s.open_regions == 0) { /* it has been neutralized */
        CHECK_EQ(s.scheme, CC_SMR_DEBRA);
        CHECK(!v->blocks_the_signal);
        CHECK(all.neutralizations > 0);
        CHECK_EQ(s.oldest_thread, 0);
        return;
    }
    CHECK_EQ(s.open_regions, 1); /* everybody else has left */
    CHECK_EQ(s.oldest_thread, atomic_load(&v->number));
    CHECK(s.oldest_age > 0);
    CHECK_EQ(all.oldest_thread, atomic_load(&v->number));
}

static void test_stopped(const char *what, int phase, void (*work)(cc_ordered *, int64_t),
                         bool blocked) {
    begin_test(what);
    if (operations_each > OPERATIONS_OF_A_TEST) {
        alarm(0); /* ten million take their time */
    }
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    for (int64_t i = 0; i < KEYS; i += 2) {
        put_as(list, 1, i, word_new(i), CC_PUT_ALWAYS, NULL, NULL);
    }
    /* Nodes and values of half of the keys, a few more now and then, tables of the index. */
    size_t alive_then = KEYS + KEYS / 8 + 16;
    size_t bytes_then = cc_ordered_bytes(list);
    cc_smr_statistics before, after;
    cc_smr_get_statistics(&before);
    victim v = {.list = list, .blocks_the_signal = blocked};
    stop_the_victim(&v, phase);
    most_things = most_bytes = 0;
    int64_t operations = scaled(operations_each); /* far more than may wait */
    job j = {list, (operations > LEAST_OPERATIONS ? operations : LEAST_OPERATIONS) / 2, work};
    pthread_t other;
    CHECK_EQ(pthread_create(&other, NULL, do_job, &j), 0);
    do_job(&j);
    CHECK_EQ(pthread_join(other, NULL), 0);
    look(list);
    check_who_is_oldest(&v);
    size_t pinned = cc_ordered_flush(list);
    cc_smr_get_statistics(&after);
    printf("    at most %zu things and %zu bytes waited, %zu at the end; bound %zu and %zu; %llu "
           "neutralized, %llu refusals\n",
           most_things, most_bytes, pinned, bound(list, alive_then),
           bound_of_bytes(list, alive_then, bytes_then),
           (unsigned long long)(after.neutralizations - before.neutralizations),
           (unsigned long long)(after.refusals - before.refusals));
    if (blocked && cc_ordered_scheme(list) == CC_SMR_DEBRA) {
        CHECK(after.refusals > before.refusals);
        CHECK(pinned > bound(list, alive_then)); /* held up, and said so */
    } else if (after.refusals > before.refusals) {
        /* Somebody could not answer for a while: what waits until then has no bound. */
        CHECK(pinned <= bound(list, alive_then));
    } else {
        CHECK(most_things <= bound(list, alive_then));
        CHECK(most_bytes <= bound_of_bytes(list, alive_then, bytes_then));
    }
    let_the_victim_end(&v);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* Stopped again and again at random moments, for short: whatever it was doing, it finishes it
 * rightly. */
static void test_stops_everywhere(void) {
    begin_test("a thread is stopped at a few hundred moments, anywhere in its operations");
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    for (int i = 0; i < scaled(300); i++) {
        victim v = {.list = list};
        stop_the_victim(&v, cc_ordered_scheme(list) == CC_SMR_DEBRA ? i % 3 - 1 : -1);
        insert_and_remove(list, 600);
        replace_one_key(list, 300);
        let_the_victim_end(&v);
    }
    say_what_was_neutralized();
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- somebody takes the signal
 * away */

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);

static struct sigaction ours;
static _Atomic int looks_until_it_is_taken = -1;

static void take_the_signal(void) {
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    CHECK_EQ(__real_sigaction(cc_os_interrupt_signal(), &ignore, &ours), 0);
}

static void give_the_signal_back(void) {
    CHECK_EQ(__real_sigaction(cc_os_interrupt_signal(), &ours, NULL), 0);
}

/* The core's looks at the disposition: behind one of them somebody is quick. */
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    int result = __real_sigaction(number, action, old);
    if (!action && number == cc_os_interrupt_signal() &&
        atomic_load(&looks_until_it_is_taken) >= 0 &&
        atomic_fetch_sub(&looks_until_it_is_taken, 1) == 0) {
        take_the_signal();
    }
    return result;
}

static void test_taken_away(void) {
    begin_test(
        "somebody takes the signal away: between looking and sending, and behind the answer");
    cc_ordered *list = cc_ordered_new(&cc_skiplist_operations, &deciding_words);
    put_as(list, 1, 5, word_new(5), CC_PUT_ALWAYS, NULL, NULL);
    victim v = {.list = list};
    stop_the_victim(&v, CC_PHASE_READ);
    uint64_t number = atomic_load(&v.number);
    while (cc_os_interrupt(number)) { /* it answers, and then has the signal blocked */
        sched_yield(); /* before that, when it has no processor, the signal only waits for it */
    }
    cc_thread *record = cc_thread_first();
    while (cc_load_relaxed_u64(&record->number) != number || !cc_thread_is_in_use(record)) {
        record = record->next;
        CHECK(record);
    }
    uint64_t region = cc_load_relaxed_u64(&record->region);
    while (cc_load_acquire_u64(&record->answered) != region) {
        sched_yield();
    }
    CHECK(cc_os_interrupt(cc_os_thread_number()));
    atomic_store(&looks_until_it_is_taken, 0);
    CHECK(!cc_os_interrupt(cc_os_thread_number()));
    CHECK_EQ(atomic_load(&looks_until_it_is_taken), -1);
    /* Now what was pending is lost, and the thread will go on in its read phase. */
    replace_one_key(list, 1000);
    CHECK(cc_load_acquire_u64(&record->neutralized) != region);
    CHECK(cc_ordered_flush(list) > 500);
    give_the_signal_back();
    let_the_victim_end(&v);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    if (argc > 1) {
        operations_each = atoll(argv[1]); /* ten million in the soak */
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = stop_here;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    bool debra = cc_smr_scheme_of_new_containers() == CC_SMR_DEBRA;
    test_stopped("stopped while it reads; others insert and remove", debra ? CC_PHASE_READ : -1,
                 insert_and_remove, false);
    test_stopped("stopped while it reads; others replace one key", debra ? CC_PHASE_READ : -1,
                 replace_one_key, false);
    if (debra) {
        test_stopped("stopped in a write phase; others insert and remove", CC_PHASE_WRITE,
                     insert_and_remove, false);
        test_stopped("stopped in a write phase; others replace one key", CC_PHASE_WRITE,
                     replace_one_key, false);
        unblocks_signals = true;
        test_stopped("stopped while it reads, by a handler that unblocks all signals",
                     CC_PHASE_READ, insert_and_remove, false);
        unblocks_signals = false;
        test_taken_away();
        test_stopped("stopped while it reads, with the signal blocked; others insert and remove",
                     CC_PHASE_READ, insert_and_remove, true);
        test_stopped("stopped while it reads, with the signal blocked; others replace one key",
                     CC_PHASE_READ, replace_one_key, true);
    }
    test_stops_everywhere();
    printf("passed\n");
    return 0;
}
#else
int main(void) {
    printf("skipped: no interrupts here\n");
    return 77;
}
#endif
