-------------------------------- MODULE nm_tree --------------------------------
(* The binary search tree of csrc/ordered/bst.c: entries are leaves, edges are marked, a swing of the last clean
   edge unlinks a chain of nodes, and whoever swings retires all of it.

   Reclamation is what smr_ibr.tla and smr_debra.tla show it to be; what it asks for is checked here: a node that
   an edge leads to had not been retired when the rule of steps was satisfied. Nodes are not used again.       *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Ops,        \* <<[op |-> .., key |-> .., value |-> ..], ...>>: a thread for each
    Before,     \* how many keys are there at the beginning: 1 .. Before, put in this order
    Mutation    \* "none", or what is broken on purpose

\* Values for these; a configuration cannot say records.
Get(k) == [op |-> "get", key |-> k, value |-> 0]
Put(k, v) == [op |-> "put", key |-> k, value |-> v]
Rem(k) == [op |-> "rem", key |-> k, value |-> 0]
Lower(k) == [op |-> "lower", key |-> k, value |-> 0]
Pop == [op |-> "pop", key |-> 0, value |-> 0]
Scan == [op |-> "scan", key |-> 0, value |-> 0]
Chain == <<Rem(1), Rem(3), Get(2)>>
ChainAndPut == <<Rem(1), Rem(3), Put(1, 4)>>
RemoveAndPut == <<Rem(1), Put(1, 4), Get(1)>>
PopPutGet == <<Pop, Put(1, 4), Get(1)>>
InFrontOfPop == <<Put(1, 4), Pop, Get(2)>>
PopsAndRemove == <<Pop, Pop, Rem(2)>>
GapLeftRight == <<Put(2, 4), Rem(2), Put(3, 5), Lower(4)>>
ScanAndMove == <<Rem(1), Put(1, 4), Scan>>

Threads == 1 .. Len(Ops)
M(name) == Mutation = name
None == 0
Keys == 0 .. 4
Infinite == 9
Max(s) == CHOOSE x \in s : \A y \in s : y <= x

(* Inner nodes are 1, 2, ...; leaves 101, 102, ...; 0 is beyond all keys. What is there at the beginning has the
   first numbers, and each thread that puts has one of each for itself. *)
Nothing == 0
Root == <<0, 1>>
IsInner(n) == n \in 1 .. 99
FirstInner == Before + 1
Clean(x) == ~x.flag /\ ~x.tag
To(n, version) == [to |-> n, flag |-> FALSE, tag |-> FALSE, version |-> version]
OwnInner(t) == FirstInner + t
OwnLeaf(t) == 110 + t
Inners == 1 .. FirstInner + Len(Ops)
Leaves == 101 .. 110 + Len(Ops)
\* Keys 2, 4, ... where a gap is wanted, else 1, 2, ...
KeyOf(i) == IF Ops = GapLeftRight THEN (IF i = 1 THEN 1 ELSE 4) ELSE IF Ops = InFrontOfPop THEN 2 ELSE i

(* Inner node 1 is the infinite one; node i has the leaves of keys i - 1 and i, as they were put: below it on the
   left is what was put before. *)
FirstEdges ==
    [a \in ((Inners \cup {0}) \X {1, 2}) |->
        IF a = Root THEN To(1, 0)
        ELSE IF a = <<1, 1>> THEN To(IF Before > 1 THEN Before ELSE 101, 0)
        ELSE IF a[1] \in 2 .. Before /\ a[2] = 1 THEN To(IF a[1] = 2 THEN 101 ELSE a[1] - 1, 0)
        ELSE IF a[1] \in 2 .. Before THEN To(100 + a[1], 0)
        ELSE To(Nothing, 0)]

(* --algorithm nm_tree
variables
    edge = FirstEdges,
    inner_key = [n \in Inners |-> IF n = 1 THEN Infinite ELSE IF n <= Before THEN KeyOf(n) ELSE None],
    leaf_key = [l \in Leaves |-> IF l <= 100 + Before THEN KeyOf(l - 100) ELSE None],
    value = [l \in Leaves |-> IF l <= 100 + Before THEN l - 100 ELSE None],  \* None: dead
    retired = {},
    map = [k \in Keys |-> IF \E i \in 1 .. Before : KeyOf(i) = k THEN CHOOSE i \in 1 .. Before : KeyOf(i) = k ELSE None],
    right = [t \in Threads |-> {}],           \* answers that were right at some point of t's operation
    under_way = [l \in Leaves |-> {}],        \* who was, when a pop flagged the leaf
    touched_retired = FALSE, retired_twice = FALSE, lost_update = FALSE, not_the_first = FALSE, disorder = FALSE;

define
    RightNow(o, m) ==
        IF o.op = "lower"
        THEN LET below == {k \in Keys : k < o.key /\ m[k] # None} IN IF below = {} THEN None ELSE m[Max(below)]
        ELSE m[o.key]
    Side(o, n) == IF o.op \in {"pop", "scan"} \/ o.key < inner_key[n] THEN 1 ELSE 2
    Other(a) == <<a[1], 3 - a[2]>>
    Active == {t \in Threads : right[t] # {}}
    \* What a tree leads to, from the root down: at most as deep as there are inner nodes.
    RECURSIVE Below(_)
    Below(n) == IF IsInner(n) THEN {n} \cup Below(edge[<<n, 1>>].to) \cup Below(edge[<<n, 2>>].to) ELSE {n}
    Linked == Below(edge[Root].to) \ {Nothing}
    \* The chain from n to the parent, with the leaf beside each; the last one's on the side of `dead`.
    RECURSIVE Chained(_, _)
    Chained(n, dead) ==
        IF n = dead[1] THEN {n, edge[dead].to}
        ELSE LET s == IF edge[<<n, 1>>].flag THEN 1 ELSE 2
             IN {n, edge[<<n, s>>].to} \cup (IF IsInner(edge[<<n, 3 - s>>].to) THEN Chained(edge[<<n, 3 - s>>].to, dead) ELSE {})
end define;

(* Linearization point of an update. *)
macro takes_effect(k, expected, new) begin
    if map[k] # expected then lost_update := TRUE end if;
    right := [t \in Threads |-> IF right[t] = {} THEN {} ELSE right[t] \cup {RightNow(Ops[t], [map EXCEPT ![k] = new])}];
    map[k] := new;
end macro;

(* An edge x at address a has been read, below the clean edge `at` with word `word`. *)
macro arrive(x, a, at, word) begin
    if IsInner(x.to) then
        if Clean(x) then above := a; top := x else above := at; top := word end if;
        if mine.op = "lower" /\ Side(mine, x.to) = 2 then turn := <<x.to, 1>> end if;
        if mine.op = "scan" then path := Append(path, <<x.to, 2>>) end if;
        e := <<x.to, Side(mine, x.to)>>;
        goto Read;
    else
        e := a; w := x; above := at; top := word;
        goto Leaf;
    end if;
end macro;

process thread \in Threads
variables
    mine = Ops[self],
    above = Root, top = To(0, 0),             \* the last clean edge, and what it was
    e = Root, w = To(0, 0),                   \* the edge that we are at
    e2 = Root, w2 = To(0, 0),                 \* of a query: the other one
    turn = Root, path = <<>>, last = None,
    dead = Nothing, popped = FALSE,           \* the leaf that we have made dead
    found = None, was_retired = FALSE;
begin
Begin:
    right[self] := IF mine.op \in {"pop", "scan"} THEN {None} ELSE {RightNow(mine, map)};
Seek: \* the root is always clean
    turn := Root; path := <<>>;
    if IsInner(edge[Root].to) then
        above := Root; top := edge[Root];
        turn := IF mine.op = "lower" /\ Side(mine, edge[Root].to) = 2 THEN <<edge[Root].to, 1>> ELSE Root;
        path := IF mine.op = "scan" THEN <<<<edge[Root].to, 2>>>> ELSE <<>>;
        e := <<edge[Root].to, Side(mine, edge[Root].to)>>;
    else
        above := Root; top := edge[Root]; e := Root; w := edge[Root]; goto Leaf;
    end if;
Read:
    with x = edge[e] do
        if ~Clean(x) /\ ~M("no_validation") then w := x; was_retired := x.to \in retired; goto Validate
        else
            if x.to \in retired then touched_retired := TRUE end if;
            arrive(x, e, above, top);
        end if;
    end with;
Validate: \* is the last clean edge what it was?
    if edge[above] # top then was_retired := FALSE; goto Seek
    else
        if w.to \in retired then touched_retired := TRUE end if;
        was_retired := FALSE;
        arrive(w, e, above, top);
    end if;

Leaf: \* nothing is shared here
    if dead # Nothing /\ w.to # dead then goto Answer
    elsif dead # Nothing then
        if ~Clean(w) then goto Tag else goto Flag end if;
    elsif mine.op = "scan" then
        if w.to = Nothing then goto Answer elsif w.flag then goto Next else goto Value end if;
    elsif mine.op = "lower" then
        if ~Clean(w) then goto Tag
        elsif w.to # Nothing /\ leaf_key[w.to] < mine.key then goto Value
        elsif turn = Root then found := None; goto Check
        else e2 := turn; goto Cross end if;
    elsif mine.op = "pop" then
        if w.to = Nothing then goto Answer elsif ~Clean(w) then goto Tag else goto Value end if;
    elsif w.to # Nothing /\ leaf_key[w.to] = mine.key /\ ~w.flag then goto Value
    elsif mine.op = "put" then
        if Clean(w) then goto Insert else goto Tag end if;
    else found := None; goto Check end if;

Value:
    found := value[w.to];
    if mine.op = "scan" then
        if value[w.to] # None then
            if leaf_key[w.to] <= last then disorder := TRUE end if;
            last := leaf_key[w.to];
        end if;
        goto Next;
    elsif mine.op = "get" then goto Check
    elsif value[w.to] = None then
        if mine.op = "rem" then goto Check
        elsif ~Clean(w) then goto Tag else goto Flag end if;
    elsif mine.op = "lower" then goto LookAgain
    elsif mine.op = "pop" /\ ~M("pops_value_first") then goto FlagFirst
    end if;
Swap: \* put, remove: the value decides; also when a pop has flagged the leaf since we found it
    if value[w.to] # found then goto Value
    elsif under_way[w.to] # {} then
        if self \notin under_way[w.to] then lost_update := TRUE end if;
        right := [t \in Threads |-> IF t \in under_way[w.to] /\ right[t] # {} /\ Ops[t].op = "get" /\ Ops[t].key = leaf_key[w.to]
                                    THEN right[t] \cup {mine.value} ELSE right[t]];
    else
        if mine.op = "pop" /\ \E k \in Keys : k < leaf_key[w.to] /\ map[k] # None then not_the_first := TRUE end if;
        takes_effect(leaf_key[w.to], found, mine.value);
    end if;
    if value[w.to] = found then value[w.to] := mine.value end if;
    if mine.op = "put" then goto Answer else dead := w.to; popped := TRUE; goto Flag end if;

Insert:
    if edge[e] # w then goto Seek
    else
        with own = OwnLeaf(self), n = OwnInner(self), before = w.to # Nothing /\ leaf_key[w.to] < mine.key do
            edge := [edge EXCEPT ![e] = To(n, w.version + 1),
                                 ![<<n, 1>>] = To(IF before THEN w.to ELSE own, 0),
                                 ![<<n, 2>>] = To(IF before THEN own ELSE w.to, 0)];
            inner_key[n] := IF w.to = Nothing THEN Infinite ELSE IF before THEN mine.key ELSE leaf_key[w.to];
            leaf_key[own] := mine.key;
            value[own] := mine.value;
        end with;
        takes_effect(mine.key, None, mine.value);
        goto Answer;
    end if;

FlagFirst: \* a pop: nothing comes in front of a flagged edge
    if edge[e] # w then goto Seek
    else
        edge[e].flag := TRUE;
        w := [w EXCEPT !.flag = TRUE];
        if value[w.to] # None then
            if \E k \in Keys : k < leaf_key[w.to] /\ map[k] # None then not_the_first := TRUE end if;
            under_way[w.to] := Active;
            takes_effect(leaf_key[w.to], value[w.to], None);
        end if;
    end if;
Take:
    popped := value[w.to] # None;
    dead := w.to;
    value[w.to] := None;
    goto Tag;

Flag:
    if edge[e] # w then goto Seek
    else
        edge[e].flag := TRUE;
        w := [w EXCEPT !.flag = TRUE];
    end if;
Tag: \* of two edges one is flagged: this one, or the one beside it
    if ~w.flag then e := Other(e) end if;
    w := [edge[IF w.flag THEN Other(e) ELSE e] EXCEPT !.tag = FALSE];
    if ~M("no_tag") then edge[IF w.flag THEN Other(e) ELSE e].tag := TRUE end if;
Swing: \* w: what moves up; e: the edge to the leaf that goes
    if edge[above] # top then goto AfterSwing
    else
        edge[above] := [w EXCEPT !.version = IF M("no_version") THEN top.version ELSE top.version + 1,
                                 !.flag = w.flag /\ ~M("drops_the_flag")];
    end if;
Retire: \* all of it is ours
    with gone = IF M("retires_two") THEN {e[1], edge[e].to} ELSE Chained(top.to, e) do
        if gone \cap retired # {} then retired_twice := TRUE end if;
        retired := retired \cup gone;
    end with;
AfterSwing:
    if dead # Nothing /\ ~popped /\ dead \in retired then dead := Nothing end if;
    goto Seek;

LookAgain: \* lower, on the leaf's own side: the edge is what it was
    if edge[e] # w then goto Seek else goto Check end if;
Cross: \* to the greatest leaf below the edge that was left aside
    with x = edge[e2] do
        if ~Clean(x) then goto Seek
        else
            if x.to \in retired then touched_retired := TRUE end if;
            if IsInner(x.to) then e2 := <<x.to, 2>>; goto Cross else w2 := x end if;
        end if;
    end with;
Value2:
    found := value[w2.to];
    if value[w2.to] = None then goto Seek end if;
LookAgain2:
    if edge[e] # w then goto Seek end if;
LookAgain3:
    if edge[e2] # w2 then goto Seek else goto Check end if;

Next: \* scan: from the last node at which the way has turned
    if path = <<>> \/ ~Clean(edge[path[Len(path)]]) then goto Answer
    else
        e2 := path[Len(path)];
        w := edge[path[Len(path)]];
        if w.to \in retired then touched_retired := TRUE end if;
        path := IF IsInner(w.to) THEN Append(SubSeq(path, 1, Len(path) - 1), <<w.to, 2>>) ELSE SubSeq(path, 1, Len(path) - 1);
        if IsInner(w.to) then e := <<w.to, 1>> else goto LookBack end if;
    end if;
Down:
    with x = edge[e] do
        if ~Clean(x) then goto Answer
        else
            if x.to \in retired then touched_retired := TRUE end if;
            if IsInner(x.to) then path := Append(path, <<x.to, 2>>); e := <<x.to, 1>>; goto Down else w := x end if;
        end if;
    end with;
LookBack: \* is the node where the ways part still linked?
    if ~Clean(edge[e2]) /\ ~M("does_not_look_back") then goto Answer
    elsif w.to = Nothing then goto Answer else goto Value end if;

Check:
    if found \notin right[self] then lost_update := TRUE end if;
Answer:
    if mine.op = "pop" /\ dead # Nothing /\ ~popped then dead := Nothing; goto Seek
    else
        right[self] := {};
        above := Root; top := To(0, 0); e := Root; w := To(0, 0); e2 := Root; w2 := To(0, 0); turn := Root; path := <<>>;
        last := None; dead := Nothing; popped := FALSE; found := None; \* fewer states
    end if;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

NeverTouchesRetired == ~touched_retired
RetiredOnce == ~retired_twice
RetiredIsUnreachable == Linked \cap retired = {}

(* Every answer was right at some point of its operation, every update was one of what was there, a pop takes what
   is the first, and a scan goes upwards. *)
Linearizable == ~lost_update /\ ~not_the_first /\ ~disorder

AllDone == \A t \in Threads : pc[t] = "Done"
Published == {n \in Inners : inner_key[n] # None} \cup {l \in Leaves : leaf_key[l] # None}

(* At the end what is not linked has been retired, and the tree is the map. *)
NothingIsLost == AllDone => Published \ retired = Linked
TreeIsMap == AllDone =>
    /\ {leaf_key[l] : l \in Linked \cap Leaves} = {k \in Keys : map[k] # None}
    /\ \A l \in Linked \cap Leaves : value[l] = map[leaf_key[l]]
=============================================================================
