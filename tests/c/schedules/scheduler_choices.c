/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who goes next.
 *
 *   random  Each schedule draws how often it switches and how lazily it drains, then each step. A
 *           uniform draw alone would hardly ever delay a store past more than a few steps.
 *   PCT     Burckhardt et al., ASPLOS 2010: the actor with the highest priority runs, and at a few
 *           random steps the running one falls to the lowest. Fibres and store buffers are actors.
 *   DFS     Every schedule with at most P preemptions, in which at most D stores stay in their
 *           buffer until the fibre's next fence; all others are seen at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "scheduler_inside.h"

action taken[MOST_STEPS + 8];
unsigned steps;
unsigned longest_run;

/* ---------------------------------------------------------------- chance */

static uint64_t random_state;

static uint64_t next_random(void) { /* splitmix64 */
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static unsigned random_below(unsigned n) {
    return (unsigned)(next_random() >> 33) % n;
}

static bool happens_once_in(unsigned n) {
    return random_below(n) == 0;
}

/* ---------------------------------------------------------------- strategies */

/* Random: this schedule's habits. */
static unsigned switches_once_in, drains_once_in;

/* Random and PCT: when a signal is handled that is not due. Some places are a single instruction
 * wide, between two that concern nobody else: there alone, in some schedules. Of the seed, not of
 * chance, so that schedules without signals are what they would be without this. */
static unsigned delivers_once_in;
static bool delivers_between_steps_only;

/* PCT. Actors are the fibres, then their buffers. */
#define MOST_CHANGES 4u
static int priorities[2 * SCHED_MOST_FIBRES];
static unsigned changes[MOST_CHANGES], change_count;
static int lowest_priority;

/* DFS: the decisions on the way to this schedule. */
typedef struct decision {
    uint8_t options, pick;
} decision;
static decision decisions[2 * MOST_STEPS + 16];
static unsigned decision_count, decisions_made, preemptions, delays;
static unsigned most_preemptions, most_delays;

/* Replay: what is left of the text. */
static const char *replay_rest;
static unsigned replay_repeats;
static action replay_action;
static bool replay_strayed;

void begin_strategy(void) {
    static const unsigned delivery_habits[] = {1, 2, 8, 1000};
    delivers_once_in = delivery_habits[seed % 4];
    delivers_between_steps_only = seed / 4 % 4 == 0;
    random_state = seed * 0x2545f4914f6cdd1du + 1;
    switch (how) {
    case RANDOM: {
        static const unsigned switch_habits[] = {1, 1, 2, 4, 8, 16, 32};
        static const unsigned drain_habits[] = {1, 2, 8, 32, 1000};
        switches_once_in = switch_habits[random_below(7)];
        drains_once_in = drain_habits[random_below(5)];
        break;
    }
    case PCT:
        for (unsigned i = 0; i < 2 * SCHED_MOST_FIBRES; i++) {
            priorities[i] = (int)random_below(1000) + 1;
        }
        change_count = random_below(MOST_CHANGES + 1);
        for (unsigned i = 0; i < change_count; i++) {
            changes[i] = random_below(longest_run ? longest_run : 100);
        }
        lowest_priority = 0;
        break;
    case DFS:
        decisions_made = preemptions = delays = 0;
        break;
    case REPLAY:
        break;
    }
}

static unsigned decide(unsigned options) {
    if (options <= 1) {
        return 0;
    }
    if (decisions_made == decision_count) {
        decisions[decision_count++] = (decision){(uint8_t)options, 0};
    }
    return decisions[decisions_made++].pick;
}

bool advance_enumeration(void) {
    while (decision_count) {
        decision *last = &decisions[decision_count - 1];
        if (++last->pick < last->options) {
            return true;
        }
        decision_count--;
    }
    return false;
}

void begin_enumeration(unsigned most_preemptions_, unsigned most_delays_) {
    decision_count = 0;
    most_preemptions = most_preemptions_;
    most_delays = most_delays_;
}

void begin_replay(const char *choices) {
    replay_rest = choices;
}

static bool can_run(unsigned who) {
    if (who >= program->fibres || fibres[who].is_done) {
        return false;
    }
    return !fibres[who].sleeps_on || fibres[who].may_time_out;
}

static unsigned runnable(unsigned *who) {
    unsigned n = 0;
    for (unsigned i = 0; i < program->fibres; i++) {
        if (can_run(i)) {
            who[n++] = i;
        }
    }
    return n;
}

bool anybody_can_run(void) {
    unsigned who[SCHED_MOST_FIBRES];
    return runnable(who) > 0;
}

static action any_drain(bool *found) {
    action possible[SCHED_MOST_FIBRES * BUFFER_ENTRIES];
    unsigned n = 0;
    for (unsigned f = 0; f < program->fibres; f++) {
        for (unsigned i = 0; i < fibres[f].stores; i++) {
            if (may_drain(&fibres[f], i)) {
                possible[n++] = (action){DRAIN, (uint8_t)f, (uint16_t)i};
            }
        }
    }
    *found = n > 0;
    return n ? possible[random_below(n)] : (action){0};
}

static action next_by_chance(void) {
    unsigned who[SCHED_MOST_FIBRES];
    if (memory != SCHED_SC && happens_once_in(drains_once_in)) {
        bool found;
        action a = any_drain(&found);
        if (found && (drains_once_in > 1 || happens_once_in(2))) {
            return a;
        }
    }
    if (can_run(current) && !happens_once_in(switches_once_in)) {
        return (action){RUN, (uint8_t)current, 0};
    }
    unsigned n = runnable(who);
    return (action){RUN, (uint8_t)who[random_below(n)], 0};
}

static action next_by_priority(void) {
    for (unsigned i = 0; i < change_count; i++) {
        if (changes[i] == steps && current != NOBODY) {
            priorities[current] = --lowest_priority;
        }
    }
    unsigned best = NOBODY;
    for (unsigned f = 0; f < program->fibres; f++) {
        if (can_run(f) && (best == NOBODY || priorities[f] > priorities[best])) {
            best = f;
        }
    }
    for (unsigned f = 0; f < program->fibres; f++) {
        if (fibres[f].stores && priorities[SCHED_MOST_FIBRES + f] > priorities[best]) {
            unsigned index = random_below(fibres[f].stores);
            return (action){DRAIN, (uint8_t)f, may_drain(&fibres[f], index) ? (uint16_t)index : 0};
        }
    }
    if (fibres[best]
            .sleeps_on) { /* its time is up; it may sleep again and again, and others wait */
        priorities[best] = --lowest_priority;
    }
    return (action){RUN, (uint8_t)best, 0};
}

/* Whoever is awake; and as a preemption, somebody whose time is up: a fibre that sleeps again and
 * again would else be woken before the others for ever, and the enumeration come to nothing new. */
static unsigned next_when_current_waits(void) {
    unsigned who[SCHED_MOST_FIBRES], awake = 0;
    if (only_first_is_preempted && current == NOBODY) {
        return 0;
    }
    unsigned n = runnable(who);
    for (unsigned i = 0; i < n; i++) {
        if (!fibres[who[i]].sleeps_on) {
            unsigned sleeper = who[awake];
            who[awake++] = who[i];
            who[i] = sleeper;
        }
    }
    unsigned pick = decide(awake && preemptions == most_preemptions ? awake : n);
    preemptions += awake && pick >= awake;
    return who[pick];
}

static action next_by_enumeration(void) {
    if (current != NOBODY) {
        fibre *f = &fibres[current];
        unsigned newest = f->stores - 1;
        if (f->stores && f->buffer[newest].undecided) {
            f->buffer[newest].undecided = false;
            if (may_drain(f, newest)) {
                if (!decide(delays < most_delays ? 2 : 1)) {
                    return (action){DRAIN, (uint8_t)current, (uint16_t)newest};
                }
                delays++;
            }
        }
    }
    if (!can_run(current) || fibres[current].sleeps_on) {
        return (action){RUN, (uint8_t)next_when_current_waits(), 0};
    }
    unsigned who[SCHED_MOST_FIBRES];
    unsigned n = runnable(who);
    bool may_preempt = preemptions < most_preemptions && (current == 0 || !only_first_is_preempted);
    unsigned pick = decide(may_preempt ? n : 1);
    if (pick == 0) {
        return (action){RUN, (uint8_t)current, 0};
    }
    preemptions++;
    unsigned other = who[pick - 1] < current ? who[pick - 1] : who[pick];
    return (action){RUN, (uint8_t)other, 0};
}

static bool read_replay(action *a) {
    if (!replay_repeats) {
        char *end = NULL;
        while (*replay_rest == ' ') {
            replay_rest++;
        }
        if (!*replay_rest) {
            return false;
        }
        char kind = *replay_rest;
        replay_rest += kind == 'd' || kind == 'c';
        unsigned first = (unsigned)strtoul(replay_rest, &end, 10);
        unsigned second = 1;
        if (*end == '.' || *end == '*') {
            second = (unsigned)strtoul(end + 1, &end, 10);
        }
        if (end == replay_rest || (*end && *end != ' ')) {
            fprintf(stderr, "cannot read the choice list at: %s\n", replay_rest);
            exit(2);
        }
        replay_rest = end;
        replay_action = kind == 'd'   ? (action){DRAIN, (uint8_t)first, (uint16_t)second}
                        : kind == 'c' ? (action){CHOOSE, 0, (uint16_t)first}
                                      : (action){RUN, (uint8_t)first, 0};
        replay_repeats = kind == 'd' || kind == 'c' ? 1 : second;
    }
    replay_repeats--;
    *a = replay_action;
    return true;
}

static action next_by_replay(void) {
    action a;
    if (!replay_strayed && read_replay(&a)) {
        if (a.kind == RUN && can_run(a.who)) {
            return a;
        }
        if (a.kind == DRAIN && a.who < program->fibres && a.index < fibres[a.who].stores) {
            return a;
        }
        fprintf(stderr, "note: the choice list does not fit this build from step %u on\n", steps);
        replay_strayed = true;
    }
    unsigned who[SCHED_MOST_FIBRES];
    runnable(who);
    return (action){RUN, (uint8_t)(can_run(current) ? current : who[0]), 0};
}

void remember(action a) {
    if (steps >= MOST_STEPS) {
        sched_fail("no end after %u steps: the fibres keep each other busy", steps);
    }
    taken[steps++] = a;
}

action next_action(void) {
    switch (how) {
    case RANDOM:
        return next_by_chance();
    case PCT:
        return next_by_priority();
    case DFS:
        return next_by_enumeration();
    default:
        return next_by_replay();
    }
}

unsigned choose(unsigned n, unsigned drawn) {
    unsigned chosen = drawn;
    action a;
    if (how == DFS) {
        chosen = decide(n);
    } else if (how == REPLAY) {
        chosen = !replay_strayed && read_replay(&a) && a.kind == CHOOSE ? a.index % n : 0;
    }
    remember((action){CHOOSE, 0, (uint16_t)chosen});
    return chosen;
}

bool chance_delivers(bool between_steps) {
    return (how == RANDOM || how == PCT) && (between_steps || !delivers_between_steps_only) &&
           happens_once_in(delivers_once_in);
}

unsigned sched_choose(unsigned n) {
    bool by_chance = how == RANDOM || how == PCT;
    return choose(n, by_chance ? random_below(n) : 0);
}
