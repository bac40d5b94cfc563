----------------------------- MODULE lazy_skiplist -----------------------------
(* The skip list with locks of csrc/ordered (Herlihy, Lev, Luchangco, Shavit), of two levels. A search takes
   no lock. A writer tries to lock the place that it has found, looks whether the place still is as it was
   seen, and changes it only then.

   Reclamation is what smr_ibr.tla and smr_debra.tla show it to be: no node comes back here.             *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Ops,        \* <<[op |-> .., key |-> .., value |-> .., height |-> ..], ...>>: a thread for each
    First,      \* the nodes at the beginning, in order: <<<<key, value, height>>, ...>>
    Mutation    \* "none", or what is broken on purpose

\* Values for these; a configuration cannot say records.
Get(k) == [op |-> "get", key |-> k, value |-> 0, height |-> 0]
Put(k, v, h) == [op |-> "put", key |-> k, value |-> v, height |-> h]
Rem(k) == [op |-> "rem", key |-> k, value |-> 0, height |-> 0]
TwoAndFour == <<<<2, 1, 2>>, <<4, 2, 1>>>>
TwoAndThree == <<<<2, 1, 2>>, <<3, 2, 2>>>>
Two == <<<<2, 1, 1>>>>
InsertBehindRemoved == <<Put(3, 3, 2), Rem(2), Get(3)>>
InsertTwice == <<Put(3, 3, 2), Put(3, 4, 1)>>
InsertOnBothSides == <<Put(1, 3, 2), Put(3, 4, 2), Get(3)>>
RemoveNeighbours == <<Rem(2), Rem(3), Get(3)>>
InsertAndRemove == <<Put(3, 3, 2), Rem(3), Get(3)>>
ReplaceAndRemove == <<Put(3, 3, 1), Rem(3)>>

None == 0
TheHead == 1
Levels == 1 .. 2
Threads == 1 .. Len(Ops)
New(t) == 1 + Len(First) + t
Nodes == 1 .. New(Len(Ops))
M(name) == Mutation = name

KeyOf(n) == IF n = TheHead THEN 0 ELSE IF n <= 1 + Len(First) THEN First[n - 1][1] ELSE Ops[n - 1 - Len(First)].key
HeightOf(n) == IF n = TheHead THEN 2 ELSE IF n <= 1 + Len(First) THEN First[n - 1][3] ELSE Ops[n - 1 - Len(First)].height
FirstOn(level, n) ==
    LET behind == {m \in 2 .. 1 + Len(First) : m > n /\ HeightOf(m) >= level}
    IN IF n > 1 + Len(First) \/ behind = {} THEN None ELSE CHOOSE m \in behind : \A o \in behind : m <= o
Keys == {KeyOf(n) : n \in Nodes} \ {0}

(* --algorithm lazy_skiplist
variables
    next = [n \in Nodes |-> [level \in Levels |-> FirstOn(level, n)]],
    marked = [n \in Nodes |-> [level \in Levels |-> FALSE]],
    value = [n \in Nodes |-> IF n \in 2 .. 1 + Len(First) THEN First[n - 1][2] ELSE None],   \* None: dead
    last = value,                             \* what a node has had before its death
    holder = [n \in Nodes |-> None],          \* of its lock, a thread
    map = [k \in Keys |-> LET its == {n \in 2 .. 1 + Len(First) : KeyOf(n) = k}
                          IN IF its = {} THEN None ELSE First[(CHOOSE n \in its : TRUE) - 1][2]],  \* what the list stands for
    right = [t \in Threads |-> {}],           \* answers that were right at some point of t's operation
    is_wrong = FALSE;

define
    \* The nodes to lock that come before a node, on its levels.
    BeforeOn(b, h) == {b[level] : level \in 1 .. (IF M("locks_level_0_alone") THEN 1 ELSE h)}
    IsAsSeen(b, a, h) ==
        \A level \in 1 .. h : next[b[level]][level] = a[level] /\ (~marked[b[level]][level] \/ M("validates_without_mark"))
end define;

(* Linearization point of an update. *)
macro takes_effect(k, expected, new) begin
    if map[k] # expected then is_wrong := TRUE end if;
    right := [t \in Threads |-> IF right[t] # {} /\ Ops[t].key = k THEN right[t] \cup {new} ELSE right[t]];
    map[k] := new;
end macro;

macro give_back() begin
    holder := [n \in Nodes |-> IF holder[n] = self THEN None ELSE holder[n]];
end macro;

process thread \in Threads
variables
    mine = Ops[self],
    before = [x \in Levels |-> TheHead], after = [x \in Levels |-> None],
    p = TheHead, c = None, at = 2, node = None, height = 0, answer = None, to_lock = {};
begin
Begin:
    right[self] := {map[mine.key]};
Search:
    p := TheHead; at := 2; c := None; to_lock := {};
Step: \* a link of a node that is taken out is marked: start over
    if marked[p][at] then goto Search else c := next[p][at] end if;
LookAtMark:
    if c # None /\ marked[c][at] then goto Search
    elsif c # None /\ KeyOf(c) < mine.key then p := c; goto Step
    else
        before[at] := p || after[at] := c;
        if at = 2 then at := 1; goto Step end if;
    end if;
Decide:
    if c # None /\ KeyOf(c) = mine.key then node := c; goto Value
    elsif mine.op = "put" then
        node := New(self);
        height := mine.height;
        to_lock := BeforeOn(before, height) \cup (IF M("new_node_unlocked") THEN {} ELSE {node});
        goto Lock;
    else
        goto Answer;
    end if;

Value: \* of an entry with the key
    answer := IF M("get_ignores_death") /\ mine.op = "get" THEN last[node] ELSE value[node];
    if mine.op = "get" then
        goto Answer;
    elsif answer = None /\ mine.op = "put" then \* it is about to go
        await holder[node] = None;
        goto Search;
    elsif answer = None then goto Answer
    elsif mine.op = "put" then goto Replace
    else
        height := HeightOf(node);
        to_lock := {node} \cup {before[l] : l \in {x \in 1 .. height : after[x] = node /\ (x = 1 \/ ~M("locks_level_0_alone"))}};
        if (\A l \in 1 .. height : after[l] = node) \/ M("new_node_unlocked") then goto Lock
        else
            await holder[node] = None;
            goto Search;
        end if;
    end if;
Replace: \* the CAS of a value, which takes no lock
    if value[node] # answer then goto Value
    else
        takes_effect(mine.key, answer, mine.value);
        value[node] := mine.value;
        last[node] := mine.value;
        goto Answer;
    end if;

Lock: \* one after the other, in any order, by trying
    with x \in to_lock do
        if holder[x] # None then
            c := x;
            to_lock := {};
            if ~M("waits_with_a_lock") then give_back() end if;
            goto Wait;
        else
            holder[x] := self;
            to_lock := to_lock \ {x};
            if to_lock # {} then goto Lock end if;
        end if;
    end with;
Validate:
    if ~M("no_validation") /\
       ~IsAsSeen(before, after, IF M("new_node_unlocked") /\ mine.op = "rem" /\ after[2] # node THEN 1 ELSE height) then
        if ~M("keeps_locks") then give_back() end if;
        goto Search;
    elsif mine.op = "rem" then
        at := height;
        if M("unlinks_before_death") then goto TakeOut else goto Die end if;
    else
        next[node] := [x \in Levels |-> IF x <= height THEN after[x] ELSE None];
        at := 1;
    end if;
Link: \* from below
    if at = 1 then
        takes_effect(mine.key, None, mine.value);
        value[node] := mine.value;
        last[node] := mine.value;
    end if;
    next[before[at]][at] := node;
    if at < height then at := at + 1; goto Link else answer := None; goto Unlock end if;

Die: \* a replacement may be faster
    answer := value[node];
Die2:
    if value[node] # answer then goto Die
    else
        takes_effect(mine.key, answer, None);
        value[node] := None;
        if M("unlinks_before_death") then goto Unlock end if;
    end if;
TakeOut: \* from above
    if after[at] = node then next[before[at]][at] := next[node][at] end if;
TakeOut2:
    marked[node][at] := TRUE;
    if at > 1 then at := at - 1; goto TakeOut
    elsif M("unlinks_before_death") then goto Die end if;
Unlock:
    give_back();
    goto Answer;

Wait: \* with empty hands
    await holder[c] = None;
    goto Search;

Answer:
    if answer \notin right[self] then is_wrong := TRUE end if;
    right[self] := {};
    before := [l \in Levels |-> TheHead]; after := [l \in Levels |-> None]; \* fewer states
    p := TheHead; c := None; node := None; at := 2; height := 0; answer := None; to_lock := {};
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

RECURSIVE Behind(_, _, _)
Behind(m, level, most) == \* as many as that: a list that is broken may go round
    LET n == next[m][level] IN IF n = None \/ most = 0 THEN {} ELSE {n} \cup Behind(n, level, most - 1)
On(level) == Behind(TheHead, level, Cardinality(Nodes))

(* Every answer was right at some point of its operation, and every update was one of what was there. *)
Linearizable == ~is_wrong

(* What is in the list is in the map, and the other way round; whoever is linked above is linked below. *)
ListIsMap ==
    LET lower == On(1) IN
    /\ \A k \in Keys : map[k] = LET its == {m \in lower : KeyOf(m) = k /\ value[m] # None}
                                IN IF its = {} THEN None ELSE value[CHOOSE m \in its : TRUE]
    /\ On(2) \subseteq lower

(* Nor is there one behind a node of the same key that is dead. *)
NoKeyTwice == \A m \in Nodes, level \in Levels : next[m][level] # None => KeyOf(m) < KeyOf(next[m][level])

(* There is no deadlock, since whoever waits or searches has nothing that others wait for. *)
NobodyWaitsWithALock ==
    \A t \in Threads : pc[t] \in {"Begin", "Search", "Step", "LookAtMark", "Decide", "Value", "Replace", "Wait", "Answer", "Done"}
                       => \A m \in Nodes : holder[m] # t

(* At the end everything is linked on all its levels, nothing that is dead is left, and no lock is. *)
AllDone == \A t \in Threads : pc[t] = "Done"
NothingIsLeft == AllDone => /\ \A m \in Nodes : holder[m] = None
                            /\ \A level \in Levels : \A m \in On(level) : value[m] # None /\ ~marked[m][level]
                            /\ \A m \in On(1) : HeightOf(m) = 2 => m \in On(2)
=============================================================================
