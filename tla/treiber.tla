------------------------------ MODULE treiber ------------------------------
(* Treiber's stack with an elimination array, as csrc/stack does it: one cell, the bit that closes, nodes that are used
   again when no open region can have read them, and looks at words that pops hand over meanwhile.

   Reclamation is that of smr_ibr and smr_debra in one sentence: a retired thing goes when every region that was open at
   its retirement has been closed. Who pops a word drops it at once, so that whoever looks at it in vain is seen. The
   abstract stack changes at the linearization points.                                                              *)
EXTENDS Integers, Sequences, FiniteSets, TLC

CONSTANTS
    Nodes,     \* that there are
    Pushers, Poppers, Both, Again, Closers, Lookers, \* threads; Both: push, pop, push; Again: pop, push
    Pushes, Pops, \* how often a pusher pushes, and a popper pops
    Held,      \* words that are inside at the beginning
    Mutation   \* "none", or what is broken on purpose

Threads == Pushers \cup Poppers \cup Both \cup Again \cup Closers \cup Lookers
Operations(t) == CASE t \in Pushers -> Pushes [] t \in Poppers -> Pops [] t \in Both -> 3 [] t \in Again -> 2 [] OTHER -> 1
Operation(t, i) == CASE t \in Pushers -> "push"
                     [] t \in Poppers -> "pop"
                     [] t \in Both -> IF i = 2 THEN "pop" ELSE "push"
                     [] t \in Again -> IF i = 1 THEN "pop" ELSE "push"
                     [] t \in Closers -> "close"
                     [] OTHER -> "look"
Words == {<<t, i>> : t \in Threads, i \in 1 .. 3} \cup {<<0, i>> : i \in 1 .. 3}
Nothing == <<0, 0>>
None == 0
M(name) == Mutation = name
FreeCell == [count |-> 0, offerer |-> None, closed |-> FALSE]

(* --algorithm treiber
variables
    top = Held, is_closed = FALSE,
    next = [n \in 1 .. Nodes |-> IF n <= Held THEN n - 1 ELSE 0],
    word = [n \in 1 .. Nodes |-> IF n <= Held THEN <<0, n>> ELSE Nothing],
    state = [n \in 1 .. Nodes |-> IF n <= Held THEN "in" ELSE "free"], \* or own, popped, retired
    cell = FreeCell,
    offer = [t \in Threads |-> Nothing],
    lookers = 0,
    open = {},                                  \* threads in a region
    read = [t \in Threads |-> {}],              \* nodes that a region has read
    pins = [n \in 1 .. Nodes |-> {}],           \* of a retired node
    word_pins = [w \in Words |-> {}],           \* of a word whose reference is retired
    reference = [w \in Words |-> "held"],       \* or retired, dropped
    \* history
    inside = [i \in 1 .. Held |-> <<0, Held + 1 - i>>], \* the abstract stack
    put = {<<0, i>> : i \in 1 .. Held}, out = {},
    closed = FALSE, said_closed = FALSE,
    wrong = "nothing";

define
    MayUse(n) == state[n] = "free" \/ (state[n] = "retired" /\ (pins[n] = {} \/ M("no_reclamation")))
    IsGone(w) == reference[w] = "dropped" \/ (reference[w] = "retired" /\ word_pins[w] = {})
end define;

macro Complain(about) begin
    if wrong = "nothing" then wrong := about end if;
end macro;

\* A word is in, and on top; or, as a pair, in and out.
macro Push(w) begin
    if w \in put then Complain("twice")
    elsif closed then Complain("closed")
    end if;
    put := put \cup {w};
    inside := <<w>> \o inside;
end macro;
macro Pop(w) begin
    if w \in out then Complain("twice")
    elsif inside = << >> \/ Head(inside) # w then Complain("order")
    end if;
    out := out \cup {w};
    inside := IF inside = << >> THEN inside ELSE Tail(inside);
end macro;
macro Pair(w) begin
    if w \in put \/ w \in out then Complain("twice")
    elsif closed then Complain("closed")
    end if;
    put := put \cup {w};
    out := out \cup {w};
end macro;
macro Forget() begin
    node := 0; seen := 0; beyond := 0; mine := FreeCell; got := Nothing; expected := << >>;
end macro;
macro LeaveRegion() begin
    open := open \ {self};
    read[self] := {};
    pins := [n \in 1 .. Nodes |-> pins[n] \ {self}];
    word_pins := [w \in Words |-> word_pins[w] \ {self}];
end macro;

fair process thread \in Threads
variables step = 0, first = TRUE, node = 0, seen = 0, beyond = 0, mine = FreeCell, got = Nothing, expected = << >>, found_looker = FALSE;
begin
Choose:
    while step < Operations(self) do
        step := step + 1;
        first := TRUE;
        if Operation(self, step) = "push" then goto Push
        elsif Operation(self, step) = "pop" then goto Pop
        elsif Operation(self, step) = "close" then goto Close
        else goto Look end if;

Push:   \* take_spare_node, or cc_alloc
        with n \in {m \in 1 .. Nodes : MayUse(m)} do
            node := n;
            if \E t \in open : n \in read[t] then Complain("reuse") end if;
            state[n] := "own" || pins[n] := {};
            word[n] := <<self, step>>;
        end with;
PushTop: \* push_node; operations that go to the array first lose a race against somebody who is not in this model
        either
            if is_closed then
                state[node] := "free";
                Forget();
                goto Choose;
            else
                seen := top;
            end if;
        or
            await first /\ ~is_closed;
            first := FALSE;
            goto Offer;
        end either;
PushSwap:
        next[node] := seen;
        if top = seen /\ ~is_closed then
            top := node;
            state[node] := "in";
            Push(<<self, step>>);
            Forget();
            goto Choose;
        end if;
Offer:  \* cc_offer_word
        mine := cell;
        offer[self] := IF cell.closed THEN offer[self] ELSE <<self, step>>;
        if cell.closed \/ cell.offerer # None then goto PushTop end if;
OfferSwap:
        if cell = mine then
            mine := [count |-> IF M("cell_without_count") THEN 0 ELSE mine.count + 1, offerer |-> self, closed |-> FALSE];
            cell := mine;
        else
            goto PushTop;
        end if;
Withdraw:
        if cell = mine \/ (M("withdraws_by_a_store") /\ ~cell.closed) then
            cell := [count |-> IF M("cell_without_count") THEN 0 ELSE mine.count + 1, offerer |-> None, closed |-> FALSE];
            goto PushTop;
        elsif cell = [mine EXCEPT !.closed = TRUE] /\ ~M("closed_offer_is_taken") then
            goto PushTop;
        elsif M("pushes_again") then
            goto PushTop;
        else
            \* Taken.
            if <<self, step>> \notin out then Complain("lost") end if;
            state[node] := "free";
            Forget();
            goto Choose;
        end if;

Pop:    \* cc_enter_as
        open := open \cup {self};
PopTop: \* read_top
        either
            await first;
            first := FALSE;
            goto LookForOffer;
        or
        if top = 0 then
            if inside # << >> then Complain("order")
            elsif is_closed then said_closed := TRUE end if;
            LeaveRegion();
            Forget();
            goto Choose;
        else
            seen := top;
        end if;
        end either;
PopNext:
        if M("asks_before_unlinking") then found_looker := lookers # 0 end if;
        read[self] := read[self] \cup {seen};
        beyond := next[seen];
PopSwap: \* take
        if top = seen then
            top := beyond;
            got := word[seen];
            Pop(word[seen]);
            state[seen] := "popped";
            node := seen;
            goto Leave;
        end if;
LookForOffer: \* cc_take_offer
        mine := cell;
        if cell.offerer = None \/ cell.closed then goto PopTop end if;
ReadOffer:
        got := offer[mine.offerer];
Take:
        if cell = mine \/ M("takes_without_a_swap") then
            if cell = mine then
                cell := [count |-> IF M("cell_without_count") THEN 0 ELSE cell.count + 1, offerer |-> None, closed |-> FALSE];
            end if;
            Pair(got);
            reference[got] := "dropped";
            LeaveRegion();
            Forget();
            goto Choose;
        else
            goto PopTop;
        end if;
Leave:  \* cc_leave
        LeaveRegion();
        seen := 0;
AskLookers: \* after_unlinking
        if ~M("asks_before_unlinking") then found_looker := lookers # 0 end if;
Retire: \* cc_retire; look_after_popped
        state[node] := "retired";
        pins[node] := open;
        if found_looker /\ ~M("hands_over_beside_looks") then
            reference[got] := "retired";
            word_pins[got] := open;
        else
            reference[got] := "dropped";
        end if;
        found_looker := FALSE;
        Forget();
        goto Choose;

Look:   \* begin_looking
        if ~M("looks_without_saying_so") then lookers := lookers + 1 end if;
LookEnter:
        open := open \cup {self};
LookTop: \* read_top_word, copy_words
        seen := top;
        expected := inside;
LookWord:
        if seen # 0 then
            if expected = << >> \/ Head(expected) # word[seen] then Complain("snapshot") end if;
            got := word[seen];
            beyond := next[seen];
            read[self] := read[self] \cup {seen};
            expected := IF expected = << >> THEN expected ELSE Tail(expected);
        else
            if expected # << >> then Complain("snapshot") end if;
            goto LookEnds;
        end if;
Acquire:
        if IsGone(got) then Complain("acquired") end if;
        seen := beyond;
        goto LookWord;
LookEnds: \* end_looking
        LeaveRegion();
        if ~M("looks_without_saying_so") then lookers := lookers - 1 end if;
        Forget();
        goto Choose;

Close:  \* cc_stack_close
        if ~M("closes_top_only") then
            if M("closes_top_first") then is_closed := TRUE || closed := TRUE
            else cell.closed := TRUE end if;
        end if;
Close2:
        if M("closes_top_first") then cell.closed := TRUE
        else is_closed := TRUE || closed := TRUE end if;
    end while;
end process;
end algorithm; *)

\* BEGIN TRANSLATION
\* END TRANSLATION

RECURSIVE Chain(_, _)
Chain(n, most) == IF n = 0 \/ most = 0 THEN << >> ELSE <<word[n]>> \o Chain(next[n], most - 1)

Ended == \A t \in Threads : pc[t] = "Done"

\* Every pop takes what is on top, EMPTY is said of an empty stack only, and the list is the stack.
LIFO == wrong # "order" /\ Chain(top, Nodes + 1) = inside
\* No word goes in twice, and none comes out twice.
ExactlyOnce == wrong # "twice"
\* A push that returns has put its word in, or handed it over; nothing is inside that was not put.
NoLoss == wrong # "lost" /\ {inside[i] : i \in DOMAIN inside} = put \ out /\ (Ended => cell.offerer = None \/ cell.closed)
\* What a region has read is not used again.
NoReuse == wrong # "reuse"
\* What is acquired has not been dropped.
SafeLooks == wrong # "acquired"
\* A look shows what was inside at one instant.
Snapshots == wrong # "snapshot"
\* Nothing goes in behind the close; where a pop has said so, nothing is left.
ClosedIsTheEnd == wrong # "closed" /\ (said_closed => inside = << >>)
=============================================================================
