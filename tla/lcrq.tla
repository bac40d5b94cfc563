-------------------------------- MODULE lcrq --------------------------------
(* Morrison and Afek's LCRQ as csrc/queue/lcrq.c and ring_list.h do it: cells whose two halves are read one after the other
   and swapped together, or emptied by a store, the unsafe bit, the final bit, catch_up, linking and leaving rings, closing.

   Rings are used once; reclamation (sticky hazards) is left out, and so are credits (scq.tla). A get does
   not wait for a put in its cell (spins = 0). How FIFO is judged: see scq.tla.                                    *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Cells,     \* of a ring
    Tries,     \* of a put, before it finalizes the ring
    Rings,     \* at most so many are linked
    Putters, Getters, Closers, Both, \* threads; those in Both put, get, put
    Puts, Gets, \* how often a putter puts, and a getter gets
    Held,      \* words that are in the queue at the beginning: 0 or 1
    Mutation   \* "none", or what is broken on purpose

Threads == Putters \cup Getters \cup Closers \cup Both
Operations(t) == IF t \in Putters THEN Puts ELSE IF t \in Getters THEN Gets ELSE IF t \in Both THEN 3 ELSE 1
Operation(t, i) == IF t \in Putters \/ (t \in Both /\ i # 2) THEN "put" ELSE IF t \in Closers THEN "close" ELSE "get"
Words == {<<t, i>> : t \in Threads, i \in 1 .. 3} \cup {<<0, 1>>}
Nothing == <<0, 0>>
M(name) == Mutation = name

At(ticket) == ticket % Cells
None == 0
InMemory == <<0, 0, <<0, 0>>>>
Closed == 99

(* --algorithm lcrq
variables
    cell = [r \in 1 .. Rings |-> [i \in 0 .. Cells - 1 |-> [index |-> i, safe |-> TRUE,
                word |-> IF r = 1 /\ i = 0 /\ Held = 1 THEN <<0, 1>> ELSE Nothing]]],
    head = [r \in 1 .. Rings |-> 0],
    tail = [r \in 1 .. Rings |-> [ticket |-> IF r = 1 THEN Held ELSE 0, final |-> FALSE]],
    next = [r \in 1 .. Rings |-> None],
    first = 1, last = 1,                   \* head and tail of the list
    made = 1,                              \* rings so far
    store = [t \in Threads |-> InMemory],  \* <<ring, cell, word>>: 0 instead of it, for the thread only
    \* history
    put = IF Held = 1 THEN {<<0, 1>>} ELSE {}, returned = {},               \* words
    before = [w \in Words |-> {}],         \* words that were put when the put of w began
    gone = {},                             \* words that no get may return that begins now
    verdict = "fine";

\* What a thread has read and needs no more is forgotten: that makes fewer states.
macro ForgetTicket() begin
    ticket := 0; tries := 0; goal := 0;
    end_seen := [ticket |-> 0, final |-> FALSE]; seen := [index |-> 0, safe |-> TRUE, word |-> Nothing];
end macro;
macro Forget() begin
    ForgetTicket();
    ring := 0; outcome := ""; beyond := None; word := Nothing;
end macro;

fair process thread \in Threads
variables
    step = 0, ring = 0, ticket = 0, tries = 0, seen = [index |-> 0, safe |-> TRUE, word |-> Nothing],
    end_seen = [ticket |-> 0, final |-> FALSE], goal = 0, beyond = None, word = Nothing, outcome = "",
    put_before = {}, returned_before = {}, gone_before = {};
begin
Choose:
    while step < Operations(self) do
        step := step + 1;
        if Operation(self, step) = "put" then
            word := <<self, step>>;
            before[<<self, step>>] := put;
            goto Put;
        elsif Operation(self, step) = "get" then
            put_before := put; returned_before := returned; gone_before := gone;
            goto Get;
        else
            goto Close;
        end if;

Put:    \* cc_ring_list_put
        ring := last; tries := 0;
Draw:   \* ring_put
        await store[self] = InMemory; \* a locked instruction, as Take, Leave2 and Leave3 are
        ticket := tail[ring].ticket;
        tail[ring].ticket := tail[ring].ticket + 1;
        tries := tries + 1;
        if tail[ring].final then goto Link end if;
Enter:
        seen.index := cell[ring][At(ticket)].index || seen.safe := cell[ring][At(ticket)].safe;
Enter2:
        seen.word := Nothing;
        if cell[ring][At(ticket)].word # Nothing \/ seen.index > ticket then goto Full
        elsif seen.safe \/ M("unsafe_without_head") then goto Enter4 end if;
Enter3:
        if head[ring] > ticket then goto Full end if;
Enter4:
        if cell[ring][At(ticket)] = seen then
            cell[ring][At(ticket)] := [index |-> ticket, safe |-> TRUE, word |-> word];
            goto PutEnds;
        end if;
Full:
        if ticket - head[ring] < Cells /\ tries < Tries then goto Draw end if;
Full2:
        tail[ring].final := TRUE;
Link: \* cc_ring_list_append
        if next[ring] = Closed then Forget(); goto Choose
        else
            ForgetTicket();
            beyond := next[ring];
            if beyond # None then goto Link3 end if;
        end if;
Link2:
        if next[ring] = None then
            await made < Rings;
            made := made + 1;
            next[ring] := made;
            beyond := made;
            cell[made] := [cell[made] EXCEPT ![0].word = word];
            tail[made].ticket := 1;
            outcome := "linked";
        elsif next[ring] = Closed then
            Forget();
            goto Choose;
        else
            beyond := next[ring];
        end if;
Link3:
        if last = ring then last := beyond end if;
        if outcome = "linked" then goto PutEnds else goto Put end if;
PutEnds:
        put := put \cup {word};
        Forget();
        goto Choose;

Get:    \* cc_ring_list_take
        ring := first;
Look:   \* ring_take: look first
        ticket := head[ring];
Look2:
        if cell[ring][At(ticket)].index # ticket then goto Look4 end if;
Look3:
        if cell[ring][At(ticket)].word # Nothing /\ store[self] # <<ring, At(ticket), cell[ring][At(ticket)].word>> then
            goto Take;
        end if;
Look4:
        with t = tail[ring] do
            if t.ticket <= ticket then
                outcome := IF t.final THEN "drained" ELSE "empty";
                goto Taken;
            end if;
        end with;
Take:
        await store[self] = InMemory;
        ticket := head[ring];
        head[ring] := head[ring] + 1;
Take2:
        seen.index := cell[ring][At(ticket)].index || seen.safe := cell[ring][At(ticket)].safe;
Take3:
        seen.word := cell[ring][At(ticket)].word;
        if seen.index > ticket then goto Missed
        elsif cell[ring][At(ticket)].word # Nothing /\ seen.index = ticket then goto TakeAgain end if;
Take4:
        if cell[ring][At(ticket)] # seen then
            goto Take2;
        elsif seen.word = Nothing then
            cell[ring][At(ticket)] := [index |-> ticket + Cells, safe |-> seen.safe \/ M("safe_again"), word |-> Nothing];
        else
            cell[ring][At(ticket)].safe := FALSE;
        end if;
Missed:
        with t = tail[ring] do
            if t.ticket > ticket + 1 then goto Look
            elsif t.final /\ ~M("catch_up_clears_final") then outcome := "drained"; goto Taken
            else end_seen := t; goal := ticket + 1 end if;
        end with;
CatchUp:
        outcome := "empty";
        if tail[ring] = end_seen then
            tail[ring] := [ticket |-> goal, final |-> FALSE];
            goto Taken;
        else
            end_seen := tail[ring];
            if tail[ring].final then goto Taken end if;
        end if;
CatchUp2:
        goal := head[ring];
        if end_seen.ticket < head[ring] then goto CatchUp end if;
Taken:
        if outcome = "empty" /\ ~M("leaves_when_empty") then goto GetEnds end if;
Leave:  \* cc_ring_list_drop_first
        ForgetTicket();
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
TakeAgain: \* ring_take: the second look at the index
        if cell[ring][At(ticket)].index # ticket /\ ~M("no_second_look") then goto Take2
        else word := seen.word end if;
GetEnds:
        if word # Nothing then
            verdict := IF word \in returned THEN "twice"
                       ELSE IF \E w \in returned_before : word \in before[w] THEN "out of order"
                       ELSE IF word \in gone_before THEN "not empty" ELSE verdict;
            returned := returned \cup {word};
        elsif outcome = "closed" then
            gone := Words;
        else
            gone := gone \cup (put_before \ returned);
        end if;
        put_before := {}; returned_before := {}; gone_before := {};
        if word # Nothing then store[self] := <<ring, At(ticket), word>> end if;
        Forget();
        goto Choose;

Close:  \* cc_ring_list_close
        ring := last;
Close2:
        if next[ring] = Closed then Forget(); goto Choose
        elsif next[ring] # None then beyond := next[ring]; goto Close5 end if;
Close3:
        tail[ring].final := TRUE;
Close4:
        if next[ring] = None then
            next[ring] := Closed;
            Forget();
            goto Choose;
        elsif next[ring] = Closed then
            Forget();
            goto Choose;
        else
            beyond := next[ring];
        end if;
Close5:
        if last = ring then last := beyond end if;
        goto Close;
    end while;
end process;

\* A release store becomes visible some time later, perhaps after its thread's next loads.
fair process buffer \in Threads \X {"buffer"}
begin
Drain:
    while TRUE do
        await store[self[1]] # InMemory;
        with r = store[self[1]][1], i = store[self[1]][2] do
            cell[r][i] := [index |-> cell[r][i].index, safe |-> cell[r][i].safe \/ M("stores_index"), word |-> Nothing];
        end with;
        store[self[1]] := InMemory;
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

Symmetric == Permutations(Putters) \cup Permutations(Getters)

InRing(r) == {i \in 0 .. Cells - 1 : cell[r][i].word # Nothing}

(* FIFO, with EMPTY, and CLOSED for ever; each word is returned once. *)
QueueFIFO == verdict \notin {"out of order", "not empty"}
NoDuplication == verdict # "twice"

(* No word is in a cell of which everybody has walked away, or in a ring that everybody has left. *)
WillBeTaken(r, i) ==
    \/ head[r] <= cell[r][i].index /\ first <= r \* rings are linked in order
    \/ \E t \in Threads : ring[t] = r /\ ticket[t] = cell[r][i].index
        /\ \/ pc[t] \in {"Take2", "Take3", "Take4", "TakeAgain"}
           \/ pc[t] = "GetEnds" /\ word[t] = cell[r][i].word
    \/ \E t \in Threads : store[t] = <<r, i, cell[r][i].word>>
NoLoss == \A r \in 1 .. made : \A i \in InRing(r) : WillBeTaken(r, i)

Finishes == <>(\A t \in Threads : pc[t] = "Done")

(* Only some of the runs: for mutations that show late, those in which it happens. *)
NoThird == \A t \in Both : step[t] < 3
PuttersWait == head[1] < 3 => \A p \in Putters : pc[p] = "Choose"
OnePutterSleeps == \A p \in Putters :
    pc[p] \in {"Choose", "Put", "Index", "Draw", "Enter"} \/ (next[1] # None /\ ~tail[1].final)
=============================================================================
