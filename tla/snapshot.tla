------------------------------ MODULE snapshot ------------------------------
(* Point-in-time snapshots of the skip list: one collector for all who take one, cut when it is closed.

   Two keys, at the beginning in nodes 1 and 2, and a third node for a put of an absent key. Of the list there is
   which node of a key is linked; searches of it are one step, and right. Nodes die by a tombstone, and are unlinked
   by who has killed them or who wants to put behind them.

   Every access to shared memory is one step. Where the order of a CAS and the loads behind it matters, a mutation lets
   the CAS be late: it has succeeded, waits in its thread's buffer, and until it reaches memory nobody else's CAS on that
   word succeeds. That is a store conditional before which later loads may be done. The orders of loads are mutations
   that exchange them.

   The whole history is checked. `ways` are the ways in which the operations so far can be linearized on the sequential map: its
   content, and of each open operation whether it has taken effect and with what result. A snapshot is an operation
   like others, and its result is the content. When a response leaves no way, the history is not linearizable.

   Turn leaves out orders that cannot matter: a step that commutes with all that others may still do is done at once. *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Scene,      \* which programs the threads have, see below
    Reduced,    \* FALSE: all orders, Turn leaves out none
    Mutation    \* "none", or what is broken on purpose

M(name) == Mutation = name

(* Words, and what stands in their place. *)
None == 0
Tombstone == 7
Unset == 8      \* a record without an answer
Frozen == 9
Absent == 10    \* results
Ok == 11
Other == 12
Idle == <<13>>  \* of a thread in `ways`; <<>>: its operation has not taken effect

Put(k, w) == <<"put", k, w>>
Get(k) == <<"get", k>>
Remove(k) == <<"remove", k>>
Replace(k, expected, w) == <<"replace", k, w, expected>>
Snapshot == <<"snapshot", 0>>

Programs ==
    CASE Scene = "one" -> << <<Put(1, 2), Put(2, 2)>>, <<Snapshot>> >>
      [] Scene = "seen" -> << <<Put(1, 2)>>, <<Get(1), Put(2, 2)>>, <<Snapshot>> >>
      [] Scene = "failed" -> << <<Put(1, 2)>>, <<Replace(1, 1, 3), Put(2, 2)>>, <<Snapshot>> >>
      [] Scene = "gone" -> << <<Remove(1)>>, <<Get(1), Put(2, 2)>>, <<Snapshot>> >>
      [] Scene = "behind" -> << <<Remove(1)>>, <<Put(1, 2), Put(2, 2)>>, <<Snapshot>> >>
      [] Scene = "overtaken" -> << <<Put(1, 2), Put(2, 2)>>, <<Get(1)>>, <<Snapshot>> >>
      [] Scene = "late" -> << <<Put(2, 2), Put(1, 2)>>, <<Get(1)>>, <<Snapshot>> >>
      [] Scene = "older" -> << <<Put(1, 2), Put(2, 2)>>, <<Put(1, 3)>>, <<Snapshot>> >>
      [] Scene = "share" -> << <<Put(1, 2)>>, <<Snapshot>>, <<Snapshot, Put(2, 2)>> >>
      [] Scene = "new" -> << <<Put(2, 2), Put(1, 2)>>, <<Get(2)>>, <<Snapshot>> >>

Threads == 1 .. Len(Programs)
Nodes == 1 .. 3
AtFirst == IF Scene = "new" THEN <<1, Absent>> ELSE <<1, 1>>   \* the content
KeyOf(n) == IF n = 3 THEN IF Scene = "new" THEN 2 ELSE 1 ELSE n
Snapshots == Cardinality({x \in {<<t, i>> : t \in Threads, i \in 1 .. 2} :
    x[2] <= Len(Programs[x[1]]) /\ Programs[x[1]][x[2]] = Snapshot})
Collectors == 1 .. Snapshots

(* Memory: the value of a node, the node that is linked for a key, list->collector, a collector's state (<<>>: open, else
   what the walk has found), the number of a node's records in a collector, and what they answer. *)
Value(n) == n
Link(k) == 3 + k
Collector == 6
State(c) == 6 + c
HeadOf(c, n) == 6 + Snapshots + 3 * (c - 1) + n
Answer(c, n, h) == 6 + 4 * Snapshots + 9 * (c - 1) + 3 * (n - 1) + h
Words == 1 .. 6 + 13 * Snapshots
IsState(l) == l \in {State(c) : c \in Collectors}
IsAnswer(l) == l > 6 + 4 * Snapshots
Beginning == [l \in Words |->
    IF l = Value(1) THEN 1
    ELSE IF l = Value(2) THEN IF AtFirst[2] = Absent THEN Tombstone ELSE 1
    ELSE IF l = Link(1) THEN 1
    ELSE IF l = Link(2) THEN IF AtFirst[2] = Absent THEN None ELSE 2
    ELSE IF IsState(l) THEN <<>>
    ELSE IF IsAnswer(l) THEN Unset
    ELSE None]

(* The sequential map: its content and the result, after an operation. *)
Apply(m, op) ==
    CASE op[1] = "get" -> <<m, <<m[op[2]]>> >>
      [] op[1] = "put" -> <<[m EXCEPT ![op[2]] = op[3]], <<m[op[2]]>> >>
      [] op[1] = "remove" -> <<[m EXCEPT ![op[2]] = Absent], <<m[op[2]]>> >>
      [] op[1] = "replace" ->
            IF m[op[2]] = Absent THEN <<m, <<Absent>> >>
            ELSE IF m[op[2]] = op[4] THEN <<[m EXCEPT ![op[2]] = op[3]], <<Ok>> >>
            ELSE <<m, <<Other>> >>
      [] op[1] = "snapshot" -> <<m, m>>

(* --algorithm snapshot
variables
    mem = Beginning,
    buffer = [t \in Threads |-> <<>>],
    armed = 0,                                    \* collectors so far
    ways = {<<AtFirst, [t \in Threads |-> Idle]>>},
    two_of_one_key = FALSE,
    at = [t \in Threads |-> 1],                   \* the operation
    n = [t \in Threads |-> None],                 \* its node
    v = [t \in Threads |-> None],                 \* the word that it has seen or put
    c = [t \in Threads |-> None],                 \* the collector
    h = [t \in Threads |-> 0],                    \* the record, by number
    x = [t \in Threads |-> None],                 \* what the record will answer
    behind = [t \in Threads |-> "respond"],       \* what comes behind the report
    r = [t \in Threads |-> <<>>],                 \* the result
    array = [t \in Threads |-> <<>>],             \* a snapshot's: nodes with their values, by key
    found = [t \in Threads |-> <<>>];             \* and what was reported, by node

define
    Op(t) == Programs[t][at[t]]
    IsOpen(t) == at[t] <= Len(Programs[t])
    Next1(W) == W \cup UNION {{LET a == Apply(w[1], Op(t)) IN <<a[1], [w[2] EXCEPT ![t] = a[2]]>> :
                               t \in {u \in Threads : w[2][u] = <<>>}} : w \in W}
    After(t, result) == \* the ways that are left when t's operation answers
        {<<w[1], [w[2] EXCEPT ![t] = Idle]>> :
            w \in {q \in Next1(Next1(Next1(Next1(ways)))) : q[2][t] = result}}
    Invoked(t) == {<<w[1], [w[2] EXCEPT ![t] = <<>>]>> : w \in ways}

    (* What a thread reads: its own last store that is still in its buffer, or memory. *)
    Own(t, l) == {i \in 1 .. Len(buffer[t]) : buffer[t][i][1] = l}
    Seen(t, l) == IF Own(t, l) = {} THEN mem[l]
                  ELSE buffer[t][CHOOSE i \in Own(t, l) : \A j \in Own(t, l) : j <= i][2]
    IsFree(t, l) == \A u \in Threads \ {t} : Own(u, l) = {}

    (* Forget what is in collectors that nobody reaches any more: only to have fewer states. *)
    IsForgotten(k, t) == mem[Collector] # k /\ \A u \in Threads \ {t} : c[u] # k
    CollectorOf(l) == IF IsState(l) THEN l - 6 ELSE IF IsAnswer(l) THEN (l - 7 - 4 * Snapshots) \div 9 + 1
                      ELSE (l - 7 - Snapshots) \div 3 + 1
    Tidied(t) == IF buffer # [u \in Threads |-> <<>>] THEN mem
                 ELSE [l \in Words |-> IF l > 6 /\ IsForgotten(CollectorOf(l), t) THEN Beginning[l] ELSE mem[l]]

    (* Partial order reduction; a mutation that it would hide would not be refuted. *)
    Writes(t, k) == \E i \in at[t] .. Len(Programs[t]) :
        Programs[t][i][1] \in {"put", "remove", "replace"} /\ Programs[t][i][2] = k
    OthersWrite(t, k) == \E u \in Threads \ {t} : Writes(u, k)
    OthersTakeSnapshots(t) == \E u \in Threads \ {t} : \E i \in at[u] .. Len(Programs[u]) :
        Programs[u][i] = Snapshot
    IsEager(t) ==
        \/ pc[t] \in {"Result", "Respond"}
        \/ pc[t] = "Found" /\ n[t] # None /\ ~OthersWrite(t, KeyOf(n[t]))
        \/ pc[t] \in {"ReadValue", "LookAt"} /\ ~OthersWrite(t, KeyOf(n[t]))
        \/ pc[t] = "Walk" /\ ~OthersWrite(t, Len(array[t]) + 1)
        \/ pc[t] \in {"Observe", "Disarm"} /\ ~OthersTakeSnapshots(t)
        \/ pc[t] = "LookAtAnswer" /\ mem[Answer(c[t], n[t], h[t])] # Unset
        \/ pc[t] = "StillOpen" /\ mem[State(c[t])] # <<>>
        \/ pc[t] = "Heads" /\ \A i \in 1 .. mem[HeadOf(c[t], n[t])] : mem[Answer(c[t], n[t], i)] # Unset
        \/ pc[t] = "Freeze" /\ mem[Answer(c[t], n[t], h[t])] # Unset
    Turn(t) ==
        IF ~Reduced \/ buffer # [u \in Threads |-> <<>>] THEN TRUE
        ELSE LET E == {u \in Threads : IsEager(u)} IN
             IF E = {} THEN TRUE ELSE t = CHOOSE u \in E : \A w \in E : u <= w

    (* What a snapshot says of a key: of its nodes those with a live word. A report counts over the walk. *)
    Word(t, m) == LET walked == array[t][KeyOf(m)] IN
        IF M("array_wins") /\ walked[1] = m THEN walked[2]
        ELSE IF found[t][m] # None THEN found[t][m]
        ELSE IF walked[1] = m THEN walked[2] ELSE Tombstone
    LiveNodes(t, k) == {m \in Nodes : KeyOf(m) = k /\ Word(t, m) # Tombstone}
    Content(t) == [k \in 1 .. 2 |-> IF LiveNodes(t, k) = {} THEN Absent
                                    ELSE Word(t, CHOOSE m \in LiveNodes(t, k) : TRUE)]
end define;

(* A CAS that has succeeded, and whose store may be late. *)
macro later(l, w) begin
    buffer[self] := Append(buffer[self], <<l, w>>);
end macro;

(* A CAS whose order matters: behind all that the thread has stored, and in front of its next load. *)
macro at_once(l, w) begin
    await buffer[self] = <<>>;
    mem[l] := w;
end macro;

(* The one or the other. *)
macro store(l, w, mutation) begin
    if M(mutation) then later(l, w) else at_once(l, w) end if;
end macro;

process memory = 0
begin
Drain:
    while TRUE do
        with t \in {u \in Threads : buffer[u] # <<>>} do
            mem[buffer[t][1][1]] := buffer[t][1][2];
            buffer[t] := Tail(buffer[t]);
        end with;
    end while;
end process;

process thread \in Threads
begin
Begin: \* the call, and its first load
    await Turn(self);
    if ~IsOpen(self) then
        goto Done;
    else
        ways := Invoked(self);
        if Op(self) = Snapshot then
            c[self] := Seen(self, Collector);
            if Seen(self, Collector) = None then goto Arm else goto Join end if;
        else
            n[self] := Seen(self, Link(Op(self)[2]));
            goto Found;
        end if;
    end if;

(* ---- operations on one key *)
Find: \* the search, again
    await Turn(self);
    n[self] := Seen(self, Link(Op(self)[2]));
Found:
    await Turn(self);
    if n[self] = None then
        if Op(self)[1] = "put" then
            goto Insert;
        else
            r[self] := <<Absent>>;
            goto Respond;
        end if;
    elsif Op(self)[1] = "get" /\ M("getter_looks_first") /\ v[self] = None then
        c[self] := Seen(self, Collector);
        v[self] := Unset;
        goto Found;
    else
        with w = Seen(self, Value(n[self])) do
            v[self] := w;
            if Op(self)[1] = "get" then
                r[self] := <<IF w = Tombstone THEN Absent ELSE w>>;
                if M("getter_silent") then goto Respond
                elsif M("getter_looks_first") /\ c[self] = None then goto Respond
                elsif M("getter_looks_first") then goto LookAtHead
                else goto Observe end if;
            elsif Op(self)[1] = "put" /\ w = Tombstone then
                behind[self] := "again"; \* who links behind a dead node says that it is dead
                if M("helper_silent") then goto Unlink else goto Observe end if;
            elsif w = Tombstone then
                r[self] := <<Absent>>;
                if M("failed_silent") then goto Respond else goto Observe end if;
            elsif Op(self)[1] = "replace" /\ w # Op(self)[4] then
                r[self] := <<Other>>;
                if M("failed_silent") then goto Respond else goto Observe end if;
            else
                goto Swap;
            end if;
        end with;
    end if;
Swap: \* the effect
    await Turn(self) /\ IsFree(self, Value(n[self]));
    if M("flag_before_effect") /\ c[self] = None /\ x[self] = None then
        c[self] := Seen(self, Collector);
        x[self] := Unset;
        goto Swap;
    elsif Seen(self, Value(n[self])) # v[self] then
        v[self] := None; c[self] := None; x[self] := None;
        goto Found;
    else
        store(Value(n[self]), IF Op(self)[1] = "remove" THEN Tombstone ELSE Op(self)[3], "late_effect");
        r[self] := <<IF Op(self)[1] = "replace" THEN Ok ELSE v[self]>>;
        v[self] := IF Op(self)[1] = "remove" THEN Tombstone ELSE Op(self)[3];
        behind[self] := IF Op(self)[1] = "remove" THEN "unlink" ELSE "respond";
        x[self] := None;
        if M("writer_silent") \/ (M("flag_before_effect") /\ c[self] = None) then
            if Op(self)[1] = "remove" then goto Unlink else goto Respond end if;
        elsif M("flag_before_effect") then
            goto LookAtHead;
        elsif M("remover_unlinks_first") /\ Op(self)[1] = "remove" then
            goto Unlink;
        else
            goto Observe;
        end if;
    end if;
Insert: \* the effect
    await Turn(self) /\ IsFree(self, Link(Op(self)[2])) /\ buffer[self] = <<>>;
    if mem[Link(Op(self)[2])] # None then
        goto Find;
    else
        mem := [mem EXCEPT ![Value(3)] = Op(self)[3], ![Link(Op(self)[2])] = 3];
        n[self] := 3;
        v[self] := Op(self)[3];
        r[self] := <<Absent>>;
        behind[self] := "respond";
        if M("writer_silent") then goto Respond end if;
    end if;

(* ---- observe, report: n has been seen with v *)
Observe: \* the collector, then its state, which only goes from open to closed: as if both were read where the second is
    await Turn(self) /\ (buffer[self] = <<>> \/ M("late_effect"));
    if Seen(self, Collector) # None /\ Seen(self, State(Seen(self, Collector))) = <<>> then
        c[self] := Seen(self, Collector);
        if M("read_before_install") then x[self] := Seen(self, Value(n[self])) end if;
    elsif behind[self] = "respond" then
        goto Respond;
    else
        goto Unlink;
    end if;
LookAtHead:
    await Turn(self);
    h[self] := Seen(self, HeadOf(c[self], n[self]));
    if Seen(self, HeadOf(c[self], n[self])) = 0 then goto Install end if;
LookAtAnswer:
    await Turn(self);
    if Seen(self, Answer(c[self], n[self], h[self])) \in {v[self], Frozen} then
        if behind[self] = "respond" then goto Respond else goto Unlink end if;
    end if;
Install:
    await Turn(self) /\ IsFree(self, HeadOf(c[self], n[self]));
    if Seen(self, HeadOf(c[self], n[self])) = h[self] then
        if M("older_dropped") /\ h[self] > 0 then
            mem := [mem EXCEPT ![HeadOf(c[self], n[self])] = h[self] + 1,
                               ![Answer(c[self], n[self], h[self])] = Frozen];
        else
            at_once(HeadOf(c[self], n[self]), h[self] + 1);
        end if;
        h[self] := h[self] + 1;
        if M("reports_own_word") then
            x[self] := v[self];
            goto Resolve;
        elsif M("read_before_install") then
            goto StillOpen;
        end if;
    else
        goto LookAtHead;
    end if;
ReadValue:
    await Turn(self) /\ (buffer[self] = <<>> \/ M("late_effect"));
    if M("state_before_value") /\ x[self] = None then
        x[self] := Unset;
        if Seen(self, State(c[self])) = <<>> then
            goto ReadValue;
        elsif behind[self] = "respond" then
            goto Respond;
        else
            goto Unlink;
        end if;
    else
        x[self] := Seen(self, Value(n[self]));
        if M("resolves_when_closed") \/ M("state_before_value") then goto Resolve end if;
    end if;
StillOpen:
    await Turn(self);
    if Seen(self, State(c[self])) # <<>> then
        if behind[self] = "respond" then goto Respond else goto Unlink end if;
    end if;
Resolve:
    await Turn(self) /\ IsFree(self, Answer(c[self], n[self], h[self]));
    if Seen(self, Answer(c[self], n[self], h[self])) = Unset then
        at_once(Answer(c[self], n[self], h[self]), x[self]);
    end if;
    x[self] := None;
    if behind[self] = "respond" then
        goto Respond;
    end if;
Unlink: \* marks it, so that anybody may unlink it
    await Turn(self) /\ IsFree(self, Link(Op(self)[2]));
    if Seen(self, Link(Op(self)[2])) = n[self] then at_once(Link(Op(self)[2]), None) end if;
    if behind[self] = "again" then
        n[self] := None; v[self] := None; c[self] := None; h[self] := 0; x[self] := None;
        behind[self] := "respond";
        goto Find;
    elsif M("remover_unlinks_first") then
        behind[self] := "respond";
        goto Observe;
    else
        goto Respond;
    end if;

(* ---- snapshot *)
Join:
    await Turn(self);
    if Seen(self, State(c[self])) = <<>> then goto Walk end if;
Clear: \* it is closed; nobody's next look is at it
    await Turn(self) /\ IsFree(self, Collector);
    if Seen(self, Collector) = c[self] then mem[Collector] := None end if;
    c[self] := None;
Arm:
    await Turn(self) /\ IsFree(self, Collector);
    if Seen(self, Collector) # None then
        c[self] := Seen(self, Collector);
        goto Join;
    else
        store(Collector, armed + 1, "late_arming");
        c[self] := armed + 1;
        armed := armed + 1;
    end if;
Walk: \* a link
    await Turn(self);
    with m = Seen(self, Link(Len(array[self]) + 1)) do
        if m # None then
            n[self] := m;
        else
            array[self] := Append(array[self], <<None, None>>);
            if Len(array[self]) = 2 then goto Close else goto Walk end if;
        end if;
    end with;
LookAt: \* its value
    await Turn(self);
    array[self] := Append(array[self], <<n[self], Seen(self, Value(n[self]))>>);
    if Len(array[self]) = 1 then goto Walk end if;
Close: \* the linearization point of all who have joined
    await Turn(self) /\ IsFree(self, State(c[self]));
    if Seen(self, State(c[self])) = <<>> then
        store(State(c[self]), array[self], "late_close");
    elsif ~M("joiner_uses_own") then
        array[self] := Seen(self, State(c[self]));
    end if;
    n[self] := 1;
Disarm:
    await Turn(self) /\ IsFree(self, Collector) /\ (buffer[self] = <<>> \/ M("late_close") \/ M("late_arming"));
    if Seen(self, Collector) = c[self] then
        if buffer[self] = <<>> then mem[Collector] := None else later(Collector, None) end if;
    end if;
Heads:
    await Turn(self);
    h[self] := Seen(self, HeadOf(c[self], n[self]));
    if Seen(self, HeadOf(c[self], n[self])) = 0 then
        found[self] := Append(found[self], None);
        if n[self] = 3 then goto Result else n[self] := n[self] + 1; goto Heads end if;
    end if;
Freeze: \* CAS of the answer, from nothing
    await Turn(self) /\ IsFree(self, Answer(c[self], n[self], h[self]));
    with a = Seen(self, Answer(c[self], n[self], h[self])) do
        if a = Unset /\ ~M("no_freeze") then
            mem[Answer(c[self], n[self], h[self])] := Frozen;
        end if;
        if a \in {Unset, Frozen} /\ h[self] > 1 then
            h[self] := h[self] - 1;
            goto Freeze;
        else
            found[self] := Append(found[self], IF a \in {Unset, Frozen} THEN None ELSE a);
            if n[self] = 3 then goto Result else n[self] := n[self] + 1; goto Heads end if;
        end if;
    end with;
Result:
    await Turn(self);
    r[self] := Content(self);
    two_of_one_key := two_of_one_key \/ \E k \in 1 .. 2 : Cardinality(LiveNodes(self, k)) > 1;

Respond:
    await Turn(self);
    ways := After(self, r[self]);
    mem := Tidied(self);
    at[self] := at[self] + 1;
    n[self] := None; v[self] := None; c[self] := None; h[self] := 0; x[self] := None;
    behind[self] := "respond"; r[self] := <<>>; array[self] := <<>>; found[self] := <<>>;
    goto Begin;
end process;
end algorithm; *)
\* BEGIN TRANSLATION
\* END TRANSLATION

(* There is one order for all operations and snapshots that have answered. *)
Linearizable == ways # {}

(* A snapshot has no key twice. *)
OneEntryForAKey == ~two_of_one_key
=============================================================================
