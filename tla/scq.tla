--------------------------------- MODULE scq ---------------------------------
(* Nikolaev's SCQ in a list of rings as csrc/queue/scq.c and ring_list.h do it: tickets, cycles, safe bits, entries that a
   store of their index empties, the threshold, the final bit, catch_up, linking and leaving rings, closing, and the credits
   of a bounded queue (queue.c).

   A ring has 2n entries. The index that an entry holds, and the word that stands under it, are one here:
   the ring `free` is a number of indices that are left. Rings are used once; reclamation (sticky hazards) is left
   out. A get does not wait for a put in its entry (spins = 0). A put in a ring without free index finalizes it. The
   store may become visible after the get has returned; then, and before its thread's next locked instruction, the index
   is free. Until then the thread looks only for newer tickets than that of its entry, so it may read memory.

   Each word is put once. FIFO is judged by what makes a history of distinct words wrong: a word taken twice; a word
   taken by a get that begins after a word has been returned that was put later; and a word taken by a get that begins
   after another get has said EMPTY in whose whole duration that word was in the queue.          *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Slots,     \* n
    Rings,     \* at most so many are linked
    Putters, Getters, Closers, Both, Pollers, \* threads
    Puts, Gets, \* how often a putter puts, and a getter gets; Both put, get, put; Pollers get three times
    Held,      \* words that are in the queue at the beginning: 0 or 1
    Capacity,  \* credits; 0: not bounded
    Mutation   \* "none", or what is broken on purpose

Threads == Putters \cup Getters \cup Closers \cup Both \cup Pollers
Operations(t) == IF t \in Putters THEN Puts ELSE IF t \in Getters THEN Gets ELSE IF t \in Closers THEN 1 ELSE 3
Operation(t, i) == IF t \in Putters \/ (t \in Both /\ i # 2) THEN "put" ELSE IF t \in Closers THEN "close" ELSE "get"
Words == {<<t, i>> : t \in Threads, i \in 1 .. 3} \cup {<<0, 1>>}
Nothing == <<0, 0>>
M(name) == Mutation = name
Published == Mutation \in {"draws_first", "safe_again", "unsafe_without_head"} \* gets do not look first

Entries == 0 .. 2 * Slots - 1
At(ticket) == ticket % (2 * Slots)
Cycle(ticket) == ticket \div (2 * Slots)
Full == IF M("low_threshold") THEN Slots - 1 ELSE 3 * Slots - 1
None == 0
InMemory == <<0, 0, <<0, 0>>, FALSE>>
Closed == 99
Empty(e) == e.word = Nothing
Holding(w) == \* the entries of a new ring
    [i \in Entries |-> IF i = 0 /\ w # Nothing THEN [cycle |-> 1, safe |-> TRUE, word |-> w]
                       ELSE [cycle |-> 0, safe |-> TRUE, word |-> Nothing]]

(* --algorithm scq
variables
    entry = [r \in 1 .. Rings |-> IF r = 1 /\ Held = 1 THEN Holding(<<0, 1>>) ELSE Holding(Nothing)],
    head = [r \in 1 .. Rings |-> 2 * Slots],
    tail = [r \in 1 .. Rings |-> [ticket |-> 2 * Slots + (IF r = 1 THEN Held ELSE 0), final |-> FALSE]],
    threshold = [r \in 1 .. Rings |-> IF r = 1 /\ (Held = 1 \/ M("draws_first")) THEN Full ELSE -1], \* as after a put and a get
    free = [r \in 1 .. Rings |-> IF r = 1 THEN Slots - Held ELSE Slots],   \* indices
    next = [r \in 1 .. Rings |-> None],
    first = 1, last = 1,                   \* head and tail of the list
    made = 1,                              \* rings so far
    credits = Capacity,
    store = [t \in Threads |-> InMemory],  \* <<ring, entry, word, does it set the safe bit>>: until its index is free
    \* history
    put = IF Held = 1 THEN {<<0, 1>>} ELSE {}, returned = {},   \* words
    before = [w \in Words |-> {}],         \* words that were put when the put of w began
    gone = {},                             \* words that no get may return that begins now
    verdict = "fine";

fair process thread \in Threads
variables
    step = 0, ring = 0, ticket = 0, seen = [cycle |-> 0, safe |-> TRUE, word |-> Nothing],
    end_seen = [ticket |-> 0, final |-> FALSE], goal = 0, low = FALSE, beyond = None, word = Nothing, outcome = "",
    put_before = {}, returned_before = {}, gone_before = {};
begin
Choose:
    while step < Operations(self) do
        step := step + 1;
        outcome := ""; ticket := 0; beyond := None; low := FALSE; goal := 0;
        end_seen := [ticket |-> 0, final |-> FALSE]; seen := [cycle |-> 0, safe |-> TRUE, word |-> Nothing];
        if Operation(self, step) = "put" then
            word := <<self, step>>;
            before[<<self, step>>] := put;
            if Capacity > 0 then goto Credit else goto Put end if;
        elsif Operation(self, step) = "get" then
            put_before := put; returned_before := returned; gone_before := gone;
            goto Get;
        else
            goto Close;
        end if;

Credit: \* queue.c
        if credits = 0 then word := Nothing; goto Choose
        else
            await store[self] = InMemory; \* a locked instruction, as Index, Take, Leave2, Leave3 and GiveCredit are
            credits := credits - 1;
        end if;
Put:    \* cc_ring_list_put
        ring := last;
Index:  \* take_index of `free`; nothing there: finalize_ring
        await store[self] = InMemory;
        if free[ring] = 0 then
            tail[ring].final := TRUE;
            goto Link;
        else
            free[ring] := free[ring] - 1;
        end if;
Draw:   \* put_index
        ticket := tail[ring].ticket;
        tail[ring].ticket := tail[ring].ticket + 1;
        if tail[ring].final then goto Link end if;
Enter:
        seen := entry[ring][At(ticket)];
Enter2:
        if seen.cycle < Cycle(ticket) /\ Empty(seen) then
            if seen.safe \/ M("unsafe_without_head") then goto Enter4 end if;
        else
            goto Draw;
        end if;
Enter3:
        if head[ring] > ticket then goto Draw end if;
Enter4:
        if entry[ring][At(ticket)] = seen then
            entry[ring][At(ticket)] := [cycle |-> Cycle(ticket), safe |-> TRUE, word |-> word];
        else
            seen := entry[ring][At(ticket)];
            goto Enter2;
        end if;
Refill:
        if threshold[ring] = Full then goto PutEnds end if;
Refill2:
        threshold[ring] := Full;
        goto PutEnds;
Link: \* cc_ring_list_append
        beyond := next[ring];
        if beyond = Closed then word := Nothing; goto Choose
        elsif beyond # None then goto Link3 end if;
Link2:
        if next[ring] = None then
            await made < Rings;
            made := made + 1;
            next[ring] := made;
            beyond := made;
            entry[made] := Holding(word);
            tail[made].ticket := 2 * Slots + 1;
            threshold[made] := Full;
            free[made] := free[made] - 1;
            outcome := "linked";
        else
            beyond := next[ring];
            if next[ring] = Closed then word := Nothing; goto Choose end if;
        end if;
Link3:
        if last = ring then last := beyond end if;
        if outcome = "linked" then goto PutEnds else goto Put end if;
PutEnds:
        put := put \cup {word}; word := Nothing;
        goto Choose;

Get:    \* cc_ring_list_take
        ring := first;
Look:   \* take_index: look first
        if Published then goto Look3 else ticket := head[ring] end if;
Look2:
        if entry[ring][At(ticket)].cycle = Cycle(ticket) /\ ~Empty(entry[ring][At(ticket)]) then goto Take end if;
Look3:
        low := threshold[ring] < 0;
        if Published then
            if threshold[ring] < 0 then outcome := "empty"; goto Taken else goto Take end if;
        end if;
Look4:
        with t = tail[ring] do
            if t.ticket <= ticket then
                outcome := IF t.final THEN "drained" ELSE "empty";
                goto Taken;
            elsif low /\ (~t.final \/ M("trusts_threshold")) then
                outcome := IF t.final THEN "drained" ELSE "empty";
                goto Taken;
            end if;
        end with;
Take:
        await store[self] = InMemory;
        ticket := head[ring];
        head[ring] := head[ring] + 1;
Take2:
        seen := entry[ring][At(ticket)];
Take3:
        if seen.cycle = Cycle(ticket) then
            if M("credit_first") then goto CreditFirst else goto Consume end if;
        elsif seen.cycle > Cycle(ticket) \/ (~Empty(seen) /\ ~seen.safe) then goto Missed end if;
Take4:
        if entry[ring][At(ticket)] # seen then
            seen := entry[ring][At(ticket)];
            goto Take3;
        elsif Empty(seen) then
            entry[ring][At(ticket)] := [cycle |-> Cycle(ticket), safe |-> seen.safe \/ M("safe_again"), word |-> Nothing];
        else
            entry[ring][At(ticket)].safe := FALSE;
        end if;
Missed:
        with t = tail[ring] do
            if t.final /\ ~M("catch_up_clears_final") /\ ~M("trusts_threshold") then
                if t.ticket <= ticket + 1 then outcome := "drained"; goto Taken else goto Look end if;
            elsif t.ticket > ticket + 1 then
                goto Lower;
            else
                end_seen := t; goal := ticket + 1;
                if M("trusts_threshold") /\ t.final then outcome := "drained"; goto Taken end if;
            end if;
        end with;
CatchUp:
        if tail[ring] = end_seen then
            tail[ring] := [ticket |-> goal, final |-> FALSE];
            goto LowerEmpty;
        else
            end_seen := tail[ring];
            if tail[ring].final then goto LowerEmpty end if;
        end if;
CatchUp2:
        goal := head[ring];
        if end_seen.ticket >= head[ring] then goto LowerEmpty else goto CatchUp end if;
LowerEmpty:
        threshold[ring] := threshold[ring] - 1;
        outcome := "empty";
        goto Taken;
Lower:
        low := threshold[ring] <= 0;
        threshold[ring] := threshold[ring] - 1;
Lower2:
        if ~low \/ (tail[ring].final /\ ~M("trusts_threshold")) then
            goto Look;
        else
            outcome := IF tail[ring].final THEN "drained" ELSE "empty";
            goto Taken;
        end if;
CreditFirst:
        if M("credit_first") then credits := credits + 1 end if;
Consume: \* a store
        word := seen.word;
        store[self] := <<ring, At(ticket), word, seen.safe /\ M("stores_whole_entry")>>;
        goto GetEnds;
Taken:
        if outcome = "empty" /\ ~M("leaves_when_empty") then goto GetEnds end if;
Leave:  \* cc_ring_list_drop_first
        beyond := next[ring];
        if beyond = None then outcome := "empty"; goto GetEnds
        elsif beyond = Closed then outcome := "closed"; goto GetEnds
        elsif last # ring then goto Leave3 end if;
Leave2:
        await store[self] = InMemory;
        if last = ring then last := beyond end if;
Leave3:
        await store[self] = InMemory;
        if first = ring then first := beyond end if;
        goto Get;
GetEnds:
        if word # Nothing then
            verdict := IF word \in returned THEN "twice"
                       ELSE IF \E w \in returned_before : word \in before[w] THEN "out of order"
                       ELSE IF word \in gone_before THEN "not empty" ELSE verdict;
            returned := returned \cup {word};
            word := Nothing;
        elsif outcome = "closed" then
            gone := Words;
        else
            gone := gone \cup (put_before \ returned);
        end if;
        put_before := {}; returned_before := {}; gone_before := {};
        if Capacity = 0 \/ outcome # "" \/ M("credit_first") then goto Choose end if;
GiveCredit:
        await store[self] = InMemory;
        credits := credits + 1;
        goto Choose;

Close:  \* cc_ring_list_close
        ring := last;
Close2:
        beyond := next[ring];
        if beyond = Closed then goto Choose
        elsif beyond # None then goto Close5 end if;
Close3:
        tail[ring].final := TRUE;
Close4:
        if next[ring] = None then
            next[ring] := Closed;
            goto Choose;
        else
            beyond := next[ring];
            if beyond = Closed then goto Choose end if;
        end if;
Close5:
        if last = ring then last := beyond end if;
        goto Close;
    end while;
end process;

\* A release store becomes visible some time later, perhaps after its thread's next loads. Then the index is handed on.
fair process buffer \in Threads \X {"buffer"}
begin
Drain:
    while TRUE do
        await store[self[1]] # InMemory;
        with r = store[self[1]][1], i = store[self[1]][2] do
            entry[r][i] := [cycle |-> entry[r][i].cycle, safe |-> entry[r][i].safe \/ store[self[1]][4], word |-> Nothing];
        end with;
GiveBack:
        free[store[self[1]][1]] := free[store[self[1]][1]] + 1;
        store[self[1]] := InMemory;
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

Symmetric == Permutations(Putters) \cup Permutations(Getters)

InRing(r) == {i \in Entries : ~Empty(entry[r][i])}
TicketOf(r, i) == entry[r][i].cycle * 2 * Slots + i

(* FIFO, with EMPTY, and CLOSED for ever; each word is returned once. *)
QueueFIFO == verdict \notin {"out of order", "not empty"}
NoDuplication == verdict # "twice"

(* No word is in an entry of which everybody has walked away, or in a ring that everybody has left. *)
WillBeTaken(r, i) ==
    \/ head[r] <= TicketOf(r, i) /\ \E s \in 0 .. Rings : r = first + s \* rings are linked in order
    \/ \E t \in Threads : ring[t] = r /\ ticket[t] = TicketOf(r, i) /\ pc[t] \in {"Take2", "Take3", "Take4", "Consume"}
    \/ \E t \in Threads : <<store[t][1], store[t][2], store[t][3]>> = <<r, i, entry[r][i].word>>
NoLoss == \A r \in 1 .. made : \A i \in InRing(r) : WillBeTaken(r, i)

(* When all have finished, what is left can be taken: the threshold does not say that there is nothing. *)
AllDone == \A t \in Threads : pc[t] = "Done"
NothingIsStuck == AllDone /\ (\A t \in Threads : store[t] = InMemory) => \A r \in 1 .. made : InRing(r) # {} => 
    \/ threshold[r] >= 0 \/ tail[r].final
    \/ \E i \in InRing(r) : ~Published /\ TicketOf(r, i) = head[r]

InQueue == UNION {{entry[r][i].word : i \in InRing(r)} : r \in 1 .. made}
WithinCapacity == Capacity > 0 => Cardinality(InQueue) <= Capacity /\ credits <= Capacity

Finishes == <>AllDone

(* For mutations that show late: only the runs in which it happens. *)
OnePollerWalks ==
    IF head[1] < 6 * Slots + 1
    THEN /\ \A p \in Putters : pc[p] = "Choose"
         /\ \A g \in Getters : pc[g] \in {"Choose", "Get", "Look", "Look3", "Take", "Take2"}
    ELSE /\ {ticket[g] : g \in Getters} = {2 * Slots, 4 * Slots}
         /\ entry[1][0].cycle = 1 /\ entry[1][0].safe => \A g \in Getters : pc[g] = "Take2"
GettersLowerLate == (\E p \in Putters : pc[p] # "Done") => \A g \in Getters :
    pc[g] \in {"Choose", "Get", "Look", "Look3", "Take", "Take2", "Take3", "Take4", "Missed", "CatchUp", "CatchUp2",
               "LowerEmpty", "Lower"} /\ (pc[g] = "Choose" => step[g] = 0)
StoreIsLate ==
    /\ head[1] <= 4 * Slots => entry[1][0].word # Nothing
    /\ \E g \in Getters : step[g] < 2
OnePutterSleeps == \A p \in Putters :
    pc[p] \in {"Choose", "Put", "Index", "Draw", "Enter"} \/ (next[1] # None /\ ~tail[1].final)
=============================================================================
