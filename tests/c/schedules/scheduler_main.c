/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs of programs, and the command line that says which:
 *
 *   (nothing)                 every program: enumeration, then random schedules and PCT
 *   --program NAME            only this one
 *   --random N | --pct N      only that many schedules of one strategy
 *   --dfs P,D                 only the enumeration, with at most P preemptions and D delayed stores
 *   --enumerate N             only the enumeration within each program's bounds, N schedules each
 *   --limit N                 of schedules, per enumeration
 *   --memory sc|tso|pso       only this memory
 *   --seed S                  of the first schedule; the n-th one has S + n
 *   --behind 1                points behind read-modify-writes, too, as in programs that ask for it
 *   --percent P               of the default numbers of schedules (also CC_TEST_PERCENT)
 *   --replay 'TEXT'           one schedule: what a failing run has printed behind `--replay`
 *
 * Exit code 0: nothing found. 1: a bug, described on stderr. 2: a wrong command line.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory/smr_fast.h"
#include "scheduler_inside.h"

#ifdef UNDER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

static const char *const strategy_names[] = {"random", "pct", "dfs", "replay"};
static const char *const memory_names[] = {"sc", "tso", "pso"};

const sched_program *program;
sched_memory memory;
strategy how;
uint64_t seed;
bool points_behind_everywhere;

static uint64_t schedule_number;
static const char *executable;

/* ---------------------------------------------------------------- saying what was found */

static void print_choices(FILE *out) {
    fprintf(out, "--replay '%s %s", program->name, memory_names[memory]);
    for (unsigned i = 0; i < steps;) {
        action a = taken[i];
        unsigned same = 1;
        while (i + same < steps && memcmp(&taken[i + same], &a, sizeof a) == 0) {
            same++;
        }
        if (a.kind == RUN) {
            fprintf(out, same > 1 ? " %u*%u" : " %u", a.who, same);
        } else {
            same = 1;
            if (a.kind == DRAIN) {
                fprintf(out, " d%u.%u", a.who, a.index);
            } else {
                fprintf(out, " c%u", a.index);
            }
        }
        i += same;
    }
    fprintf(out, "'\n");
}

static void print_where(void) {
    static bool already;
    if (already || !program) {
        return;
    }
    already = true;
    fprintf(stderr,
            "FOUND by %s in program %s, memory %s, at schedule %" PRIu64 " (seed %" PRIu64 ")\n",
            strategy_names[how], program->name, memory_names[memory], schedule_number, seed);
    fprintf(stderr, "%s ", executable);
    print_choices(stderr);
    fflush(stderr);
}

void sched_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "broken: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    print_where();
    _exit(1);
}

static void on_signal(int number) {
    fprintf(stderr, "broken: signal %d (%s)\n", number, strsignal(number));
    print_where();
    _exit(1);
}

static void catch_signals(void) {
    static char signal_stack[64 * 1024];
    stack_t alternative = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    sigaltstack(&alternative, NULL);
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGABRT, &act, NULL);
#ifdef UNDER_ASAN
    __sanitizer_set_death_callback(print_where);
#else
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
#endif
}

/* ---------------------------------------------------------------- runs */

static uint64_t run_many(strategy strategy_, uint64_t count, uint64_t first_seed) {
    how = strategy_;
    for (uint64_t i = 0; i < count; i++) {
        schedule_number = i + 1;
        seed = first_seed + i;
        run_one();
    }
    return count;
}

static uint64_t run_dfs(unsigned p, unsigned d, uint64_t limit, bool *exhausted) {
    how = DFS;
    seed = 0;
    begin_enumeration(p, d);
    for (schedule_number = 1;; schedule_number++) {
        run_one();
        *exhausted = !advance_enumeration();
        if (*exhausted || schedule_number >= limit) {
            return schedule_number;
        }
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef struct wishes {
    const char *only_program, *replay;
    int only_memory;
    bool wants_random, wants_pct, wants_dfs;
    uint64_t random, pct, limit, seed;
    int preemptions, delays;
} wishes;

static void explore(const sched_program *p, const wishes *w) {
    double start = seconds();
    uint64_t enumerated = 0, drawn = 0;
    bool all = true;
    program = p;
    longest_run = 0;
    for (int m = SCHED_SC; m <= SCHED_PSO; m++) {
        /* Delays are all that distinguishes memories, and PSO does what TSO does and more. */
        if (w->only_memory >= 0 ? m != w->only_memory : m == SCHED_SC) {
            continue;
        }
        memory = (sched_memory)m;
        unsigned preemptions_ = w->preemptions >= 0 ? (unsigned)w->preemptions : p->dfs_preemptions;
        unsigned delays_ = w->delays >= 0 ? (unsigned)w->delays : p->dfs_delays;
        if (w->wants_dfs && preemptions_ && (m != SCHED_PSO || w->only_memory >= 0)) {
            bool exhausted;
            enumerated += run_dfs(preemptions_, delays_, w->limit, &exhausted);
            all = all && exhausted;
        }
        unsigned share = p->share ? p->share : 100;
        if (w->wants_random) {
            drawn += run_many(RANDOM, w->random * share / 100, w->seed);
        }
        if (w->wants_pct) {
            drawn += run_many(PCT, w->pct * share / 100, w->seed);
        }
    }
    printf("%-28s %8" PRIu64 " enumerated%s %8" PRIu64 " drawn, up to %4u steps, %5.1f s\n",
           p->name, enumerated,
           !enumerated ? "       "
           : all       ? " (all) "
                       : " (part)",
           drawn, longest_run, seconds() - start);
    fflush(stdout);
}

static int replay(const sched_program *programs, unsigned count, const char *text) {
    char name[64], memory_name[8];
    int used = 0;
    if (sscanf(text, "%63s %7s%n", name, memory_name, &used) != 2) {
        return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(programs[i].name, name) == 0) {
            program = &programs[i];
        }
    }
    memory = strcmp(memory_name, "pso") == 0   ? SCHED_PSO
             : strcmp(memory_name, "tso") == 0 ? SCHED_TSO
                                               : SCHED_SC;
    if (!program) {
        fprintf(stderr, "there is no program %s\n", name);
        return 2;
    }
    how = REPLAY;
    schedule_number = 1;
    begin_replay(text + used);
    run_one();
    printf("%s: this schedule ends well\n", name);
    return 0;
}

int sched_main(int argc, char **argv, const sched_program *programs, unsigned count) {
    executable = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    wishes w = {.only_memory = -1,
                .random = 3000,
                .pct = 1000,
                .limit = 10000,
                .preemptions = -1,
                .delays = -1,
                .seed = 1};
    unsigned percent = getenv("CC_TEST_PERCENT") ? (unsigned)atoi(getenv("CC_TEST_PERCENT")) : 100;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[++i] : NULL;
        if (!value) {
            fprintf(stderr, "%s wants a value\n", option);
            return 2;
        } else if (strcmp(option, "--program") == 0) {
            w.only_program = value;
        } else if (strcmp(option, "--random") == 0) {
            w.wants_random = true;
            w.random = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--pct") == 0) {
            w.wants_pct = true;
            w.pct = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--dfs") == 0) {
            w.wants_dfs = true;
            w.limit = UINT64_MAX;
            if (sscanf(value, "%d,%d", &w.preemptions, &w.delays) != 2) {
                return 2;
            }
        } else if (strcmp(option, "--enumerate") == 0) {
            w.wants_dfs = true;
            w.limit = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--limit") == 0) {
            w.limit = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--seed") == 0) {
            w.seed = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--percent") == 0) {
            percent = (unsigned)atoi(value);
        } else if (strcmp(option, "--memory") == 0) {
            w.only_memory = strcmp(value, "sc") == 0    ? SCHED_SC
                            : strcmp(value, "tso") == 0 ? SCHED_TSO
                                                        : SCHED_PSO;
        } else if (strcmp(option, "--behind") == 0) {
            points_behind_everywhere = atoi(value) != 0;
        } else if (strcmp(option, "--replay") == 0) {
            w.replay = value;
        } else {
            fprintf(stderr, "unknown option %s\n", option);
            return 2;
        }
    }
    catch_signals();
    make_fibres();
    sched_constant(&cc_smr_settings, sizeof cc_smr_settings);
    if (w.replay) {
        return replay(programs, count, w.replay);
    }
    if (!w.wants_random && !w.wants_pct && !w.wants_dfs) {
        w.wants_random = w.wants_pct = w.wants_dfs = true;
        w.random = w.random * percent / 100;
        w.pct = w.pct * percent / 100;
        w.limit = w.limit * percent / 100;
    }
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        if (!w.only_program || strcmp(w.only_program, programs[i].name) == 0) {
            explore(&programs[i], &w);
            any = true;
        }
    }
    if (!any) {
        fprintf(stderr, "there is no program %s\n", w.only_program);
        return 2;
    }
    return 0;
}
