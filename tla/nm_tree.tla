-------------------------------- MODULE nm_tree --------------------------------
(* The binary search tree of csrc/ordered/bst.c: entries are leaves, edges are marked, a swing of the last clean
   edge unlinks a chain of nodes, and whoever swings retires all of it.

   Reclamation is what smr_ibr.tla and smr_debra.tla show it to be; what it asks for is checked here: a node that
   an edge leads to had not been retired when the rule of steps was satisfied. Nodes are not used again.       *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Ops,        \* <<<<[op |-> .., key |-> .., value |-> ..], ...>>, ...>>: what each thread does
    Before,     \* keys at the beginning, <<1, 2, ...>>: the values 1, 2, ...
    Routing,    \* the keys of inner nodes at the beginning, from the second on
    RightSide,  \* is the tree at the beginning a path to the right, or to the left?
    Mutation    \* "none", or what is broken on purpose

\* Values for these; a configuration cannot say records.
Get(k) == [op |-> "get", key |-> k, value |-> 0]
Put(k, v) == [op |-> "put", key |-> k, value |-> v]
Rem(k) == [op |-> "rem", key |-> k, value |-> 0]
Lower(k) == [op |-> "lower", key |-> k, value |-> 0]
Pop == [op |-> "pop", key |-> 0, value |-> 0]
Scan == [op |-> "scan", key |-> 0, value |-> 0]
One == <<1>>
Two == <<2>>
OneTwo == <<1, 2>>
OneTwoThree == <<1, 2, 3>>
OneTwoFour == <<1, 2, 4>>
TwoThree == <<2, 3>>
Chain == <<<<Rem(1)>>, <<Rem(3)>>, <<Get(2)>>>>
ChainAndPut == <<<<Rem(1)>>, <<Rem(3)>>, <<Put(1, 4)>>>>
RemovePutGet == <<<<Rem(1)>>, <<Put(1, 4)>>, <<Get(1), Get(2)>>>>
PopPutGet == <<<<Pop>>, <<Put(1, 4)>>, <<Get(1)>>>>
InFrontOfPop == <<<<Put(1, 4)>>, <<Pop>>, <<Get(2)>>>>
PopsAndRemove == <<<<Pop>>, <<Rem(2), Pop>>>>
Gap == <<<<Put(3, 4), Rem(2), Put(2, 5), Rem(3), Put(3, 6), Rem(2)>>, <<Lower(4)>>>>
GapBoth == <<<<Put(3, 4)>>, <<Rem(2)>>, <<Lower(4)>>>>
ScanAndMove == <<<<Rem(1), Put(1, 4)>>, <<Scan>>>>

Threads == 1 .. Len(Ops)
M(name) == Mutation = name
None == 0
Keys == 0 .. 4
Infinite == 9
Max(s) == CHOOSE x \in s : \A y \in s : y <= x

(* Inner nodes are 1 .. 99, leaves 101 .. 199; 0 is beyond all keys. What is there at the beginning has the first
   numbers, and each put has one of each for itself. *)
Nothing == 0
Root == <<0, 1>>
IsInner(n) == n \in 1 .. 99
Clean(x) == ~x.flag /\ ~x.tag
To(n, version) == [to |-> n, flag |-> FALSE, tag |-> FALSE, version |-> version]
Bump == IF M("no_version") THEN 0 ELSE 1
OwnInner(t, step) == 10 * t + step
OwnLeaf(t, step) == 100 + 10 * t + step
Count == Len(Before)
Puts == UNION {{<<t, step>> : step \in {x \in 1 .. Len(Ops[t]) : Ops[t][x].op = "put"}} : t \in Threads}
Inners == 1 .. Count \cup {OwnInner(p[1], p[2]) : p \in Puts}
Leaves == {100 + x : x \in 1 .. Count} \cup {OwnLeaf(p[1], p[2]) : p \in Puts}

(* Inner node 1 is the infinite one. A path to the left: node n has leaf n on its right, and node n - 1 or the first
   leaf on its left; a path to the right likewise. *)
FirstEdge(n, side) ==
    IF n = 0 THEN 1
    ELSE IF n > Count THEN Nothing
    ELSE IF n = 1 THEN IF side = 2 THEN Nothing ELSE IF Count = 1 THEN 101 ELSE IF RightSide THEN 2 ELSE Count
    ELSE IF RightSide THEN IF side = 1 THEN 99 + n ELSE IF n = Count THEN 100 + n ELSE n + 1
    ELSE IF side = 2 THEN 100 + n ELSE IF n = 2 THEN 101 ELSE n - 1

(* --algorithm nm_tree
variables
    edge = [a \in ((Inners \cup {0}) \X {1, 2}) |-> To(FirstEdge(a[1], a[2]), 0)],
    inner_key = [n \in Inners |-> IF n = 1 THEN Infinite ELSE IF n <= Count THEN Routing[n - 1] ELSE None],
    leaf_key = [l \in Leaves |-> IF l <= 100 + Count THEN Before[l - 100] ELSE None],
    value = [l \in Leaves |-> IF l <= 100 + Count THEN l - 100 ELSE None],  \* None: dead
    retired = {},
    map = [k \in Keys |-> IF \E i \in 1 .. Count : Before[i] = k THEN CHOOSE i \in 1 .. Count : Before[i] = k ELSE None],
    doing = [t \in Threads |-> Ops[t][1]],
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
    right := [t \in Threads |-> IF right[t] = {} THEN {} ELSE right[t] \cup {RightNow(doing[t], [map EXCEPT ![k] = new])}];
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
    mine = Ops[self][1], step = 1,
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
    above := Root; top := edge[Root];
    if IsInner(edge[Root].to) then
        turn := IF mine.op = "lower" /\ Side(mine, edge[Root].to) = 2 THEN <<edge[Root].to, 1>> ELSE Root;
        path := IF mine.op = "scan" THEN <<<<edge[Root].to, 2>>>> ELSE <<>>;
        e := <<edge[Root].to, Side(mine, edge[Root].to)>>;
    else
        turn := Root; path := <<>>; e := Root; w := edge[Root]; goto Leaf;
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
        if w.to = Nothing then goto Answer elsif w.flag then goto GoOn else goto Value end if;
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
        goto GoOn;
    elsif mine.op = "get" then goto Check
    elsif value[w.to] = None then
        if mine.op = "rem" then goto Check
        elsif ~Clean(w) then goto Tag else goto Flag end if;
    elsif mine.op = "lower" then goto LookAgain
    elsif mine.op = "pop" /\ ~M("pops_value_first") then goto FlagFirst
    end if;
Swap: \* put, remove: the value decides; also when a pop has flagged the leaf since we found it
    if value[w.to] # found then goto Value
    else
        if under_way[w.to] # {} then
            if self \notin under_way[w.to] then lost_update := TRUE end if;
            right := [t \in Threads |-> IF t \in under_way[w.to] /\ right[t] # {} /\ doing[t].op = "get" /\ doing[t].key = leaf_key[w.to]
                                        THEN right[t] \cup {mine.value} ELSE right[t]];
        else
            if mine.op = "pop" /\ (\E k \in Keys : k < leaf_key[w.to] /\ map[k] # None) then not_the_first := TRUE end if;
            takes_effect(leaf_key[w.to], found, mine.value);
        end if;
        value[w.to] := mine.value;
        if mine.op = "put" then goto Answer else dead := w.to; popped := TRUE; goto Flag end if;
    end if;

Insert:
    if edge[e] # w then goto Seek
    else
        with own = OwnLeaf(self, step), n = OwnInner(self, step), before = w.to # Nothing /\ leaf_key[w.to] < mine.key do
            edge := [edge EXCEPT ![e] = To(n, w.version + Bump),
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
            if (\E k \in Keys : k < leaf_key[w.to] /\ map[k] # None) then not_the_first := TRUE end if;
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
    with gone = IF w.flag THEN e ELSE Other(e) do
        e := gone;
        w := [edge[Other(gone)] EXCEPT !.tag = FALSE];
        if ~M("no_tag") then edge[Other(gone)].tag := TRUE end if;
    end with;
Swing: \* w: what moves up; e: the edge to the leaf that goes
    if edge[above] # top then goto Seek
    else
        edge[above] := [w EXCEPT !.version = top.version + Bump, !.flag = w.flag /\ ~M("drops_the_flag")];
    end if;
Retire: \* all of it is ours
    with gone = IF M("retires_two") THEN {e[1], edge[e].to} ELSE Chained(top.to, e) do
        if gone \cap retired # {} then retired_twice := TRUE end if;
        retired := retired \cup gone;
    end with;
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

GoOn: \* scan: from the last node at which the way has turned
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
        if step < Len(Ops[self]) then
            mine := Ops[self][step + 1]; doing[self] := Ops[self][step + 1]; step := step + 1;
            goto Begin;
        end if;
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
