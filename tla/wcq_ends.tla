------------------------------ MODULE wcq_ends ------------------------------
(* The two ends of a wait-free ring as csrc/queue/wcq_ring.h has them, and a bounded queue of one such ring as wcq.c: tickets,
   the FINAL bit of tail and catch_up, the threshold, what a get must have seen before it says EMPTY or CLOSED, and the indices that
   bound the queue.

   Nobody helps (wcq.tla): a request is what remains of it then, the same attempts, but its tickets are swapped out of a tail
   that is not closed, and a get lowers the threshold only when it draws the next one. The index in a slot and the
   word under it are one, and the ring `free` is a number of indices. A get does not wait in its slot (spins = 0).
   Threads may be more than n.

   The history of words is judged as in scq.tla.                                                          *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Slots,     \* n
    Putters, Getters, Closers, Both, \* threads
    Puts, Gets, \* how often a putter puts, and a getter gets; Both put, get, put
    Capacity,  \* indices, at most n
    Patience,  \* attempts before a request
    Mutation   \* "none", or what is broken on purpose

Threads == Putters \cup Getters \cup Closers \cup Both
Operations(t) == IF t \in Putters THEN Puts ELSE IF t \in Getters THEN Gets ELSE IF t \in Closers THEN 1 ELSE 3
Operation(t, i) == IF t \in Putters \/ (t \in Both /\ i # 2) THEN "put" ELSE IF t \in Closers THEN "close" ELSE "get"
Words == {<<t, i>> : t \in Threads, i \in 1 .. 3}
Nothing == <<0, 0>>
M(name) == Mutation = name

Entries == 0 .. 2 * Slots - 1
At(ticket) == ticket % (2 * Slots)
Cycle(ticket) == ticket \div (2 * Slots)
Full == 2 * Slots + Cardinality(Threads)
Vacant(v) == v.word = Nothing
NewSlot == [cycle |-> 0, safe |-> TRUE, word |-> Nothing]

(* --algorithm wcq_ends
variables
    slot = [i \in Entries |-> NewSlot],
    head = 2 * Slots,
    tail = [ticket |-> 2 * Slots, closed |-> FALSE],
    threshold = -1,
    free = Capacity,
    \* history
    put = {}, returned = {},               \* words
    before = [w \in Words |-> {}],         \* words that were put when the put of w began
    gone = {},                             \* words that no get may return that begins now
    drained = FALSE,                          \* somebody has said CLOSED
    verdict = "fine";

macro forget() begin
    ticket := 0; tries := 0; seen := NewSlot; again := FALSE; outcome := "";
end macro;

fair process thread \in Threads
variables
    step = 0, tries = 0, ticket = 0, seen = NewSlot, again = FALSE, word = Nothing, outcome = "",
    put_before = {}, returned_before = {}, gone_before = {};
begin
Choose:
    while step < Operations(self) do
        step := step + 1;
        if Operation(self, step) = "put" then
            word := <<self, step>>;
            before[<<self, step>>] := put;
            goto Index;
        elsif Operation(self, step) = "get" then
            put_before := put; returned_before := returned; gone_before := gone;
            goto Look;
        else
            goto Close;
        end if;

Index:  \* put_bounded
        if free = 0 then word := Nothing; goto Choose
        else free := free - 1 end if;
Draw:   \* enqueue_once, or next_ticket
        if tries < Patience then
            ticket := tail.ticket;
            tail.ticket := tail.ticket + 1;
            if tail.closed then goto Refused end if;
        elsif tail.closed then
            goto Refused;
        else
            ticket := tail.ticket;
            tail.ticket := tail.ticket + 1;
        end if;
Enter:  \* enqueue_once, or place_index
        seen := slot[At(ticket)];
Enter2:
        if seen.cycle < Cycle(ticket) /\ Vacant(seen) then
            if seen.safe then goto Enter4 end if;
        else
            goto PutMissed;
        end if;
Enter3:
        if head > ticket then goto PutMissed end if;
Enter4:
        if slot[At(ticket)] = seen then
            slot[At(ticket)] := [cycle |-> Cycle(ticket), safe |-> TRUE, word |-> word];
            goto Refill;
        else
            seen := slot[At(ticket)];
            goto Enter2;
        end if;
PutMissed:
        if tries < Patience then tries := tries + 1 end if;
        goto Draw;
Refill:
        if threshold = Full then goto PutEnds end if;
Refill2:
        threshold := Full;
PutEnds:
        put := put \cup {word}; word := Nothing;
        forget();
        goto Choose;
Refused:
        free := free + 1;
        word := Nothing;
        forget();
        goto Choose;

Look:   \* dequeue: look first
        ticket := head;
Look2:
        if slot[At(ticket)].cycle = Cycle(ticket) /\ ~Vacant(slot[At(ticket)]) then goto Take end if;
Look3:
        if tail.ticket <= ticket then goto Empty end if;
Look4:  \* is_exhausted
        if threshold >= 0 then goto Take end if;
Look5:
        if ~tail.closed then goto Empty end if;
Take:   \* dequeue_once, or next_ticket
        ticket := head;
        head := head + 1;
Take2:
        seen := slot[At(ticket)];
Take3:
        if seen.cycle = Cycle(ticket) then
            if M("gives_back_first") then goto GiveFirst else goto TakeOut end if;
        elsif seen.cycle > Cycle(ticket) \/ (~Vacant(seen) /\ ~seen.safe) then goto Missed end if;
Take4:  \* spoil
        if slot[At(ticket)] # seen then
            seen := slot[At(ticket)];
            goto Take3;
        elsif Vacant(seen) then
            slot[At(ticket)] := [cycle |-> Cycle(ticket), safe |-> seen.safe, word |-> Nothing];
        else
            slot[At(ticket)].safe := FALSE;
        end if;
Missed:
        if M("empty_without_tail") then goto LowerEmpty
        elsif tail.ticket <= ticket + 1 then goto CatchUp
        elsif tries = Patience then goto Exhausted
        else goto Lower end if;
CatchUp:
        if tail.ticket < ticket + 1 then
            tail := [ticket |-> ticket + 1, closed |-> tail.closed /\ ~M("catch_up_clears_final")];
        end if;
LowerEmpty:
        threshold := threshold - 1;
        goto Empty;
Lower:  \* dequeue_once: it was low, it is, and tail is not closed
        threshold := threshold - 1;
        if threshold >= 0 then
            tries := tries + 1;
            goto Take;
        end if;
Exhausted:
        if threshold >= 0 then goto NotExhausted end if;
Exhausted2:
        if ~tail.closed then
            if tries < Patience then goto Empty else goto LowerEmpty end if;
        end if;
NotExhausted:
        if tries < Patience then
            tries := tries + 1;
        else
            threshold := threshold - 1; \* with the next ticket of a request
        end if;
        goto Take;
Empty:  \* take_bounded
        if ~again /\ ~tail.closed then
            outcome := "empty";
            goto GetEnds;
        elsif again \/ M("no_second_look") then
            outcome := "closed";
            goto GetEnds;
        else
            again := ~M("looks_for_ever"); tries := 0;
            goto Look;
        end if;
GiveFirst:
        if M("gives_back_first") then free := free + 1 end if;
TakeOut: \* an atomic OR
        word := seen.word;
        slot[At(ticket)].word := Nothing;
GiveBack:
        if ~M("gives_back_first") then free := free + 1 end if;
GetEnds:
        if word # Nothing then
            verdict := IF word \in returned THEN "twice"
                       ELSE IF \E w \in returned_before : word \in before[w] THEN "out of order"
                       ELSE IF word \in gone_before THEN "not empty" ELSE verdict;
            returned := returned \cup {word};
            word := Nothing;
        elsif outcome = "closed" then
            gone := Words;
            drained := TRUE;
        else
            gone := gone \cup (put_before \ returned);
        end if;
        put_before := {}; returned_before := {}; gone_before := {};
        forget();
        goto Choose;

Close:
        tail.closed := TRUE;
        goto Choose;
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

Symmetric == Permutations(Putters) \cup Permutations(Getters)

InRing == {i \in Entries : ~Vacant(slot[i])}
TicketOf(i) == slot[i].cycle * 2 * Slots + i

(* FIFO, with EMPTY, and CLOSED for ever; each word is returned once. *)
QueueFIFO == verdict \notin {"out of order", "not empty"}
NoDuplication == verdict # "twice"

(* No word is in a slot of which everybody has walked away; when somebody has said CLOSED, each has its getter already. *)
NoLoss == \A i \in InRing :
    \/ head <= TicketOf(i) /\ ~drained
    \/ \E t \in Threads : ticket[t] = TicketOf(i) /\ pc[t] \in {"Take2", "Take3", "Take4", "GiveFirst", "TakeOut"}

(* When all have finished, what is left can be taken, and the rest of the indices is free. *)
AllDone == \A t \in Threads : pc[t] = "Done"
NothingIsStuck == AllDone =>
    /\ \A i \in InRing : threshold >= 0 \/ tail.closed \/ TicketOf(i) = head
    /\ free + Cardinality(InRing) = Capacity

WithinCapacity == free + Cardinality(InRing) <= Capacity

Finishes == <>AllDone

(* For a mutation that shows late: only the runs in which it happens. A getter is about to write tail when the ring is closed, and
   sleeps until another has said CLOSED and the second put has begun. *)
OneGetterSleeps == IF \A p \in Putters : step[p] < 2
                   THEN tail.closed => \E g \in Getters : pc[g] = "CatchUp"
                   ELSE drained
=============================================================================
