/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Point-in-time snapshots: what the operations of an ordered container do for them.
 *
 * Promises. A snapshot is the content of the container at one point of the call, in one order with
 * all operations that are linearizable, and with other snapshots. Nobody waits: not an operation
 * for a snapshot, however long that stalls, nor a snapshot for an operation. While nobody takes one
 * an operation pays a load and a branch.
 *
 * Algorithm. A shared collector, after Petrank and Timnat (Lock-Free Data-Structure Iterators, DISC
 * 2013), with values, new starts and reclamation. Who takes a snapshot arms a collector, walks over
 * the entries, and closes the collector; others join it. Every operation looks for the collector
 * *after* the access that its result depends on. Who finds none had its effect, or has seen it,
 * before the walk began, and the walk sees it, too. Who finds one reports the entry before it
 * returns.
 *
 *      operation            effect -> collector? -> record -> value -> still open? -> answer
 *      snapshot      arm -> walk -> close -> heads and answers
 *
 * A report does not carry a word. It is a record, put in place first and *then* answered with the
 * entry's current value. Of an entry's records the last answered one counts, over what the walk has
 * seen.
 *
 * Linearization point. Of a snapshot, and of all who have joined: the CAS that closes the
 * collector. What is not reported then was seen by nobody who has returned, so it may count as
 * later: an operation whose effect came before the close and that is not in the snapshot is
 * pending, and so is everybody who has seen the effect; all of these move behind it, in order.
 * tla/snapshot.tla checks that.
 *
 * Containers with locks may do without all that (copy_all of ordered_inside.h): they copy their
 * entries while they hold up who changes any.
 *
 * What reports. A get, also one that finds a tombstone; an update; one that fails; the entry that
 * an ordered query or a scan returns. And a death is reported before the node is marked, so that
 * nobody finds a key gone that has not been reported.
 *
 * Entries that come again. A node's address may be used again. While a collector is there, births
 * of nodes are unique (cc_birth_of_new_node), so a cell of one never takes another.
 *
 * Progress. A report is a bounded number of steps but for the CASes on a bucket and on a cell,
 * which fail only when somebody else has reported there. A snapshot is begun again only when
 * `most` reports have been made meanwhile, and then has room for twice as many, or when a binary
 * search tree has been cleared or appended to meanwhile. Its walk ends where
 * it first sees the end, whatever is appended behind; and if an order that is none leads it round,
 * where it meets an entry again (then entries may be in it more than once).
 *
 * Memory. Cells and records live as long as their collector. The last one to leave it retires it,
 * with their references and what the walk has taken. No more than `most` reports wait while a
 * snapshot stalls: then it is given up, and nothing is paid any more.
 *
 * Pairs of releases and acquires:
 *   (18) the CAS that installs a collector with the load in an operation: what is in it. seq_cst,
 *        with the effect in front of that load: of arming and effect one sees the other.
 *   (19) the CAS that installs a record with the load of the value behind it, by a fence: an answer
 *        is not older than its record.
 *   (20) answering a record with whoever reads the answer; and behind the load that has found the
 *        collector open, which is behind that of the value: no value from after the close.
 *   (21) closing with the loads of heads and answers, by a fence: reports of operations that have
 *        returned are seen. With its release what the walk has found.
 */
#ifndef CC_SNAPSHOT_H
#define CC_SNAPSHOT_H

#include "ordered_inside.h"
#include "value_slot.h"

/* What makes an entry the same one: where it lies, and a word in which its birth is. */
typedef struct cc_identity {
    const void *thing;
    uint64_t stamp;
} cc_identity;

/* An entry, for a report. */
typedef struct cc_reported {
    cc_identity identity;
    cc_stored_key key;
    const cc_value_slot *slot;
    /* NULL: the value says whether the entry is there. Else asked behind the load of the value, of
     * which it may make a tombstone. False: the container has none of this any more. */
    bool (*look)(const cc_container *c, const struct cc_reported *entry, uintptr_t *value);
    uint64_t seen_in; /* its business */
} cc_reported;

/* Is somebody taking a snapshot? Asked after the access that counts. */
static inline bool cc_is_collecting(const cc_container *c) {
    return cc_load_seq_cst_uptr(&c->collector) != 0; /* (18) */
}

/* Report an entry that has been seen with the value `*seen`; NULL: whatever it was. In a write
 * phase that holds the entry. */
void cc_report(cc_container *c, cc_smr_guard *g, const cc_reported *entry, const uintptr_t *seen);

/* Whoever takes a snapshot is to begin again: something has happened that no report can say. In a
 * write phase. */
void cc_begin_snapshots_again(cc_container *c, cc_smr_guard *g);

/* The birth to stamp on a new node, once it has its memory. */
static inline uint64_t cc_birth_of_new_node(const cc_container *c) {
    return cc_is_collecting(c) ? (cc_fetch_add_seq_cst_u64(&c->domain->era, 1) + 1) & CC_ERA_MASK
                               : cc_birth_now(c);
}

/* Release a retired collector. */
void cc_release_collector(const cc_word_table *words, uintptr_t collector);

/* The container is being freed: a collector may be left whose threads a fork has ended. */
void cc_forget_collector(cc_container *c);

#endif
