------------------------------ MODULE wcq_list ------------------------------
(* A wait-free list of rings: offers of puts, wishes of gets, names (hazards), retiring. A ring is one atomic object here (wcq.tla and
   wcq_ends.tla look inside): a put is in it at once or finds it final, a get has a word, or sees that there is none.

   A ring is known by the put that has made it, <<thread, step>>, and is never used again: that it is looked at after it might have been
   is what NeverUsesRecycled forbids. FIFO is judged by the queue that the steps marked so make.                                *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Slots,              \* of a ring
    Chain,              \* rings with a word each, one behind the other, before an empty one at the beginning
    Putters, Getters, Closers, \* threads: 1, 2, ...
    Many, Times,        \* threads in Many do what they do so many times, others once
    Offerers, Wishers,  \* who offers a ring, or makes a wish, after the first round that is lost; the others never do
    Mutation            \* "none", or what is broken on purpose

Threads == Putters \cup Getters \cup Closers
N == Cardinality(Threads)
Operations(t) == IF t \in Many THEN Times ELSE 1
M(name) == Mutation = name

None == <<0, 0>>
Closed == <<0, 99>>
Rings == {<<0, i>> : i \in 1 .. Chain + 1} \cup {<<t, i>> : t \in Putters, i \in 1 .. Times}
Nowhere == [node |-> None, turn |-> 0]
Idle == [state |-> "idle", place |-> None]
Ended == {"idle", "found", "empty", "closed"}

(* --algorithm wcq_list
variables
    words = [r \in Rings |-> IF r[1] = 0 /\ r[2] <= Chain THEN <<r>> ELSE <<>>],
    final = [r \in Rings |-> r[1] = 0 /\ r[2] <= Chain],
    next = [r \in Rings |-> IF r[1] = 0 /\ r[2] <= Chain THEN <<0, r[2] + 1>> ELSE None],
    head = <<0, 1>>, tail = <<0, Chain + 1>>,
    offered = [t \in Threads |-> None],
    put_name = [t \in Threads |-> None], get_name = [t \in Threads |-> None],
    home = [t \in Threads |-> Nowhere],
    pending = [t \in Threads |-> 0],            \* odd while a wish is
    progress = [t \in Threads |-> Idle],
    found = [t \in Threads |-> None],           \* the word, part of progress
    shelf = [t \in Threads |-> {}],
    recycled = {},
    \* history
    queue = [i \in 1 .. Chain |-> <<0, i>>],
    linked = {<<0, i>> : i \in 1 .. Chain + 1},
    placed = {},
    was_empty = [t \in Threads |-> FALSE],      \* the queue was, at a moment of this get
    passed = [t \in Threads |-> 0],             \* links since the offer, moves of head since the wish
    is_misused = FALSE, is_lost = FALSE, verdict = "fine";

macro Use(r) begin
    is_misused := is_misused \/ r \in recycled;
end macro;

macro Place(w) begin
    verdict := IF w \in placed THEN "twice" ELSE verdict;
    placed := placed \cup {w};
    queue := Append(queue, w);
end macro;

\* The first word of r goes to a get.
macro TakeOut(r) begin
    verdict := IF queue = <<>> \/ Head(queue) # Head(words[r]) THEN "out of order" ELSE verdict;
    words[r] := Tail(words[r]);
    queue := Tail(queue);
    was_empty := [t \in Threads |-> was_empty[t] \/ queue = <<>>];
end macro;

macro SayEmpty() begin
    verdict := IF was_empty[self] THEN verdict ELSE "not empty";
end macro;

macro SayClosed() begin
    verdict := IF queue = <<>> /\ \E r \in linked : next[r] = Closed THEN verdict ELSE "not closed";
end macro;

\* What a thread has read and needs no more is forgotten: that makes fewer states.
macro Forget() begin
    ring := None; beyond := None; scan := 0; candidate := None; target := 0; turn := 0; seen := {};
    state := ""; place := None; node := None; node_turn := 0; first := None;
end macro;

fair process thread \in Threads
variables
    step = 0, ring = None, beyond = None, scan = 0, candidate = None, is_offering = FALSE,
    target = 0, turn = 0, state = "", place = None, node = None, node_turn = 0, first = None,
    retiring = None, seen = {};
begin
Choose:
    while step < Operations(self) do
        step := step + 1;
        if self \in Putters then goto Put
        elsif self \in Closers then goto Close
        else was_empty[self] := queue = <<>> end if;

\* ------------------------------------------------------------------------------------ get
Get:    \* cc_ring_list_take
        ring := head;
        if get_name[self] = head then goto Take end if;
GetName:
        get_name[self] := ring;
GetName2:
        if head # ring then
            ring := None;
            if self \in Wishers then goto Wish else goto Get end if;
        elsif M("nobody_helps") \/ M("only_who_moves_head_helps") then goto Get
        else target := 0; goto HelpNext end if;
Take:   \* the ring's take
        Use(ring);
        if words[ring] # <<>> then
            TakeOut(ring);
            Forget();
            goto Choose;
        elsif ~final[ring] /\ ~M("leaves_when_empty") then
            SayEmpty();
            Forget();
            goto Choose;
        end if;
Drop:   \* cc_ring_list_drop_first
        if next[ring] = None then SayEmpty(); Forget(); goto Choose
        elsif next[ring] = Closed then SayClosed(); Forget(); goto Choose
        else beyond := next[ring] end if;
DropTail:
        if tail = ring then tail := beyond end if;
DropHead:
        if head = ring then
            head := beyond;
            passed := [t \in Threads |-> IF t \in Wishers /\ pending[t] % 2 = 1 /\ progress[t].state \notin Ended
                                         THEN passed[t] + 1 ELSE passed[t]];
            verdict := IF words[ring] # <<>> THEN "left with words" ELSE verdict;
            retiring := ring;
            ring := None; beyond := None;
            goto Retire;
        else
            ring := None; beyond := None;
            if target # 0 then goto Work elsif self \in Wishers then goto Wish else goto Get end if;
        end if;

\* ------------------------------------------------------------------------------------ retire
Retire: \* cc_ring_retire
        if get_name[self] = retiring then get_name[self] := None end if;
        if put_name[self] = retiring then put_name[self] := None end if;
        shelf[self] := shelf[self] \cup {retiring};
        retiring := None;
        seen := {};
        scan := 0;
Look:
        while scan < 3 * N do
            seen := (seen \cup {put_name[(scan % N) + 1], get_name[(scan % N) + 1],
                      IF M("home_is_no_name") THEN None ELSE home[(scan % N) + 1].node}) \cap shelf[self];
            scan := scan + 1;
        end while;
Recycle:
        recycled := recycled \cup (shelf[self] \ seen);
        words := [r \in Rings |-> IF r \in shelf[self] \ seen THEN <<>> ELSE words[r]];
        shelf[self] := seen;
        seen := {};
        scan := 0;
        if target # 0 then goto Work
        elsif M("only_who_moves_head_helps") then target := 0; goto HelpNext
        elsif self \in Wishers then goto Wish
        else goto Get end if;

\* ------------------------------------------------------------------------------------ wishes
HelpNext: \* who enters a ring at head fulfils the wishes that there are
        if \E t \in Wishers \ {self} : t > target then
            target := CHOOSE t \in Wishers \ {self} : t > target /\ \A u \in Wishers \ {self} : u > target => u >= t;
        else
            Forget();
            goto Get;
        end if;
Help:
        turn := pending[target];
        if pending[target] % 2 = 0 then goto HelpNext end if;
Work:   \* progress, and whether it is still this wish
        node := None; node_turn := 0; first := None;
        if pending[target] # turn \/ progress[target].state \in Ended
           \/ (M("empty_is_not_agreed") /\ target = self /\ progress[target].state = "fresh"
               /\ words[progress[target].place] = <<>> /\ ~final[progress[target].place]) then
            if target = self then
                state := progress[target].state;
                place := progress[target].place;
                goto WishEnds;
            else
                turn := 0; state := ""; place := None;
                goto HelpNext;
            end if;
        else
            state := progress[target].state;
            place := progress[target].place;
        end if;
Work2:
        node := home[target].node;
        node_turn := home[target].turn;
        if home[target].node = None then
            if state = "drained" /\ place = None then goto NameHead else goto Work end if;
        end if;
Work3:
        put_name[self] := node;
Work4:
        if pending[target] # turn \/ home[target] # [node |-> node, turn |-> node_turn] then goto Work end if;
Work5:
        Use(node);
        if node # place then
            if state = "drained" /\ progress[target] = [state |-> state, place |-> place] then
                progress[target] := [state |-> "fresh", place |-> node];
            end if;
            goto Work;
        elsif state = "drained" then goto Work7
        elsif progress[target] # [state |-> state, place |-> place] then goto Work
        elsif words[node] # <<>> then \* the ring's agreement: one for all
            found[target] := Head(words[node]);
            TakeOut(node);
            is_lost := is_lost \/ pending[target] # turn;
            progress[target] := [state |-> "found", place |-> node];
            goto Work;
        else
            state := IF final[node] \/ M("leaves_when_empty") THEN "drained" ELSE "empty";
        end if;
Work6:
        if progress[target] = [state |-> "fresh", place |-> place] then
            progress[target] := [state |-> state, place |-> place];
        end if;
        goto Work;
Work7:  \* drained: the end, or further
        if next[node] \in {None, Closed} then beyond := next[node] else goto NameHead end if;
Work8:
        if progress[target] = [state |-> state, place |-> place] then
            progress[target] := [state |-> IF beyond = None THEN "empty" ELSE "closed", place |-> place];
        end if;
        beyond := None;
        goto Work;
NameHead:
        first := head;
        if get_name[self] = head then goto Move end if;
NameHead2:
        get_name[self] := first;
NameHead3:
        if head # first then goto Work end if;
Move:
        if first = node then
            ring := node;
            beyond := next[node];
            goto DropTail;
        elsif home[target] = [node |-> node, turn |-> node_turn] then
            home[target] := [node |-> first, turn |-> node_turn + 1];
            goto Work;
        else
            goto Work;
        end if;

Wish:   \* of this thread
        home[self] := [node |-> None, turn |-> home[self].turn + 1];
        progress[self] := [state |-> "drained", place |-> None];
        found[self] := None;
Wish2:
        passed[self] := 0;
        pending[self] := pending[self] + 1;
        target := self;
        turn := pending[self];
        goto Work;
WishEnds: \* the word is read where home is
        if state = "found" then
            Use(home[self].node);
            verdict := IF home[self].node # place THEN "not at home" ELSE verdict;
        elsif state = "closed" then SayClosed()
        elsif progress[self].state = "found" then verdict := "lost"
        else SayEmpty() end if;
        pending[self] := pending[self] + 1;
WishEnds2:
        home[self] := [node |-> None, turn |-> home[self].turn + 1];
        passed[self] := 0;
        found[self] := None;
        Forget();
        goto Choose;

\* ------------------------------------------------------------------------------------ put
Put:    \* cc_ring_list_put
        ring := tail;
        if put_name[self] = tail then goto PutIn end if;
PutName:
        put_name[self] := ring;
PutName2:
        if tail # ring then
            ring := None;
            if is_offering then goto Offered elsif self \in Offerers then goto Offer else goto Put end if;
        elsif is_offering then goto Finalize end if;
PutIn:
        Use(ring);
        if ~final[ring] /\ Len(words[ring]) < Slots then
            Place(<<self, step>>);
            words[ring] := Append(words[ring], <<self, step>>);
            Forget();
            goto Choose;
        elsif self \in Offerers then
            final[ring] := TRUE;
            ring := None;
            goto Offer;
        end if;
Finalize:
        Use(ring);
        if ~(is_offering /\ M("offers_behind_an_open_ring")) then final[ring] := TRUE end if;
Settle: \* the offer that this ring was is no more
        if ring[1] # 0 /\ ~M("not_settled") then
            if offered[ring[1]] = ring \/ M("settled_by_a_store") then offered[ring[1]] := None end if;
        end if;
        scan := 0;
Behind: \* cc_ring_list_append
        if is_offering /\ offered[self] = None /\ ~M("no_look_after_settling") then ring := None; goto Offered
        elsif next[ring] = Closed then
            offered[self] := None; is_offering := FALSE; passed[self] := 0; Forget(); goto Choose
        elsif next[ring] # None then goto MoveTail end if;
Scan:   \* whose turn is it? After the one whose ring this is.
        while candidate = None /\ scan < N /\ ~(M("only_his_own") /\ ~is_offering) do
            with t = (((IF M("no_turns") THEN 0 ELSE ring[1]) + scan) % N) + 1 do
                candidate := offered[t];
            end with;
            scan := scan + 1;
        end while;
        scan := 0;
        if candidate = None then
            if is_offering /\ ~M("no_look_after_settling") then ring := None; goto Offered else candidate := <<self, step>> end if;
        end if;
Link:
        if next[ring] = None then
            verdict := IF candidate \in linked THEN "linked twice"
                       ELSE IF candidate \in placed THEN "twice"
                       ELSE IF ~final[ring] THEN "behind an open ring" ELSE verdict;
            next[ring] := candidate;
            linked := linked \cup {candidate};
            words[candidate] := <<candidate>>;
            placed := placed \cup {candidate};
            queue := Append(queue, candidate);
            passed := [t \in Threads |-> IF offered[t] # None /\ offered[t] \notin linked THEN passed[t] + 1 ELSE passed[t]];
        else
            candidate := None;
            if next[ring] = Closed then goto Behind end if;
        end if;
MoveTail:
        if tail = ring then tail := next[ring] end if;
        if is_offering then ring := None; candidate := None; goto Offered
        elsif candidate = <<self, step>> then Forget(); goto Choose
        else ring := None; candidate := None; goto Put end if;

Offer:
        offered[self] := <<self, step>>;
        passed[self] := 0;
        is_offering := TRUE;
Offered:
        if offered[self] = None then
            is_offering := FALSE;
            passed[self] := 0;
            verdict := IF <<self, step>> \in placed THEN verdict ELSE "lost";
            Forget();
            goto Choose;
        else
            ring := tail;
            if put_name[self] = tail then goto Finalize else goto PutName end if;
        end if;

\* ------------------------------------------------------------------------------------ close
Close:  \* cc_ring_list_close
        ring := tail;
        put_name[self] := ring;
Close2:
        if tail # ring then goto Close end if;
Close3:
        if next[ring] = None then final[ring] := TRUE end if;
Close4:
        if next[ring] = None then
            next[ring] := Closed;
            Forget();
            goto Choose;
        end if;
Close5:
        if tail = ring then tail := next[ring] end if;
        goto Close;
    end while;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* FIFO, EMPTY and CLOSED are true, and no word is lost. *)
QueueFIFO == ~is_lost /\ verdict \notin {"out of order", "not empty", "not closed", "left with words", "lost", "not at home"}
LinkedOnce == verdict \notin {"linked twice", "twice", "behind an open ring"}
NeverUsesRecycled == ~is_misused
RECURSIVE From(_)
From(r) == IF r \in {None, Closed} THEN <<>> ELSE words[r] \o From(next[r])
NoLoss == queue = From(head)

(* An offer is passed by one link that was under way, and then by those whose turn comes before; a wish by two moves of each of
   the others, and one of its owner. *)
BoundedLinks == \A t \in Offerers : passed[t] <= N
BoundedMoves == \A t \in Wishers : passed[t] <= 2 * (Cardinality(Getters) - 1) + 1

Finishes == <>(\A t \in Threads : pc[t] = "Done")
=============================================================================
