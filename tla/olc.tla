--------------------------------- MODULE olc ---------------------------------
(* The B+tree of csrc/ordered with optimistic locks: an anchor, one inner node below it, leaves of two
   sorted entries. A writer locks; a reader reads what it likes and then looks whether the leaf's version
   is still the one that it began with. Inner nodes never change but for their children: a leaf that is
   split, or empty, goes with its parent, and both are replaced by copies.

   Reclamation is what smr_ibr.tla and smr_debra.tla show it to be; what it asks for is checked here: a
   node or a value that is used had not been retired at the moment when the pointer to it was read.   *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Ops,        \* <<[op |-> .., key |-> .., value |-> ..], ...>>: a thread for each
    Left,       \* the leaves at the beginning, with keys below Separator and from it on:
    Right,      \*   <<<<key, value>>, ...>>
    Separator,
    Mutation    \* "none", or what is broken on purpose

\* Values for these; a configuration cannot say records.
Get(k) == [op |-> "get", key |-> k, value |-> 0]
Put(k, v) == [op |-> "put", key |-> k, value |-> v]
Rem(k) == [op |-> "rem", key |-> k, value |-> 0]
Lower(k) == [op |-> "lower", key |-> k, value |-> 0]
TwoAndFour == <<<<2, 1>>, <<4, 2>>>>
Two == <<<<2, 1>>>>
Six == <<<<6, 3>>>>
SplitReplaceGet == <<Put(3, 4), Put(4, 5), Get(4)>>
SplitRemoveGet == <<Put(3, 4), Rem(4), Get(4)>>
SplitTwiceLower == <<Put(3, 4), Put(5, 5), Lower(6)>>
ShiftAndLower == <<Rem(2), Put(5, 4), Lower(6)>>
ShiftAndGet == <<Rem(2), Put(3, 4), Get(4)>>
InsertsAndGet == <<Put(4, 4), Put(3, 5), Get(4)>>
LowerOverTheBorder == <<Put(4, 4), Put(2, 5), Lower(6)>>
EmptyAndPut == <<Rem(6), Put(7, 4), Get(7)>>
EmptyAndLower == <<Rem(6), Put(7, 4), Lower(8)>>

Room == 2
Keys == {2, 3, 4, 5, 6, 7}
Threads == 1 .. Len(Ops)
None == 0
M(name) == Mutation = name

Cells(entries, at) == [e \in 1 .. Room |-> IF e <= Len(entries) THEN entries[e][at] ELSE 0]
NewLeaf(entries, is_held) ==
    [key |-> Cells(entries, 1), value |-> Cells(entries, 2), count |-> Len(entries), version |-> 0,
     locked |-> is_held, changing |-> FALSE, marked |-> FALSE, retired |-> FALSE]
NewInner(separators, children, is_held) ==
    [separators |-> separators, children |-> children, locked |-> is_held, marked |-> FALSE, retired |-> FALSE]
ValueIn(entries, k) ==
    IF \E e \in 1 .. Len(entries) : entries[e][1] = k
    THEN entries[CHOOSE e \in 1 .. Len(entries) : entries[e][1] = k][2] ELSE None
Max(s) == CHOOSE x \in s : \A y \in s : y <= x

(* --algorithm olc
variables
    anchor = 1,
    inner = <<NewInner(<<Separator>>, <<1, 2>>, FALSE)>>,
    leaf = <<NewLeaf(Left, FALSE), NewLeaf(Right, FALSE)>>,
    retired = {},                             \* values
    map = [k \in Keys |-> ValueIn(Left \o Right, k)],    \* what the tree stands for
    right = [t \in Threads |-> {}],           \* answers that were right at some point of t's operation
    touched_retired = FALSE,
    lost_update = FALSE;

define
    RightNow(o, m) ==
        IF o.op = "lower"
        THEN LET below == {k \in Keys : k < o.key /\ m[k] # None} IN IF below = {} THEN None ELSE m[Max(below)]
        ELSE m[o.key]
    ChildFor(n, k) == 1 + Cardinality({s \in 1 .. Len(inner[n].separators) : inner[n].separators[s] <= k})
    WithoutOne(s, e) == SubSeq(s, 1, e - 1) \o SubSeq(s, e + 1, Len(s))
end define;

(* Linearization point of an update. *)
macro takes_effect(k, expected, new) begin
    if map[k] # expected then lost_update := TRUE end if;
    right := [t \in Threads |-> IF right[t] = {} THEN {} ELSE right[t] \cup {RightNow(Ops[t], [map EXCEPT ![k] = new])}];
    map[k] := new;
end macro;

fair process thread \in Threads
variables
    mine = Ops[self],
    p = 1, i = 0, l = 0,                      \* the path: inner node, number of the child, leaf
    version = 0, count = 0, j = 1, found = FALSE,
    left = 0, left_version = 0,               \* lower, over the border
    value = None, value_was_there = TRUE,
    answer = None;
begin
Begin:
    right[self] := {RightNow(mine, map)};
Root:
    left := 0; found := FALSE; value := None; value_was_there := TRUE; j := 1;
    p := anchor;
Child:
    i := ChildFor(p, mine.key);
    l := inner[p].children[i];
LookAtMark: \* unmarked after the load of the child: so the child was not retired then
    if inner[p].marked /\ ~M("path_unchecked") then goto Root
    elsif leaf[l].retired then touched_retired := TRUE; goto Done end if;
State:
    await ~leaf[l].changing \/ leaf[l].marked \/ M("reads_what_changes");
    if leaf[l].marked then goto Root else version := leaf[l].version end if;
Count:
    count := leaf[l].count;
Search: \* the first key that is not less; a key at each step
    if j <= count /\ leaf[l].key[j] < mine.key then j := j + 1; goto Search
    else found := j <= count /\ leaf[l].key[j] = mine.key end if;
Decide:
    if mine.op = "lower" then
        if j > 1 then j := j - 1; goto Value
        elsif i = 1 then goto Validate
        else goto GoLeft end if;
    elsif mine.op = "get" then
        if ~found then goto Validate end if;
    elsif mine.op = "rem" /\ ~found then goto Validate
    else goto Lock end if;
Value:
    value := leaf[IF left = 0 THEN l ELSE left].value[j];
    value_was_there := leaf[IF left = 0 THEN l ELSE left].value[j] \notin retired;
Validate: \* first the leaf on the left, where there is one
    if left # 0 /\ (leaf[left].version # left_version \/ leaf[left].changing \/ leaf[left].marked) then goto Root end if;
Validate2:
    if ~M("no_validation") /\ ~(M("one_of_two") /\ left # 0) /\
       (leaf[l].version # version \/ leaf[l].changing \/ leaf[l].marked) then goto Root
    else
        if ~value_was_there then touched_retired := TRUE end if;
        answer := value;
        goto Answer;
    end if;

GoLeft: \* the next leaf on the left, by the path
    left := inner[p].children[i - 1];
GoLeft2:
    if inner[p].marked then goto Root
    elsif leaf[left].retired then touched_retired := TRUE; goto Done end if;
GoLeft3:
    await ~leaf[left].changing \/ leaf[left].marked;
    if leaf[left].marked then goto Root else left_version := leaf[left].version end if;
GoLeft4:
    j := leaf[left].count;
    if j = 0 then goto Validate else goto Value end if;

Lock: \* only as it was read: a replacement says no more than that it is locked
    if leaf[l].locked \/ (leaf[l].marked /\ ~M("locks_what_is_marked")) \/
       (leaf[l].version # version /\ ~M("locks_another_version")) then
        await ~leaf[l].locked; goto Root;
    else
        leaf[l].locked := TRUE ||
        leaf[l].changing := ~M("does_not_say_so") /\ (mine.op = "rem" \/ (~found /\ count < Room));
        if mine.op = "rem" then value := leaf[l].value[j]; goto TakeOut
        elsif found then goto Replace
        elsif count < Room then goto Shift
        else goto LockParent end if;
    end if;

Replace: \* one store
    value := leaf[l].value[j];
    takes_effect(mine.key, leaf[l].value[j], mine.value);
    leaf[l].value[j] := mine.value;
    goto Unlock;

Shift: \* from the last entry down to the place
    if j <= count then leaf[l].key[j + 1] := leaf[l].key[j] end if;
Shift2:
    if j <= count then leaf[l].value[j + 1] := leaf[l].value[j] end if;
PutIn:
    leaf[l].key[j] := mine.key;
PutIn2:
    leaf[l].value[j] := mine.value;
PutIn3:
    takes_effect(mine.key, None, mine.value);
    leaf[l].count := count + 1;
    goto Unlock;

TakeOut:
    takes_effect(mine.key, value, None);
    if j < count then leaf[l].key[j] := leaf[l].key[j + 1] end if;
TakeOut2:
    if j < count then leaf[l].value[j] := leaf[l].value[j + 1] end if;
TakeOut3:
    leaf[l].count := count - 1;

Unlock: \* with another version, when the entries have moved
    leaf[l].locked := FALSE ||
    leaf[l].version := IF leaf[l].changing /\ ~M("version_stays") THEN version + 1 ELSE version ||
    leaf[l].changing := FALSE;
Retire: \* what was taken out; nobody finds it any more
    retired := retired \cup ({value} \ {None});
    answer := value;
    if mine.op = "rem" /\ count = 1 then goto LockEmpty else goto Answer end if;

LockEmpty: \* the leaf is empty: it goes, when nobody is in the way
    if leaf[l].locked \/ leaf[l].marked \/ leaf[l].count # 0 then goto Answer
    else leaf[l].locked := TRUE end if;
LockParent:
    if inner[p].locked \/ inner[p].marked then \* never waits with a lock in hand
        leaf[l].locked := FALSE;
        if answer # None then goto Answer else goto Root end if;
    elsif answer # None /\ Len(inner[p].children) = 1 then
        leaf[l].locked := FALSE;
        goto Answer;
    else
        inner[p].locked := TRUE;
    end if;
Copy: \* private, and complete
    with a = <<leaf[l].key[1], leaf[l].value[1]>>, b = <<leaf[l].key[2], leaf[l].value[2]>>,
         is_locked = ~M("published_unlocked"), x = Len(leaf) + 1, q = inner[p] do
        if answer # None then
            inner := Append(inner, NewInner(WithoutOne(q.separators, IF i = 1 THEN 1 ELSE i - 1), WithoutOne(q.children, i),
                                            ~M("parent_published_unlocked")));
        else
            leaf := leaf \o (IF M("published_before_filled") THEN <<NewLeaf(<<>>, is_locked), NewLeaf(<<>>, is_locked)>>
                             ELSE <<NewLeaf(<<a>>, is_locked), NewLeaf(<<b>>, is_locked)>>);
            inner := Append(inner, NewInner(SubSeq(q.separators, 1, i - 1) \o <<b[1]>> \o SubSeq(q.separators, i, Len(q.separators)),
                                            SubSeq(q.children, 1, i - 1) \o <<x, x + 1>> \o SubSeq(q.children, i + 1, Len(q.children)),
                                            ~M("parent_published_unlocked")));
            j := x;
        end if;
        count := Len(inner); \* the new one
    end with;
Publish:
    anchor := count;
    if ~M("published_before_filled") \/ answer # None then goto MarkLeaf end if;
Fill:
    with a = <<leaf[l].key[1], leaf[l].value[1]>>, b = <<leaf[l].key[2], leaf[l].value[2]>> do
        leaf[j] := NewLeaf(<<a>>, TRUE) || leaf[j + 1] := NewLeaf(<<b>>, TRUE);
    end with;
MarkLeaf:
    leaf[l].marked := ~M("never_marks") || leaf[l].locked := FALSE;
MarkParent:
    inner[p].marked := ~M("never_marks") || inner[p].locked := FALSE;
UnlockParent: \* only now: through it a child could go while the old parent still vouches for that
    if inner[count].locked then inner[count].locked := FALSE end if;
    if answer # None then goto RetireNodes end if;
UnlockNew:
    if leaf[j].locked then leaf[j].locked := FALSE end if;
UnlockNew2:
    if leaf[j + 1].locked then leaf[j + 1].locked := FALSE end if;
RetireNodes: \* as memory: their words have moved
    leaf[l].retired := TRUE;
    inner[p].retired := TRUE;
    if answer = None then goto Root end if;

Answer:
    if answer \notin right[self] then lost_update := TRUE end if;
    right[self] := {};
    left := 0; found := FALSE; value_was_there := TRUE; j := 1; p := 1; i := 0; l := 0; version := 0; count := 0;
    left_version := 0; value := None; answer := None; \* fewer states
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

NeverTouchesRetired == ~touched_retired

(* Every answer was right at some point of its operation, and every update was one of what was there. *)
Linearizable == ~lost_update

AllDone == \A t \in Threads : pc[t] = "Done"
Linked == {inner[anchor].children[c] : c \in 1 .. Len(inner[anchor].children)}

(* At the end the tree is the map, and nobody has left a lock behind. *)
TreeIsMap == AllDone =>
    /\ \A k \in Keys : map[k] # None =>
           LET its == leaf[inner[anchor].children[ChildFor(anchor, k)]]
           IN \E e \in 1 .. its.count : its.key[e] = k /\ its.value[e] = map[k]
    /\ \A x \in Linked : \A e \in 1 .. leaf[x].count : map[leaf[x].key[e]] # None
    /\ \A x \in Linked : ~leaf[x].locked /\ ~leaf[x].changing /\ ~leaf[x].marked
    /\ ~inner[anchor].locked /\ ~inner[anchor].marked

Finishes == <>AllDone
=============================================================================
