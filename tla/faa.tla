-------------------------------- MODULE faa --------------------------------
(* Correia and Ramalhete's FAAArrayQueue as csrc/queue/faa.c and ring_list.h do it: slots that are used once, words that are taken by
   reading them, slots that gets give up, the final bit, linking and leaving arrays, closing.

   Reclamation (sticky hazards) is left out, and so are credits (scq.tla). A get does not wait for a put in its slot (spins = 0).
   How FIFO is judged: see scq.tla.                                                                                           *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Slots,     \* of an array
    Rings,     \* at most so many arrays are linked
    Putters, Getters, Closers, Both, \* threads; those in Both put, get, put
    Puts, Gets, \* how often a putter puts, and a getter gets
    Held,      \* words that are in the queue at the beginning: 0 or 1
    Mutation   \* "none", or what is broken on purpose

Threads == Putters \cup Getters \cup Closers \cup Both
Operations(t) == IF t \in Putters THEN Puts ELSE IF t \in Getters THEN Gets ELSE IF t \in Both THEN 3 ELSE 1
Operation(t, i) == IF t \in Putters \/ (t \in Both /\ i # 2) THEN "put" ELSE IF t \in Closers THEN "close" ELSE "get"
Words == {<<t, i>> : t \in Threads, i \in 1 .. 3} \cup {<<0, 1>>}
Nothing == <<0, 0>>
Gone == <<0, 2>>
M(name) == Mutation = name

None == 0
Closed == 99

(* --algorithm faa
variables
    slot = [r \in 1 .. Rings |-> [i \in 0 .. Slots - 1 |-> IF r = 1 /\ i = 0 /\ Held = 1 THEN <<0, 1>> ELSE Nothing]],
    head = [r \in 1 .. Rings |-> 0],
    tail = [r \in 1 .. Rings |-> [ticket |-> IF r = 1 THEN Held ELSE 0, final |-> FALSE]],
    next = [r \in 1 .. Rings |-> None],
    first = 1, last = 1,                   \* head and tail of the list
    made = 1,                              \* arrays so far
    \* history
    put = IF Held = 1 THEN {<<0, 1>>} ELSE {}, returned = {},               \* words
    before = [w \in Words |-> {}],         \* words that were put when the put of w began
    gone = {},                             \* words that no get may return that begins now
    verdict = "fine";

\* What a thread has read and needs no more is forgotten: that makes fewer states.
macro Forget() begin
    ticket := 0; ring := 0; outcome := ""; beyond := None; word := Nothing;
end macro;

fair process thread \in Threads
variables
    step = 0, ring = 0, ticket = 0, beyond = None, word = Nothing, outcome = "",
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
        ring := last;
Draw:   \* ring_put
        ticket := tail[ring].ticket;
        tail[ring].ticket := tail[ring].ticket + 1;
        if (tail[ring].final /\ ~M("final_is_overlooked")) \/ ticket >= Slots then goto Link end if;
Enter:
        if slot[ring][ticket] = Nothing \/ M("put_by_a_store") then
            slot[ring][ticket] := word;
            goto PutEnds;
        else
            goto Draw;
        end if;
Link:   \* cc_ring_list_append
        if next[ring] = Closed then Forget(); goto Choose
        else
            ticket := 0;
            beyond := next[ring];
            if beyond # None then goto Link3 end if;
        end if;
Link2:
        if next[ring] = None then
            await made < Rings;
            made := made + 1;
            next[ring] := made;
            beyond := made;
            slot[made] := [slot[made] EXCEPT ![0] = word];
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
        if ticket >= Slots then outcome := "drained"; goto Taken end if;
Look2:
        if slot[ring][ticket] \notin {Nothing, Gone} then goto Take end if;
Look3:
        if tail[ring].ticket <= ticket \/ M("empty_without_tail") then
            outcome := IF tail[ring].final THEN "drained" ELSE "empty";
            goto Taken;
        end if;
Take:
        ticket := head[ring];
        head[ring] := head[ring] + 1;
        if ticket >= Slots then goto Look end if;
Take2:  \* take_at_ticket
        word := slot[ring][ticket];
        if word # Nothing then goto GetEnds
        elsif M("slot_is_left") then goto Look end if;
Take3:
        if slot[ring][ticket] = Nothing then
            slot[ring][ticket] := Gone;
            goto Look;
        else
            if M("late_word_is_lost") then goto Look end if;
Take4:
            word := slot[ring][ticket];
            goto GetEnds;
        end if;
Taken:
        if outcome = "empty" /\ ~M("leaves_when_empty") then goto GetEnds end if;
Leave:  \* cc_ring_list_drop_first
        ticket := 0;
        beyond := next[ring];
        if beyond = None then outcome := "empty"; goto GetEnds
        elsif beyond = Closed then outcome := "closed"; goto GetEnds
        elsif last # ring then goto Leave3 end if;
Leave2:
        if last = ring then last := beyond end if;
Leave3:
        if first = ring then first := beyond end if;
        outcome := "";
        goto Get;
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
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

Symmetric == Permutations(Putters) \cup Permutations(Getters)

(* FIFO, with EMPTY, and CLOSED for ever; each word is returned once. *)
QueueFIFO == verdict \notin {"out of order", "not empty"}
NoDuplication == verdict # "twice"

(* A word that nobody has returned is in a slot that a get will come to, or has come to. *)
WillBeTaken(r, i) ==
    \/ head[r] <= i /\ first <= r \* arrays are linked in order
    \/ \E t \in Threads : ring[t] = r /\ ticket[t] = i /\ pc[t] \in {"Take2", "Take3", "Take4", "GetEnds"}
NoLoss == \A r \in 1 .. made : \A i \in 0 .. Slots - 1 :
    slot[r][i] \in Words \ returned => WillBeTaken(r, i)

Finishes == <>(\A t \in Threads : pc[t] = "Done")
=============================================================================
