/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Releasing: running foreign code for what nobody can see any more.
 *
 * A release function may use containers, and so come to release more. The outermost one loops, the
 * inner ones put off:
 *   - a retired thing goes to its domain's `ready` list, as if a scan had found it free. There it
 *     is counted, any thread's next poll may release it, and it dies with the domain. The thread
 *     remembers that it has to come back to the domain, which it pins: a domain that is freed
 *     meanwhile has nothing ready, and its memory stays until the thread has looked.
 *   - the destruction of a container goes to a list of the thread, and is counted there.
 *
 * Bound. A finalizer that runs for long must not let these grow as long as it runs. So an inner one
 * releases, too, when WORTH_NESTING things are ready in its stripe, or as many destructions wait;
 * up to MOST_NESTED_RELEASES on one stack. Only finalizers that all run for long and release that
 * much inside of each other leave more; that is counted in what waits. A stack is used for
 * WORTH_NESTING things at a time at least, so that a chain of containers, each inside another,
 * needs none.
 *
 * A thread that ends inside a release function (pthread_exit, cancellation) leaves things in its
 * hands and destructions that were put off. They must not go to whoever gets its record: that may
 * be a thread without the interpreter. They become *orphans* of the process, and cc_smr_flush_all,
 * which is called only where release functions may run, does what is left to do.
 *
 * Pairs of releases and acquires, by number:
 *   (9) a push of orphans   with the exchange that takes them.
 */
#include "deferred.h"

#ifndef WORTH_NESTING
#define WORTH_NESTING 256u
#endif
#ifndef MOST_NESTED_RELEASES
#define MOST_NESTED_RELEASES 4u
#endif

static cc_atomic_uptr orphans; /* cc_deferred *; taken whole, by exchange */
static cc_atomic_u32 orphan_count;

/* ---------------------------------------------------------------- orphans */

/* A retired thing without a domain, as something to be run. It is laid out so that a cc_deferred
 * fits over its first two words. */
typedef struct orphan {
    cc_deferred deferred;
    const void *context;
    uintptr_t word;
    cc_smr_release release;
    uint64_t unused;
    uint32_t bytes, kind;
} orphan;

_Static_assert(sizeof(orphan) <= sizeof(cc_retired), "a retired record can be an orphan");

static void release_orphan(cc_deferred *item) {
    orphan copy = *(orphan *)item;
    cc_thread *self = cc_thread_self();
    if (self) {
        cc_keep_spare(self, (cc_retired *)item);
        cc_count(&self->released, 1);
    }
    copy.release(copy.context, copy.word, copy.kind);
}

static void push_orphans(cc_deferred *first) {
    uint32_t n = 1;
    cc_deferred *last = first;
    for (; last->next; last = last->next) {
        n++;
    }
    cc_fetch_add_relaxed_u32(&orphan_count, n);
    uintptr_t head = cc_load_relaxed_uptr(&orphans);
    do {
        last->next = (cc_deferred *)head;
    } while (!cc_cas_acq_rel_uptr(&orphans, &head, (uintptr_t)first)); /* (9) */
    cc_note_that_something_waits();
}

/* The thread has ended, perhaps inside a release function. What was left for it to do is somebody
 * else's from here on. */
static void leave_orphans(cc_thread *record) {
    if (!record->releases) {
        return;
    }
    record->releases = 0;
    record->domains_to_come_back_to = 0;
    cc_deferred *left = record->deferred;
    record->deferred = NULL;
    cc_store_relaxed_u32(&record->put_off, 0);
    while (record->in_hand) {
        cc_retired *r = record->in_hand, copy = *r;
        record->in_hand = r->next;
        *(orphan *)r = (orphan){
            {left, release_orphan}, copy.context, copy.word, copy.release, 0, 0, copy.kind};
        left = (cc_deferred *)r;
    }
    if (left) {
        push_orphans(left);
    }
    for (unsigned i = 0; i < CC_DOMAINS_TO_COME_BACK_TO; i++) {
        cc_smr_domain *d = record->come_back_to[i].domain;
        record->come_back_to[i].domain = NULL;
        if (d) {
            cc_unpin_domain(d); /* what was put off there is the domain's, and waits there */
        }
    }
}

/* ---------------------------------------------------------------- releasing */

/* Run the release functions of a chain. What is still to come stands in the thread's record, on top
 * of what the loops up the stack have still to come to. */
static void release_in_hand(cc_thread *self, cc_retired *chain) {
    cc_retired *others = self->in_hand;
    if (others) {
        cc_last_retired(chain)->next = others;
    }
    self->in_hand = chain;
    while (self->in_hand != others) {
        cc_retired *r = self->in_hand, copy = *r;
        self->in_hand = r->next;
        cc_keep_spare(self, r);
        cc_count(&self->released, 1);
        copy.release(copy.context, copy.word, copy.kind);
    }
}

static void run_deferred(cc_thread *self) {
    cc_deferred *item;
    while ((item = self->deferred)) {
        self->deferred = item->next;
        cc_store_relaxed_u32(&self->put_off, cc_load_relaxed_u32(&self->put_off) - 1);
        item->run(item);
    }
}

static void come_back_later(cc_thread *self, cc_smr_domain *d) {
    unsigned place = CC_DOMAINS_TO_COME_BACK_TO;
    for (unsigned i = 0; i < CC_DOMAINS_TO_COME_BACK_TO; i++) {
        if (self->come_back_to[i].domain == d) {
            self->come_back_to[i].things++;
            return;
        }
        if (!self->come_back_to[i].domain) {
            place = i;
        }
    }
    if (place <
        CC_DOMAINS_TO_COME_BACK_TO) { /* else a poll, a flush or the domain's end will find it */
        cc_fetch_add_relaxed_u32(&d->pins, 1);
        self->domains_to_come_back_to++;
        self->come_back_to[place].domain = d;
        self->come_back_to[place].things = 1;
    }
}

/* Returns whether there was anything to do. Only as many things as this thread has put off: a scan
 * may have found thousands of others, which are released a few at a time. */
static bool come_back(cc_thread *self) {
    bool any = false;
    for (unsigned i = 0; self->domains_to_come_back_to && i < CC_DOMAINS_TO_COME_BACK_TO; i++) {
        cc_smr_domain *d = self->come_back_to[i].domain;
        if (!d) {
            continue;
        }
        any = true;
        uint64_t things = self->come_back_to[i].things;
        self->come_back_to[i].things = 0;
        cc_retired *chain = cc_take_ready(cc_limbo_of(d, self), (size_t)things);
        if (chain) {
            release_in_hand(self, chain);
        }
        if (!self->come_back_to[i].things) { /* put off meanwhile: it is looked at again */
            self->come_back_to[i].domain = NULL;
            self->domains_to_come_back_to--;
            cc_unpin_domain(d);
        }
    }
    return any;
}

static void begin_releasing(cc_thread *self) {
    CC_INVARIANT(self->releases < MOST_NESTED_RELEASES);
    self->when_it_ends = leave_orphans;
    self->releases++;
}

static void end_releasing(cc_thread *self) {
    if (self->releases == 1) {
        do {
            run_deferred(self);
        } while (come_back(self));
    }
    self->releases--;
}

/* May release functions run here, with so much to be released? */
static bool may_release(const cc_thread *self, uint32_t waiting) {
    return !self->releases || (self->releases < MOST_NESTED_RELEASES && waiting >= WORTH_NESTING);
}

void cc_release_chain(cc_thread *self, cc_retired *chain) {
    begin_releasing(self);
    release_in_hand(self, chain);
    end_releasing(self);
}

void cc_release_ready(cc_limbo *s, cc_thread *self, size_t most) {
    if (may_release(self, cc_load_relaxed_u32(&s->ready_count))) {
        cc_retired *chain = cc_take_ready(s, most);
        if (chain) {
            cc_release_chain(self, chain);
        }
    }
}

void cc_release_or_put_off(cc_smr_domain *d, cc_thread *self, cc_retired *r, uintptr_t word,
                           unsigned kind, size_t bytes) {
    if (!self->releases) {
        begin_releasing(self);
        cc_keep_spare(self, r);
        cc_count(&self->released, 1);
        d->release(d->context, word, kind);
        end_releasing(self);
        return;
    }
    *r = (cc_retired){NULL, d->release, d->context, word, 0, 0, (uint32_t)bytes, kind};
    cc_limbo *s = cc_limbo_of(d, self);
    come_back_later(self, d);
    cc_fetch_add_relaxed_u32(&s->ready_count, 1);
    cc_fetch_add_relaxed_u64(&s->limbo_bytes, r->bytes);
    cc_push_retired(&s->ready, r, r); /* r is anybody's from here on */
    cc_note_that_something_waits();
    cc_release_ready(s, self, WORTH_NESTING);
}

void cc_run_or_defer(cc_deferred *item) {
    cc_thread *self = cc_thread_self();
    if (!self) { /* no memory for a record: recursion is the lesser evil */
        item->run(item);
        return;
    }
    uint32_t put_off = cc_load_relaxed_u32(&self->put_off) + 1;
    item->next = self->deferred;
    self->deferred = item;
    cc_store_relaxed_u32(&self->put_off, put_off);
    if (may_release(self, put_off)) {
        begin_releasing(self);
        run_deferred(self);
        end_releasing(self);
    }
}

/* ---------------------------------------------------------------- what others have left */

void cc_adopt_orphans(cc_thread *self) {
    if (!cc_load_relaxed_uptr(&orphans)) {
        return;
    }
    cc_deferred *item = (cc_deferred *)cc_exchange_acq_rel_uptr(&orphans, 0); /* pairs with (9) */
    begin_releasing(self);
    while (item) {
        cc_deferred *next = item->next;
        cc_fetch_add_relaxed_u32(&orphan_count, UINT32_MAX);
        item->next = self->deferred;
        self->deferred = item;
        cc_store_relaxed_u32(&self->put_off, cc_load_relaxed_u32(&self->put_off) + 1);
        item = next;
    }
    end_releasing(self);
}

size_t cc_destructions_put_off(void) {
    size_t n = cc_load_relaxed_u32(&orphan_count);
    cc_thread_walk walk;
    for (cc_thread *t = cc_thread_first_in_use(&walk); t; t = cc_thread_next_in_use(&walk)) {
        n += cc_load_relaxed_u32(&t->put_off);
    }
    return n;
}
