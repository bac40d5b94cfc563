/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What csrc/queue/queue.h promises, one promise at a time, for every kind of queue.
 */
#include "queue_kinds.h"

#include <sys/wait.h>

#include "memory/cc_alloc.h"
#include "visit_words.h"

static void put(cc_queue *queue, uintptr_t word) {
    CHECK_EQ(cc_queue_put(queue, word), CC_QUEUE_OK);
}

static uintptr_t get(cc_queue *queue) {
    uintptr_t word = 0;
    CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
    CHECK(word != 0);
    return word;
}

static void check_says(cc_queue *queue, cc_queue_status says) {
    uintptr_t word = 77;
    CHECK_EQ(cc_queue_get(queue, &word), says);
    CHECK_EQ(word, 77); /* untouched */
}

/* ---------------------------------------------------------------- one thread */

static void test_first_in_first_out(const queue_kind *kind) {
    for (uint32_t slots = 0; slots <= 32; slots = slots ? 2 * slots : 1) {
        cc_queue *queue =
            queue_of(kind, (cc_queue_options){.ring_slots = slots, .chain_length = slots / 7});
        uintptr_t next_in = 1, next_out = 1;
        rng r = rng_from(slots);
        check_says(queue, CC_QUEUE_EMPTY);
        for (int64_t round = scaled(2000); round > 0; round--) {
            for (int64_t n = rng_below(&r, 40); n > 0; n--) {
                put(queue, next_in++);
            }
            CHECK_EQ(cc_queue_length(queue), next_in - next_out);
            for (int64_t n = rng_below(&r, 45); n > 0 && next_out < next_in; n--) {
                CHECK_EQ(get(queue), next_out);
                next_out++;
            }
            CHECK_EQ(cc_queue_length(queue), next_in - next_out);
            if (next_in == next_out) {
                check_says(queue, CC_QUEUE_EMPTY);
            }
        }
        CHECK_EQ(cc_queue_puts(queue), next_in - 1);
        CHECK_EQ(cc_queue_gets(queue), next_out - 1);
        cc_queue_free(queue, NULL);
    }
}

static void test_statistics(const queue_kind *kind) {
    cc_queue *queue = queue_of(kind, (cc_queue_options){.capacity = 8, .patience = 1});
    cc_queue_statistics s;
    cc_queue_get_statistics(queue, &s);
    CHECK_EQ(s.puts + s.gets + s.requests, 0);
    for (uintptr_t word = 1; word <= 8; word++) {
        put(queue, word);
    }
    CHECK_EQ(get(queue), 1);
    cc_queue_get_statistics(queue, &s);
    CHECK_EQ(s.puts, 8);
    CHECK_EQ(s.gets, 1);
    CHECK_EQ(s.patience, 0);
    bool is_wcq = strcmp(cc_queue_backend(queue), "wcq") == 0;
    bool is_one_ring = is_wcq && cc_queue_is_wait_free(queue);
    CHECK_EQ(s.most_steps != 0, is_one_ring);
    if (is_one_ring) { /* no try on a fast path: a request for each of two rings */
        CHECK_EQ(s.requests, 2 * 9);
    } else if (!is_wcq) {
        CHECK_EQ(s.requests, 0);
    }
    cc_queue_free(queue, NULL);
}

static void test_capacity(const queue_kind *kind) {
    static const size_t capacities[] = {1, 2, 3, 7, 8, 16, 63, 64, 65, 1000, 5000, 70000};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        size_t capacity = capacities[c];
        if (capacity == 70000 && kind->kind != CC_QUEUE_WAIT_FREE) {
            continue; /* more than one ring of wCQ takes */
        }
        for (uint32_t slots = 0; slots <= 4; slots += 2) {
            cc_queue *queue =
                queue_of(kind, (cc_queue_options){.capacity = capacity, .ring_slots = slots});
            CHECK_EQ(cc_queue_capacity(queue), capacity);
            for (uintptr_t round = 0; round < 4; round++) {
                for (uintptr_t i = 1; i <= capacity; i++) {
                    put(queue, round * capacity + i);
                    CHECK_EQ(cc_queue_length(queue), i);
                }
                CHECK_EQ(cc_queue_put(queue, 1), CC_QUEUE_FULL);
                CHECK_EQ(cc_queue_length(queue), capacity);
                for (uintptr_t i = 1; i <= capacity; i++) {
                    CHECK_EQ(get(queue), round * capacity + i);
                    if (i % 3 == 0) { /* never full with one taken */
                        put(queue, round * capacity + i);
                        CHECK_EQ(cc_queue_put(queue, 1), i == 3 ? CC_QUEUE_OK : CC_QUEUE_FULL);
                        break;
                    }
                }
                uintptr_t word;
                while (cc_queue_get(queue, &word) == CC_QUEUE_OK) {
                }
                CHECK_EQ(cc_queue_length(queue), 0);
            }
            CHECK_EQ(cc_queue_puts(queue), cc_queue_gets(queue));
            cc_queue_free(queue, NULL);
        }
    }
}

/* One thread: a model of the bound, which a put looks at, and nothing else. */
static void test_set_capacity(const queue_kind *kind) {
    for (uint32_t slots = 0; slots <= 4; slots += 2) {
        cc_queue *queue = queue_of(kind, (cc_queue_options){.capacity = 5, .ring_slots = slots});
        uintptr_t next_in = 1, next_out = 1;
        size_t bound = 5;
        rng r = rng_from(slots);
        if (!cc_queue_set_capacity(queue, bound = 6)) { /* bounds itself */
            CHECK(strcmp(cc_queue_backend(queue), "wcq") == 0);
            CHECK(cc_queue_set_capacity(queue, 5));
            CHECK_EQ(cc_queue_capacity(queue), 5);
            cc_queue_free(queue, NULL);
            continue;
        }
        for (int64_t step = scaled(20000); step; step--) {
            size_t inside = next_in - next_out;
            switch (rng_below(&r, 8)) {
            case 0:
                bound = (size_t)rng_below(&r, 12);
                CHECK(cc_queue_set_capacity(queue, bound));
                break;
            case 1:
            case 2:
            case 3:
                if (inside) {
                    CHECK_EQ(get(queue), next_out++);
                } else {
                    check_says(queue, CC_QUEUE_EMPTY);
                }
                break;
            default:
                if (bound == 0 && inside > 200) {
                    break;
                }
                if (bound == 0 || inside < bound) {
                    put(queue, next_in++);
                } else {
                    CHECK_EQ(cc_queue_put(queue, 1), CC_QUEUE_FULL);
                }
            }
            CHECK_EQ(cc_queue_capacity(queue), bound);
            CHECK_EQ(cc_queue_length(queue), next_in - next_out);
        }
        CHECK_EQ(cc_queue_puts(queue), next_in - 1);
        cc_queue_free(queue, NULL);
    }
    cc_queue *unbounded = cc_queue_new(kind->kind, NULL);
    CHECK(cc_queue_set_capacity(unbounded, 0));
    CHECK(!cc_queue_set_capacity(unbounded, 3));
    CHECK_EQ(cc_queue_capacity(unbounded), 0);
    cc_queue_free(unbounded, NULL);
}

/* One thread: a model of a queue whose puts overwrite or not. */
static void test_overwriting(const queue_kind *kind) {
    static const size_t capacities[] = {1, 2, 3, 5, 16, 17, 70};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        size_t capacity = capacities[c];
        cc_queue *queue = queue_of(kind, (cc_queue_options){.capacity = capacity, .ring_slots = 2});
        uintptr_t next_in = 1, next_out = 1, oldest;
        rng r = rng_from(capacity);
        for (int64_t step = scaled(5000); step; step--) {
            size_t inside = next_in - next_out;
            int64_t what = rng_below(&r, 10);
            if (what < 6) {
                CHECK_EQ(cc_queue_put_overwriting(queue, next_in, &oldest), CC_QUEUE_OK);
                CHECK_EQ(oldest, inside == capacity ? next_out : 0);
                next_in++;
                next_out += oldest != 0;
            } else if (what < 7) {
                CHECK_EQ(cc_queue_put(queue, next_in),
                         inside == capacity ? CC_QUEUE_FULL : CC_QUEUE_OK);
                next_in += inside < capacity;
            } else if (inside) {
                CHECK_EQ(get(queue), next_out++);
            } else {
                check_says(queue, CC_QUEUE_EMPTY);
            }
            CHECK_EQ(cc_queue_length(queue), next_in - next_out);
        }
        CHECK_EQ(cc_queue_puts(queue), next_in - 1);
        CHECK_EQ(cc_queue_gets(queue), next_out - 1);
        cc_queue_close(queue);
        CHECK_EQ(cc_queue_put_overwriting(queue, 1, &oldest), CC_QUEUE_CLOSED);
        CHECK_EQ(oldest, 0);
        cc_queue_free(queue, NULL);
    }
    cc_queue *unbounded = cc_queue_new(kind->kind, NULL);
    for (uintptr_t i = 1; i <= 300; i++) {
        uintptr_t oldest = 7;
        CHECK_EQ(cc_queue_put_overwriting(unbounded, i, &oldest), CC_QUEUE_OK);
        CHECK_EQ(oldest, 0);
    }
    CHECK_EQ(cc_queue_length(unbounded), 300);
    cc_queue_free(unbounded, NULL);
}

/* Without memory for another ring, whether or not a word was taken: what is inside, the counts and
 * the room are right, and it goes on afterwards. */
static void test_overwriting_without_memory(const queue_kind *kind) {
    enum { CAPACITY = 70 }; /* more than one ring of wCQ takes where that is small */
    cc_queue *queue = queue_of(kind, (cc_queue_options){.capacity = CAPACITY, .ring_slots = 2});
    uintptr_t next_in = 1, next_out = 1, oldest;
    int64_t failed = 0;
    for (int round = 0; round < 300; round++) {
        size_t inside = next_in - next_out;
        cc_alloc_fail_from(0);
        cc_queue_status status = cc_queue_put_overwriting(queue, next_in, &oldest);
        cc_alloc_fail_from(-1);
        CHECK(status == CC_QUEUE_OK || status == CC_QUEUE_NO_MEMORY);
        if (oldest) {
            CHECK_EQ(inside, CAPACITY);
            CHECK_EQ(oldest, next_out++);
        }
        next_in += status == CC_QUEUE_OK;
        failed += status == CC_QUEUE_NO_MEMORY;
        CHECK_EQ(cc_queue_length(queue), next_in - next_out);
        if (next_in - next_out < CAPACITY) { /* the room is there again */
            put(queue, next_in++);
        }
    }
    if (strcmp(cc_queue_backend(queue), "wcq") != 0) { /* which may be one ring, and need none */
        CHECK(failed > 0);
    }
    while (next_out < next_in) {
        CHECK_EQ(get(queue), next_out++);
    }
    check_says(queue, CC_QUEUE_EMPTY);
    cc_queue_free(queue, NULL);
}

static void test_options(const queue_kind *kind) {
    cc_queue *queue = cc_queue_new(kind->kind, NULL);
    CHECK(queue);
    CHECK_EQ(cc_queue_capacity(queue), 0);
    CHECK(cc_queue_backend(queue)[0] != 0);
    if (kind->kind < CC_QUEUE_WAIT_FREE) {
        CHECK(!cc_queue_is_wait_free(queue));
    }
    cc_queue_free(queue, NULL);
    cc_queue_free(NULL, NULL);
}

#ifndef MOST_CAPACITY_OF_ONE_RING /* wcq.c's */
#define MOST_CAPACITY_OF_ONE_RING 65536u
#endif

/* Lists are lock-free, whatever their rings are, and so are credits. So wCQ is wait-free as long as
 * one ring holds all there may be, and CRTurn, which is no list of rings, as long as there is no
 * bound. */
static void test_which_are_wait_free(const queue_kind *kind) {
    static const size_t most = MOST_CAPACITY_OF_ONE_RING;
    const size_t capacities[] = {0, 1, most - 1, most, most + 1};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        size_t capacity = capacities[c];
        cc_queue *queue = queue_of(kind, (cc_queue_options){.capacity = capacity});
        const char *backend = cc_queue_backend(queue);
        bool expected = strcmp(backend, "wcq") == 0      ? capacity && capacity <= most
                        : strcmp(backend, "crturn") == 0 ? capacity == 0
                                                         : false;
        CHECK_EQ(cc_queue_is_wait_free(queue), expected);
        for (int i = 0; i < 3; i++) { /* and stays what it is */
            put(queue, 1);
            CHECK_EQ(get(queue), 1);
        }
        CHECK_EQ(cc_queue_is_wait_free(queue), expected);
        cc_queue_free(queue, NULL);
    }
}

/* Rings are finalized all the time: words still come in order. */
static void test_few_tickets(const queue_kind *kind) {
    for (uint32_t limit = 1; limit <= 5; limit++) {
        for (uint32_t slots = 1; slots <= 4; slots *= 2) {
            cc_queue *queue = queue_of(
                kind, (cc_queue_options){.ring_slots = slots, .ticket_limit = limit, .spins = 1});
            for (uintptr_t i = 1; i <= 300; i++) {
                put(queue, i);
                if (i % 3 == 0) {
                    CHECK_EQ(get(queue), i / 3);
                }
            }
            for (uintptr_t i = 101; i <= 300; i++) {
                CHECK_EQ(get(queue), i);
            }
            check_says(queue, CC_QUEUE_EMPTY);
            cc_queue_free(queue, NULL);
        }
    }
}

/* ---------------------------------------------------------------- closing */

static void test_closing(const queue_kind *kind) {
    for (size_t capacity = 0; capacity <= 4; capacity += 4) {
        for (uint32_t slots = 0; slots <= 2; slots++) {
            for (uintptr_t left = 0; left <= 4; left++) {
                cc_queue *queue =
                    queue_of(kind, (cc_queue_options){.capacity = capacity, .ring_slots = slots});
                for (uintptr_t i = 1; i <= left; i++) {
                    put(queue, i);
                }
                CHECK(!cc_queue_is_closed(queue));
                cc_queue_close(queue);
                CHECK(cc_queue_is_closed(queue));
                CHECK_EQ(cc_queue_put(queue, 9), CC_QUEUE_CLOSED);
                cc_queue_close(queue);
                CHECK_EQ(cc_queue_length(queue), left);
                for (uintptr_t i = 1; i <= left; i++) {
                    CHECK_EQ(get(queue), i);
                    CHECK_EQ(cc_queue_put(queue, 9), CC_QUEUE_CLOSED);
                }
                check_says(queue, CC_QUEUE_CLOSED);
                check_says(queue, CC_QUEUE_CLOSED);
                CHECK_EQ(cc_queue_length(queue), 0);
                CHECK_EQ(cc_queue_puts(queue), left);
                cc_queue_free(queue, NULL);
            }
        }
    }
}

static void close_it(int index, void *argument) {
    (void)index;
    cc_alloc_fail_from(0); /* no block for this thread either */
    cc_queue_close(argument);
    cc_alloc_fail_from(-1);
}

static void test_closing_without_memory(const queue_kind *kind) {
    cc_queue *queue = queue_of(kind, (cc_queue_options){0});
    put(queue, 1);
    run_threads(1, close_it, queue);
    CHECK_EQ(cc_queue_put(queue, 2), CC_QUEUE_CLOSED);
    CHECK_EQ(get(queue), 1);
    check_says(queue, CC_QUEUE_CLOSED);
    cc_queue_free(queue, NULL);
}

/* ---------------------------------------------------------------- freeing and visiting */

static uintptr_t released[5000];
static size_t released_count;

static void release(uintptr_t word) {
    CHECK(released_count < 5000);
    released[released_count++] = word;
}

static void test_what_is_left_is_released(const queue_kind *kind) {
    for (uint32_t slots = 0; slots <= 4; slots++) {
        for (uintptr_t taken = 0; taken <= 3000; taken += 750) {
            cc_queue *queue = queue_of(kind, (cc_queue_options){.ring_slots = slots});
            for (uintptr_t i = 1; i <= 3000; i++) {
                put(queue, i);
            }
            for (uintptr_t i = 1; i <= taken; i++) {
                CHECK_EQ(get(queue), i);
            }
            uintptr_t next = taken + 1;
            CHECK_EQ(cc_queue_visit(queue, visit_next, &next), 0);
            CHECK_EQ(next, 3001);
            uintptr_t third = taken + 3;
            CHECK_EQ(cc_queue_visit(queue, stop_at, &third), taken < 3000 ? 42 : 0);
            if (slots % 2) {
                cc_queue_close(queue);
            }
            released_count = 0;
            cc_queue_free(queue, release);
            CHECK_EQ(released_count, 3000 - taken);
            for (size_t i = 0; i < released_count; i++) {
                CHECK_EQ(released[i], taken + 1 + i);
            }
        }
    }
}

/* A queue of queues of queues: freeing the first frees all, without a deep stack. */
static void release_queue(uintptr_t word) {
    released_count++;
    cc_queue_free((cc_queue *)word, release_queue);
}

static void test_freeing_does_not_recurse(const queue_kind *kind) {
    cc_queue *outer = queue_of(kind, (cc_queue_options){.ring_slots = 1});
    const size_t depth = 3000;
    for (size_t i = 0; i < depth; i++) {
        cc_queue *next = queue_of(kind, (cc_queue_options){.ring_slots = 1});
        put(next, (uintptr_t)outer);
        outer = next;
    }
    released_count = 0;
    cc_queue_free(outer, release_queue);
    CHECK_EQ(released_count, depth);
}

/* ---------------------------------------------------------------- memory */

/* Everything that can fail does fail, once; nothing is lost or leaked (ASAN), and it goes on
 * afterwards. */
static void test_no_memory(const queue_kind *kind) {
    int64_t failures = 0;
    for (int64_t n = 0;; n++) {
        cc_alloc_fail_from(n);
        cc_queue *queue =
            cc_queue_new(kind->kind, &(cc_queue_options){.capacity = 100, .ring_slots = 2});
        cc_alloc_fail_from(-1);
        if (queue) {
            cc_queue_free(queue, NULL);
            break;
        }
        failures++;
    }
    CHECK(failures >= 1); /* that one begins with no node */
    cc_queue *queue = queue_of(kind, (cc_queue_options){.ring_slots = 2});
    uintptr_t in = 0, out = 0, word;
    for (int round = 0; round < 200; round++) {
        cc_alloc_fail_from(round % 3);
        for (int i = 0; i < 20; i++) {
            cc_queue_status status = cc_queue_put(queue, in + 1);
            CHECK(status == CC_QUEUE_OK || status == CC_QUEUE_NO_MEMORY);
            in += status == CC_QUEUE_OK;
            failures += status == CC_QUEUE_NO_MEMORY;
            CHECK_EQ(cc_queue_puts(queue), in);
        }
        cc_alloc_fail_from(-1);
        put(queue, ++in);
        for (int i = 0; i < 10; i++) {
            cc_queue_status status = cc_queue_get(queue, &word);
            if (status == CC_QUEUE_OK) {
                CHECK_EQ(word, ++out);
            }
        }
        CHECK_EQ(cc_queue_length(queue), in - out);
    }
    while (out < in) {
        CHECK_EQ(get(queue), ++out);
    }
    check_says(queue, CC_QUEUE_EMPTY);
    cc_queue_free(queue, NULL);
}

static void test_memory_is_given_back(const queue_kind *kind) {
    cc_queue *queue = queue_of(kind, (cc_queue_options){0});
    size_t at_first = cc_queue_bytes(queue);
    CHECK(at_first > 0);
    uintptr_t many = CHECK_SANITIZED || getenv("CC_TEST_EMULATED") ? 50000 : 200000;
    for (uintptr_t round = 0; round < 3; round++) {
        for (uintptr_t i = 1; i <= many; i++) {
            put(queue, i);
        }
        size_t full = cc_queue_bytes(queue);
        for (uintptr_t i = 1; i <= many; i++) {
            CHECK_EQ(get(queue), i);
        }
        size_t empty = cc_queue_bytes(queue);
        CHECK(full > many * sizeof(uintptr_t));
        CHECK(full < many * (size_t)(CC_SMALL_SIZES ? 2000 : 80)); /* tiny rings: mostly heads */
        CHECK(empty < 400000);
    }
    cc_queue_free(queue, NULL);
}

/* Bytes of a slot, all that belongs to a ring counted in. */
static void test_bytes_of_a_slot(const queue_kind *kind) {
    if (kind->kind >= CC_QUEUE_WAIT_FREE) {
        return; /* no promise of ours */
    }
    size_t most = kind->kind == CC_QUEUE_SCQ ? 32 : 16;
    uint32_t few = 1024, many = 4096;
    cc_queue *small = queue_of(kind, (cc_queue_options){.ring_slots = few});
    cc_queue *large = queue_of(kind, (cc_queue_options){.ring_slots = many});
    CHECK(cc_queue_bytes(large) - cc_queue_bytes(small) <= most * (many - few));
    cc_queue_free(small, NULL);
    cc_queue_free(large, NULL);
}

/* ---------------------------------------------------------------- threads */

typedef struct meeting {
    cc_queue *queue;
    _Atomic int64_t sum;
} meeting;

static void put_and_get(int index, void *argument) {
    meeting *m = argument;
    int64_t sum = 0;
    for (int i = 0; i < 50; i++) {
        uintptr_t word = (uintptr_t)(index * 50 + i + 1);
        put(m->queue, word);
        CHECK_EQ(cc_queue_get(m->queue, &word), CC_QUEUE_OK); /* there are at least as many puts */
        sum += (int64_t)word;
    }
    atomic_fetch_add(&m->sum, sum);
}

/* More threads than slots, than pointers at hand, than the first chunk of handles. */
static void test_many_handles(const queue_kind *kind) {
    enum { THREADS = 100 };
    for (size_t capacity = 0; capacity <= 200; capacity += 200) {
        meeting m = {queue_of(kind, (cc_queue_options){.ring_slots = 2, .capacity = capacity}), 0};
        run_threads(THREADS, put_and_get, &m);
        CHECK_EQ(m.sum, (int64_t)THREADS * 50 * (THREADS * 50 + 1) / 2);
        CHECK_EQ(cc_queue_length(m.queue), 0);
        check_says(m.queue, CC_QUEUE_EMPTY);
        cc_queue_free(m.queue, NULL);
    }
}

static void come_and_go(int index, void *argument) {
    (void)index;
    put(argument, 5);
    CHECK_EQ(get(argument), 5);
}

/* Threads that follow one another use one block. */
static void test_handles_are_inherited(const queue_kind *kind) {
    /* So short that FAAArrayQueue has had enough of its arrays to know how many it needs. */
    cc_queue *queue = queue_of(kind, (cc_queue_options){.ring_slots = 8});
    for (int i = 0; i < 60; i++) { /* CRTurn looks through its nodes once in a while */
        run_threads(1, come_and_go, queue);
    }
    size_t bytes = cc_queue_bytes(queue);
    for (int i = 0; i < 50; i++) {
        run_threads(1, come_and_go, queue);
    }
    CHECK_EQ(cc_queue_bytes(queue), bytes);
    CHECK_EQ(cc_queue_puts(queue), 110);
    CHECK_EQ(cc_queue_gets(queue), 110);
    cc_queue_free(queue, NULL);
}

#ifndef CC_TSAN /* it does not follow a fork of a program with threads */
static _Atomic bool stop, forking;
static _Atomic int inside;
enum { HEIRS = 3, HEIR_WORDS = 300 };
static _Atomic int taken_from_heirs[HEIRS * HEIR_WORDS];

/* As CPython does it, which stops the world before os.fork, or holds the GIL: no operation is half
 * done in the child. */
static pid_t fork_between_operations(void) {
    atomic_store(&forking, true);
    while (atomic_load(&inside)) {
        sched_yield();
    }
    pid_t child = fork();
    if (child) {
        atomic_store(&forking, false);
    }
    return child;
}

static void begin_operation(void) {
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&forking)) {
        atomic_fetch_sub(&inside, 1);
        sched_yield();
        atomic_fetch_add(&inside, 1);
    }
}

static void end_operation(void) {
    atomic_fetch_sub(&inside, 1);
}

static size_t drain(cc_queue *queue) {
    size_t words = 0;
    for (uintptr_t word; cc_queue_get(queue, &word) == CC_QUEUE_OK; words++) {
    }
    return words;
}

/* A new thread in the child goes on with the memory of one that is not there. */
static void inherit(int index, void *argument) {
    cc_queue *queue = argument;
    for (int i = 0; i < HEIR_WORDS; i++) {
        put(queue, (uintptr_t)(2 + index * HEIR_WORDS + i));
        uintptr_t word = 1;
        if (cc_queue_get(queue, &word) == CC_QUEUE_OK && word != 1) {
            CHECK(word < 2 + HEIRS * HEIR_WORDS);
            CHECK_EQ(atomic_fetch_add(&taken_from_heirs[word - 2], 1), 0);
        }
    }
}

static void keep_busy(int index, void *argument) {
    cc_queue *queue = argument;
    uintptr_t word;
    if (index == 0) {
        for (int i = 0; i < 20; i++) {
            pid_t child = fork_between_operations();
            if (child == 0) {
                alarm(60); /* the parent's does not count here */
                size_t length = cc_queue_length(queue);
                CHECK_EQ(drain(queue), length);
                for (int k = 0; k < 1000; k++) {
                    put(queue, 1);
                    CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
                    CHECK_EQ(word, 1);
                }
                if (!getenv("CC_TEST_EMULATED")) { /* see may_start_threads_after_fork */
                    run_threads(HEIRS, inherit, queue);
                }
                length = cc_queue_length(queue);
                cc_queue_close(queue);
                CHECK_EQ(drain(queue), length);
                _exit(cc_queue_get(queue, &word) == CC_QUEUE_CLOSED ? 0 : 3);
            }
            int status = -1;
            CHECK_EQ(waitpid(child, &status, 0), child);
            CHECK_EQ(status, 0);
        }
        atomic_store(&stop, true);
        return;
    }
    while (!atomic_load(&stop)) {
        begin_operation();
        put(queue, 1);
        end_operation();
        begin_operation();
        cc_queue_get(queue, &word);
        end_operation();
    }
}

static void test_fork(const queue_kind *kind) {
    if (CHECK_SANITIZED) {
        printf("    skipped: a sanitizer does not hold its allocator's locks across fork()\n");
        return;
    }
    for (uint32_t slots = 4; slots <= 16; slots *= 4) {
        cc_queue *queue =
            queue_of(kind, (cc_queue_options){.ring_slots = slots, .chain_length = slots / 8});
        atomic_store(&stop, false);
        run_threads(3, keep_busy, queue);
        cc_queue_free(queue, NULL);
    }
}
#endif

/* ---------------------------------------------------------------- availability */

static void test_availability(void) {
    begin_test("what is not available says so and gives no queue");
    CHECK(cc_queue_kind_is_available(CC_QUEUE_SCQ));
    for (int kind = 0; kind < 4; kind++) {
        cc_queue *queue = cc_queue_new((cc_queue_kind)kind, NULL);
        CHECK_EQ(queue != NULL, cc_queue_kind_is_available((cc_queue_kind)kind));
        cc_queue_free(queue, NULL);
    }
    CHECK(!cc_queue_kind_is_available((cc_queue_kind)99));
#if defined(CC_ARCH_X86_64)
    CHECK_EQ(cc_queue_kind_is_available(CC_QUEUE_LCRQ),
             (cc_features() & CC_FEATURE_CMPXCHG16B) != 0);
#endif
    if (getenv("CC_TEST_WITHOUT_PAIRS")) { /* meson.build has hidden the instruction */
        CHECK(!cc_queue_kind_is_available(CC_QUEUE_LCRQ));
        cc_queue *queue = cc_queue_new(CC_QUEUE_WAIT_FREE, NULL);
        CHECK(queue && strcmp(cc_queue_backend(queue), "crturn") == 0);
        cc_queue_free(queue, NULL);
    }
}

int main(void) {
    static const struct {
        const char *what;
        void (*test)(const queue_kind *kind);
    } tests[] = {
        {"words come out in the order they went in", test_first_in_first_out},
        {"a bounded queue takes exactly its capacity", test_capacity},
        {"statistics", test_statistics},
        {"a bound that changes, with more and with less inside", test_set_capacity},
        {"puts that overwrite", test_overwriting},
        {"puts that overwrite without memory", test_overwriting_without_memory},
        {"options", test_options},
        {"which queues are wait-free", test_which_are_wait_free},
        {"rings with few tickets", test_few_tickets},
        {"closing", test_closing},
        {"closing without memory", test_closing_without_memory},
        {"what is left is visited, and released in order", test_what_is_left_is_released},
        {"freeing queues of queues does not recurse", test_freeing_does_not_recurse},
        {"without memory nothing happens", test_no_memory},
        {"memory is given back", test_memory_is_given_back},
        {"bytes of a slot", test_bytes_of_a_slot},
        {"a hundred handles", test_many_handles},
        {"threads that follow one another share a block", test_handles_are_inherited},
#ifndef CC_TSAN
        {"fork", test_fork},
#endif
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_availability();
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        begin_test(tests[i].what);
        for_every_kind(tests[i].test);
    }
    printf("passed\n");
    return 0;
}
