/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Epochs with neutralization on toy containers, under every schedule that the explorer can reach.
 * The scheduler interrupts fibres as the kernel does threads: a signal that was sent may be handled
 * at any step from then on, and must be before the next one once the barrier behind it has been
 * passed.
 *
 * A container is one or two slots that hold a *thing* (things.h). Readers find things in read
 * phases, hold them, and use them in write phases; writers replace and retire them; scanners end
 * the phases of those who hold them up. The judge's questions: is a thing ever used after it was
 * released, or released while a write phase holds it? Has every retired thing been released exactly
 * once at the end? Does no more wait than debra.c promises, unless a refusal was counted? And over
 * all schedules: has everything that is tested happened at all?
 */
#include <stdio.h>

#include "memory/smr_fast.h"

#if CC_HAS_INTERRUPTS

#define NEVER_INLINE static __attribute__((noinline))

#define HOLDERS "write phase(s)"
#include "things.h"

/* Over all schedules: what the programs are there for. */
static uint64_t restarts, neutralizations, refusals, neutralized_while_writing;

/* ---------------------------------------------------------------- things */

/* A step that looks at the thing: in a read phase the last one before the handler may be the one
 * before it. */
static void use(const thing *t) {
    sched_point();
    if (t && t->state == RELEASED) {
        sched_fail("thing %d is used after its release", (int)(t - things));
    }
    if (t && *t->body != ALIVE) {
        sched_fail("thing %d is not what it was", (int)(t - things));
    }
}

/* ---------------------------------------------------------------- phases */

/* Of the running operation: what its write phase may use. Forgotten by the next read phase. */
typedef struct held_things {
    thing *of[3];
    unsigned starts; /* of its read phase */
} held_things;

static void keep(held_things *h, unsigned slot, thing *t) {
    if (h->of[slot]) {
        h->of[slot]->holders--;
    }
    h->of[slot] = t;
    if (t) {
        t->holders++;
    }
}

static void keep_nothing(held_things *h) {
    for (unsigned i = 0; i < 3; i++) {
        keep(h, i, NULL);
    }
}

static void use_what_is_held(const held_things *h) {
    for (unsigned i = 0; i < 3; i++) {
        if (h->of[i]) {
            use(h->of[i]);
        }
    }
    const cc_thread *self = sched_record(sched_me());
    neutralized_while_writing +=
        atomic_load(&self->region.word) == atomic_load(&self->neutralized.word);
}

static void leave(cc_smr_guard *g, held_things *h) {
    keep_nothing(h);
    cc_leave(g);
}

/* A read phase that finds what is in a slot, and holds it. */
NEVER_INLINE void find(cc_smr_guard *g, unsigned slot, held_things *h) {
    h->starts = 0;
    CC_CHECKPOINT(g);
    restarts += ++h->starts > 1;
    thing *t = (thing *)cc_protect(g, &slots[slot]);
    use(t);
    cc_hold(g, 0, (uintptr_t)t);
    cc_end_reading(g);
    keep(h, 0, t);
}

/* What is in both slots, found one after the other, held together. */
NEVER_INLINE void find_both(cc_smr_guard *g, held_things *h) {
    CC_CHECKPOINT(g);
    thing *a = (thing *)cc_protect(g, &slots[0]);
    use(a);
    thing *b = (thing *)cc_protect(g, &slots[1]);
    use(a);
    cc_hold(g, 0, (uintptr_t)a);
    use(b);
    cc_hold(g, 1, (uintptr_t)b);
    cc_end_reading(g);
    keep(h, 0, a);
    keep(h, 1, b);
}

/* In the middle of it something that must not be restarted. After it, all that was found still
 * counts. */
NEVER_INLINE void find_with_a_pause(cc_smr_guard *g, held_things *h, unsigned *pauses) {
    CC_CHECKPOINT(g);
    thing *a = (thing *)cc_protect(g, &slots[0]);
    thing *b = (thing *)cc_protect(g, &slots[1]);
    cc_hold(g, 0, (uintptr_t)a);
    cc_end_reading(g);
    keep(h, 0, a);
    use_what_is_held(h);
    ++*pauses;
    keep_nothing(h);
    cc_resume_reading(g);
    use(b);
    thing *c = (thing *)cc_protect(g, &slots[0]);
    use(a);
    use(c);
    cc_hold(g, 0, (uintptr_t)b);
    cc_hold(g, 1, (uintptr_t)c);
    cc_end_reading(g);
    keep(h, 0, b);
    keep(h, 1, c);
}

/* The same with as few steps as can be, so that what is one instruction wide is met. */
NEVER_INLINE void find_with_a_short_pause(cc_smr_guard *g, held_things *h) {
    CC_CHECKPOINT(g);
    thing *t = (thing *)cc_protect(g, &slots[0]);
    cc_end_reading(g);
    sched_point();
    cc_resume_reading(g);
    use(t);
    cc_hold(g, 0, (uintptr_t)t);
    cc_end_reading(g);
    keep(h, 0, t);
}

/* A handler of somebody else runs somewhere in the read phase. */
NEVER_INLINE void find_with_a_foreign_handler(cc_smr_guard *g, held_things *h, bool blocks) {
    CC_CHECKPOINT(g);
    thing *t = (thing *)cc_protect(g, &slots[0]);
    sched_foreign_handler(blocks);
    use(t);
    cc_hold(g, 0, (uintptr_t)t);
    cc_end_reading(g);
    keep(h, 0, t);
}

/* ---------------------------------------------------------------- operations */

static void read_slot(unsigned domain, unsigned slot) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(domain, &g);
    find(&g, slot, &h);
    use_what_is_held(&h);
    leave(&g, &h);
}

static void read_both(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(0, &g);
    find_both(&g, &h);
    use_what_is_held(&h);
    leave(&g, &h);
}

/* Two read phases in one operation, a write phase after each. */
static void read_one_then_the_other(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(0, &g);
    find(&g, 0, &h);
    use_what_is_held(&h);
    keep_nothing(&h);
    find(&g, 1, &h);
    use_what_is_held(&h);
    leave(&g, &h);
}

static void read_with_a_pause(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    unsigned pauses = 0;
    enter(0, &g);
    find_with_a_pause(&g, &h, &pauses);
    use_what_is_held(&h);
    leave(&g, &h);
}

static void read_with_a_short_pause(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(0, &g);
    find_with_a_short_pause(&g, &h);
    leave(&g, &h);
}

static void read_under_a_foreign_handler(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(0, &g);
    find_with_a_foreign_handler(&g, &h, sched_choose(2) == 1);
    use_what_is_held(&h);
    leave(&g, &h);
}

/* Finds one slot's thing in a read phase, and the other slot's in the write phase after it. */
static void read_and_protect(void) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(0, &g);
    find(&g, 0, &h);
    use_what_is_held(&h);
    keep(&h, 1, (thing *)cc_protect_and_hold(&g, &slots[1], 0, 1));
    use_what_is_held(&h);
    leave(&g, &h);
}

/* As any of several writers. */
static void swap_slot(unsigned domain, unsigned slot) {
    cc_smr_guard g;
    held_things h = {{NULL}, 0};
    enter(domain, &g);
    thing *t = make_thing(cc_smr_birth(&g));
    find(&g, slot, &h);
    uintptr_t old = (uintptr_t)h.of[0];
    t->state = LINKED;
    while (!cc_cas_acq_rel_uptr(&slots[slot], &old, (uintptr_t)t)) {
    }
    cc_published(&g);
    leave(&g, &h);
    retire(domain, (thing *)old);
}

/* As the only writer: it knows what is in the slot, and unlinks it by a plain store. */
static void store_slot(unsigned domain, unsigned slot) {
    thing *t = make_thing(cc_load_acquire_u64(&domains[domain]->era));
    thing *old = (thing *)cc_load_relaxed_uptr(&slots[slot]);
    t->state = LINKED;
    cc_store_release_uptr(&slots[slot], (uintptr_t)t);
    retire(domain, old);
}

/* After the only writer's last retirement: no more waits than the bound, unless a refusal was
 * counted. */
static void flush_and_check_the_bound(unsigned held_by_others) {
    size_t waiting = cc_smr_flush(domains[0]);
    size_t threshold = cc_load_relaxed_u32(&cc_smr_settings.retire_threshold);
    uint64_t refused = cc_load_relaxed_u64(&cc_thread_self()->refusals);
    if (!refused && waiting > held_by_others + threshold) {
        sched_fail("%u things wait, of which at most %u are held, and nothing was refused",
                   (unsigned)waiting, held_by_others);
    }
}

/* ---------------------------------------------------------------- beginnings and ends */

static void set_up_with(cc_smr_scheme second) {
    thing_count = 0;
    cc_store_relaxed_u32(&cc_smr_settings.retire_threshold, 1);
    if (!cc_debra_is_available()) {
        abort();
    }
    domains[0] = cc_smr_domain_new_of(CC_SMR_DEBRA, release_thing, NULL);
    domains[1] = cc_smr_domain_new_of(second, release_thing, NULL);
}

static void set_up(void) {
    set_up_with(CC_SMR_DEBRA);
    fill_slot(0, 0);
    fill_slot(0, 1);
}

static void set_up_two_domains(void) {
    set_up_with(CC_SMR_DEBRA);
    fill_slot(0, 0);
    fill_slot(1, 1);
}

static void set_up_both_schemes(void) {
    set_up_with(CC_SMR_IBR);
    fill_slot(0, 0);
    fill_slot(1, 1);
}

static void set_up_a_blocked_reader(void) {
    set_up();
    sched_block_interrupts(0);
}

static const char *judge(void) {
    const char *wrong = judge_things();
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        neutralizations += cc_load_relaxed_u64(&sched_record(i)->neutralizations);
        refusals += cc_load_relaxed_u64(&sched_record(i)->refusals);
    }
    return wrong;
}

static const char *judge_a_blocked_reader(void) {
    if (cc_load_relaxed_u64(&sched_record(0)->neutralized)) {
        return "a read phase was taken for ended whose thread has the signal blocked";
    }
    return judge();
}

/* ---------------------------------------------------------------- programs */

/* The core of it: one reads, one replaces. Four replacements, so that somebody stalled has to be
 * interrupted. */
static void read_or_swap(unsigned who) {
    if (who == 0) {
        read_slot(0, 0);
        read_slot(0, 0);
    } else {
        for (int i = 0; i < 4; i++) {
            swap_slot(0, 0);
        }
        flush_and_check_the_bound(1);
    }
}

static void read_or_store(unsigned who) {
    if (who == 0) {
        read_slot(0, 0);
    } else {
        for (int i = 0; i < 4; i++) {
            store_slot(0, 0);
        }
        flush_and_check_the_bound(1);
    }
}

/* Several things are held, and one that is held is replaced last, after its holder has been
 * interrupted. */
static void hold_both(unsigned who) {
    if (who == 0) {
        read_both();
    } else {
        for (int i = 0; i < 3; i++) {
            store_slot(0, 0);
        }
        store_slot(0, 1);
        flush_and_check_the_bound(2);
    }
}

/* Operations with more than one phase, next to a writer of both slots. */
static void write_both(void) {
    store_slot(0, 0);
    store_slot(0, 1);
    store_slot(0, 0);
    store_slot(0, 1);
    flush_and_check_the_bound(2);
}

static void two_phases(unsigned who) {
    who == 0 ? read_one_then_the_other() : write_both();
}

static void pause(unsigned who) {
    who == 0 ? read_with_a_pause() : write_both();
}

static void store_twice(void) {
    store_slot(0, 0);
    store_slot(0, 0);
}

static void short_pause(unsigned who) {
    who == 0 ? read_with_a_short_pause() : store_twice();
}

/* A second read phase begins while a scan means it already: its reservation is seen in part, by
 * what the first one has left there. */
static void begin_again(unsigned who) {
    if (who == 0) {
        cc_smr_guard g;
        held_things h = {{NULL}, 0};
        enter(0, &g);
        find(&g, 0, &h);
        keep_nothing(&h);
        find(&g, 0, &h);
        leave(&g, &h);
    } else {
        store_twice();
        store_slot(0, 0);
    }
}

static void protect_in_write_phase(unsigned who) {
    who == 0 ? read_and_protect() : write_both();
}

static void foreign_handler(unsigned who) {
    if (who == 0) {
        read_under_a_foreign_handler();
    } else {
        write_both();
    }
}

/* Two scans at once, which both want the same reader to end. */
static void two_scanners(unsigned who) {
    if (who == 0) {
        read_slot(0, 0);
        read_slot(0, 0);
    } else {
        swap_slot(0, 0);
        swap_slot(0, 0);
        cc_smr_flush(domains[0]);
    }
}

static void two_scanners_and_a_foreign_handler(unsigned who) {
    if (who == 0) {
        read_under_a_foreign_handler();
    } else {
        swap_slot(0, who - 1);
        swap_slot(0, who - 1);
        cc_smr_flush(domains[0]);
    }
}

/* What is retired on the spot must not be what an interrupted reader holds, nor what it reads
 * before that. */
static void retire_on_the_spot(unsigned who) {
    switch (who) {
    case 0:
        sched_choose(2) ? read_and_protect() : read_both();
        break;
    case 1:
        store_slot(0, 0);
        store_slot(0, 0);
        cc_smr_flush(domains[0]);
        break;
    default:
        store_slot(0, 1);
        tick();
    }
}

/* A thread closes a region and opens the next while a scan means the first. */
static void reopen(unsigned who) {
    if (who == 0) {
        read_slot(0, 0);
        read_slot(0, 0);
        read_slot(0, 0);
    } else {
        tick_next(true);
        for (int i = 0; i < 3; i++) {
            store_slot(0, 0);
        }
        cc_smr_flush(domains[0]);
        store_slot(0, 0);
    }
}

/* A reader goes from one domain to the other; what a scan of the first sends arrives in the
 * second. */
static void two_domains(unsigned who) {
    if (who == 0) {
        read_slot(0, 0);
        read_slot(1, 1);
        read_slot(0, 0);
    } else {
        for (int i = 0; i < 2; i++) {
            swap_slot(0, 0);
            swap_slot(1, 1);
        }
        cc_smr_flush(domains[0]);
        cc_smr_flush(domains[1]);
    }
}

static void anything(unsigned who) {
    unsigned n = 1 + sched_choose(4);
    (void)who;
    for (unsigned i = 0; i < n; i++) {
        tick_next(sched_choose(2) == 0);
        switch (sched_choose(9)) {
        case 0:
            read_slot(0, 0);
            break;
        case 1:
            read_both();
            break;
        case 2:
            read_one_then_the_other();
            break;
        case 3:
            read_with_a_pause();
            break;
        case 4:
            read_under_a_foreign_handler();
            break;
        case 5:
            read_and_protect();
            break;
        case 6:
            swap_slot(0, 0);
            swap_slot(0, 0);
            break;
        case 7:
            swap_slot(0, 1);
            break;
        default:
            cc_smr_flush(domains[0]);
        }
    }
}

static void set_up_anything(void) {
    set_up();
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        if (sched_choose(4) == 0) {
            sched_block_interrupts(i);
        }
    }
}

int main(int argc, char **argv) {
    static const sched_program programs[] = {
        {"read_or_swap", 2, set_up, read_or_swap, judge, 2, 1, 0, NULL},
        {"read_or_store", 2, set_up, read_or_store, judge, 3, 1, 0, NULL},
        {"hold_both", 2, set_up, hold_both, judge, 2, 1, 0, NULL},
        {"two_phases", 2, set_up, two_phases, judge, 2, 1, 0, NULL},
        {"pause", 2, set_up, pause, judge, 3, 0, 0, NULL},
        {"short_pause", 2, set_up, short_pause, judge, 3, 0, 0, NULL},
        {"begin_again", 2, set_up, begin_again, judge, 3, 0, 0, NULL},
        {"protect_in_write_phase", 2, set_up, protect_in_write_phase, judge, 3, 1, 0, NULL},
        {"foreign_handler", 2, set_up, foreign_handler, judge, 3, 0, 0, NULL},
        {"blocked_reader", 2, set_up_a_blocked_reader, read_or_store, judge_a_blocked_reader, 3, 1,
         0, NULL},
        {"two_scanners", 3, set_up, two_scanners, judge, 2, 0, 200, NULL},
        {"two_scanners_and_a_foreign_handler", 3, set_up, two_scanners_and_a_foreign_handler, judge,
         2, 0, 200, NULL},
        {"retire_on_the_spot", 3, set_up, retire_on_the_spot, judge, 3, 0, 200, NULL},
        {"reopen", 2, set_up, reopen, judge, 3, 1, 0, NULL},
        {"two_domains", 2, set_up_two_domains, two_domains, judge, 3, 0, 0, NULL},
        {"two_schemes", 2, set_up_both_schemes, two_domains, judge, 3, 0, 0, NULL},
        {"anything", 3, set_up_anything, anything, judge, 0, 0, 500, NULL},
    };
    int answer = sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
    if (argc == 1 && answer == 0) {
        printf("%llu read phases neutralized, %llu refusals, %llu restarts of the plainest read "
               "phase, %llu steps of "
               "writing in a phase that counts for nothing\n",
               (unsigned long long)neutralizations, (unsigned long long)refusals,
               (unsigned long long)restarts, (unsigned long long)neutralized_while_writing);
        if (!neutralizations || !refusals || !restarts || !neutralized_while_writing) {
            fprintf(stderr, "broken: something has never happened\n");
            return 1;
        }
    }
    return answer;
}
#else
int main(void) {
    printf("skipped: no interrupts here\n");
    return 77;
}
#endif
